import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus, FailureReason
from qcrs.model.decision import Decision
from qcrs.model.refusal import EXCUSED, RefusalCode
from qcrs.rules.digest import abi_digest
from tests.evm import refused

Assigned, Committed = AssignmentStatus.Assigned, AssignmentStatus.Committed
Refused, Released = AssignmentStatus.Refused, AssignmentStatus.Released
Excused = AssignmentStatus.Excused


def test_refuse_frees_the_processor_without_fault(world):
    job = world.submit().allocate()
    node, purse = job.node(0), world.estate()
    receipt = job.refuse(0, RefusalCode.UnknownGate)
    assert job.fates == [Refused, Assigned, Assigned]
    standing = world.standing(node.id)
    assert (standing.leased_qubits, standing.refused, standing.bonded) == (0, 1, True)
    assert purse.gains() == {}
    assert receipt.event("PayloadRefused") == {
        "computation": job.id,
        "index": 0,
        "processor": node.id,
        "code": RefusalCode.UnknownGate,
    }


def test_first_refusal_requeues_the_computation(world):
    job = world.submit().allocate()
    receipt = job.refuse(0)
    record = job.record
    assert (record.status, record.active, record.refused) == (ComputationStatus.Queued, 2, 1)
    assert receipt.event("ComputationRequeued") == {
        "computation": job.id,
        "attempt": 1,
        "phaseEndsAt": record.phase_ends_at,
    }
    assert receipt.event("EntryAppended")["decision"] == Decision.ComputationReallocated


@pytest.mark.parametrize(("replicas", "quorum"), [(3, 2), (4, 3), (5, 3)])
def test_quorum_of_refusals_fails_the_computation_and_refunds_it(world, replicas, quorum):
    purse = world.estate()
    job = world.submit(replicas=replicas).allocate()
    for index in range(quorum - 1):
        assert job.refuse(index).named("ComputationFailed") == []
    receipt = job.refuse(quorum - 1)
    assert job.status is ComputationStatus.Failed
    assert receipt.event("ComputationFailed") == {
        "computation": job.id,
        "reason": FailureReason.PayloadRefused,
    }
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.ComputationFailed, job.id)
    assert entry["digest"] == abi_digest(["uint64", "uint8"], [job.id, FailureReason.PayloadRefused])
    assert job.fates == [Excused] * quorum + [Released] * (replicas - quorum)
    assert purse.gains() == {world.requester: job.escrow, world.keeper: world.bounty}
    assert world.locked(world.requester) == 0
    assert world.allocator.queueOf(1)[1] == 0


def test_refusals_of_replacements_count_too(world):
    job = world.submit().allocate()
    job.refuse(0)
    job.allocate()
    job.refuse(3)
    assert job.status is ComputationStatus.Failed
    assert job.fates == [Excused, Released, Released, Excused]


def test_those_who_committed_are_released_when_a_quorum_refuses(world):
    job = world.submit().allocate()
    job.commit(0)
    job.refuse(1)
    job.refuse(2)
    assert job.fates == [Released, Excused, Excused]


def test_second_refusal_is_taken_while_a_replacement_is_sought(world):
    job = world.submit(replicas=5).allocate()
    job.refuse(0)
    receipt = job.refuse(1)
    assert (job.status, job.record.active) == (ComputationStatus.Queued, 3)
    assert receipt.named("ComputationRequeued") == []
    assert world.allocator.queueOf(1)[1] == 0


@pytest.mark.parametrize("code", list(RefusalCode)[1:])
def test_a_refusal_counts_unless_the_requester_decides_whom_to_give_a_key(world, code):
    job = world.submit().allocate()
    job.refuse(0, code)
    excused = code in EXCUSED
    assert job.fates[0] is (Excused if excused else Refused)
    assert world.standing(job.node(0).id).refused == (0 if excused else 1)
    assert job.record.refused == 1  # of a quorum in any case


def test_what_a_quorum_refuses_counts_for_nobody(world):
    job = world.submit(replicas=5).allocate()
    job.refuse(0, RefusalCode.SyntaxInvalid)
    job.refuse(3, RefusalCode.PayloadSealed)
    assert [world.standing(job.node(seat).id).refused for seat in (0, 3)] == [1, 0]
    receipt = job.refuse(1, RefusalCode.SyntaxInvalid)
    ended = [(e["index"], e["fate"]) for e in receipt.named("AssignmentEnded")]
    assert ended == [(1, Excused), (0, Excused), (2, Released), (4, Released)]
    assert all(world.standing(node.id).refused == 0 for node in world.nodes)


def test_refusals_of_other_computations_stay_on_record(world):
    """Being excused takes back what this computation added, and nothing else."""
    world.enrol_until(7)
    other = world.submit(replicas=7).allocate()
    other.refuse(0)
    processor = other.node(0).id
    job = world.submit(replicas=7).allocate()
    (seat,) = (i for i, a in enumerate(job.assignments) if a.processor == processor)
    for index in [seat, *(i for i in range(7) if i != seat)][:4]:
        job.refuse(index)
    assert job.status is ComputationStatus.Failed
    assert world.standing(processor).refused == 1


def test_refuse_fails_a_computation_that_used_up_its_assignments(world):
    """Sixteen are silent, sixteen more are drawn, and one of them refuses."""
    world.enrol_until(33)
    job = world.submit(replicas=16).allocate().end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    job.allocate()
    receipt = job.refuse(16)
    assert receipt.event("ComputationFailed")["reason"] == FailureReason.AttemptsExhausted
    assert job.fates[16:] == [Refused] + [Released] * 15


def test_refuse_is_taken_in_the_deadline_second(world):
    job = world.submit().allocate()
    world.chain.warp(job.record.phase_ends_at)
    job.refuse(0)


def test_refuse_reverts_after_the_deadline(world):
    """A free way out for whoever was silent."""
    job = world.submit().allocate()
    ends_at = job.record.phase_ends_at
    job.end_phase()
    with refused("DeadlinePassed", computation=job.id, deadlineAt=ends_at, timestamp=ends_at + 1):
        job.refuse(0)


def test_refuse_reverts_without_a_code(world):
    job = world.submit().allocate()
    with refused("RefusalCodeMissing", computation=job.id):
        job.refuse(0, 0)


def test_refuse_reverts_once_committed(world):
    job = world.submit().allocate()
    job.commit(0)
    with refused(
        "UnexpectedAssignmentStatus",
        id=job.id,
        index=0,
        actual=Committed,
        allowed=1 << Assigned,
    ):
        job.refuse(0)


def test_refuse_reverts_for_all_but_the_assigned_daemon(world):
    job = world.submit().allocate()
    daemon = job.node(0).daemon
    for caller in (job.node(1).daemon, job.operator(0), world.requester):
        with refused("CallerNotAssigned", computation=job.id, index=0, account=caller, daemon=daemon):
            world.verifier.refuse(job.id, 0, 1, sender=caller)


@pytest.mark.parametrize(("computation", "index"), [(1, 3), (0, 0), (99, 0)])
def test_refuse_reverts_when_unknown(world, computation, index):
    world.submit().allocate()
    with refused(
        "UnexpectedAssignmentStatus",
        id=computation,
        index=index,
        actual=AssignmentStatus.Unset,
        allowed=1 << Assigned,
    ):
        world.verifier.refuse(computation, index, 1, sender=world.nodes[0].daemon)
