import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.decision import Decision
from qcrs.rules.digest import abi_digest
from tests.evm import refused
from tests.job import rogue

Accepted, Outlier, Vindicated = AssignmentStatus.Accepted, AssignmentStatus.Outlier, AssignmentStatus.Vindicated
SOURCES = 1 << Outlier | 1 << AssignmentStatus.GoldFailed | 1 << AssignmentStatus.TrapFailed


@pytest.fixture
def job(courts):
    """A computation whose second assignment was slashed as an outlier."""
    job = courts.submit()
    job.to_settled({1: rogue(1)})
    return job


def vindicate(courts, job, index, amount):
    return courts.allocator.vindicate(job.id, index, amount, sender=courts.disputes_court)


def test_vindicate_makes_good_out_of_the_treasury(courts, job):
    slash, node, purse = courts.policy["slash"], job.node(1), courts.estate()
    assert courts.allocator.treasury() == slash
    receipt = vindicate(courts, job, 1, slash)
    assert receipt.result == slash
    assert purse.gains() == {node.operator: slash, "treasury": -slash}
    assert courts.available(node.operator) == slash
    assert job.fates == [Accepted, Vindicated, Accepted]
    assert job.status is ComputationStatus.Accepted
    standing = courts.standing(node.id)
    assert (standing.accepted, standing.outliers) == (1, 0)
    assert receipt.names == ["AssignmentEnded", "FaultVindicated", "EntryAppended"]
    assert receipt.event("AssignmentEnded")["fate"] == Vindicated
    assert receipt.event("FaultVindicated") == {
        "computation": job.id,
        "index": 1,
        "processor": node.id,
        "operator": node.operator,
        "paid": slash,
    }
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.FaultVindicated, job.id)
    assert entry["digest"] == abi_digest(["uint64", "uint256", "uint32", "uint256"], [job.id, 1, node.id, slash])


@pytest.mark.parametrize("left", [0, 1])
def test_vindicate_pays_as_far_as_the_treasury_reaches(courts, job, left):
    slash = courts.policy["slash"]
    courts.allocator.disburse(courts.committee, slash - left, sender=courts.committee)
    receipt = vindicate(courts, job, 1, slash)
    assert receipt.result == left == receipt.event("FaultVindicated")["paid"]
    assert courts.available(job.operator(1)) == left
    assert courts.allocator.treasury() == 0


def test_vindicate_may_pay_nothing(courts, job):
    receipt = vindicate(courts, job, 1, 0)
    assert receipt.result == 0
    assert courts.allocator.treasury() == courts.policy["slash"]
    assert job.fates[1] is Vindicated


def test_vindicated_answer_does_not_bring_back_a_quorum(courts, job):
    """There is no way back from an overturned verdict, and the vindicated answer never counted."""
    courts.allocator.disprove(job.id, 0, sender=courts.disputes_court)
    assert job.status is ComputationStatus.Overturned
    vindicate(courts, job, 1, 0)
    assert job.status is ComputationStatus.Overturned


@pytest.mark.parametrize(("index", "actual"), [(0, Accepted), (3, AssignmentStatus.Unset)])
def test_vindicate_reverts_when_there_was_no_fault(courts, job, index, actual):
    with refused("UnexpectedAssignmentStatus", id=job.id, index=index, actual=actual, allowed=SOURCES):
        vindicate(courts, job, index, 0)


def test_vindicate_reverts_the_second_time(courts, job):
    vindicate(courts, job, 1, 0)
    with refused("UnexpectedAssignmentStatus", id=job.id, index=1, actual=Vindicated, allowed=SOURCES):
        vindicate(courts, job, 1, 0)


def test_vindicate_reverts_for_the_silent(courts):
    """Silence is on the chain for all to see."""
    job = courts.submit().to_revealing().reveal_all(1).end_phase()
    job.settle()
    with refused("UnexpectedAssignmentStatus", id=job.id, index=1, actual=AssignmentStatus.Silent, allowed=SOURCES):
        vindicate(courts, job, 1, 0)


@pytest.mark.parametrize("role", ["deployer", "council", "committee", "requester", "challenges_court"])
def test_vindicate_reverts_for_all_but_disputes(courts, job, role):
    caller = getattr(courts, role)
    with refused("CallerNotCourt", account=caller):
        courts.allocator.vindicate(job.id, 1, 0, sender=caller)
