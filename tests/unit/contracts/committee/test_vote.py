from qcrs.model.decision import Decision
from qcrs.model.motion import MotionStatus
from qcrs.rules.digest import abi_digest
from tests.evm import refused
from tests.governed import COUNCIL, SECURITY, TEMPO


def test_vote_carries_when_the_quorum_s_last_vote_is_in(docket):
    motion = docket.propose(SECURITY, docket.counting())
    assert docket.vote(SECURITY, motion, 3).names == ["MotionVoted"]
    assert docket.vote(SECURITY, motion, 2, in_favour=False).names == ["MotionVoted"]
    now = docket.chain.now
    receipt = docket.vote(SECURITY, motion, 4)
    assert receipt.names == ["MotionVoted", "MotionCarried", "EntryAppended"]
    due, lapses = now + TEMPO.delay_seconds, now + TEMPO.delay_seconds + TEMPO.execution_seconds
    assert receipt.event("MotionCarried") == {"motion": motion, "executableAt": due, "lapsesAt": lapses}
    record = docket.motion(SECURITY, motion)
    assert (record["status"], record["inFavour"], record["against"]) == (MotionStatus.Carried, 0b11001, 0b100)
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.MotionCarried, motion)
    assert entry["recorder"] == docket.body.address
    types = ["uint64", "bytes32", "uint32", "uint32", "uint40", "uint40"]
    assert entry["digest"] == abi_digest(types, [motion, record["digest"], 0b11001, 0b100, due, lapses])


def test_vote_rejects_as_soon_as_the_quorum_is_out_of_reach(docket):
    motion = docket.propose(SECURITY, docket.counting())
    docket.vote(SECURITY, motion, 1, in_favour=False)
    docket.vote(SECURITY, motion, 2, in_favour=False)
    assert docket.status_of(SECURITY, motion) is MotionStatus.Open
    receipt = docket.vote(SECURITY, motion, 3, in_favour=False)
    assert receipt.names == ["MotionVoted", "MotionRejected", "EntryAppended"]
    assert docket.status_of(SECURITY, motion) is MotionStatus.Rejected
    assert receipt.event("EntryAppended")["decision"] == Decision.MotionEnded


def test_vote_is_taken_in_the_last_second_and_not_after(docket):
    motion = docket.propose(SECURITY, docket.counting())
    ends_at = docket.motion(SECURITY, motion)["votingEndsAt"]
    docket.chain.warp(ends_at)
    docket.vote(SECURITY, motion, 1)
    with refused("VotingOver", motion=motion, endedAt=ends_at, timestamp=ends_at + 1):
        docket.vote(SECURITY, motion, 2)


def test_vote_reverts_when_the_member_has_voted(docket):
    motion = docket.propose(SECURITY, docket.counting())
    docket.vote(SECURITY, motion, 1, in_favour=False)
    for seat in (0, 1):
        with refused("AlreadyVoted", motion=motion, member=docket.member(SECURITY, seat)):
            docket.vote(SECURITY, motion, seat)


def test_vote_reverts_when_it_does_not_come_through_the_door(docket):
    motion = docket.propose(SECURITY, docket.counting())
    member, digest = docket.member(SECURITY, 1), docket.motion(SECURITY, motion)["digest"]
    with refused("HashSignatureRequired", account=member, door=docket.door.address):
        docket.body.vote(motion, digest, True, sender=member)


def test_vote_reverts_when_an_account_is_only_appended_to_the_call(docket):
    """The door alone is believed."""
    motion = docket.propose(SECURITY, docket.counting())
    member, digest = docket.member(SECURITY, 1), docket.motion(SECURITY, motion)["digest"]
    data = docket.body.interface.encode_call("vote", (motion, digest, True)) + bytes.fromhex(member[2:])
    with refused("HashSignatureRequired", account=docket.stranger, door=docket.door.address):
        docket.chain.send_raw(docket.body.address, data, docket.stranger)


def test_vote_reverts_for_who_is_no_member(docket):
    motion = docket.propose(SECURITY, docket.counting())
    digest = docket.motion(SECURITY, motion)["digest"]
    for account in (docket.stranger, docket.member(COUNCIL, 1)):
        with refused("NotMember", account=account):
            docket.through(account, docket.body, "vote", motion, digest, True)


def test_vote_reverts_when_it_is_for_something_else(docket):
    motion = docket.propose(SECURITY, docket.counting())
    expected, member = docket.motion(SECURITY, motion)["digest"], docket.member(SECURITY, 1)
    with refused("MotionMismatch", motion=motion, expected=expected, given=bytes(32)):
        docket.through(member, docket.body, "vote", motion, bytes(32), True)


def test_vote_reverts_when_the_motion_was_proposed_to_another_composition(docket):
    motion = docket.propose(SECURITY, docket.counting())
    docket.chain.advance(1)
    recomposed(docket)
    with refused("MotionOutdated", motion=motion, term=1, present=2):
        docket.vote(SECURITY, motion, 1)


def recomposed(docket):
    """Compose the body anew of the same members, by a motion carried long before."""
    members = docket.body.members()
    call = docket.call(SECURITY, "compose", members, 3)
    carried = docket.carry(SECURITY, call)
    docket.execute(SECURITY, carried, call)
