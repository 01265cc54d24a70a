import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from tests.evm import refused


def test_commit_records_the_commitment(world):
    job = world.submit().allocate()
    receipt = job.commit(1)
    assert job.fates == [
        AssignmentStatus.Assigned,
        AssignmentStatus.Committed,
        AssignmentStatus.Assigned,
    ]
    assert job.assignments[1].digest == job.commitment(1)
    assert (job.status, job.record.commits) == (ComputationStatus.Allocated, 0b010)
    assert receipt.names == ["ResultCommitted"]
    assert receipt.event("ResultCommitted") == {
        "computation": job.id,
        "index": 1,
        "processor": job.node(1).id,
        "commitment": job.commitment(1),
    }


def test_last_commit_asks_for_the_secret(world):
    job = world.submit().allocate()
    job.commit(2)
    job.commit(0)
    now = world.chain.now
    receipt = job.commit(1)
    assert job.status is ComputationStatus.Committed
    assert job.record.phase_ends_at == now + world.policy["discloseSeconds"]
    assert receipt.event("ComputationCommitted") == {
        "computation": job.id,
        "phaseEndsAt": job.record.phase_ends_at,
    }


def test_commit_is_taken_after_the_deadline_until_someone_enforces_it(world):
    job = world.submit().allocate().end_phase()
    job.commit_all()
    assert job.status is ComputationStatus.Committed
    job.disclose().reveal_all().settle()
    assert job.status is ComputationStatus.Accepted


def test_commit_is_taken_while_a_replacement_is_sought(world):
    job = world.submit().allocate()
    job.refuse(0)
    job.commit(1)
    assert (job.status, job.record.commits) == (ComputationStatus.Queued, 0b010)
    job.allocate().commit_all()
    assert job.status is ComputationStatus.Committed


def test_commit_of_a_replaced_processor_reverts(world):
    job = world.submit().allocate()
    job.commit(0)
    job.end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    with refused(
        "UnexpectedAssignmentStatus",
        id=job.id,
        index=1,
        actual=AssignmentStatus.Silent,
        allowed=1 << AssignmentStatus.Assigned | 1 << AssignmentStatus.Revealed,
    ):
        job.commit(1)


def test_commit_reverts_the_second_time(world):
    job = world.submit().allocate()
    job.commit(0)
    with refused(
        "UnexpectedAssignmentStatus",
        id=job.id,
        index=0,
        actual=AssignmentStatus.Committed,
        allowed=1 << AssignmentStatus.Assigned | 1 << AssignmentStatus.Revealed,
    ):
        job.commit(0)


def test_commit_reverts_for_all_but_the_assigned_daemon(world):
    job = world.submit().allocate()
    daemon = job.node(0).daemon
    for caller in (job.node(1).daemon, job.operator(0), world.requester, world.stranger):
        with refused("CallerNotAssigned", computation=job.id, index=0, account=caller, daemon=daemon):
            world.verifier.commit(job.id, 0, bytes(24), sender=caller)


def test_commit_reverts_for_an_index_never_assigned(world):
    job = world.submit().allocate()
    with refused(
        "UnexpectedAssignmentStatus",
        id=job.id,
        index=3,
        actual=AssignmentStatus.Unset,
        allowed=1 << AssignmentStatus.Assigned | 1 << AssignmentStatus.Revealed,
    ):
        world.verifier.commit(job.id, 3, bytes(24), sender=job.node(0).daemon)


@pytest.mark.parametrize("computation", [0, 99])
def test_commit_reverts_when_unknown(world, computation):
    with refused(
        "UnexpectedComputationStatus",
        id=computation,
        actual=ComputationStatus.Unset,
        allowed=1 << ComputationStatus.Queued | 1 << ComputationStatus.Allocated,
    ):
        world.verifier.commit(computation, 0, bytes(24), sender=world.nodes[0].daemon)
