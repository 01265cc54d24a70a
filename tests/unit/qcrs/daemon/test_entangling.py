"""What a daemon owes to channels and sessions, told by events alone."""

import pytest

from qcrs.daemon.entangling import TURN_SECONDS, Due, Step, View, decide
from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus
from qcrs.rules.agreement import Verdict
from qcrs.rules.entanglement_keeping import KeepingStep
from tests.entanglement_events import (
    ACCEPTED,
    ARMED,
    DUE_AT,
    HERALDED,
    ME,
    OPENED,
    OTHER,
    PEER,
    SEEDED,
    SETTLED,
    arrived,
    committed,
    created,
    joined,
    known,
    passed,
    reported,
    requested,
    revealed,
)  # fmt: skip


def due(*events, now=DUE_AT, **changes):
    facts = {"processor": ME, "rank": 0, "now": now, "known": known(*events), "keeper": False}
    return decide(View(**facts | changes))


def test_the_other_end_accepts_and_the_asker_waits():
    assert due(requested(PEER, ME)) == [Due(Step.Accept, 7, 1, 1)]
    assert due(requested(PEER, ME), willing=False) == []
    assert due(requested()) == []
    assert due(requested(PEER, OTHER)) == []


@pytest.mark.parametrize("end", [0, 1])
def test_each_end_asks_for_pairs_commits_and_reveals_once(end):
    ends = (ME, PEER) if end == 0 else (PEER, ME)
    story = [requested(*ends), ACCEPTED]
    assert due(*story) == [Due(Step.AskPairs, 7, 1, end)]
    story.append(HERALDED)
    assert due(*story) == [Due(Step.Commit, 7, 1, end)]
    assert due(*story, committed(end)) == []
    story += [committed(1 - end), committed(end)]
    assert due(*story) == [Due(Step.Reveal, 7, 1, end)]
    assert due(*story, revealed(end)) == []


def test_nobody_does_what_is_overdue_but_a_keeper_ends_it_in_turn():
    for story in ([requested(PEER, ME)], [requested(), ACCEPTED], [requested(), ACCEPTED, HERALDED]):
        assert due(*story, now=DUE_AT + 1) == []
        assert due(*story, now=DUE_AT + 1, keeper=True) == [Due(KeepingStep.EndChannel, 7, 1)]
        assert due(*story, now=DUE_AT + 1, keeper=True, rank=1) == []
        assert due(*story, now=DUE_AT + 1 + TURN_SECONDS, keeper=True, rank=1) == [Due(KeepingStep.EndChannel, 7, 1)]


def test_what_both_have_revealed_is_settled_and_not_ended():
    story = [requested(), ACCEPTED, HERALDED, committed(1), committed(0), revealed(0), revealed(1)]
    assert due(*story, keeper=True) == [Due(KeepingStep.SettleChannel, 7, 1)]
    assert due(*story, keeper=True, processor=OTHER) == []
    assert due(*story, keeper=True, processor=OTHER, now=DUE_AT + 1) == [Due(KeepingStep.SettleChannel, 7, 1)]
    assert due(*story, SETTLED, keeper=True) == []


def test_a_channel_is_ended_at_its_age():
    story = [requested(), ACCEPTED, HERALDED, committed(1), committed(0), revealed(0), revealed(1), SETTLED]
    assert due(*story, keeper=True, now=DUE_AT + 1) == [Due(KeepingStep.EndChannel, 7, 1)]
    ended = ("ChannelEnded", {"channel": 7, "status": int(ChannelStatus.Expired), "silent": 0})
    assert due(*story, ended, keeper=True, now=DUE_AT + 1) == []


def test_a_new_test_asks_for_all_again():
    story = [requested(), ACCEPTED, HERALDED, committed(1), committed(0), revealed(0), revealed(1), SETTLED]
    retested = {"channel": 7, "attempt": 2, "asker": 1, "seedCommitment": b"\7" * 32, "fee": 0, "phaseEndsAt": DUE_AT}
    story.append(("ChannelRetested", retested))
    assert due(*story) == [Due(Step.Accept, 7, 2, 0)]
    story += [ACCEPTED, HERALDED]
    assert due(*story) == [Due(Step.Commit, 7, 2, 0)]
    channel = known(*story).channels[7]
    assert channel.seed_commitments == {1: b"\7" * 32, 0: b"\2" * 32}
    assert channel.first_commitment == b"\1" * 32


def test_a_member_takes_each_step_once():
    story = created()
    assert due(*story) == [Due(Step.Join, 4, 0, 0)]
    assert due(*story, willing=False) == []
    story += [joined(0)]
    assert due(*story) == []
    story += [joined(1), ARMED]
    assert due(*story) == [Due(Step.Arm, 4, 0, 0)]
    assert due(*story, arrived(0, 0)) == []
    story += [arrived(0, 0), arrived(1, 0), passed(1)]
    assert due(*story) == [Due(Step.Run, 4, 1, 0)]
    story += [arrived(0, 1), arrived(1, 1), passed(2)]
    assert due(*story) == [Due(Step.Bind, 4, 2, 0)]
    story += [arrived(0, 2), arrived(1, 2), passed(3, ends_at=0)]
    assert due(*story) == []
    story += [OPENED]
    assert due(*story) == [Due(Step.Report, 4, 3, 0)]
    assert due(*story, reported(0)) == []


def test_with_more_phases_there_are_more_runs_before_the_last():
    story = [*created(phases=3), joined(0), joined(1), ARMED, arrived(0, 0), arrived(1, 0), passed(1)]
    story += [arrived(0, 1), arrived(1, 1), passed(2)]
    assert due(*story) == [Due(Step.Run, 4, 2, 0)]
    story += [arrived(0, 2), arrived(1, 2), passed(3)]
    assert due(*story) == [Due(Step.Bind, 4, 3, 0)]


def test_a_wide_result_is_reported_once_its_seed_is_fixed():
    story = [*created(outcome_bits=9), joined(0), joined(1), ARMED, arrived(0, 0), arrived(1, 0), passed(1)]
    story += [arrived(0, 1), arrived(1, 1), passed(2), arrived(0, 2), arrived(1, 2), passed(3, ends_at=0), OPENED]
    assert due(*story) == []
    assert due(*story, now=DUE_AT + 1, keeper=True) == [Due(KeepingStep.Substitute, 4)]
    assert due(*story, SEEDED) == [Due(Step.Report, 4, 3, 0)]
    assert due(*story, SEEDED, now=DUE_AT + 1, keeper=True) == [Due(KeepingStep.EndSession, 4, 3)]


def test_nobody_is_late_while_another_run_is_on_its_way():
    story = [*created(runs=2), joined(0), joined(1), ARMED, arrived(0, 0), arrived(1, 0), passed(1)]
    story += [arrived(0, 1), arrived(1, 1), passed(2), arrived(0, 2), arrived(1, 2), passed(3, ends_at=0)]
    late = due(*story, now=DUE_AT + 1, keeper=True)
    assert late == [Due(KeepingStep.EndSession, 5)]


@pytest.mark.parametrize("phase", [None, 0, 1, 2])
def test_an_absent_member_has_the_session_ended(phase):
    story = created()
    if phase is not None:
        story += [joined(0), joined(1), ARMED]
        for before in range(phase):
            story += [arrived(0, before), arrived(1, before), passed(before + 1)]
        story += [arrived(0, phase)]
    assert due(*story, now=DUE_AT + 1, keeper=True) == [Due(KeepingStep.EndSession, 4, phase or 0)]


def test_a_group_is_concluded_when_none_of_its_runs_can_go_on():
    story = [*created(runs=2), joined(0), joined(1), ARMED, arrived(0, 0), arrived(1, 0), passed(1)]
    story += [arrived(0, 1), arrived(1, 1), passed(2), arrived(0, 2), arrived(1, 2), passed(3, ends_at=0)]
    aborted = {"session": 5, "absent": 1, "channel": 0, "refund": 2, "status": int(SessionStatus.Aborted)}
    story += [("SessionEnded", aborted), OPENED, reported(0), reported(1)]
    assert Due(KeepingStep.Conclude, 4) not in due(*story, keeper=True)
    story.append(("SessionFinished", {"session": 4, "reportDigest": bytes(32)}))
    assert due(*story, keeper=True) == [Due(KeepingStep.Conclude, 4)]
    assert known(*story).results(known(*story).groups[4]) == ([b"\6" * 32], [9])
    concluded = {"group": 4, "verdict": int(Verdict.Unverified), "agreeing": 1, "answerDigest": bytes(32)}
    paid = {"session": 4, "absent": 0, "channel": 0, "refund": 0, "status": int(SessionStatus.Paid)}
    story += [("SessionEnded", paid), ("SessionsConcluded", concluded)]
    assert due(*story, keeper=True) == []


def test_pairs_are_counted_as_sessions_use_them():
    story = [requested(), ACCEPTED, HERALDED, committed(1), committed(0), revealed(0), revealed(1), SETTLED]
    story.append(("PairsConsumed", {"channel": 7, "session": 4, "pairs": 30}))
    assert known(*story).channels[7].left == 70
