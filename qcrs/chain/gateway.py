"""One connection to one chain: calls, signed transactions, logs.

Built for latency: WebSocket events instead of polling, nonces kept here instead of asked for, fixed gas ceilings
instead of estimates (an estimate goes stale as soon as another transaction lands first). Requests time out after
three seconds; reads are repeated, writes never are without looking at the chain again.

Requests go over HTTP and only subscriptions over the WebSocket: web3's WebSocket listener ends when an error answer
arrives that nobody awaits yet, so a single revert could cost the connection.
"""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from eth_account.signers.local import LocalAccount
from eth_utils import to_checksum_address

from qcrs.chain.codec import ArgumentInvalid, ContractRefused, Event, load_interfaces
from qcrs.chain.feed import Feed, Head
from qcrs.chain.network import Network
from qcrs.chain.rpc import ChainUnreachable, Rpc, TransactionRefused
from qcrs.chain.sender import Sender, Transaction, TransactionLost
from qcrs.chain.timeliness import has_come_since
from qcrs.errors import QcrsError

__all__ = ["ChainUnreachable", "Gateway", "Receipt", "TransactionLost", "TransactionRefused", "WrongChain"]

# Who tells of computations, by events whose first indexed argument is the id.
TELLERS = ("ComputationAllocator", "ResultVerifier", "Bonds", "GoldRounds")
LOG_BLOCKS = 5_000

# Gas ceilings by function, above the worst case measured: never estimated. What is not listed gets the default.
GAS_CEILING = {
    "commit": 200_000,
    "reveal": 300_000,
    "revealBundled": 350_000,
    "disclose": 150_000,
    "heartbeat": 80_000,
    "submit": 3_500_000,
    "submitMany": 25_000_000,
    "deliverOutcomes": 12_000_000,  # 2,000,000 of them the consumer's; the rest some thousands for each leaf shown
    "relay": 6_000_000,
}
DEFAULT_GAS_CEILING = 3_000_000
DEPLOY_GAS_CEILING = 12_000_000  # HashKeys with a founder in each of 160 seats takes 9.6 million


class WrongChain(QcrsError):
    """The node serves another chain than the network file names, or the contracts are not on it."""


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
        self.addresses = {name: to_checksum_address(address) for name, address in network.contracts.items()}
        self._by_address = {address.lower(): self.interfaces[name] for name, address in self.addresses.items()}
        self._rpc = Rpc(network.rpc_url, self.interfaces)
        self._sender = Sender(self._rpc, network.chain_id)
        self._head_timestamp = 0
        self._clock_offset = 0.0
        self._base_fee = 0

    async def connect(self) -> Self:
        """Open the connection and check that it leads to the right chain.

        Raises:
            ChainUnreachable: Nobody answers at the network's HTTP endpoint.
            WrongChain: The chain id differs, or there is no contract at the verifier's address.
        """
        await self.close()
        self._sender.forget()
        actual = int(await self.request("eth_chainId"), 16)
        if actual != self.network.chain_id:
            raise WrongChain(
                f"{self.network.rpc_url} serves chain {actual}, expected {self.network.chain_id} as in the network file"
            )
        genesis = await self.genesis()
        if genesis != self.network.genesis:
            raise WrongChain(
                f"{self.network.rpc_url} starts from block {genesis}, expected {self.network.genesis}: chain {actual} "
                "was reset since the network file was written"
            )
        for name, address in self.addresses.items():
            if await self.request("eth_getCode", address, "latest") in ("0x", "0x0"):
                raise WrongChain(f"chain {actual} has no contract {name} at {address}; was it reset? Deploy again")
        await self.look()
        return self

    async def look(self) -> None:
        """Learn the latest block's clock and base fee; a subscription goes on learning by itself."""
        self._observe(Head.of(await self.request("eth_getBlockByNumber", "latest", False)), live=False)

    async def close(self) -> None:
        """Close the connection."""
        await self._rpc.close()

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
        return await self._rpc.read(method, *parameters)

    async def call(
        self, contract: str, function: str, *arguments: Any, sender: str | None = None, block: int | None = None
    ) -> Any:
        """Return what a view returns, or what a transaction would, at *block* (the latest by default).

        Raises:
            ContractRefused: It reverted.
        """
        interface = self.interfaces[contract]
        message = {"to": self.addresses[contract], "data": "0x" + interface.encode_call(function, arguments).hex()}
        if sender is not None:
            message["from"] = sender
        result = await self.request("eth_call", message, "latest" if block is None else hex(block))
        return interface.decode_result(function, bytes.fromhex(result[2:]))

    async def simulate(self, account: LocalAccount, contract: str, function: str, *arguments: Any, value: int = 0):
        """Run a transaction without sending it, so that a refusal costs nothing.

        Raises:
            ContractRefused: It would revert, and not only since the latest block is older than what it waits for.
        """
        data = self.interfaces[contract].encode_call(function, arguments)
        try:
            await self._sender.simulate(account, Transaction(self.addresses[contract], data, value))
        except ContractRefused as refusal:
            if not has_come_since(refusal, self.now):
                raise

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

    async def post(self, account: LocalAccount, contract: str, function: str, *arguments: Any, value: int = 0) -> str:
        """Sign and send a transaction, and return its hash without waiting: its event will tell whether it worked.

        Raises:
            TransactionRefused: The node would not take it.
        """
        data = self.interfaces[contract].encode_call(function, arguments)
        gas = GAS_CEILING.get(function, DEFAULT_GAS_CEILING)
        transaction = Transaction(self.addresses[contract], data, value, gas)
        return await self._sender.post(account, transaction, self._base_fee)

    async def transfer(self, account: LocalAccount, to: str, value: int) -> Receipt:
        """Send *value* wei to an account."""
        return await self._transact(account, to, b"", value, 21_000)

    async def create(self, account: LocalAccount, code: bytes) -> tuple[str, Receipt]:
        """Create a contract from *code* and its arguments, and return its address with the receipt."""
        receipt = await self._transact(account, None, code, 0, DEPLOY_GAS_CEILING)
        raw = await self.request("eth_getTransactionReceipt", receipt.transaction)
        return to_checksum_address(raw["contractAddress"]), receipt

    async def nonce(self, address: str) -> int:
        """Return the next nonce of *address*."""
        return await self._sender.nonce(address)

    async def balance(self, address: str, block: int | None = None) -> int:
        """Return the wei of *address* outside the escrow, at *block* (the latest by default)."""
        return int(await self.request("eth_getBalance", address, "latest" if block is None else hex(block)), 16)

    async def genesis(self) -> str:
        """Return the hash of block 0."""
        return (await self.request("eth_getBlockByNumber", "0x0", False))["hash"]

    async def block_number(self) -> int:
        """Return the number of the latest block."""
        return int(await self.request("eth_blockNumber"), 16)

    async def logs(self, first: int, last: int | None = None, names: Collection[str] = ()) -> list[Event]:
        """Return the decoded events in blocks *first*..*last* (the latest by default), in chain order.

        With *names*, only those called so.
        """
        if last is None:
            last = await self.block_number()
        addresses = list(self.addresses.values())
        events: list[Event] = []
        for start in range(first, last + 1, LOG_BLOCKS):
            end = min(start + LOG_BLOCKS - 1, last)
            query = {"address": addresses, "fromBlock": hex(start), "toBlock": hex(end)}
            if names:
                known = [item for interface in self.interfaces.values() for item in interface.events.items()]
                query["topics"] = [["0x" + topic.hex() for topic, event in known if event["name"] in names]]
            events += self._decode(await self.request("eth_getLogs", query))
        return events

    async def logs_of(self, computation: int, first: int) -> list[Event]:
        """Return the decoded events about *computation* since block *first*, in chain order."""
        query = {**self._filter(computation), "fromBlock": hex(first), "toBlock": "latest"}
        events = self._decode(await self.request("eth_getLogs", query))
        # A processor of the same number has events of its own.
        return [event for event in events if event.arguments.get("computation") == computation]

    @asynccontextmanager
    async def subscribe(self, computation: int | None = None) -> AsyncIterator[AsyncGenerator[Event, None]]:
        """Subscribe, and enter with what then yields events of the suite; new blocks set the clock meanwhile.

        What happens once it is entered is not missed; what happened before is in ``logs``.

        Args:
            computation: Only events whose first indexed argument is this number; a processor may share it.

        Raises:
            ChainUnreachable: Here or while iterating: the connection was lost. Reconnect and subscribe again.
        """
        feed = await Feed.open(self.network.ws_url, self._filter(computation))
        try:
            async with aclosing(self._follow(feed)) as messages:
                yield messages
        finally:
            await feed.close()

    async def _follow(self, feed: Feed) -> AsyncGenerator[Event, None]:
        async for message in feed.messages():
            if isinstance(message, Head):
                self._observe(message, live=True)
            else:
                for event in self._decode([message]):
                    yield event

    def _filter(self, computation: int | None) -> dict[str, Any]:
        if computation is None:
            return {"address": list(self.addresses.values())}
        if not 0 < computation < 2**64:
            raise ArgumentInvalid(f"computation {computation}: ids run from 1")
        # The id is the first indexed argument of every event about a computation.
        return {
            "address": [self.addresses[name] for name in TELLERS],
            "topics": [None, "0x" + computation.to_bytes(32, "big").hex()],
        }

    async def _transact(self, account: LocalAccount, to: str | None, data: bytes, value: int, gas: int) -> Receipt:
        transaction = Transaction(to, data, value, gas)
        hash_ = await self._sender.post(account, transaction, self._base_fee)
        raw = await self._sender.receipt(account, transaction, hash_)
        return Receipt(hash_, int(raw["blockNumber"], 16), int(raw["gasUsed"], 16), self._decode(raw["logs"]))

    def _decode(self, logs: list[Mapping[str, Any]]) -> list[Event]:
        events = []
        for entry in logs:
            interface = self._by_address.get(entry["address"].lower())
            event = interface.decode_log(entry) if interface else None
            if event is not None and not entry.get("removed", False):
                events.append(event)
        return events

    def _observe(self, head: Head, live: bool) -> None:
        """Learn the chain's base fee and its clock; a devnet's may have been moved."""
        self._base_fee = head.base_fee
        self._head_timestamp = head.timestamp
        offset = head.timestamp - time.time()
        # An old head says little about now, except that the clock is not behind it.
        self._clock_offset = offset if live else max(0.0, offset)
