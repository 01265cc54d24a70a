"""Which permissionless step is due for channels, sessions and groups: the same for keepers and requesters."""

import pytest

from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus
from qcrs.rules.entanglement_keeping import KeepingStep, arguments_of, channel_due, group_due, session_due
from tests.entanglement_events import (
    ACCEPTED,
    ARMED,
    DUE_AT,
    HERALDED,
    OPENED,
    OPENING,
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

HALVES = [arrived(0, 0), arrived(1, 0)]
TESTED = [requested(), ACCEPTED, HERALDED, committed(0), committed(1)]
RUN = [joined(0), joined(1), ARMED, *HALVES, passed(1), arrived(0, 1), arrived(1, 1), passed(2)]
BOUND = [*RUN, arrived(0, 2), arrived(1, 2), passed(3, ends_at=0)]
FINAL = ("SessionFinished", {"session": 4, "reportDigest": bytes(32)})


def aborted(session):
    facts = {"session": session, "absent": 1, "channel": 0, "refund": 2, "status": int(SessionStatus.Aborted)}
    return "SessionEnded", facts


@pytest.mark.parametrize("events", [TESTED[:1], TESTED[:2], TESTED[:3], TESTED, [*TESTED, revealed(0)]])
def test_a_channel_is_ended_when_somebody_is_late_and_not_before(events):
    channel = known(*events).channels[7]
    assert channel_due(channel, DUE_AT) is None
    assert channel_due(channel, DUE_AT + 1) is KeepingStep.EndChannel


def test_a_channel_that_both_have_revealed_for_is_settled_at_any_time():
    everything = known(*TESTED, revealed(0), revealed(1))
    for now in (0, DUE_AT, DUE_AT + 1):
        assert channel_due(everything.channels[7], now) is KeepingStep.SettleChannel
    opening = (OPENING["seed"], OPENING["salt"], OPENING["outcomes"])
    assert arguments_of(KeepingStep.SettleChannel, 7, everything) == (7, opening, opening)


def test_an_open_channel_ends_at_its_age_and_an_ended_one_does_nothing_more():
    events = [*TESTED, revealed(0), revealed(1), SETTLED]
    channel = known(*events).channels[7]
    assert channel_due(channel, DUE_AT) is None
    assert channel_due(channel, DUE_AT + 1) is KeepingStep.EndChannel
    ended = ("ChannelEnded", {"channel": 7, "status": int(ChannelStatus.Expired), "silent": 0})
    assert channel_due(known(*events, ended).channels[7], DUE_AT + 1) is None


@pytest.mark.parametrize("events", [[], RUN[:1], RUN[:3], RUN[:4], RUN[:6], RUN])
def test_a_session_is_ended_when_a_member_is_late_and_not_before(events):
    everything = known(*created(), *events)
    session, group = everything.sessions[4], everything.groups[4]
    assert session_due(session, group, DUE_AT) is None
    assert session_due(session, group, DUE_AT + 1) is KeepingStep.EndSession
    assert arguments_of(KeepingStep.EndSession, 4, everything) == (4,)


def test_nobody_is_late_with_a_report_before_its_seed_is_fixed():
    everything = known(*created(outcome_bits=9), *BOUND, OPENED)
    session, group = everything.sessions[4], everything.groups[4]
    assert session_due(session, group, DUE_AT + 1) is None
    assert group_due(group, everything, DUE_AT) is None
    assert group_due(group, everything, DUE_AT + 1) is KeepingStep.Substitute
    everything = known(*created(outcome_bits=9), *BOUND, OPENED, SEEDED)
    session, group = everything.sessions[4], everything.groups[4]
    assert session_due(session, group, DUE_AT) is None
    assert session_due(session, group, DUE_AT + 1) is KeepingStep.EndSession
    assert group_due(group, everything, DUE_AT + 1) is None


def test_a_session_that_waits_for_another_to_be_bound_is_not_late():
    everything = known(*created(runs=2), *BOUND)
    session, group = everything.sessions[4], everything.groups[4]
    assert session.status is SessionStatus.Reporting
    assert session_due(session, group, DUE_AT + 1) is None
    assert group_due(group, everything, DUE_AT + 1) is None


@pytest.mark.parametrize("end", [FINAL, aborted(4)], ids=["final", "aborted"])
def test_a_session_that_has_its_result_or_has_ended_is_left(end):
    everything = known(*created(), *BOUND, OPENED, reported(0), reported(1), end)
    assert session_due(everything.sessions[4], everything.groups[4], DUE_AT + 1) is None


def test_a_group_is_concluded_once_when_a_run_has_a_result_and_none_goes_on():
    events = [*created(runs=2), *BOUND, aborted(5), OPENED, reported(0), reported(1)]
    everything = known(*events)
    assert group_due(everything.groups[4], everything, 0) is None
    everything = known(*events, FINAL)
    assert group_due(everything.groups[4], everything, 0) is KeepingStep.Conclude
    assert arguments_of(KeepingStep.Conclude, 4, everything) == (4, [b"\6" * 32], [9])
    concluded = {"group": 4, "verdict": 1, "agreeing": 1, "answerDigest": bytes(32)}
    everything = known(*events, FINAL, ("SessionsConcluded", concluded))
    assert group_due(everything.groups[4], everything, 0) is None


def test_a_group_without_any_result_is_not_concluded():
    everything = known(*created(), aborted(4))
    assert group_due(everything.groups[4], everything, DUE_AT + 1) is None


def test_a_group_of_which_no_run_is_left_needs_no_seed():
    everything = known(*created(outcome_bits=9), aborted(4), OPENED)
    assert group_due(everything.groups[4], everything, DUE_AT + 1) is None
