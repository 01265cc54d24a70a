"""The audit: everything that the chain says happened, done again from its logs."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from eth_abi import decode
from eth_abi.exceptions import DecodingError

from qcrs.chain.codec import ContractRefused, Event, signature
from qcrs.chain.gateway import Gateway, TransactionRefused
from qcrs.errors import QcrsError
from qcrs.rules.audit_trail import EMPTY_HEAD
from qcrs.rules.replay import (
    Claim,
    Constants,
    Entry,
    Examination,
    LoggedEvent,
    Report,
    narrate,
    timed_blocks,
)

__all__ = ["GenesisUnknown", "Listing", "Report", "list_entries", "verify"]

AT_ONCE = 16  # requests under way
QUIET_SECONDS = 2.0
ALLOCATOR = "ComputationAllocator"

Progress = Callable[[str], None]


class GenesisUnknown(QcrsError):
    """The first value of the beacon cannot be read: no creation transaction, no archived state."""


@dataclass(frozen=True)
class Listing:
    """The trail's entries, in words.

    Attributes:
        entries: Those asked for. size: How many the log has in all.
        holds: Whether all of them make up the head that the contract has.
    """

    entries: Sequence[Entry]
    size: int
    holds: bool


async def verify(gateway: Gateway, progress: Progress = lambda line: None) -> Report:
    """Replay the chain's events and hold every decision, and the final state, to the rules.

    All is read as of the latest block when it starts, so that a chain in use can be audited.

    Args:
        progress: Told what goes on, once it has taken more than two seconds.

    Raises:
        GenesisUnknown: See there. ChainUnreachable: The node does not answer.
    """
    tell = _Slow(progress)
    reader = _Reader(gateway, await gateway.block_number(), tell)
    logged = await reader.logs()
    entropy, source = await reader.genesis(logged)
    events = await reader.timed(logged, timed_blocks(_untimed(logged)))
    examination = Examination(events, await reader.constants(entropy))
    await asyncio.to_thread(examination.run, tell.share("replayed events"))
    if examination.fault is None:
        await reader.answer(examination)
    return replace(examination.report(), block=reader.block, genesis=source)


async def list_entries(
    gateway: Gateway,
    last: int | None = None,
    computation: int | None = None,
    progress: Progress = lambda line: None,
) -> Listing:
    """Return the newest *last* entries, or all, in order, with what they decide.

    Args:
        computation: Only those about this computation.
    """
    reader = _Reader(gateway, await gateway.block_number(), _Slow(progress))
    logged = await reader.logs()
    everything = narrate(_untimed(logged))
    shown = [e for e in everything if computation is None or e.computation == computation]
    shown = shown if last is None else shown[max(0, len(shown) - last) :]
    times = await reader.timestamps({entry.block for entry in shown})
    head, size = await reader.view("AuditTrail", "head")
    made = everything[-1].head if everything else EMPTY_HEAD
    return Listing(
        [replace(entry, timestamp=times[entry.block]) for entry in shown],
        len(everything),
        (made, len(everything)) == (head, size),
    )


class _Reader:
    """Reads of one chain as of one block."""

    def __init__(self, gateway: Gateway, block: int, tell: "_Slow") -> None:
        self.gateway, self.block, self._tell = gateway, block, tell

    async def logs(self) -> list[Event]:
        return await self.gateway.logs(self.gateway.network.deployed_at, self.block)

    async def view(self, contract: str, function: str, *arguments: Any) -> Any:
        return await self._view_at(self.block, contract, function, *arguments)

    async def timestamps(self, blocks: Iterable[int]) -> dict[int, int]:
        numbers = sorted(blocks)

        async def timestamp(number: int) -> int:
            block = await self.gateway.request("eth_getBlockByNumber", hex(number), False)
            return int(block["timestamp"], 16)

        share = self._tell.share("read block times")
        times: dict[int, int] = {}
        for start in range(0, len(numbers), AT_ONCE):
            share(start, len(numbers))
            chunk = numbers[start : start + AT_ONCE]
            found = await asyncio.gather(*map(timestamp, chunk))
            times.update(zip(chunk, found, strict=True))
        return times

    async def timed(self, events: Iterable[Event], blocks: Iterable[int]) -> list[LoggedEvent]:
        times = await self.timestamps(blocks)
        return [LoggedEvent(e.name, e.contract, e.arguments, e.block, times.get(e.block, 0)) for e in events]

    async def constants(self, entropy: bytes) -> Constants:
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
            return bytes(32), "nowhere: the log lacks the deployment"  # the replay will object
        transaction = await self.gateway.request("eth_getTransactionByHash", created.transaction)
        arguments = self._constructor_arguments(bytes.fromhex(transaction["input"][2:]))
        wired = {a.lower() for a in self.gateway.addresses.values()} - {self.gateway.addresses[ALLOCATOR].lower()}
        if transaction.get("to") is None and wired <= set(arguments.values()):
            return arguments["genesisEntropy"], "creation transaction"
        with suppress(ContractRefused, TransactionRefused, DecodingError):
            return await self._view_at(created.block, ALLOCATOR, "beacon"), "archived state"
        raise GenesisUnknown(
            f"transaction {created.transaction} did not create the allocator, and the node has no "
            f"state of block {created.block}; ask an archive node"
        )

    async def answer(self, examination: Examination) -> None:
        """Hold every claim of *examination* to what the chain says, until one fails."""

        async def ask(claim: Claim) -> Any:
            return await self.view(claim.contract, claim.function, *claim.arguments)

        claims = list(examination.claims())
        share = self._tell.share("compared records")
        for start in range(0, len(claims), AT_ONCE):
            share(start, len(claims))
            chunk = claims[start : start + AT_ONCE]
            for claim, actual in zip(chunk, await asyncio.gather(*map(ask, chunk)), strict=True):
                examination.hold(claim, actual)
            if examination.fault is not None:
                return
        address = self.gateway.addresses[ALLOCATOR]
        held = await self.gateway.request("eth_getBalance", address, hex(self.block))
        examination.hold_coin(int(held, 16))

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


class _Slow:
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


def _untimed(events: Iterable[Event]) -> list[LoggedEvent]:
    return [LoggedEvent(e.name, e.contract, e.arguments, e.block) for e in events]
