"""How assignments and computations end, replayed: what several calls of the allocator share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from qcrs.model.assignment import FAULTS, ON_DUTY, AssignmentStatus
from qcrs.model.computation import MAX_ASSIGNMENTS, ComputationStatus, FailureReason
from qcrs.model.decision import Decision
from qcrs.rules.replay.bonds import slash
from qcrs.rules.replay.computation import Computation, Fates, Seat
from qcrs.rules.replay.money import NOBODY, distribute, pay_of
from qcrs.rules.replay.transcript import Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite


def dismiss(suite: Suite, log: Transcript, computation: Computation, fates: Fates) -> int:
    """End assignments as *fates* say: status, bond, lease, conduct.

    Returns:
        Wei seized from bonds, now in the treasury.
    """
    for index, fate in fates.items():
        seat = computation.move_seat(log, index, fate)
        log.expect(
            "AssignmentEnded",
            Rule.Slash,
            computation=computation.id,
            index=index,
            processor=seat.processor,
            fate=fate,
        )
        processor = suite.registry.processor(seat.processor)
        suite.registry.release(processor, fate, computation.request.qubits, log.now)
    faulty = [computation.seats[index].processor for index, fate in fates.items() if fate in FAULTS]
    return slash(suite, log, computation.id, faulty) if faulty else 0


def revise(
    suite: Suite, log: Transcript, computation: Computation, index: int, fate: AssignmentStatus, rule: Rule
) -> Seat:
    """Change how an assignment ended, and what its processor's conduct has of it."""
    was = computation.seats[index].status if index < len(computation.seats) else AssignmentStatus.Unset
    seat = computation.move_seat(log, index, fate)
    suite.registry.processor(seat.processor).reconsider(was, fate)
    told = {"computation": computation.id, "index": index, "processor": seat.processor, "fate": fate}
    log.expect("AssignmentEnded", rule, **told)
    return seat


def operators(suite: Suite, computation: Computation, indices: Iterable[int]) -> list[str]:
    """Return the accounts behind assignments."""
    return [suite.registry.processor(computation.seats[i].processor).operator for i in indices]


def fail(
    suite: Suite,
    log: Transcript,
    computation: Computation,
    reason: FailureReason,
    keeper: str | None = NOBODY,
) -> None:
    """End a computation without a verdict and refund it.

    Args:
        keeper: None when somebody had to end it and gets a bounty.
    """
    fates = computation.fates(dict.fromkeys(ON_DUTY, AssignmentStatus.Released))
    dismiss(suite, log, computation, fates)
    computation.advance(log, ComputationStatus.Failed)
    # Whose answers are known since an escalation was to be paid for them.
    payees = operators(suite, computation, (index for index in fates if index < computation.carried))
    each = pay_of(suite, computation)
    escrow, computation.escrow = computation.escrow, 0
    bounty = suite.constants.keeper_bounty if keeper is None else 0
    distribute(suite, log, computation, escrow, computation.requester, payees, each, bounty, keeper)
    log.expect("ComputationFailed", Rule.Lifecycle, computation=computation.id, reason=reason)
    facts = (computation.id, reason)
    suite.record(log, "ComputationAllocator", Decision.ComputationFailed, computation.id, facts)


def requeue(suite: Suite, log: Transcript, computation: Computation) -> None:
    """Let a computation that lost processors wait for others; it is in turn at once."""
    computation.advance(log, ComputationStatus.Queued)
    computation.phase_ends_at = log.now + suite.book.round_seconds
    event = log.expect(
        "ComputationRequeued",
        Rule.Lifecycle,
        computation=computation.id,
        attempt=computation.attempt,
    )
    log.require(Rule.Window, "end of the wait for a replacement", computation.phase_ends_at, event["phaseEndsAt"])
    facts = (computation.id, computation.attempt, len(computation.seats))
    suite.record(log, "ComputationAllocator", Decision.ComputationReallocated, computation.id, facts)


def is_spent(computation: Computation) -> bool:
    """Return whether replacing those it lacks takes more processors than it may use up."""
    return len(computation.seats) + computation.lacking > MAX_ASSIGNMENTS
