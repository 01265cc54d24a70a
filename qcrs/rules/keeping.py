"""Which permissionless step is due for a computation, and which for those that wait in a queue.

For one the conditions are those that the contracts check, over its story. A queue is looked at as a whole, since what
cannot be placed may be passed. What is free at processors no event tells in short: whoever keeps looks first, by a
simulated call, and says here what could not be placed.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.records import Request
from qcrs.model.story import Story
from qcrs.rules.agreement import quorum_of
from qcrs.rules.fair_queue import MAX_LEAP, MAX_PASSES, REACH, WINDOW


class Step(Enum):
    """A call that anyone may make; the value is the contract and the function."""

    Allocate = ("ComputationAllocator", "allocate")
    Backfill = ("ComputationAllocator", "backfill")
    Defer = ("ComputationAllocator", "defer")
    Exchange = ("ComputationAllocator", "exchange")
    Reallocate = ("ComputationAllocator", "reallocate")
    Expire = ("ComputationAllocator", "expire")
    Substitute = ("ResultVerifier", "substituteSecret")
    Settle = ("ResultVerifier", "settle")


@dataclass(frozen=True)
class Move:
    """A step of a queue.

    Attributes:
        others: Those that a backfilled one passes, or the one whose place a shorter one takes.
    """

    computation: int
    step: Step
    others: tuple[int, ...] = ()


def step_due(story: Story, now: float, disclose_seconds: int = 0) -> Step | None:
    """Return the step that the chain would take at time *now*, if any; of one that waits, when it is in turn.

    Args:
        now: The chain's clock, unix seconds.
        disclose_seconds: The policy's: for so long after the reveals a requester may still show its gold rounds.
    """
    overdue = now > story.phase_ends_at
    if story.status is ComputationStatus.Queued:
        # Those on duty are let go when no replacement is found within a round.
        abandoned = overdue and bool(story.on_duty())
        return Step.Expire if abandoned or now > story.request.deadline_at else Step.Allocate
    if story.status is ComputationStatus.Allocated and overdue:
        return Step.Reallocate
    if story.status is ComputationStatus.Committed and overdue:
        return Step.Substitute
    if story.status is ComputationStatus.Revealing and story.seed is not None:
        revealed = len(story.with_status(AssignmentStatus.Revealed))
        if overdue and revealed < min(len(story.on_duty()), quorum_of(story.replicas)):
            return Step.Reallocate
        awaited = story.request.gold and not (story.gold_closed or story.withheld)
        if awaited and now <= story.phase_ends_at + disclose_seconds:
            return None
        if revealed == len(story.on_duty()) or overdue:
            return Step.Settle
    return None


def queue_moves(waiting: Iterable[Story], now: float, unplaced: Collection[int] = ()) -> Iterator[Move]:
    """Yield what a keeper should try with the queue of one class, best first; the first that is possible is due.

    Those in the first bucket are allocated in the order of their ids, then the next few pass those ahead, as far as the
    contract allows. When nobody can be placed, and others wait further behind, the head is deferred, which the
    contract allows once nobody was served for a round's time.

    Args:
        waiting: All that wait in the queue. now: The chain's clock, unix seconds.
        unplaced: Those for which too few processors were found since something last changed.
    """
    line = sorted(waiting, key=lambda story: (story.bucket, story.computation))
    hopeless = {_shape(story) for story in line if story.computation in unplaced}
    ahead = 0
    for place, story in enumerate(line):
        if story.bucket != line[ahead].bucket:
            ahead = place
        if ahead >= WINDOW or story.bucket > line[0].bucket + REACH:
            break
        # What is asked for alike is placed, or not, alike.
        if _shape(story) in hopeless or now > story.request.deadline_at:
            continue
        if ahead == 0:
            yield Move(story.computation, Step.Allocate)
        else:
            yield Move(story.computation, Step.Backfill, tuple(sorted(other.computation for other in line[:ahead])))
    if line and line[-1].bucket > line[0].bucket and _shape(line[0]) in hopeless:
        yield Move(line[0].computation, Step.Defer)


def exchange_due(waiting: Iterable[Story]) -> Move | None:
    """Return the exchange that brings the shortest computation of an organisation forward, if there is any.

    Args:
        waiting: What one organisation, which chose shortest first, has in the queue of one class.
    """
    line = sorted(waiting, key=lambda story: (story.bucket, story.computation))
    for place, longer in enumerate(line):
        behind = [
            story
            for story in line[place + 1 :]
            if 0 < story.bucket - longer.bucket <= MAX_LEAP and cost_of(story.request) < cost_of(longer.request)
        ]
        if behind and longer.passed < MAX_PASSES:
            shorter = min(behind, key=lambda story: (cost_of(story.request), story.bucket, story.computation))
            return Move(shorter.computation, Step.Exchange, (longer.computation,))
    return None


def cost_of(request: Request) -> int:
    """Return what a computation costs its organisation: twin of ``FairQueue.costOf``."""
    return request.qubits * request.shots * request.replicas * request.depth_class


def _shape(story: Story) -> tuple:
    """Return all that decides which processors a waiting computation can have."""
    asked = story.request
    return (
        story.organisation, asked.noise_class, asked.replicas, asked.qubits, asked.shots, asked.price, asked.profile,
        asked.quantum_volume_log2, asked.two_qubit_error_ppm,
    )  # fmt: skip


def arguments_of(step: Step, story: Story, others: tuple[int, ...] = ()) -> tuple:
    """Return the arguments of *step* for *story*; ``settle`` brings what was revealed, by ascending index.

    Args:
        others: See ``Move``.
    """
    if step is Step.Backfill:
        return (story.computation, list(others))
    if step is not Step.Settle:
        return (story.computation, *others)
    revealed = story.with_status(AssignmentStatus.Revealed)
    sketches = [word for duty in revealed for word in duty.sketch]
    return (
        story.computation,
        [d.counts_root for d in revealed],
        [d.salt for d in revealed],
        sketches,
    )
