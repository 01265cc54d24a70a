"""Motions, recomputed: votes, quorums, terms and windows; and the lies that an audit finds in a log of them."""

import pytest

from qcrs.model.decision import Decision
from qcrs.model.motion import CONSTITUTION, MotionStatus
from qcrs.rules.replay import LoggedEvent, Rule, narrate
from qcrs.rules.replay.fact_words import UNKNOWN, words_of
from qcrs.rules.replay.facts import encoded_facts
from tests.evm import CHAIN_ID
from tests.governed import DAY, SECURITY, Docket
from tests.scenario import account
from tests.unit.qcrs.audit.history import History, RecordedChain

REASON = b"\x07" * 32
# Motions of the working group, in the order of the story.
EXECUTED, REJECTED, OVERDUE, WITHDRAWN, ANNULLED, ANNULLING, LAPSED, PAUSING, RESUMING, COMPOSING, OUTDATED = range(
    1, 12
)


class Chronicle(Docket):
    """The working group's motions, one for each way in which a motion can go."""

    def __init__(self) -> None:
        super().__init__(RecordedChain())
        body, call, chain = self.body, self.counting(), self.chain
        processor = self.enrol().id
        self.decide(SECURITY, "ProcessorRegistry", "suspend", processor, REASON)
        voted_down = self.propose(SECURITY, call)
        for seat in (1, 2, 3):
            self.vote(SECURITY, voted_down, seat, in_favour=False)
        overdue = self.propose(SECURITY, call)
        chain.warp(self.motion(SECURITY, overdue)["votingEndsAt"] + 1)
        body.expire(overdue, sender=self.keeper)
        withdrawn = self.propose(SECURITY, call)
        self.through(self.member(SECURITY, 0), body, "withdraw", withdrawn)
        annulled = self.carry(SECURITY, call)
        annulling = self.annulling(annulled)
        self.execute(SECURITY, self.carry(SECURITY, annulling), annulling)
        lapsed = self.carry(SECURITY, call)
        chain.warp(self.motion(SECURITY, lapsed)["lapsesAt"] + 1)
        body.expire(lapsed, sender=self.keeper)
        self.decide(SECURITY, "ComputationAllocator", "pause", 2, REASON)
        self.decide(SECURITY, "ComputationAllocator", "resume", REASON)
        composing = self.call(SECURITY, "compose", [*body.members()[1:], account("newcomer")], 4)
        motion = self.carry(SECURITY, composing)
        chain.warp(self.motion(SECURITY, motion)["executableAt"] - 10)
        outdated = self.propose(SECURITY, call)
        self.execute(SECURITY, motion, composing)
        body.expire(outdated, sender=self.keeper)
        amendment = self.call(SECURITY, "setTempo", (DAY, 45 * DAY, 7 * DAY))
        self.execute(CONSTITUTION, self.amend(amendment), amendment)
        self.decide(SECURITY, "ComputationAllocator", "pause", 1, REASON)
        chain.warp(self.allocator.pausedUntil())
        self.admit("after the pause")
        self.register(account("after the pause"), "late daemon")


@pytest.fixture(scope="module")
def chronicle() -> History:
    world = Chronicle()
    return History.of(world)


def test_story_has_every_end_of_a_motion(chronicle):
    world = chronicle.world
    ended = {world.status_of(SECURITY, motion) for motion in range(1, world.body.motionCount() + 1)}
    assert ended == set(MotionStatus) - {MotionStatus.Unset, MotionStatus.Open, MotionStatus.Carried}
    assert world.status_of(SECURITY, OUTDATED) is MotionStatus.Lapsed
    assert world.status_of(SECURITY, WITHDRAWN) is world.status_of(SECURITY, ANNULLED) is MotionStatus.Withdrawn


def test_audit_holds_and_has_counted_votes(chronicle):
    report = chronicle.examine()
    assert report.fault is None, str(report.fault)
    assert report.entries == chronicle.world.trail.head()[1]
    assert report.checks["motion"] > 100
    assert report.checks["pause"] > 2


def test_every_decision_of_a_body_is_told_with_its_facts(chronicle):
    told = set()
    entries = [event for event in chronicle.events if event.name == "EntryAppended"]
    for entry in entries:
        decision, facts = Decision(entry["decision"]), encoded_facts(chronicle.events, entry["index"], CHAIN_ID, "")
        words = words_of(decision, entry["subject"], facts)
        assert UNKNOWN not in words, words
        told.add(decision)
    assert {d for d in Decision if Decision.MotionCarried <= d <= Decision.WorkResumed} <= told


def test_trail_tells_of_bodies_in_words(chronicle):
    words = [entry.words for entry in narrate(chronicle.events)]
    assert "the log does not say" not in words
    assert any(line.startswith("Quantum Security Working Group: motion 1 carried") for line in words)
    assert "Quantum Security Working Group: motion 2 rejected" in words
    assert "Quantum Security Working Group: 5 members, 4 of whom carry a motion" in words
    assert "Constitution: motion 1 executed" in words


def of(history: History, name: str, motion: int, contract: str = SECURITY, nth: int = 0) -> int:
    """Return where the log tells *name* of a body's motion."""
    return [
        position
        for position, event in enumerate(history.events)
        if event.name == name and event.contract == contract and event["motion"] == motion
    ][nth]


def carried_without_the_last_vote(history: History):
    position = of(history, "MotionVoted", EXECUTED, nth=2)
    return position, history.without(position)


def vote_of_somebody_else(history: History):
    position = of(history, "MotionVoted", EXECUTED, nth=1)
    return position, history.changed(position, member=account("somebody else"))


def vote_counted_twice(history: History):
    first, second = (of(history, "MotionVoted", EXECUTED, nth=n) for n in (1, 2))
    return second, history.changed(second, member=history.events[first]["member"])


def vote_turned_round(history: History):
    position = of(history, "MotionVoted", REJECTED, nth=3)
    return position, history.changed(position, inFavour=True)


def another_call(history: History):
    position = of(history, "MotionProposed", EXECUTED)
    return position, history.changed(position, data=b"\x01\x02\x03\x04")


def proposed_by_another(history: History):
    position = of(history, "MotionProposed", EXECUTED)
    return position, history.changed(position, proposer=account("somebody else"))


def longer_vote(history: History):
    position = of(history, "MotionProposed", OVERDUE)
    return position, history.changed(position, votingEndsAt=history.events[position]["votingEndsAt"] + 1)


def sooner_executable(history: History):
    position = of(history, "MotionCarried", LAPSED)
    return position, history.changed(position, executableAt=history.events[position]["executableAt"] - 1)


def executed_too_soon(history: History):
    position = of(history, "MotionExecuted", COMPOSING)
    carried = history.events[of(history, "MotionCarried", COMPOSING)]
    return position, history.retimed(position, carried["executableAt"] - 1)


def rejected_too_soon(history: History):
    position = of(history, "MotionRejected", OVERDUE)
    ends_at = history.events[of(history, "MotionProposed", OVERDUE)]["votingEndsAt"]
    return position, history.retimed(position, ends_at)


def lapsed_too_soon(history: History):
    position = of(history, "MotionLapsed", LAPSED)
    lapses_at = history.events[of(history, "MotionCarried", LAPSED)]["lapsesAt"]
    return position, history.retimed(position, lapses_at)


def lapsed_in_its_own_term(history: History):
    position = of(history, "MotionRejected", OVERDUE)
    event = history.events[position]
    told = LoggedEvent("MotionLapsed", event.contract, event.arguments, event.block, event.timestamp)
    return position, [*history.events[:position], told, *history.events[position + 1 :]]


def executed_twice(history: History):
    position = of(history, "MotionExecuted", EXECUTED)
    both = history.events[position : position + 2]
    return position, [*history.events[: position + 2], *both, *history.events[position + 2 :]]


def another_quorum(history: History):
    position = history.position("BodyComposed", term=2)
    return position, history.changed(position, quorum=2)


def no_term(history: History):
    position = history.position("BodyComposed", term=2)
    return position, history.changed(position, term=3)


def member_named_twice(history: History):
    position = history.position("BodyComposed", term=2)
    members = history.events[position]["members"]
    return position, history.changed(position, members=[members[0], *members[:4]])


def tempo_without_time_to_vote(history: History):
    position = [i for i, e in enumerate(history.events) if e.name == "TempoSet"][-1]
    tempo = {**history.events[position]["tempo"], "votingSeconds": 0}
    return position, history.changed(position, tempo=tempo)


def waived_afterwards(history: History):
    position = of(history, "MotionProposed", EXECUTED)
    event = history.events[position]
    waiver = {"target": event["target"], "selector": b"\0\0\0\0"}
    told = LoggedEvent("DelayWaived", event.contract, waiver, event.block, event.timestamp)
    return position, [*history.events[:position], told, *history.events[position:]]


def another_title(history: History):
    position = history.position("BodyFounded")
    return position, history.changed(position, title="Some Committee")


def endless_pause(history: History):
    position = history.position("WorkPaused")
    return position, history.changed(position, endsAt=history.events[position]["endsAt"] + DAY * 2)


def pause_upon_pause(history: History):
    position = history.position("WorkPaused")
    both = history.events[position : position + 2]
    return position, [*history.events[: position + 2], *both, *history.events[position + 2 :]]


def registered_in_a_pause(history: History):
    position = history.positions("ProcessorRegistered")[-1]
    paused = history.events[history.positions("WorkPaused")[-1]]
    return position, history.retimed(position, paused["endsAt"] - 1)


LIES = {
    carried_without_the_last_vote: Rule.Sequence,
    vote_of_somebody_else: Rule.Motion,
    vote_counted_twice: Rule.Motion,
    vote_turned_round: Rule.Window,
    another_call: Rule.Motion,
    proposed_by_another: Rule.Motion,
    longer_vote: Rule.Window,
    sooner_executable: Rule.Window,
    executed_too_soon: Rule.Window,
    rejected_too_soon: Rule.Window,
    lapsed_too_soon: Rule.Window,
    lapsed_in_its_own_term: Rule.Motion,
    executed_twice: Rule.Lifecycle,
    another_quorum: Rule.Motion,
    no_term: Rule.Motion,
    member_named_twice: Rule.Motion,
    tempo_without_time_to_vote: Rule.Motion,
    waived_afterwards: Rule.Motion,
    another_title: Rule.Motion,
    endless_pause: Rule.Pause,
    pause_upon_pause: Rule.Pause,
    registered_in_a_pause: Rule.Pause,
}


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_lie_is_found_and_the_entry_that_rests_on_it_named(chronicle, lie):
    position, events = lie(chronicle)
    fault = chronicle.examine(events).fault
    assert fault is not None
    assert fault.rule is LIES[lie], str(fault)
    assert fault.entry == chronicle.entry_after(position)


@pytest.mark.parametrize(
    ("function", "answer"),
    [("members", []), ("quorum", 9), ("term", 9), ("tempo", {"votingSeconds": 1}), ("motionCount", 0)],
)
def test_body_that_is_not_what_its_events_made_of_it_is_found(chronicle, function, answer):
    fault = chronicle.examine(**{function: answer}).fault
    assert (fault.rule, fault.what.partition("(")[0]) == (Rule.Motion, function)


def test_motion_that_is_not_what_its_events_made_of_it_is_found(chronicle):
    truth = chronicle.view(SECURITY, "motionOf", EXECUTED)
    fault = chronicle.examine(motionOf={**truth, "against": 1}).fault
    assert fault.rule is Rule.Motion
    assert fault.what.startswith("motionOf(1)")
