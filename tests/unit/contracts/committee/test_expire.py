import pytest

from qcrs.model.motion import MotionStatus
from tests.evm import refused
from tests.governed import SECURITY
from tests.unit.contracts.committee.test_vote import recomposed


def test_expire_rejects_what_too_few_voted_for(docket):
    motion = docket.propose(SECURITY, docket.counting())
    docket.vote(SECURITY, motion, 1)
    ends_at = docket.motion(SECURITY, motion)["votingEndsAt"]
    docket.chain.warp(ends_at)
    with refused("MotionNotDue", motion=motion, endsAt=ends_at, timestamp=ends_at):
        docket.body.expire(motion, sender=docket.stranger)
    docket.chain.warp(ends_at + 1)
    assert docket.body.expire(motion, sender=docket.stranger).names == ["MotionRejected", "EntryAppended"]
    assert docket.status_of(SECURITY, motion) is MotionStatus.Rejected


def test_expire_lapses_what_nobody_executed(docket):
    motion = docket.carry(SECURITY, docket.counting())
    lapses_at = docket.motion(SECURITY, motion)["lapsesAt"]
    docket.chain.warp(lapses_at)
    with refused("MotionNotDue", motion=motion, endsAt=lapses_at, timestamp=lapses_at):
        docket.body.expire(motion, sender=docket.stranger)
    docket.chain.warp(lapses_at + 1)
    assert docket.body.expire(motion, sender=docket.stranger).names == ["MotionLapsed", "EntryAppended"]
    assert docket.status_of(SECURITY, motion) is MotionStatus.Lapsed


def test_expire_lapses_at_once_what_was_open_when_the_body_was_composed_anew(docket):
    call = docket.call(SECURITY, "compose", docket.body.members(), 3)
    composing = docket.carry(SECURITY, call)
    docket.chain.warp(docket.motion(SECURITY, composing)["executableAt"] - 10)
    motion = docket.propose(SECURITY, docket.counting())
    docket.execute(SECURITY, composing, call)
    assert docket.chain.now < docket.motion(SECURITY, motion)["votingEndsAt"]
    assert docket.body.expire(motion, sender=docket.stranger).names == ["MotionLapsed", "EntryAppended"]


def test_carried_motion_stands_when_the_body_is_composed_anew(docket):
    call = docket.counting()
    composing = docket.call(SECURITY, "compose", docket.body.members(), 3)
    first, second = docket.carry(SECURITY, composing), docket.carry(SECURITY, call)
    docket.execute(SECURITY, first, composing)
    docket.execute(SECURITY, second, call)
    assert docket.target.calls() == 1


@pytest.mark.parametrize("status", ["Unset", "Executed"])
def test_expire_reverts_when_nothing_is_open(docket, status):
    motion = 9
    if status == "Executed":
        call = docket.counting()
        motion = docket.carry(SECURITY, call)
        docket.execute(SECURITY, motion, call)
    actual, allowed = MotionStatus[status], 1 << MotionStatus.Open
    with refused("UnexpectedMotionStatus", id=motion, actual=actual, allowed=allowed):
        docket.body.expire(motion, sender=docket.stranger)


def test_outdated_motion_ends_by_recomposition_even_long_after(docket):
    motion = docket.propose(SECURITY, docket.counting())
    recomposed(docket)
    assert docket.body.expire(motion, sender=docket.stranger).names == ["MotionLapsed", "EntryAppended"]
