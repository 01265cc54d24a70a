"""What members, thieves, targets and strangers may try with the bodies, and why it does not work."""

import pytest

from qcrs.model.motion import COMMITTEES, CONSTITUTION, MotionStatus
from tests.evm import refused
from tests.governed import ALLOCATION, COUNCIL, DAY, SECURITY, Call
from tests.scenario import account


def test_member_alone_decides_nothing(docket):
    call = docket.counting()
    motion = docket.propose(SECURITY, call)
    with refused("AlreadyVoted"):
        docket.vote(SECURITY, motion, 0)
    with refused("UnexpectedMotionStatus"):
        docket.body.execute(motion, call.target, call.data, sender=docket.member(SECURITY, 0))


def test_stolen_account_key_proposes_votes_and_withdraws_nothing(docket):
    """Without the hash key, a thief calls as the member, or appends the member's address to the call."""
    call, member = docket.counting(), docket.member(SECURITY, 0)
    motion = docket.propose(SECURITY, call)
    digest = docket.motion(SECURITY, motion)["digest"]
    for function, arguments in (
        ("propose", (call.target, call.data, bytes(32), "")),
        ("vote", (motion, digest, True)),
        ("withdraw", (motion,)),
    ):
        data = docket.body.interface.encode_call(function, arguments)
        for attempt in (data, data + bytes.fromhex(member[2:])):
            with refused("HashSignatureRequired", account=member, door=docket.door.address):
                docket.chain.send_raw(docket.body.address, attempt, member)


def test_door_cannot_be_named_by_a_contract_that_forwards(docket):
    """Another door that appends a member's account is not the door."""
    false_door = docket.chain.deploy("TestDoor", sender=docket.stranger)
    call, member = docket.counting(), docket.member(SECURITY, 0)
    data = docket.body.interface.encode_call("propose", (call.target, call.data, bytes(32), ""))
    with refused("HashSignatureRequired", account=false_door.address, door=docket.door.address):
        false_door.perform(member, docket.body.address, data, sender=docket.stranger)


def composed(docket, members, quorum):
    call = docket.call(SECURITY, "compose", members, quorum)
    motion = docket.carry(SECURITY, call)
    docket.chain.warp(docket.motion(SECURITY, motion)["executableAt"] - 100)
    return lambda: docket.body.execute(motion, call.target, call.data, sender=docket.keeper)


def test_vote_of_a_member_removed_meanwhile_does_not_count(docket):
    members = docket.body.members()
    compose = composed(docket, members[1:], 3)
    call = docket.counting()
    motion = docket.propose(SECURITY, call)  # by the one who leaves
    docket.vote(SECURITY, motion, 1)
    docket.chain.advance(100)
    compose()
    with refused("MotionOutdated", motion=motion, term=1, present=2):
        docket.vote(SECURITY, motion, 1)  # the seat of who has not voted yet
    assert docket.status_of(SECURITY, motion) is MotionStatus.Open
    docket.body.expire(motion, sender=docket.stranger)
    assert docket.status_of(SECURITY, motion) is MotionStatus.Lapsed


def test_removed_member_votes_no_more(docket):
    members = docket.body.members()
    compose = composed(docket, members[1:], 3)
    docket.chain.advance(100)
    compose()
    motion = docket.propose(SECURITY, docket.counting())
    digest = docket.motion(SECURITY, motion)["digest"]
    with refused("NotMember", account=members[0]):
        docket.through(members[0], docket.body, "vote", motion, digest, True)


def test_quorum_lowered_meanwhile_carries_nothing_that_is_open(docket):
    members = docket.body.members()
    compose = composed(docket, members[:3], 2)
    call = docket.counting()
    motion = docket.propose(SECURITY, call)
    docket.vote(SECURITY, motion, 1)  # two votes: enough under the new quorum
    docket.chain.advance(100)
    compose()
    with refused("MotionOutdated"):
        docket.vote(SECURITY, motion, 2)
    with refused("UnexpectedMotionStatus"):
        docket.body.execute(motion, call.target, call.data, sender=docket.keeper)


def test_vote_in_one_body_does_not_serve_in_another(docket):
    """The same account has a seat in both, and the same call was proposed under the same id."""
    both = account("has two seats")
    for body in (SECURITY, COUNCIL):
        call = docket.call(body, "compose", [both, *docket.bodies[body].members()[1:]], 3)
        docket.execute(body, docket.carry(body, call), call)
    call = docket.counting()
    motions = [docket.propose(body, call, seat=1) for body in (SECURITY, COUNCIL)]
    assert motions == [2, 2]
    digest = docket.motion(SECURITY, 2)["digest"]
    with refused("MotionMismatch", motion=2, expected=docket.motion(COUNCIL, 2)["digest"], given=digest):
        docket.through(both, docket.bodies[COUNCIL], "vote", 2, digest, True)


def test_vote_does_not_serve_for_what_took_its_place(docket):
    """After a reorganisation another motion can stand under the id that a vote was signed for."""
    with docket.chain.undone():
        motion = docket.propose(SECURITY, docket.counting())
        signed_for = docket.motion(SECURITY, motion)["digest"]
    other = docket.propose(SECURITY, docket.calling("refuse"))
    assert other == motion
    with refused("MotionMismatch"):
        docket.through(docket.member(SECURITY, 1), docket.body, "vote", other, signed_for, True)


def test_motion_is_not_executed_twice_by_its_target(docket):
    motion = docket.body.motionCount() + 1
    call = docket.calling("executeAgain", motion)
    assert docket.carry(SECURITY, call) == motion
    with refused("MotionCallFailed") as caught:
        docket.execute(SECURITY, motion, call)
    errors = docket.body.interface.errors
    assert errors[caught.arguments["reason"][:4]]["name"] == "UnexpectedMotionStatus"
    assert docket.target.calls() == 0


def test_target_may_only_execute_another_motion_that_is_due(docket):
    inner = docket.counting()
    first = docket.carry(SECURITY, inner)
    outer = docket.calling("executeOther", first, inner.data)
    second = docket.carry(SECURITY, outer)
    docket.execute(SECURITY, second, outer)
    assert docket.target.calls() == 2
    assert docket.status_of(SECURITY, first) is MotionStatus.Executed
    with refused("UnexpectedMotionStatus"):
        docket.body.execute(first, inner.target, inner.data, sender=docket.stranger)


def test_lapsed_motion_is_executed_no_more(docket):
    call = docket.counting()
    motion = docket.carry(SECURITY, call)
    docket.chain.warp(docket.motion(SECURITY, motion)["lapsesAt"] + 1)
    with refused("ExecutionOutsideWindow"):
        docket.body.execute(motion, call.target, call.data, sender=docket.keeper)
    docket.body.expire(motion, sender=docket.keeper)
    with refused("UnexpectedMotionStatus"):
        docket.body.execute(motion, call.target, call.data, sender=docket.keeper)


def test_body_does_not_evade_its_delay_through_another_route(docket):
    """AccessManager.execute would call for the body what the body's table delays, under another selector."""
    market = docket.call("ComputationAllocator", "setMarket", 1, 2, 3, 4)
    routed = docket.call("Authority", "execute", market.target, market.data)
    with refused("TargetForbidden", target=docket.authority.address):
        docket.propose(ALLOCATION, routed)


@pytest.mark.parametrize("body", COMMITTEES)
def test_body_does_only_what_is_its_role_s(docket, body):
    """A call of another body's is carried, and refused by the contract that it is about."""
    calls = {
        "QuantumResourceAllocationCommittee": ("Consortium", "setWeight", 1, 2),
        "ProcessorCertificationAuthority": ("Consortium", "admit", "Lab", account("new"), 1),
        "QuantumSecurityWorkingGroup": ("ComputationAllocator", "pause", 1, bytes(32)),
        "VerificationStandardsBoard": ("ComputationAllocator", "setStandards", 5, 6, 8, 7),
        "DisputeResolutionCouncil": ("Disputes", "rule", 1, True, bytes(32)),
    }
    for owner, arguments in calls.items():
        if owner == body:
            continue
        call = docket.call(*arguments)
        motion = docket.carry(body, call)
        with docket.chain.undone(), refused("MotionCallFailed") as caught:
            docket.execute(body, motion, call)
        assert caught.arguments["reason"][:4] == bytes.fromhex("068ca9d8"), (owner, caught.arguments)


def test_bodies_pause_no_longer_than_the_limit_and_not_for_ever(docket):
    allocator, reason = docket.allocator, bytes(32)
    docket.decide(SECURITY, "ComputationAllocator", "pause", 3, reason)
    ends_at = allocator.pausedUntil()
    assert ends_at - docket.chain.now <= 3 * DAY
    for moment in (docket.chain.now, ends_at, ends_at + 2 * DAY):
        docket.chain.warp(moment)
        call = docket.call("ComputationAllocator", "pause", 1, reason)
        motion = docket.carry(SECURITY, call)
        with refused("MotionCallFailed") as caught:
            docket.execute(SECURITY, motion, call)
        errors = docket.contracts["Regulation"].interface.errors
        assert errors[caught.arguments["reason"][:4]]["name"] == "PauseTooSoon"
    docket.chain.warp(ends_at + 3 * DAY)
    docket.decide(SECURITY, "ComputationAllocator", "pause", 1, reason)
    assert allocator.pausedUntil() > docket.chain.now


def test_pause_resumed_and_paused_again_is_no_longer_either(docket):
    reason = bytes(32)
    docket.decide(SECURITY, "ComputationAllocator", "pause", 3, reason)
    docket.decide(SECURITY, "ComputationAllocator", "resume", reason)
    assert docket.allocator.pausedUntil() == 0
    call = docket.call("ComputationAllocator", "pause", 3, reason)
    motion = docket.carry(SECURITY, call)
    with refused("MotionCallFailed"):
        docket.execute(SECURITY, motion, call)


def test_constitution_of_four_colluding_members_of_one_body_is_none(docket):
    """Seats in bodies count once a body, however many of its members agree."""
    call = docket.call("Authority", "grantRole", 2, docket.stranger, 0)
    docket.decide(SECURITY, CONSTITUTION, "propose", call.target, call.data, bytes(32), "")
    motion = docket.constitution.motionCount()
    digest = docket.motion(CONSTITUTION, motion)["digest"]
    again = docket.call(CONSTITUTION, "vote", motion, digest, True)
    second = docket.carry(SECURITY, again)
    with refused("MotionCallFailed"):
        docket.execute(SECURITY, second, again)
    assert docket.motion(CONSTITUTION, motion)["inFavour"] == 0b100


def test_call_with_less_than_a_selector_has_the_full_delay(docket):
    call = Call(docket.target.address, b"\x01")
    motion = docket.propose(SECURITY, call)
    assert docket.motion(SECURITY, motion)["delaySeconds"] == docket.settings.governance.tempo.delay_seconds
