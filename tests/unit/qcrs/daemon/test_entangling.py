"""What a daemon owes to channels and sessions, told by events alone."""

import pytest

from qcrs.daemon.entangling import TURN_SECONDS, Due, Step, View, decide
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Entanglement
from qcrs.model.session import SessionStatus
from qcrs.rules.agreement import Verdict

ME, PEER, OTHER = 1, 2, 3
DUE_AT = 1_000
TERMS = {
    "pairs": 256, "errorPpm": 45_000, "fidelityPpm": 950_000, "capacity": 100, "lifetimeSeconds": 60,
    "windowSeconds": 9,
}  # fmt: skip
OPENING = {"seed": bytes(32), "salt": bytes(32), "outcomes": [0]}
ACCEPTED = ("ChannelAccepted", {"channel": 7, "seedCommitment": b"\2" * 32, "phaseEndsAt": DUE_AT})
HERALDED = ("PairsHeralded", {"channel": 7, "root": bytes(32), "phaseEndsAt": DUE_AT})
SETTLED = (
    "ChannelSettled",
    {
        "channel": 7, "attempt": 1, "verdict": int(ChannelStatus.Open), "tested": 128, "errorsZ": 1, "errorsX": 2,
        "phaseEndsAt": DUE_AT,
    },
)  # fmt: skip


def committed(end):
    return "OutcomesCommitted", {"channel": 7, "end": end, "commitment": bytes([end]) * 32, "phaseEndsAt": DUE_AT}


def revealed(end):
    return "OutcomesRevealed", {"channel": 7, "end": end, "opening": OPENING}


def requested(first=ME, second=PEER):
    facts = {"channel": 7, "first": first, "second": second, "link": 1, "terms": TERMS, "fee": 0}
    return "ChannelRequested", {**facts, "seedCommitment": b"\1" * 32, "phaseEndsAt": DUE_AT}


def created(runs=1, outcome_bits=2, phases=2):
    request = {
        "programDigest": bytes(32), "secretCommitment": bytes(24), "phases": phases, "shots": 100,
        "outcomeBits": outcome_bits, "fee": 1, "deposit": 1, "joinSeconds": 9, "phaseSeconds": 9, "reportSeconds": 9,
    }  # fmt: skip
    told = {"group": 4, "requester": "0x", "organisation": 1, "request": request, "runs": runs, "escrow": 2}
    formed = [
        ("SessionFormed", {
            "session": 4 + run, "group": 4, "members": [ME, PEER] if run == 0 else [OTHER, OTHER + 1],
            "fragmentDigests": [bytes(32)] * 2, "uses": [{"channel": 7, "pairs": 100}], "phaseEndsAt": DUE_AT,
        })
        for run in range(runs)
    ]  # fmt: skip
    return [("SessionsCreated", told), *formed]


def joined(index, session=4):
    return "SessionJoined", {"session": session, "index": index, "processor": [ME, PEER][index]}


def arrived(index, phase, session=4):
    return "MemberArrived", {"session": session, "index": index, "phase": phase, "digest": bytes([phase]) * 32}


def passed(phase, session=4, ends_at=DUE_AT):
    return "BarrierPassed", {"session": session, "phase": phase, "phaseEndsAt": ends_at}


ARMED = ("SessionArmed", {"session": 4, "phaseEndsAt": DUE_AT})
OPENED = ("ReportingOpened", {"group": 4, "phaseEndsAt": DUE_AT})
SEEDED = ("SketchSeedFixed", {"group": 4, "secret": bytes(24), "seed": b"\5" * 32, "phaseEndsAt": DUE_AT})


def reported(index, session=4):
    facts = {"session": session, "index": index, "processor": ME, "countsRoot": b"\6" * 32, "salt": bytes(32)}
    return "SessionReported", {**facts, "sketch": [9]}


def known(*events):
    entanglement = Entanglement()
    for block, (name, arguments) in enumerate(events):
        entanglement.apply(name, arguments, block)
    return entanglement


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
        assert due(*story, now=DUE_AT + 1, keeper=True) == [Due(Step.EndChannel, 7, 1)]
        assert due(*story, now=DUE_AT + 1, keeper=True, rank=1) == []
        assert due(*story, now=DUE_AT + 1 + TURN_SECONDS, keeper=True, rank=1) == [Due(Step.EndChannel, 7, 1)]


def test_what_both_have_revealed_is_settled_and_not_ended():
    story = [requested(), ACCEPTED, HERALDED, committed(1), committed(0), revealed(0), revealed(1)]
    assert due(*story, keeper=True) == [Due(Step.Settle, 7, 1)]
    assert due(*story, keeper=True, processor=OTHER) == []
    assert due(*story, keeper=True, processor=OTHER, now=DUE_AT + 1) == [Due(Step.Settle, 7, 1)]
    assert due(*story, SETTLED, keeper=True) == []


def test_a_channel_is_ended_at_its_age():
    story = [requested(), ACCEPTED, HERALDED, committed(1), committed(0), revealed(0), revealed(1), SETTLED]
    assert due(*story, keeper=True, now=DUE_AT + 1) == [Due(Step.EndChannel, 7, 1)]
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
    assert due(*story, now=DUE_AT + 1, keeper=True) == [Due(Step.Substitute, 4)]
    assert due(*story, SEEDED) == [Due(Step.Report, 4, 3, 0)]
    assert due(*story, SEEDED, now=DUE_AT + 1, keeper=True) == [Due(Step.EndSession, 4, 3)]


def test_nobody_is_late_while_another_run_is_on_its_way():
    story = [*created(runs=2), joined(0), joined(1), ARMED, arrived(0, 0), arrived(1, 0), passed(1)]
    story += [arrived(0, 1), arrived(1, 1), passed(2), arrived(0, 2), arrived(1, 2), passed(3, ends_at=0)]
    late = due(*story, now=DUE_AT + 1, keeper=True)
    assert late == [Due(Step.EndSession, 5)]


@pytest.mark.parametrize("phase", [None, 0, 1, 2])
def test_an_absent_member_has_the_session_ended(phase):
    story = created()
    if phase is not None:
        story += [joined(0), joined(1), ARMED]
        for before in range(phase):
            story += [arrived(0, before), arrived(1, before), passed(before + 1)]
        story += [arrived(0, phase)]
    assert due(*story, now=DUE_AT + 1, keeper=True) == [Due(Step.EndSession, 4, phase or 0)]


def test_a_group_is_concluded_when_none_of_its_runs_can_go_on():
    story = [*created(runs=2), joined(0), joined(1), ARMED, arrived(0, 0), arrived(1, 0), passed(1)]
    story += [arrived(0, 1), arrived(1, 1), passed(2), arrived(0, 2), arrived(1, 2), passed(3, ends_at=0)]
    aborted = {"session": 5, "absent": 1, "channel": 0, "refund": 2, "status": int(SessionStatus.Aborted)}
    story += [("SessionEnded", aborted), OPENED, reported(0), reported(1)]
    assert Due(Step.Conclude, 4) not in due(*story, keeper=True)
    story.append(("SessionFinished", {"session": 4, "reportDigest": bytes(32)}))
    assert due(*story, keeper=True) == [Due(Step.Conclude, 4)]
    assert known(*story).results(known(*story).groups[4]) == ([b"\6" * 32], [9])
    concluded = {"group": 4, "verdict": int(Verdict.Unverified), "agreeing": 1, "answerDigest": bytes(32)}
    paid = {"session": 4, "absent": 0, "channel": 0, "refund": 0, "status": int(SessionStatus.Paid)}
    story += [("SessionEnded", paid), ("SessionsConcluded", concluded)]
    assert due(*story, keeper=True) == []


def test_pairs_are_counted_as_sessions_use_them():
    story = [requested(), ACCEPTED, HERALDED, committed(1), committed(0), revealed(0), revealed(1), SETTLED]
    story.append(("PairsConsumed", {"channel": 7, "session": 4, "pairs": 30}))
    assert known(*story).channels[7].left == 70
