"""What is said of bodies without asking a chain."""

from types import SimpleNamespace

import pytest

from qcrs.chain.call import Call
from qcrs.model.motion import COMMITTEES, CONSTITUTION, MotionStatus
from qcrs.sdk.governance import SHORT, BodiesMissing, BodyUnknown, Governance, Motion, body_of, reason_of

DUE, LAPSES, VOTE_ENDS = 1_000, 2_000, 500


def motion(status, outdated=False):
    carried = status is MotionStatus.Carried
    return Motion(
        body="ProcessorCertificationAuthority", id=1, status=status, call=Call("0x", b""), proposer="0x",
        reason=bytes(32), uri="", digest=bytes(32), in_favour=[], against=[], outdated=outdated,
        voting_ends_at=VOTE_ENDS, executable_at=DUE if carried else 0, lapses_at=LAPSES if carried else 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "now", "words"),
    [
        (MotionStatus.Open, VOTE_ENDS, "members vote: 'qcrs committee vote'"),
        (MotionStatus.Open, VOTE_ENDS + 1, "anyone can end it: 'qcrs committee expire'"),
        (MotionStatus.Carried, DUE - 10, "it can be executed in 10 s"),
        (MotionStatus.Carried, DUE, "anyone can execute it: 'qcrs committee execute'"),
        (MotionStatus.Carried, LAPSES, "anyone can execute it: 'qcrs committee execute'"),
        (MotionStatus.Carried, LAPSES + 1, "anyone can end it: 'qcrs committee expire'"),
        (MotionStatus.Executed, DUE, None),
        (MotionStatus.Withdrawn, DUE, None),
    ],
)
def test_next_step_is_what_the_contract_would_take(status, now, words):
    assert motion(status).next_step(now) == words


def test_motion_of_another_composition_can_only_be_ended():
    assert motion(MotionStatus.Open, outdated=True).next_step(0) == "anyone can end it: 'qcrs committee expire'"


def test_bodies_have_short_names():
    assert [body_of(name) for name in SHORT] == [*COMMITTEES, CONSTITUTION]
    assert [body_of(name) for name in COMMITTEES] == list(COMMITTEES)
    with pytest.raises(BodyUnknown, match="expected one of allocation, certification, security"):
        body_of("senate")


def test_network_without_bodies_says_who_acts_instead():
    gateway = SimpleNamespace(addresses={"Authority": "0x"}, interfaces={})
    with pytest.raises(BodiesMissing, match="held by plain accounts"):
        Governance(gateway, None)


def test_reason_is_bound_by_its_digest():
    assert reason_of(b"because") != reason_of(b"because ")
    assert len(reason_of(b"")) == 32
