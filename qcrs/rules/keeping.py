"""Which permissionless step is due for a computation: the conditions that the contracts check, over its story."""

from enum import Enum

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Story
from qcrs.rules.agreement import quorum_of


class Step(Enum):
    """A call that anyone may make; the value is the contract and the function."""

    Allocate = ("ComputationAllocator", "allocate")
    Reallocate = ("ComputationAllocator", "reallocate")
    Expire = ("ComputationAllocator", "expire")
    Substitute = ("ResultVerifier", "substituteSecret")
    Settle = ("ResultVerifier", "settle")


def step_due(story: Story, now: float, disclose_seconds: int = 0) -> Step | None:
    """Return the step that the chain would take at time *now*, if any.

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


def arguments_of(step: Step, story: Story) -> tuple:
    """Return the arguments of *step* for *story*; ``settle`` brings what was revealed, by ascending index."""
    if step is not Step.Settle:
        return (story.computation,)
    revealed = story.with_status(AssignmentStatus.Revealed)
    sketches = [word for duty in revealed for word in duty.sketch]
    return (
        story.computation,
        [d.counts_root for d in revealed],
        [d.salt for d in revealed],
        sketches,
    )
