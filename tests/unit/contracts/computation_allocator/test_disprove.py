import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.decision import Decision
from qcrs.rules.digest import abi_digest
from tests.evm import refused
from tests.job import noise, rogue

Accepted, Outlier, Released = AssignmentStatus.Accepted, AssignmentStatus.Outlier, AssignmentStatus.Released
Disproven = AssignmentStatus.Disproven
SOURCES = 1 << Accepted | 1 << Released


def disprove(courts, job, index, court=None):
    return courts.allocator.disprove(job.id, index, sender=court or courts.disputes_court)


@pytest.mark.parametrize("court", ["challenges_court", "disputes_court"])
def test_disprove_marks_an_accepted_answer(courts, court):
    job = courts.submit()
    job.to_settled()
    purse, processor = courts.estate(), job.node(1).id
    receipt = disprove(courts, job, 1, getattr(courts, court))
    assert receipt.result == (processor, job.pay, False)
    assert job.fates == [Accepted, Disproven, Accepted]
    assert job.status is ComputationStatus.Accepted
    standing = courts.standing(processor)
    assert (standing.accepted, standing.outliers, standing.leased_qubits) == (0, 1, 0)
    assert purse.gains() == {}
    assert receipt.names == ["AssignmentEnded", "EntryAppended"]
    assert receipt.event("AssignmentEnded") == {
        "computation": job.id,
        "index": 1,
        "processor": processor,
        "fate": Disproven,
    }


def test_disprove_is_in_the_audit_trail(courts):
    job = courts.submit()
    job.to_settled()
    for index, overturned in ((0, False), (2, True)):
        entry = disprove(courts, job, index).event("EntryAppended")
        assert (entry["decision"], entry["subject"]) == (Decision.AnswerDisproven, job.id)
        assert entry["digest"] == abi_digest(
            ["uint64", "uint256", "uint32", "bool"], [job.id, index, job.node(index).id, overturned]
        )


def test_disprove_overturns_once_fewer_than_the_quorum_are_left(courts):
    job = courts.submit(replicas=5)
    job.to_settled({4: rogue(4)})
    assert disprove(courts, job, 0).named("ComputationOverturned") == []
    receipt = disprove(courts, job, 1)
    assert receipt.result[2] is True
    assert receipt.event("ComputationOverturned") == {"computation": job.id}
    assert job.status is ComputationStatus.Overturned
    assert job.fates == [Disproven, Disproven, Accepted, Accepted, Outlier]


def test_disprove_overturns_only_once(courts):
    job = courts.submit()
    job.to_settled()
    overturned = [disprove(courts, job, index).result[2] for index in range(3)]
    assert overturned == [False, True, False]
    assert (job.status, job.fates) == (ComputationStatus.Overturned, [Disproven] * 3)


def test_disprove_overturns_an_unverified_answer_at_once(courts):
    job = courts.submit(replicas=1)
    job.to_settled()
    assert disprove(courts, job, 0).result == (job.node(0).id, job.pay, True)
    assert (job.status, job.fates) == (ComputationStatus.Overturned, [Disproven])


def test_disprove_of_an_inconclusive_answer_overturns_nothing(courts):
    job = courts.submit()
    job.to_settled({index: noise(index) for index in range(3)})
    for index in range(3):
        assert disprove(courts, job, index).result == (job.node(index).id, job.pay, False)
    assert job.status is ComputationStatus.Inconclusive


def test_disprove_of_a_rejected_answer_tells_that_it_earned_nothing(courts):
    job = courts.submit()
    job.to_settled({0: rogue(0), 1: rogue(1)})
    assert disprove(courts, job, 1).result == (job.node(1).id, 0, False)
    assert job.status is ComputationStatus.Rejected


def test_disprove_goes_by_the_quorum_of_an_escalated_computation(courts):
    courts.enrol_until(7)
    job = courts.submit(replica_cap=5)
    job.to_settled({0: rogue(0), 1: rogue(1)})
    job.to_settled()
    assert job.fates == [Outlier, Outlier, Accepted, Accepted, Accepted]
    assert disprove(courts, job, 2).result == (job.node(2).id, job.pay, True)


def test_disprove_serves_after_the_challenge_window(courts):
    """When to stop is for the courts to say."""
    job = courts.submit()
    job.to_settled()
    job.end_phase()
    disprove(courts, job, 0)
    assert job.fates[0] is Disproven


@pytest.mark.parametrize(("index", "actual"), [(0, Disproven), (1, Outlier), (3, AssignmentStatus.Unset)])
def test_disprove_reverts_when_the_assignment_gave_no_answer_that_stands(courts, index, actual):
    job = courts.submit().to_revealing({1: rogue(1)}).reveal_all()
    job.settle()
    disprove(courts, job, 0)
    with refused("UnexpectedAssignmentStatus", id=job.id, index=index, actual=actual, allowed=SOURCES):
        disprove(courts, job, index)


@pytest.mark.parametrize("role", ["deployer", "council", "committee", "requester", "stranger"])
def test_disprove_reverts_for_all_but_the_courts(courts, role):
    job = courts.submit()
    job.to_settled()
    caller = getattr(courts, role)
    with refused("CallerNotCourt", account=caller):
        disprove(courts, job, 0, caller)
