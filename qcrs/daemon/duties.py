"""What a daemon ought to do next: pure decisions over what it sees.

``decide`` never looks at a clock, a socket or a file. The runtime gives it a ``View`` and carries out what it answers,
so that every rule here can be tested with a handful of literals.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from qcrs.daemon.docket import Demand
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.booking import Booking
from qcrs.model.story import Story
from qcrs.rules.digest import keccak
from qcrs.rules.keeping import Move, Step, exchange_due, queue_moves, step_due
from qcrs.rules.reserving import ReservationStep, reservation_step

# Seconds that daemons wait, by rank, before they do what the requester's client or another daemon does at once; up to
# as long again by chance, since many daemons share a rank. Deadlines are enforced after the same wait, so that few
# transactions collide.
KEEPER_DELAY_SECONDS = 2.0
# Seconds that a relayer must have, or a report is not left to it.
RELAY_SECONDS = 3.0


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
        rules: Digest of the rules under which reports are signed for a relayer; empty without one.
        handed: When each report was left to the relayer, by what it stands for.
        organisation: The processor's. shortest_first: Whether that wants its shorter computations exchanged.
        unplaced: Computations for which too few processors were found. moved: When the queue of each class last moved,
            and *freed_at* when there last may have become room. leading: Classes in which this daemon allocated last.
        seed: What makes this daemon's chance.
        bookings: Reservations of the processor that have not ended. round_seconds: The longest round of a computation.
        draining: Whether the processor takes nothing new; *to_drain* whether it is to, None when nobody said.
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
    rules: bytes = b""
    handed: Mapping["Answer | Reveal", float] = field(default_factory=dict)
    organisation: int = 0
    shortest_first: bool = False
    unplaced: Collection[int] = ()
    moved: Mapping[int, float] = field(default_factory=dict)
    freed_at: float = 0.0
    leading: Collection[int] = ()
    seed: bytes = b""
    bookings: Collection[Booking] = ()
    round_seconds: int = 0
    draining: bool = False
    to_drain: bool | None = None


@dataclass(frozen=True)
class Beat:
    """Say that the daemon is alive."""


@dataclass(frozen=True)
class Drain:
    """Take nothing new from now on, or, with *draining* false, take work again."""

    draining: bool


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
class HandIn:
    """Leave to a relayer what *report* would send: another round or other rules want it signed anew.

    Attributes:
        attempt: The computation's round. rules: See ``View.rules``.
    """

    report: Answer | Reveal
    attempt: int
    rules: bytes

    @property
    def computation(self) -> int:
        """The computation that it is for."""
        return self.report.computation


@dataclass(frozen=True)
class Defend:
    """Show the leaves from number *next* on of the histogram that *challenge* demands."""

    computation: int
    index: int
    challenge: int
    next: int


@dataclass(frozen=True)
class Keep:
    """Take a permissionless step that is due; see ``qcrs.rules.keeping.Move`` for *others*."""

    computation: int
    step: Step
    others: tuple[int, ...] = ()


@dataclass(frozen=True)
class Tend:
    """Take a permissionless step that is due for a reservation of the processor."""

    reservation: int
    step: ReservationStep


Action = Beat | Drain | Answer | Reveal | HandIn | Defend | Keep | Tend


def decide(view: View) -> list[Action]:
    """Return what is due now, the daemon's own duties first."""
    actions: list[Action] = []
    # A third of the interval, so that one lost heartbeat does no harm.
    if view.now - view.last_beat_at >= view.heartbeat_seconds / 3:
        actions.append(Beat())
    if view.to_drain not in (None, view.draining):
        actions.append(Drain(not view.draining))
    for story in view.stories.values():
        actions.extend(_routed(action, story, view) for action in _own(story, view.processor))
    actions.extend(
        Defend(demand.computation, demand.index, demand.challenge, demand.next)
        for demand in view.demands
        if view.now <= demand.deadline_at
    )
    if view.keeper:
        for story in view.stories.values():
            actions.extend(_kept(story, view))
        actions.extend(_served(view))
        actions.extend(_tended(view))
    return actions


def subject_of(action: Action) -> Action:
    """Return what no two actions may be about at once: a report that is handed in is not sent meanwhile."""
    return action.report if isinstance(action, HandIn) else action


def relayed_until(handed_at: float, phase_ends_at: float) -> float:
    """Return until when a report that was handed in is the relayer's: half of what was left of the phase.

    The other half is the daemon's own, for a relayer that is dead, or leaves it out, must cost nobody a bond. When a
    half is too short for a relayer to notice, it is none.
    """
    half = (phase_ends_at - handed_at) / 2
    return handed_at + half if RELAY_SECONDS <= half < math.inf else handed_at


def _routed(action: Answer | Reveal, story: Story, view: View) -> Action:
    """Return *action*, or its way over a relayer as long as that may be of use."""
    if not view.rules:
        return action
    handed_at = view.handed.get(action)
    if handed_at is not None and view.now >= relayed_until(handed_at, story.phase_ends_at):
        return action
    return HandIn(action, story.attempt, view.rules)


def _own(story: Story, processor: int) -> Iterator[Answer | Reveal]:
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
    changed_at = view.since.get(story.computation, view.now)
    step = step_due(story, view.now, view.disclose_seconds)
    if step is None:
        return
    wait = _delay(view, view.rank, story.computation, step.name)
    if step_due(story, view.now - wait + KEEPER_DELAY_SECONDS, view.disclose_seconds) is not step:
        return
    # Who waits in a queue is served with the queue; who lost processors, once there may be some.
    hopeless = step is Step.Allocate and (story.waiting or story.computation in view.unplaced)
    if not hopeless and view.now - changed_at >= wait:
        yield Keep(story.computation, step)


def _served(view: View) -> Iterator[Action]:
    """Yield what is due in the queue of each class."""
    lines: dict[int, list[Story]] = {}
    for story in view.stories.values():
        if story.waiting:
            lines.setdefault(story.request.noise_class, []).append(story)
    for noise_class, line in lines.items():
        move = _next(view, line)
        if move is None:
            continue
        changed_at = max(view.since.get(move.computation, view.now), view.moved.get(noise_class, 0.0), view.freed_at)
        leads = noise_class in view.leading
        wait = 0.0 if leads else _delay(view, view.rank, move.computation, move.step.name)
        if view.now - changed_at >= wait:
            yield Keep(move.computation, move.step, move.others)


def _next(view: View, line: list[Story]) -> Move | None:
    # Exchanges and nothing else are for one organisation alone, and unpaid: its own daemons see to them, when there is
    # anyone who has to wait.
    if view.shortest_first and any(story.computation in view.unplaced for story in line):
        move = exchange_due(story for story in line if story.organisation == view.organisation)
        if move is not None:
            return move
    return next(queue_moves(line, view.now, view.unplaced), None)


def _tended(view: View) -> Iterator[Action]:
    for booking in view.bookings:
        rank = booking.processors.index(view.processor)
        step = reservation_step(booking, view.now, view.round_seconds)
        if step is None:
            continue
        wait = _delay(view, rank, booking.reservation, step.name) - KEEPER_DELAY_SECONDS
        if reservation_step(booking, view.now - wait, view.round_seconds) is step:
            yield Tend(booking.reservation, step)


def _delay(view: View, rank: int, subject: int, step: str) -> float:
    """Return how long this daemon leaves a step to others: by rank, and by a chance that differs from step to step."""
    draw = int.from_bytes(keccak(view.seed + f"{subject} {step}".encode())[:4], "big") / 2**32
    return KEEPER_DELAY_SECONDS * (1 + rank + draw)
