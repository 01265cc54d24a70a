"""The audit: everything that the chain says happened, done again from its logs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qcrs.chain.gateway import Gateway
from qcrs.rules.audit_trail import EMPTY_HEAD
from qcrs.rules.replay import Entry, Examination, Report, narrate
from qcrs.sdk.reader import GenesisUnknown, Progress, Reader, Slow, untimed

__all__ = ["GenesisUnknown", "Listing", "Report", "list_entries", "verify"]


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
    tell = Slow(progress)
    reader = Reader(gateway, await gateway.block_number(), tell)
    logged = await reader.logs()
    entropy, source = await reader.genesis(logged)
    events = await reader.timed(logged)
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
    reader = Reader(gateway, await gateway.block_number(), Slow(progress))
    logged = await reader.logs()
    everything = narrate(untimed(logged))
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
