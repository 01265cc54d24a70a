from qcrs.model.decision import Decision
from qcrs.model.motion import MotionStatus
from qcrs.rules.digest import abi_digest
from tests.evm import refused
from tests.governed import SECURITY


def test_withdraw_takes_back_an_open_motion(docket):
    motion = docket.propose(SECURITY, docket.counting())
    docket.vote(SECURITY, motion, 1)
    receipt = docket.through(docket.member(SECURITY, 0), docket.body, "withdraw", motion)
    assert receipt.names == ["MotionWithdrawn", "EntryAppended"]
    record, entry = docket.motion(SECURITY, motion), receipt.event("EntryAppended")
    assert record["status"] == MotionStatus.Withdrawn
    assert (entry["decision"], entry["subject"]) == (Decision.MotionEnded, motion)
    facts = [motion, record["digest"], MotionStatus.Withdrawn]
    assert entry["digest"] == abi_digest(["uint64", "bytes32", "uint8"], facts)


def test_withdraw_reverts_for_all_but_the_proposer(docket):
    motion = docket.propose(SECURITY, docket.counting())
    other, proposer = docket.member(SECURITY, 1), docket.member(SECURITY, 0)
    with refused("CallerNotProposer", motion=motion, account=other, proposer=proposer):
        docket.through(other, docket.body, "withdraw", motion)


def test_withdraw_reverts_when_it_does_not_come_through_the_door(docket):
    motion = docket.propose(SECURITY, docket.counting())
    proposer = docket.member(SECURITY, 0)
    with refused("HashSignatureRequired", account=proposer, door=docket.door.address):
        docket.body.withdraw(motion, sender=proposer)
