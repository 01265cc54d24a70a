"""JSON-RPC over HTTP, through web3's provider: requests, time limits, and what an error answer means."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout
from web3 import AsyncHTTPProvider
from web3.exceptions import Web3Exception
from websockets.exceptions import WebSocketException

from qcrs.chain.codec import Interface, decode_revert
from qcrs.errors import QcrsError

REQUEST_SECONDS = 3.0
READ_TRIES = 3
# ValueError: an answer that is not JSON, for instance a web page.
TRANSPORT_FAULTS = (Web3Exception, WebSocketException, ClientError, OSError, TimeoutError, ValueError)


class ChainUnreachable(QcrsError):
    """The node does not answer. Transient: the caller may try again."""


class TransactionRefused(QcrsError):
    """The node would not take a transaction, for instance for want of funds."""


class _Provider(AsyncHTTPProvider):
    """web3's, with a session of its own.

    web3 keeps sessions in a pool whose lock it takes in another thread, for each request, and its own session opens a
    connection for each.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, exception_retry_configuration=None)
        self._session = ClientSession(
            headers=self.get_request_headers(), timeout=ClientTimeout(REQUEST_SECONDS), raise_for_status=True
        )

    async def _make_request(self, method: str, request_data: bytes) -> bytes:
        async with self._session.post(self.endpoint_uri, data=request_data) as response:
            return await response.read()

    async def disconnect(self) -> None:
        await self._session.close()


class Rpc:
    """One node's HTTP endpoint.

    Args:
        interfaces: Where custom errors are looked up.
    """

    def __init__(self, url: str, interfaces: Mapping[str, Interface]) -> None:
        self.url = url
        self._interfaces = interfaces
        self._provider: _Provider | None = None

    async def close(self) -> None:
        """Let go of the connection; the next request opens another."""
        provider, self._provider = self._provider, None
        if provider is not None:
            with suppress(*TRANSPORT_FAULTS):  # it is given up either way
                await provider.disconnect()

    async def read(self, method: str, *parameters: Any) -> Any:
        """Return the result of a request that may be repeated.

        Raises:
            ChainUnreachable: No answer after several tries.
            ContractRefused: The call reverted.
            TransactionRefused: The node answered with another error.
        """
        for attempt in range(1, READ_TRIES):
            try:
                return await self.request(method, *parameters)
            except ChainUnreachable:
                await asyncio.sleep(0.1 * attempt)
        return await self.request(method, *parameters)

    async def request(self, method: str, *parameters: Any) -> Any:
        """Return the result of a request, sent once.

        Raises:
            As ``read``.
        """
        try:
            if self._provider is None:
                self._provider = _Provider(self.url)
            answer = await self._provider.make_request(method, list(parameters))
        except TRANSPORT_FAULTS as error:
            raise ChainUnreachable(
                f"{method} got no answer from {self.url} ({error!r}); is the chain running? Try 'qcrs devnet status'"
            ) from error
        if "error" in answer:
            raise self._refusal(method, answer["error"])
        return answer["result"]

    def _refusal(self, method: str, error: Mapping[str, Any]) -> QcrsError:
        """Return what a JSON-RPC *error* stands for; nodes put revert data in several places."""
        data = error.get("data")
        if isinstance(data, Mapping):
            data = data.get("result") or data.get("data")
        # Ganache also puts a transaction's hash here.
        if isinstance(data, str) and data.startswith("0x") and len(data) % 64 == 2 + 8:
            return decode_revert(bytes.fromhex(data[2:]), self._interfaces)
        return TransactionRefused(f"{method}: {error.get('message', error)}")
