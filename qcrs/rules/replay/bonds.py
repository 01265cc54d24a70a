"""Bonds, replayed: twin of ``contracts/Bonds.sol``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.rules.replay.transcript import Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.registry import Processor
    from qcrs.rules.replay.suite import Suite


@dataclass
class Bond:
    """What stands behind one processor.

    Attributes:
        amount: Wei. free_at: When it can be taken back, unix seconds; 0 while it stands. cases: Open ones against it.
    """

    amount: int = 0
    free_at: int = 0
    cases: int = 0


def bond(suite: Suite, log: Transcript) -> None:
    """Replay ``bond``."""
    event = log.take("BondAdded")
    processor, held = _bond_of(suite, log, event["processor"], event["operator"])
    held.amount += event["amount"]
    held.free_at = 0
    if held.amount >= suite.book.policy.minimum_bond:
        _mark(suite, log, processor, True)


def begin_unbonding(suite: Suite, log: Transcript) -> None:
    """Replay ``beginUnbonding``."""
    event = log.take("UnbondingBegun")
    processor = suite.registry.processor(event["processor"])
    log.require(Rule.Books, "leased qubits of the processor that leaves", 0, processor.leased)
    free_at = log.now + suite.book.policy.challenge_seconds
    log.require(Rule.Window, "when the bond becomes free", free_at, event["freeAt"])
    suite.bonds[processor.id].free_at = free_at
    _mark(suite, log, processor, False)


def unbond(suite: Suite, log: Transcript) -> None:
    """Replay ``unbond``."""
    event = log.take("BondRemoved")
    _, held = _bond_of(suite, log, event["processor"], event["operator"])
    free = held.free_at != 0 and log.now > held.free_at and not held.cases
    log.hold(Rule.Window, free, "bond taken back", f"free, after {held.free_at}", f"{held.cases} cases, at {log.now}")
    log.require(Rule.Books, "bond returned", held.amount, event["amount"])
    held.amount = 0


def slash(suite: Suite, log: Transcript, computation: int, processors: Sequence[int]) -> int:
    """Replay ``slash``: hold the next events to be the faults of *processors*; return the wei, now in the treasury."""
    total = sum(take(suite, log, computation, processor) for processor in processors)
    source = suite.constants.contracts["Bonds"].lower()
    log.expect("TreasuryEndowed", Rule.Slash, **{"from": source}, amount=total)
    suite.book.treasury += total
    return total


def take(suite: Suite, log: Transcript, computation: int, processor: int) -> int:
    """Hold the next event to be what one fault costs *processor*, and return it; it is nobody's yet."""
    held, policy = suite.bonds[processor], suite.book.policy
    amount = min(held.amount, policy.slash)
    held.amount -= amount
    log.expect("BondSlashed", Rule.Slash, computation=computation, processor=processor, amount=amount)
    if held.amount < policy.minimum_bond:
        _mark(suite, log, suite.registry.processor(processor), False)
    return amount


def _bond_of(suite: Suite, log: Transcript, id_: int, operator: str) -> tuple[Processor, Bond]:
    processor = suite.registry.processor(id_)
    log.require(Rule.Books, "operator of the bond", processor.operator, operator)
    return processor, suite.bonds[id_]


def _mark(suite: Suite, log: Transcript, processor: Processor, bonded: bool) -> None:
    if processor.bonded is not bonded:
        log.expect("ProcessorBonded", Rule.Slash, processor=processor.id, bonded=bonded)
        processor.bonded = bonded
        suite.registry.relist(processor, log.now)
