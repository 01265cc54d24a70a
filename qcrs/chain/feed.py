"""New blocks and logs over a WebSocket, as they happen.

Only two subscriptions travel here, as plain frames: requests go over HTTP. web3's WebSocket provider ends its listener
when an error answer arrives that nobody awaits yet, so a single revert could cost the connection, and it spends one to
two milliseconds of CPU on each message, most of which concern others.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect

from qcrs.chain.rpc import REQUEST_SECONDS, TRANSPORT_FAULTS, ChainUnreachable

MESSAGE_BYTES = 2**26
PING_SECONDS = 20


@dataclass(frozen=True)
class Head:
    """A block's header; the base fee in wei a unit of gas, 0 on chains that have none."""

    number: int
    timestamp: int
    base_fee: int

    @classmethod
    def of(cls, block: Mapping[str, Any]) -> Self:
        """Return the head of a raw JSON-RPC *block*."""
        fee = block.get("baseFeePerGas") or "0x0"
        return cls(int(block["number"], 16), int(block["timestamp"], 16), int(fee, 16))


class Feed:
    """One open subscription to some logs and to new blocks."""

    def __init__(self, url: str, connection: ClientConnection) -> None:
        self._url, self._connection = url, connection
        self._early: list[dict[str, Any]] = []

    @classmethod
    async def open(cls, url: str, logs: dict[str, Any]) -> Self:
        """Subscribe at the WebSocket endpoint *url* to new blocks and to what the filter *logs* lets through.

        Raises:
            ChainUnreachable: Nobody answers, or subscriptions are not served.
        """
        try:
            connection = await connect(
                url, open_timeout=REQUEST_SECONDS, max_size=MESSAGE_BYTES, ping_interval=PING_SECONDS, max_queue=None
            )
        except TRANSPORT_FAULTS as error:
            raise ChainUnreachable(f"{url} takes no connection: {error}") from error
        feed = cls(url, connection)
        try:
            await feed._subscribe(["newHeads"], ["logs", logs])
        except TRANSPORT_FAULTS as error:
            await feed.close()
            raise ChainUnreachable(f"{url} takes no subscription: {error}") from error
        return feed

    async def close(self) -> None:
        """End the subscription."""
        await self._connection.close()

    async def messages(self) -> AsyncGenerator[Head | dict[str, Any], None]:
        """Yield new blocks, and logs as plain JSON-RPC, in the order in which they come.

        Raises:
            ChainUnreachable: The connection was lost.
        """
        try:
            for frame in self._early:
                yield _content(frame)
            async for text in self._connection:
                frame = json.loads(text)
                if frame.get("method") == "eth_subscription":
                    yield _content(frame)
        except TRANSPORT_FAULTS as error:
            raise ChainUnreachable(f"lost the connection to {self._url}: {error}") from error
        raise ChainUnreachable(f"{self._url} ended the subscription")

    async def _subscribe(self, *wanted: list[Any]) -> None:
        for identity, parameters in enumerate(wanted):
            request = {"jsonrpc": "2.0", "id": identity, "method": "eth_subscribe", "params": parameters}
            await self._connection.send(json.dumps(request))
        missing = set(range(len(wanted)))
        while missing:
            frame = json.loads(await asyncio.wait_for(self._connection.recv(), REQUEST_SECONDS))
            if frame.get("id") not in missing:
                self._early.append(frame)  # of a subscription that is made already
                continue
            missing.discard(frame["id"])
            if "result" not in frame:
                raise ConnectionError(f"eth_subscribe: {frame.get('error')}")


def _content(frame: Mapping[str, Any]) -> Head | dict[str, Any]:
    result = frame["params"]["result"]
    return result if "topics" in result else Head.of(result)
