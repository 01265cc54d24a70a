from qcrs.model.decision import Decision
from qcrs.model.motion import MotionStatus
from qcrs.rules.digest import abi_digest
from tests.evm import CHAIN_ID, refused
from tests.governed import COUNCIL, REASON, SECURITY, TEMPO, URI, Body, Call, GovernedWorld, members_of
from tests.scenario import account


def test_propose_opens_a_motion_with_the_proposer_s_vote(docket):
    call, proposer, now = docket.counting(), docket.member(SECURITY, 1), docket.chain.now
    receipt = docket.through(proposer, docket.body, "propose", call.target, call.data, REASON, URI)
    motion = receipt.result
    assert (motion, docket.body.motionCount(), receipt.names) == (1, 1, ["MotionProposed", "MotionVoted"])
    call_digest = abi_digest(["address", "bytes"], [call.target, call.data])
    digest = abi_digest(
        ["uint256", "address", "uint64", "bytes32", "bytes32"],
        [CHAIN_ID, docket.body.address, motion, call_digest, REASON],
    )
    ends_at = now + TEMPO.voting_seconds
    assert receipt.event("MotionProposed") == {
        "motion": motion, "proposer": proposer, "target": call.target, "data": call.data, "reason": REASON,
        "uri": URI, "digest": digest, "votingEndsAt": ends_at,
    }  # fmt: skip
    assert receipt.event("MotionVoted") == {"motion": motion, "member": proposer, "inFavour": True}
    assert docket.motion(SECURITY, motion) == {
        "status": MotionStatus.Open, "term": 1, "proposer": proposer, "votingEndsAt": ends_at,
        "inFavour": 0b10, "against": 0, "delaySeconds": TEMPO.delay_seconds, "executableAt": 0, "lapsesAt": 0,
        "digest": digest, "callDigest": call_digest,
    }  # fmt: skip


def test_propose_carries_at_once_where_one_vote_does(docket):
    committees = {name: Body(members_of(name, 1), 1) for name in docket.settings.governance.committees}
    alone = GovernedWorld(development=True, committees=committees)
    target = alone.chain.deploy("RestlessTarget", sender=alone.keeper)
    call = Call(target.address, target.interface.encode_call("count", ()))
    now, motion = alone.chain.now, alone.propose(SECURITY, call)
    assert alone.status_of(SECURITY, motion) is MotionStatus.Carried
    entry = [event for event in alone.chain.log if event.name == "EntryAppended"][-1]
    assert (entry["decision"], entry["subject"]) == (Decision.MotionCarried, motion)
    assert alone.motion(SECURITY, motion)["executableAt"] == now + TEMPO.delay_seconds


def test_propose_reverts_when_it_does_not_come_through_the_door(docket):
    call, member = docket.counting(), docket.member(SECURITY, 0)
    with refused("HashSignatureRequired", account=member, door=docket.door.address):
        docket.body.propose(call.target, call.data, REASON, URI, sender=member)


def test_propose_reverts_for_who_is_no_member(docket):
    call = docket.counting()
    for account_ in (docket.stranger, docket.deployer, docket.member(COUNCIL, 0), account("nobody")):
        with refused("NotMember", account=account_):
            docket.through(account_, docket.body, "propose", call.target, call.data, REASON, URI)


def test_propose_reverts_when_the_target_has_no_code(docket):
    with refused("TargetForbidden", target=docket.stranger):
        docket.propose(SECURITY, Call(docket.stranger, b""))


def test_propose_reverts_when_the_target_is_the_trail_or_the_authority(docket):
    """Else a body could enter decisions that nobody took, or give itself roles."""
    forged = docket.call("AuditTrail", "append", Decision.ProcessorCertified, 1, bytes(32))
    with refused("TargetForbidden", target=docket.trail.address):
        docket.propose(SECURITY, forged)
    with refused("TargetForbidden", target=docket.authority.address):
        docket.propose(SECURITY, docket.call("Authority", "renounceRole", 3, docket.body.address))


def test_delay_is_waived_for_what_cannot_hurt_what_runs(docket):
    waived = (("ProcessorRegistry", "suspend"), ("ComputationAllocator", "pause"), (SECURITY, "annul"))
    for contract, function in waived:
        target = docket.contracts[contract]
        assert docket.body.delayOf(target.address, target.interface.selector(function)) == 0
    for contract, function in (("ComputationAllocator", "setMarket"), (SECURITY, "compose")):
        target = docket.contracts[contract]
        assert docket.body.delayOf(target.address, target.interface.selector(function)) == TEMPO.delay_seconds
