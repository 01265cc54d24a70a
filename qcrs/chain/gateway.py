"""One connection to one chain: calls, signed transactions, logs.

Built for latency: WebSocket events instead of polling, nonces kept here instead of asked for, fixed gas ceilings
instead of estimates (an estimate goes stale as soon as another transaction lands first). Requests time out after
three seconds; reads are repeated, writes never are without looking at the chain again.

Requests go over HTTP and only subscriptions over the WebSocket: web3's WebSocket listener ends when an error answer
arrives that nobody awaits yet, so a single revert could cost the connection.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import ClientError
from eth_account.signers.local import LocalAccount
from web3 import AsyncHTTPProvider, AsyncWeb3, WebSocketProvider
from web3.exceptions import Web3Exception
from websockets.exceptions import WebSocketException

from qcrs.chain.codec import ContractRefused, Event, decode_revert, load_interfaces
from qcrs.chain.network import Network
from qcrs.errors import QcrsError

log = logging.getLogger(__name__)
# The provider reports every subscription's synchronisation; our own lines say what matters.
logging.getLogger("web3.providers").setLevel(logging.WARNING)

REQUEST_SECONDS = 3.0
READ_TRIES = 3
RECEIPT_SECONDS = 60.0
GWEI = 10**9
LOG_BLOCKS = 5_000

# Gas ceilings by function: above the worst case measured, so that they never have to be estimated. What is not
# listed gets the default.
GAS_CEILING = {
    "commit": 200_000,
    "reveal": 300_000,
    "disclose": 150_000,
    "heartbeat": 80_000,
    "submit": 3_500_000,
}
DEFAULT_GAS_CEILING = 3_000_000
DEPLOY_GAS_CEILING = 8_000_000

_TRANSPORT_FAULTS = (Web3Exception, WebSocketException, ClientError, OSError, TimeoutError)


class ChainUnreachable(QcrsError):
    """The node does not answer. Transient: the caller may try again."""


class WrongChain(QcrsError):
    """The node serves another chain than the network file names, or the contracts are not on it."""


class TransactionLost(QcrsError):
    """A transaction was sent and no receipt came in time; it may still be mined."""


class TransactionRefused(QcrsError):
    """The node would not take a transaction, for instance for want of funds."""


@dataclass(frozen=True)
class Receipt:
    """A mined, successful transaction."""

    transaction: str
    block: int
    gas_used: int
    events: list[Event]

    def event(self, name: str) -> Event:
        """Return the first event called *name*."""
        return next(event for event in self.events if event.name == name)


class Gateway:
    """A connection to the chain of a network file."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.interfaces = load_interfaces()
        self.addresses = dict(network.contracts)
        self._http: AsyncHTTPProvider | None = None
        self._subscriber: AsyncWeb3 | None = None
        self._nonces: dict[str, int] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._head_timestamp = 0
        self._clock_offset = 0.0

    async def connect(self) -> Self:
        """Open the connection and check that it leads to the right chain.

        Raises:
            ChainUnreachable: Nobody answers at the network's HTTP endpoint.
            WrongChain: The chain id differs, or there is no contract at the verifier's address.
        """
        await self.open()
        actual = int(await self.request("eth_chainId"), 16)
        if actual != self.network.chain_id:
            raise WrongChain(
                f"{self.network.rpc_url} serves chain {actual}, expected {self.network.chain_id} as in the network file"
            )
        for name, address in self.addresses.items():
            if await self.request("eth_getCode", address, "latest") in ("0x", "0x0"):
                raise WrongChain(f"chain {actual} has no contract {name} at {address}; was it reset? Deploy again")
        head = await self.request("eth_getBlockByNumber", "latest", False)
        self._observe(head, live=False)
        return self

    async def close(self) -> None:
        """Close the connection."""
        subscriber, self._subscriber = self._subscriber, None
        http, self._http = self._http, None
        with suppress(*_TRANSPORT_FAULTS):  # it is given up either way
            if subscriber is not None:
                await subscriber.provider.disconnect()
        if http is not None:
            await http.disconnect()

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def now(self) -> float:
        """The chain's clock, unix seconds: the time that a block mined now would bear, as far as can be known."""
        return max(self._head_timestamp, time.time() + self._clock_offset)

    async def request(self, method: str, *parameters: Any) -> Any:
        """Return the result of a JSON-RPC read.

        Raises:
            ChainUnreachable: No answer after several tries.
            ContractRefused: The call reverted.
            TransactionRefused: The node answered with another error.
        """
        for attempt in range(READ_TRIES):
            try:
                return await self._request_once(method, parameters)
            except ChainUnreachable:
                if attempt == READ_TRIES - 1:
                    raise
                await asyncio.sleep(0.1 * (attempt + 1))
        raise AssertionError("unreachable")

    async def call(self, contract: str, function: str, *arguments: Any, sender: str | None = None) -> Any:
        """Return what a view returns, or what a transaction would, at the latest block.

        Raises:
            ContractRefused: It reverted.
        """
        interface = self.interfaces[contract]
        message = {
            "to": self.addresses[contract],
            "data": "0x" + interface.encode_call(function, arguments).hex(),
        }
        if sender is not None:
            message["from"] = sender
        result = await self.request("eth_call", message, "latest")
        return interface.decode_result(function, bytes.fromhex(result[2:]))

    async def simulate(self, account: LocalAccount, contract: str, function: str, *arguments: Any, value: int = 0):
        """Run a transaction without sending it, so that a refusal costs nothing.

        Raises:
            ContractRefused: It would revert.
        """
        data = self.interfaces[contract].encode_call(function, arguments)
        message = self._message(account, self.addresses[contract], data, value)
        await self.request("eth_call", message, "latest")

    async def send(
        self, account: LocalAccount, contract: str, function: str, *arguments: Any, value: int = 0
    ) -> Receipt:
        """Sign and send a transaction, and wait until it is mined.

        Raises:
            ContractRefused: It was mined and reverted.
            TransactionRefused: The node would not take it.
            TransactionLost: It was sent and no receipt came; look at the chain before sending again.
        """
        data = self.interfaces[contract].encode_call(function, arguments)
        gas = GAS_CEILING.get(function, DEFAULT_GAS_CEILING)
        return await self._transact(account, self.addresses[contract], data, value, gas)

    async def transfer(self, account: LocalAccount, to: str, value: int) -> Receipt:
        """Send *value* wei to an account."""
        return await self._transact(account, to, b"", value, 21_000)

    async def create(self, account: LocalAccount, code: bytes) -> tuple[str, Receipt]:
        """Create a contract from *code* and its arguments, and return its address with the receipt."""
        receipt = await self._transact(account, None, code, 0, DEPLOY_GAS_CEILING)
        raw = await self.request("eth_getTransactionReceipt", receipt.transaction)
        return raw["contractAddress"], receipt

    async def nonce(self, address: str) -> int:
        """Return the next nonce of *address*."""
        return int(await self.request("eth_getTransactionCount", address, "latest"), 16)

    async def balance(self, address: str) -> int:
        """Return the wei of *address* outside the escrow."""
        return int(await self.request("eth_getBalance", address, "latest"), 16)

    async def block_number(self) -> int:
        """Return the number of the latest block."""
        return int(await self.request("eth_blockNumber"), 16)

    async def logs(self, first: int, last: int | None = None, computation: int | None = None) -> list[Event]:
        """Return the decoded events in blocks *first*..*last* (the latest by default), in chain order.

        Args:
            computation: Only those about this computation.
        """
        if last is None:
            last = await self.block_number()
        query: dict[str, Any] = {"address": list(self.addresses.values())}
        if computation is not None:
            # The id is the first indexed argument of every event that has one.
            query = {
                "address": [
                    self.addresses["ComputationAllocator"],
                    self.addresses["ResultVerifier"],
                ],
                "topics": [None, "0x" + computation.to_bytes(32, "big").hex()],
            }
        events: list[Event] = []
        for start in range(first, last + 1, LOG_BLOCKS):
            end = min(start + LOG_BLOCKS - 1, last)
            span = {"fromBlock": hex(start), "toBlock": hex(end)}
            events += self._decode(await self.request("eth_getLogs", {**query, **span}))
        return events

    async def subscribe(self) -> AsyncGenerator[Event | int, None]:
        """Subscribe, and return what then yields events of the suite and the number of each new block.

        What happens after this call returns is not missed; what happened before is in ``logs``.

        Raises:
            ChainUnreachable: Here or while iterating: the connection was lost. Reconnect and subscribe again.
        """
        # Buffered by the provider: generously, so that a burst while we work is not dropped.
        provider = WebSocketProvider(
            self.network.ws_url, request_timeout=REQUEST_SECONDS, max_connection_retries=1,
            subscription_response_queue_size=10_000, websocket_kwargs={"max_size": 2**26, "ping_interval": 20},
        )  # fmt: skip
        w3 = AsyncWeb3(provider)
        try:
            await provider.connect()
            self._subscriber = w3
            heads = await w3.eth.subscribe("newHeads")
            await w3.eth.subscribe("logs", {"address": list(self.addresses.values())})
        except _TRANSPORT_FAULTS as error:
            raise ChainUnreachable(f"{self.network.ws_url} takes no subscription: {error}") from error
        return self._messages(w3, heads)

    async def _messages(self, w3: AsyncWeb3, heads: str) -> AsyncGenerator[Event | int, None]:
        try:
            async for message in w3.socket.process_subscriptions():
                if message["subscription"] == heads:
                    self._observe(message["result"], live=True)
                    yield int(message["result"]["number"])
                else:
                    for event in self._decode([_raw(message["result"])]):
                        yield event
        except _TRANSPORT_FAULTS as error:
            raise ChainUnreachable(f"lost the connection to {self.network.ws_url}: {error}") from error
        raise ChainUnreachable(f"{self.network.ws_url} ended the subscription")

    async def open(self) -> None:
        """Make ready for requests without looking at what is on the chain."""
        await self.close()
        self._http = AsyncHTTPProvider(
            self.network.rpc_url,
            request_kwargs={"timeout": REQUEST_SECONDS},
            exception_retry_configuration=None,
        )
        self._nonces.clear()

    async def _request_once(self, method: str, parameters: tuple) -> Any:
        if self._http is None:
            raise ChainUnreachable(f"not connected to {self.network.rpc_url}")
        try:
            answer = await self._http.make_request(method, list(parameters))
        except _TRANSPORT_FAULTS as error:
            raise ChainUnreachable(
                f"{method} got no answer from {self.network.rpc_url} ({error!r}); is the chain running? "
                "Try 'qcrs devnet status'"
            ) from error
        if "error" in answer:
            raise self._refusal(method, answer["error"])
        return answer["result"]

    def _refusal(self, method: str, error: Mapping[str, Any]) -> QcrsError:
        """Return what a JSON-RPC *error* stands for; nodes put revert data in several places."""
        data = error.get("data")
        if isinstance(data, Mapping):
            data = data.get("result") or data.get("data")
        if isinstance(data, str) and data.startswith("0x") and len(data) >= 10:
            return decode_revert(bytes.fromhex(data[2:]), self.interfaces)
        return TransactionRefused(f"{method}: {error.get('message', error)}")

    def _message(self, account: LocalAccount, to: str | None, data: bytes, value: int) -> dict[str, Any]:
        message = {"from": account.address, "data": "0x" + data.hex(), "value": hex(value)}
        if to is not None:
            message["to"] = to
        return message

    async def _transact(self, account: LocalAccount, to: str | None, data: bytes, value: int, gas: int) -> Receipt:
        lock = self._locks.setdefault(account.address, asyncio.Lock())
        async with lock:  # one sender, one order of nonces
            if account.address not in self._nonces:
                self._nonces[account.address] = await self.nonce(account.address)
            transaction = {
                "type": 2,
                "chainId": self.network.chain_id,
                "nonce": self._nonces[account.address],
                "gas": gas,
                "maxFeePerGas": 4 * GWEI,
                "maxPriorityFeePerGas": GWEI,
                "value": value,
                "data": data,
                **({} if to is None else {"to": to}),
            }
            signed = account.sign_transaction(transaction)
            hash_ = "0x" + bytes(signed.hash).hex()
            try:
                await self._request_once("eth_sendRawTransaction", ("0x" + bytes(signed.raw_transaction).hex(),))
                self._nonces[account.address] += 1
            except ChainUnreachable:
                # It may have arrived: the receipt will tell. The nonce is asked for again either way.
                self._nonces.pop(account.address, None)
            except QcrsError:
                self._nonces.pop(account.address, None)
                raise
        return await self._receipt(hash_, self._message(account, to, data, value))

    async def _receipt(self, hash_: str, message: dict[str, Any]) -> Receipt:
        deadline = time.monotonic() + RECEIPT_SECONDS
        pause = 0.005
        while (raw := await self.request("eth_getTransactionReceipt", hash_)) is None:
            if time.monotonic() > deadline:
                raise TransactionLost(f"no receipt for {hash_} within {RECEIPT_SECONDS:.0f} s; it may still be mined")
            await asyncio.sleep(pause)
            pause = min(2 * pause, 0.5)
        block = int(raw["blockNumber"], 16)
        if int(raw["status"], 16) != 1:
            # Repeating the call on the state before it gives the reason that the receipt lacks.
            await self.request("eth_call", message, hex(block - 1))
            raise ContractRefused("OutOfGasOrRaced", {"transaction": hash_})
        return Receipt(hash_, block, int(raw["gasUsed"], 16), self._decode(raw["logs"]))

    def _decode(self, logs: list[Mapping[str, Any]]) -> list[Event]:
        by_address = {address.lower(): name for name, address in self.addresses.items()}
        events = []
        for entry in logs:
            name = by_address.get(entry["address"].lower())
            event = self.interfaces[name].decode_log(entry) if name else None
            if event is not None and not entry.get("removed", False):
                events.append(event)
        return events

    def _observe(self, head: Mapping[str, Any], live: bool) -> None:
        """Learn the chain's clock; a devnet's may have been moved."""
        timestamp = head["timestamp"]
        self._head_timestamp = timestamp if isinstance(timestamp, int) else int(timestamp, 16)
        offset = self._head_timestamp - time.time()
        # An old head says little about now, except that the clock is not behind it.
        self._clock_offset = offset if live else max(0.0, offset)


def _raw(entry: Mapping[str, Any]) -> dict[str, Any]:
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
