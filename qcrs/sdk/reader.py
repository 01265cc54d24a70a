"""Bulk reads of one chain as of one block: what an audit is made of."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from faster_eth_abi import decode
from faster_eth_abi.exceptions import DecodingError

from qcrs.chain.codec import ContractRefused, Event, signature
from qcrs.chain.gateway import Gateway, TransactionRefused
from qcrs.errors import QcrsError
from qcrs.rules.commitment import BEACON_BYTES
from qcrs.rules.replay import COIN_HOLDERS, Claim, Constants, Examination, LoggedEvent, timed_blocks

AT_ONCE = 16  # requests under way
QUIET_SECONDS = 2.0
ALLOCATOR = "ComputationAllocator"
# Contracts whose coin an audit holds to what they owe, in the order of Examination.hold_coin.

Progress = Callable[[str], None]


class GenesisUnknown(QcrsError):
    """The first value of the beacon cannot be read: no creation transaction, no archived state."""


class BlockGone(QcrsError):
    """The node no longer has a block that it had: the chain was reorganised, or is another."""


class Reader:
    """Reads of one chain as of one block."""

    def __init__(self, gateway: Gateway, block: int, tell: "Slow | None" = None) -> None:
        self.gateway, self.block = gateway, block
        self._tell = tell or Slow(lambda line: None)

    async def logs(self, first: int | None = None) -> list[Event]:
        """Return the events since block *first*, or since the suite was deployed."""
        return await self.gateway.logs(self.gateway.network.deployed_at if first is None else first, self.block)

    async def view(self, contract: str, function: str, *arguments: Any) -> Any:
        """Return what a view returned then."""
        return await self._view_at(self.block, contract, function, *arguments)

    async def header(self, number: int) -> Mapping[str, Any]:
        """Return the header of a block, as JSON-RPC has it.

        Raises:
            BlockGone: There is no such block.
        """
        header = await self.gateway.request("eth_getBlockByNumber", hex(number), False)
        if header is None:
            raise BlockGone(f"the node has no block {number}")
        return header

    async def timestamps(self, blocks: Iterable[int]) -> dict[int, int]:
        """Return the times of *blocks*, unix seconds."""
        numbers = sorted(blocks)

        async def timestamp(number: int) -> int:
            return int((await self.header(number))["timestamp"], 16)

        share = self._tell.share("read block times")
        times: dict[int, int] = {}
        for start in range(0, len(numbers), AT_ONCE):
            share(start, len(numbers))
            chunk = numbers[start : start + AT_ONCE]
            found = await asyncio.gather(*map(timestamp, chunk))
            times.update(zip(chunk, found, strict=True))
        return times

    async def timed(self, events: Sequence[Event]) -> list[LoggedEvent]:
        """Return *events* with those block times that a replay reads."""
        times = await self.timestamps(timed_blocks(untimed(events)))
        return [LoggedEvent(e.name, e.contract, e.arguments, e.block, times.get(e.block, 0)) for e in events]

    async def constants(self, entropy: bytes) -> Constants:
        """Return what was fixed at deployment; *entropy* as ``genesis`` found it."""
        return Constants(
            chain_id=self.gateway.network.chain_id,
            contracts=dict(self.gateway.addresses),
            keeper_bounty=await self.view(ALLOCATOR, "KEEPER_BOUNTY"),
            heartbeat_seconds=await self.view("ProcessorRegistry", "HEARTBEAT_SECONDS"),
            genesis_entropy=entropy,
        )

    async def genesis(self, events: Iterable[Event]) -> tuple[bytes, str]:
        """Return the first value of the beacon, and where it was read.

        The allocator's creation transaction carries it as an argument, and any node that serves
        logs has that; where a factory deployed the suite, state of the deployment block is asked
        for, which only an archive node has.
        """
        created = next((e for e in events if e.name == "PolicyChanged"), None)
        if created is None:
            return bytes(BEACON_BYTES), "nowhere: the log lacks the deployment"  # the replay will object
        transaction = await self.gateway.request("eth_getTransactionByHash", created.transaction)
        arguments = self._constructor_arguments(bytes.fromhex(transaction["input"][2:]))
        known, wiring = {a.lower() for a in self.gateway.addresses.values()}, set(arguments.get("wiring", ()))
        if transaction.get("to") is None and wiring and wiring <= known:
            return arguments["genesisEntropy"], "creation transaction"
        with suppress(ContractRefused, TransactionRefused, DecodingError):
            return await self._view_at(created.block, ALLOCATOR, "beacon"), "archived state"
        raise GenesisUnknown(
            f"transaction {created.transaction} did not create the allocator, and the node has no "
            f"state of block {created.block}; ask an archive node"
        )

    async def answer(self, examination: Examination, asked: Callable[[Claim], bool] = lambda claim: True) -> None:
        """Hold the claims of *examination* to what the chain says, until one fails.

        Args:
            asked: Which of them.
        """

        async def ask(claim: Claim) -> Any:
            return await self.view(claim.contract, claim.function, *claim.arguments)

        claims = [claim for claim in examination.claims() if asked(claim)]
        share = self._tell.share("compared records")
        for start in range(0, len(claims), AT_ONCE):
            share(start, len(claims))
            chunk = claims[start : start + AT_ONCE]
            for claim, actual in zip(chunk, await asyncio.gather(*map(ask, chunk)), strict=True):
                examination.hold(claim, actual)
            if examination.fault is not None:
                return
        examination.hold_coin({contract: await self._coin_of(contract) for contract in COIN_HOLDERS})

    async def _coin_of(self, contract: str) -> int:
        address = self.gateway.addresses[contract]
        return int(await self.gateway.request("eth_getBalance", address, hex(self.block)), 16)

    async def _view_at(self, block: int, contract: str, function: str, *arguments: Any) -> Any:
        interface = self.gateway.interfaces[contract]
        message = {
            "to": self.gateway.addresses[contract],
            "data": "0x" + interface.encode_call(function, arguments).hex(),
        }
        result = await self.gateway.request("eth_call", message, hex(block))
        return interface.decode_result(function, bytes.fromhex(result[2:]))

    def _constructor_arguments(self, code: bytes) -> dict[str, Any]:
        """Return the allocator's constructor arguments, which end its creation code: all are static."""
        abi = self.gateway.interfaces[ALLOCATOR].abi
        inputs = next(entry for entry in abi if entry["type"] == "constructor")["inputs"]
        types = signature({"name": "", "inputs": inputs})
        words = types.count(",") + 1
        try:
            (values,) = decode([types], code[-32 * words :])
        except DecodingError:
            return {}
        return {i["name"]: value for i, value in zip(inputs, values, strict=True)}


class Slow:
    """Passes on what goes on, once a second, when two seconds were not enough."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._due = progress, time.monotonic() + QUIET_SECONDS

    def share(self, what: str) -> Callable[[int, int], None]:
        """Return what takes how much is done, of how much."""

        def tell(done: int, total: int) -> None:
            now = time.monotonic()
            if now >= self._due:
                self._due = now + 1.0
                self._progress(f"{what}: {done} of {total}")

        return tell


def untimed(events: Iterable[Event]) -> list[LoggedEvent]:
    """Return *events* for rules that read no block time."""
    return [LoggedEvent(e.name, e.contract, e.arguments, e.block) for e in events]
