"""New blocks and logs over a WebSocket, as they happen.

Only subscriptions travel here and requests go over HTTP: web3's WebSocket listener ends when an error answer arrives
that nobody awaits yet, so a single revert could cost the connection.
"""

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from web3 import AsyncWeb3, WebSocketProvider

from qcrs.chain.rpc import REQUEST_SECONDS, TRANSPORT_FAULTS, ChainUnreachable

# The provider reports every subscription's synchronisation; our own lines say what matters.
logging.getLogger("web3.providers").setLevel(logging.WARNING)

# Messages kept while we work, before a burst makes the provider drop the connection.
BUFFERED = 10_000
MESSAGE_BYTES = 2**26


@dataclass(frozen=True)
class Head:
    """A block's header; the base fee in wei a unit of gas, 0 on chains that have none."""

    number: int
    timestamp: int
    base_fee: int

    @classmethod
    def of(cls, block: Mapping[str, Any]) -> Self:
        """Return the head of a raw JSON-RPC *block*, or of one that web3 has formatted."""

        def number(value: int | str) -> int:
            return value if isinstance(value, int) else int(value, 16)

        return cls(number(block["number"]), number(block["timestamp"]), number(block.get("baseFeePerGas", 0)))


class Feed:
    """One open subscription to the logs of some contracts and to new blocks."""

    def __init__(self, url: str, w3: AsyncWeb3, heads: str) -> None:
        self._url, self._w3, self._heads = url, w3, heads

    @classmethod
    async def open(cls, url: str, addresses: list[str]) -> Self:
        """Subscribe at the WebSocket endpoint *url*.

        Raises:
            ChainUnreachable: Nobody answers, or subscriptions are not served.
        """
        provider = WebSocketProvider(
            url,
            request_timeout=REQUEST_SECONDS,
            max_connection_retries=1,
            subscription_response_queue_size=BUFFERED,
            websocket_kwargs={"max_size": MESSAGE_BYTES, "ping_interval": 20},
        )
        w3 = AsyncWeb3(provider)
        try:
            await provider.connect()
            heads = await w3.eth.subscribe("newHeads")
            await w3.eth.subscribe("logs", {"address": addresses})
        except TRANSPORT_FAULTS as error:
            with suppress(*TRANSPORT_FAULTS):  # it is given up either way
                await provider.disconnect()
            raise ChainUnreachable(f"{url} takes no subscription: {error}") from error
        return cls(url, w3, heads)

    async def close(self) -> None:
        """End the subscription."""
        with suppress(*TRANSPORT_FAULTS):  # it is given up either way
            await self._w3.provider.disconnect()

    async def messages(self) -> AsyncGenerator[Head | dict[str, Any], None]:
        """Yield new blocks, and logs as plain JSON-RPC, in the order in which they come.

        Raises:
            ChainUnreachable: The connection was lost.
        """
        try:
            async for message in self._w3.socket.process_subscriptions():
                result = message["result"]
                if message["subscription"] == self._heads:
                    yield Head.of(result)
                else:
                    yield _plain(result)
        except TRANSPORT_FAULTS as error:
            raise ChainUnreachable(f"lost the connection to {self._url}: {error}") from error
        raise ChainUnreachable(f"{self._url} ended the subscription")


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a log as plain JSON-RPC, whatever web3 made of it."""
    return {
        "address": str(entry["address"]),
        "topics": ["0x" + bytes(topic).hex() for topic in entry["topics"]],
        "data": "0x" + bytes(entry["data"]).hex(),
        "blockNumber": hex(entry["blockNumber"]),
        "logIndex": hex(entry["logIndex"]),
        "transactionHash": "0x" + bytes(entry["transactionHash"]).hex(),
        "removed": entry.get("removed", False),
    }
