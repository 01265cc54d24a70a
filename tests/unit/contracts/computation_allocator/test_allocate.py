import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.decision import Decision
from qcrs.rules.commitment import draw_seed_of
from qcrs.rules.digest import abi_digest
from qcrs.rules.sortition import draws
from tests.evm import refused


def allocate(world, job):
    return world.allocator.allocate(job.id, sender=world.stranger)


def test_allocate_draws_by_the_beacon(world):
    job, now = world.submit(), world.chain.now
    seed = draw_seed_of(world.allocator.beacon(), job.id, 0)
    receipt = allocate(world, job)
    members = world.registry.membersOf(1)
    drawn = [members[position] for position in draws(seed, 5)][:3]
    assert receipt.event("ComputationAllocated") == {
        "computation": job.id,
        "attempt": 1,
        "firstIndex": 0,
        "processors": drawn,
        "seed": seed,
        "phaseEndsAt": now + world.policy["commitSeconds"],
    }
    assert [a.processor for a in job.assignments] == drawn
    assert job.fates == [AssignmentStatus.Assigned] * 3
    assert [a.organisation for a in job.assignments] == [world.node(p).organisation for p in drawn]
    record = job.record
    assert (record.status, record.active, record.tried) == (ComputationStatus.Allocated, 3, 3)
    assert record.phase_ends_at == now + world.policy["commitSeconds"]
    assert world.allocator.queueOf(1, 10) == []


def test_allocate_is_in_the_audit_trail(world):
    job = world.submit()
    receipt = allocate(world, job)
    event, entry = receipt.event("ComputationAllocated"), receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.ComputationAllocated, job.id)
    assert entry["digest"] == abi_digest(
        ["uint64", "uint8", "uint8", "uint32[]", "bytes32"],
        [job.id, 1, 0, event["processors"], event["seed"]],
    )


def test_allocate_leases_the_qubits(world):
    job = world.submit(qubits=7)
    allocate(world, job)
    assert {world.standing(a.processor).leased_qubits for a in job.assignments} == {7}


def test_allocate_never_draws_the_requesters_own_processor(world):
    requester = world.nodes[0].operator
    for _ in range(8):
        job = world.submit(requester).allocate()
        assert 1 not in [a.processor for a in job.assignments]


def test_allocate_draws_five_of_five(world):
    job = world.submit(replicas=5).allocate()
    assert sorted(a.processor for a in job.assignments) == [1, 2, 3, 4, 5]


def test_allocate_draws_sixteen(world):
    world.enrol_until(16)
    job = world.submit(replicas=16).allocate()
    assert len({a.processor for a in job.assignments}) == 16


def test_allocate_reverts_when_too_few_are_independent(world):
    job = world.submit(world.nodes[0].operator, replicas=5)
    with refused("TooFewEligibleProcessors", noiseClass=1, qubits=2, required=5, found=4, drawn=5):
        job.allocate()


def test_allocate_replaces_only_those_who_left(world):
    job = world.submit().allocate()
    job.commit(0)
    job.refuse(1)
    world.beat()
    receipt = allocate(world, job)
    event = receipt.event("ComputationAllocated")
    assert (event["firstIndex"], len(event["processors"])) == (3, 1)
    assert event["seed"] == draw_seed_of(world.allocator.beacon(), job.id, 3)
    assert event["processors"][0] not in [a.processor for a in job.assignments[:3]]
    assert job.record.active == 3


def test_allocate_waits_while_all_others_were_tried(world):
    job = world.submit(replicas=5).allocate()
    job.refuse(0)
    with refused("TooFewEligibleProcessors"):
        job.allocate()
    world.enrol()
    job.allocate()
    assert job.assignments[5].processor == 6


def test_allocate_serves_in_the_deadline_second(world):
    job = world.submit(deadline_at=world.chain.now + 30)
    world.chain.warp(job.request.deadline_at)
    allocate(world, job)


def test_allocate_reverts_after_the_deadline(world):
    job = world.submit(deadline_at=world.chain.now + 30)
    deadline = job.request.deadline_at
    world.chain.warp(deadline + 1)
    with refused("DeadlinePassed", computation=job.id, deadlineAt=deadline, timestamp=deadline + 1):
        allocate(world, job)


def test_allocate_lets_three_that_wait_be_overtaken(world):
    jobs = [world.submit() for _ in range(4)]
    allocate(world, jobs[3])
    assert jobs[3].status is ComputationStatus.Allocated
    assert world.allocator.queueOf(1, 10) == [1, 2, 3]


def test_allocate_reverts_when_four_wait_longer(world):
    jobs = [world.submit() for _ in range(5)]
    with refused("ComputationNotDue", computation=5, window=4):
        allocate(world, jobs[4])
    allocate(world, jobs[0])
    allocate(world, jobs[4])


def test_allocate_serves_whoever_has_waited_a_whole_round(world):
    """Otherwise four computations that nobody can serve would stop their class."""
    waiting = [world.submit(qubits=255) for _ in range(4)]
    job = world.submit()
    patience = job.record.phase_ends_at
    world.chain.warp(patience - 20)
    world.beat()
    world.chain.warp(patience)
    with refused("ComputationNotDue", computation=5, window=4):
        allocate(world, job)
    world.chain.warp(patience + 1)
    allocate(world, job)
    assert world.allocator.queueOf(1, 10) == [job.id for job in waiting]


def test_allocate_keeps_noise_classes_apart(world):
    for _ in range(4):
        world.submit(noise_class=2)
    allocate(world, world.submit())


def test_allocate_serves_a_requeued_computation_first(world):
    first = world.submit().allocate()
    waiting = [world.submit() for _ in range(4)]
    first.refuse(0)
    assert world.allocator.queueOf(1, 10) == [1, 2, 3, 4, 5]
    with refused("ComputationNotDue"):
        allocate(world, waiting[3])
    first.allocate()


@pytest.mark.parametrize("computation", [0, 1, 99])
def test_allocate_reverts_when_unknown(world, computation):
    with refused(
        "UnexpectedComputationStatus",
        id=computation,
        actual=ComputationStatus.Unset,
        allowed=1 << ComputationStatus.Queued,
    ):
        world.allocator.allocate(computation, sender=world.stranger)


def test_allocate_is_not_held_up_by_any_number_of_ended_computations(world):
    first = world.submit(qubits=255)
    for _ in range(70):
        world.allocator.cancel(world.submit().id, sender=world.requester)
    world.submit().allocate()
    assert world.allocator.queueOf(1, 10) == [first.id]
