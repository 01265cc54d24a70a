import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.decision import Decision
from qcrs.rules.commitment import draw_seed_of
from qcrs.rules.digest import abi_digest
from tests.draws import expected_draw
from tests.evm import refused
from tests.scenario import round_seconds


def allocate(world, job):
    return world.allocator.allocate(job.id, sender=world.stranger)


def test_allocate_draws_by_the_beacon(world):
    job = world.submit()
    seed = draw_seed_of(world.allocator.beacon(), job.id, 0)
    drawn = expected_draw(world.registry, seed, 1, 2, 3, requester=world.requesters)
    now = world.chain.now
    receipt = allocate(world, job)
    assert len(drawn) == 3
    assert receipt.event("ComputationAllocated") == {
        "computation": job.id,
        "attempt": 1,
        "firstIndex": 0,
        "processors": drawn,
        "seed": seed,
        "phaseEndsAt": now + world.policy["commitSeconds"],
        "keeper": world.stranger,
        "bounty": world.bounty,
    }
    assert [a.processor for a in job.assignments] == drawn
    assert job.fates == [AssignmentStatus.Assigned] * 3
    record = job.record
    assert (record.status, record.active, record.tried) == (ComputationStatus.Allocated, 3, 3)
    assert record.attempt == 1
    assert record.drawn == sum(processor << 32 * index for index, processor in enumerate(drawn))
    assert record.phase_ends_at == now + world.policy["commitSeconds"]
    assert world.allocator.queueOf(1)[1] == 0


def test_allocate_pays_whoever_allocates_first(world):
    job = world.submit()
    purse = world.purse()
    allocate(world, job)
    assert purse.gains() == {world.stranger: world.bounty}
    assert world.locked(world.requester) == job.escrow


def test_allocate_of_replacements_is_not_paid_by_the_requester(world):
    job = world.submit().allocate()
    job.refuse(1)
    purse = world.purse()
    event = allocate(world, job).event("ComputationAllocated")
    assert (event["keeper"], event["bounty"]) == (world.stranger, 0)
    assert purse.gains() == {}


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
    with refused("TooFewEligibleProcessors", noiseClass=1, qubits=2, required=5, found=4):
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


def test_allocate_serves_the_first_bucket_in_any_order(world):
    jobs = [world.submit() for _ in range(3)]
    assert [job.record.place for job in jobs] == [0, 0, 1]
    for job in (jobs[1], jobs[0], jobs[2]):
        allocate(world, job)
        assert job.status is ComputationStatus.Allocated


def test_allocate_reverts_out_of_turn(world):
    jobs = [world.submit() for _ in range(3)]
    for served in jobs[:2]:
        with refused("ComputationNotDue", computation=3, bucket=1, first=0):
            allocate(world, jobs[2])
        allocate(world, served)
    allocate(world, jobs[2])


def test_allocate_serves_another_organisation_before_the_backlog_of_one(world):
    """It starts at the virtual time, however much others have submitted before it."""
    backlog = [world.submit() for _ in range(8)]
    job = world.submit(world.nodes[0].operator)
    allocate(world, job)
    assert job.status is ComputationStatus.Allocated
    assert all(waiting.status is ComputationStatus.Queued for waiting in backlog)


def test_allocate_serves_whoever_is_next_once_the_first_was_deferred(world):
    """Otherwise one computation that nobody can serve would stop its class."""
    first, job = world.submit(qubits=255), world.submit()
    bucket = job.record.place
    with refused("ComputationNotDue", computation=2, bucket=bucket, first=0):
        allocate(world, job)
    patience = world.allocator.queueOf(1)[2] + round_seconds(world)
    world.chain.warp(patience)
    with refused("DeadlineOpen", computation=1, endsAt=patience, timestamp=patience):
        world.allocator.defer(first.id, sender=world.keeper)
    world.chain.warp(patience + 1)
    world.beat()
    receipt = world.allocator.defer(first.id, sender=world.keeper)
    assert receipt.event("ComputationDeferred") == {"computation": 1, "bucket": bucket + 1}
    assert world.allocator.queueOf(1)[:2] == (bucket, 2)
    job.allocate()
    assert world.allocator.queueOf(1)[:2] == (bucket + 1, 1)


def test_allocate_keeps_noise_classes_apart(world):
    for _ in range(4):
        world.submit(noise_class=2)
    allocate(world, world.submit())


def test_allocate_serves_a_requeued_computation_whatever_waits(world):
    first = world.submit().allocate()
    waiting = [world.submit() for _ in range(4)]
    first.refuse(0)
    assert world.allocator.queueOf(1)[1] == 4
    with refused("ComputationNotDue"):
        allocate(world, waiting[3])
    first.allocate()
    assert world.allocator.queueOf(1)[1] == 4


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
    """What was cancelled has been charged to its organisation, but nobody waits behind it."""
    first = world.submit()
    for _ in range(70):
        world.allocator.cancel(world.submit().id, sender=world.requester)
    last = world.submit()
    with refused("ComputationNotDue", computation=72, bucket=last.record.place, first=0):
        allocate(world, last)
    first.allocate()
    last.allocate()
    assert world.allocator.queueOf(1)[:2] == (last.record.place, 0)
