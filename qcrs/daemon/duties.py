"""What a daemon ought to do next: pure decisions over what it sees.

``decide`` never looks at a clock, a socket or a file. The runtime gives it a ``View`` and carries out what it answers,
so that every rule here can be tested with a handful of literals.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from qcrs.daemon.docket import Demand
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.story import Story
from qcrs.rules.keeping import Step, step_due

# Seconds that daemons wait, by rank, before they do what the requester's client or another daemon does at once.
# Deadlines are enforced after the same wait, so that few transactions collide.
KEEPER_DELAY_SECONDS = 2.0


@dataclass(frozen=True)
class View:
    """What one daemon knows.

    Attributes:
        processor: The daemon's processor. rank: Its place among keepers, from 0; lower ones act first.
        now: The chain's clock, unix seconds. last_beat_at: Of this processor.
        heartbeat_seconds: Longest time between heartbeats.
        stories: Computations that have not ended, by id.
        since: When each computation was last seen to change, by id, on the same clock as *now*.
        keeper: Whether to act for others.
        demands: Histograms that this processor has to show.
        disclose_seconds: The policy's.
    """

    processor: int
    rank: int
    now: float
    last_beat_at: float
    heartbeat_seconds: int
    stories: Mapping[int, Story]
    since: Mapping[int, float]
    keeper: bool = True
    demands: Collection[Demand] = ()
    disclose_seconds: int = 0


@dataclass(frozen=True)
class Beat:
    """Say that the daemon is alive."""


@dataclass(frozen=True)
class Answer:
    """Run the circuit, unless the journal has the answer, and commit to it; or refuse it."""

    computation: int
    index: int
    attempt: int


@dataclass(frozen=True)
class Reveal:
    """Open the commitment."""

    computation: int
    index: int
    attempt: int


@dataclass(frozen=True)
class Defend:
    """Show the leaves from number *next* on of the histogram that *challenge* demands."""

    computation: int
    index: int
    challenge: int
    next: int


@dataclass(frozen=True)
class Keep:
    """Take a permissionless step that is due."""

    computation: int
    step: Step


Action = Beat | Answer | Reveal | Defend | Keep


def decide(view: View) -> list[Action]:
    """Return what is due now, the daemon's own duties first."""
    actions: list[Action] = []
    # A third of the interval, so that one lost heartbeat does no harm.
    if view.now - view.last_beat_at >= view.heartbeat_seconds / 3:
        actions.append(Beat())
    for story in view.stories.values():
        actions.extend(_own(story, view.processor))
    actions.extend(
        Defend(demand.computation, demand.index, demand.challenge, demand.next)
        for demand in view.demands
        if view.now <= demand.deadline_at
    )
    if view.keeper:
        for story in view.stories.values():
            actions.extend(_kept(story, view))
    return actions


def _own(story: Story, processor: int) -> Iterator[Action]:
    for duty in story.duties:
        if duty.processor != processor:
            continue
        if duty.status is AssignmentStatus.Assigned:
            yield Answer(story.computation, duty.index, duty.attempt)
        elif duty.status is AssignmentStatus.Committed and story.seed is not None:
            # Of the running round: after an escalation the same answer is revealed again, under another seed.
            yield Reveal(story.computation, duty.index, story.attempt)


def _kept(story: Story, view: View) -> Iterator[Action]:
    # Time that ran out is seen by all daemons at once, as is a step that became possible: each waits its turn.
    turn = KEEPER_DELAY_SECONDS * view.rank
    changed_at = view.since.get(story.computation, view.now)
    step = step_due(story, view.now - turn, view.disclose_seconds)
    if step is not None and view.now - changed_at >= KEEPER_DELAY_SECONDS + turn:
        yield Keep(story.computation, step)
