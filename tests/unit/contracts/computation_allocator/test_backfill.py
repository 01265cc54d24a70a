"""Whoever is not in turn runs only where that changes nothing for those who are."""

import random

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.model.computation import ComputationStatus
from tests.allocation import MAX_AHEAD, ahead_of, bucket_of
from tests.evm import refused
from tests.scenario import QUBITS


def backfill(world, job, ahead):
    return world.allocator.backfill(job.id, ahead, sender=world.stranger)


def line(world, *widths):
    """Submit computations of *widths* qubits that wait in different buckets."""
    jobs = [world.submit(qubits=qubits, outcome_bits=2) for qubits in widths]
    buckets = [bucket_of(job) for job in jobs]
    assert buckets == sorted(set(buckets))
    return jobs


def weigh(world, weight):
    """Give the requester's organisation a weight, so that what costs much is still in reach."""
    organisation = world.consortium.organisationOf(world.requester)
    world.consortium.setWeight(organisation, weight, sender=world.committee)


def fitting(world, qubits):
    """Return the processors that have *qubits* free."""
    free = {}
    for node in world.nodes:
        s = world.registry.standingOf(node.id)
        free[node.id] = s["qubits"] - s["leasedQubits"] - s["heldQubits"]
    return {processor for processor, count in free.items() if count >= qubits}


def test_backfill_passes_one_that_cannot_be_placed(world):
    """Nobody has 21 qubits, and nobody will have them when leases end: all processors are left over."""
    head, job = line(world, 21, 5)
    purse = world.purse()
    receipt = backfill(world, job, [head.id])
    assert job.status is ComputationStatus.Allocated
    assert receipt.event("ComputationAllocated")["keeper"] == world.stranger
    assert purse.gains() == {world.stranger: world.bounty}
    assert world.allocator.queueOf(1)[:2] == (bucket_of(head), 1)


def test_backfill_passes_three_at_most(world):
    jobs = line(world, 21, 21, 21, 21, 4)
    with refused("ComputationsAhead", computation=jobs[4].id, ahead=4, named=4, limit=3):
        backfill(world, jobs[4], [job.id for job in jobs[:4]])
    world.allocator.cancel(jobs[0].id, sender=world.requester)
    backfill(world, jobs[4], [job.id for job in jobs[1:4]])


def test_backfill_counts_no_further_than_it_may_pass(world):
    jobs = line(world, *[21] * 8, 4)
    with refused("ComputationsAhead", computation=jobs[-1].id, ahead=4, named=0, limit=3):
        backfill(world, jobs[-1], [])


@pytest.mark.parametrize(("shots", "reaches"), [(33_808, True), (33_809, False)])
def test_backfill_reaches_64_buckets_and_no_further(world, shots, reaches):
    """However long the head cannot be placed, nobody is served much more than its share meanwhile."""
    head = world.submit(qubits=21, shots=shots)  # the next of its organisation starts where its cost ends
    job = world.submit(qubits=4)
    behind = bucket_of(job) - bucket_of(head)
    assert behind == (64 if reaches else 65)
    if reaches:
        backfill(world, job, [head.id])
    else:
        with refused(
            "ComputationOutOfReach", computation=job.id, bucket=bucket_of(job), first=bucket_of(head), limit=64
        ):
            backfill(world, job, [head.id])


def test_backfill_of_one_in_turn_is_an_allocation(world):
    jobs = line(world, 5, 5)
    served = world.chain.now
    backfill(world, jobs[0], [])
    assert world.allocator.queueOf(1) == (bucket_of(jobs[1]), 1, served)


def test_backfill_does_not_count_as_served_in_turn(world):
    """Otherwise small ones could hold up for ever the moment at which the head must give way."""
    head, job = line(world, 21, 4)
    stalled_since = world.allocator.queueOf(1)[2]
    backfill(world, job, [head.id])
    assert world.allocator.queueOf(1)[2] == stalled_since


# --- those ahead must be named ---


@pytest.mark.parametrize("named", [[], [1], [2], [1, 2, 3], [1, 2, 3, 4]])
def test_backfill_reverts_unless_as_many_are_named_as_are_ahead(world, named):
    jobs = line(world, 21, 21, 4)
    with refused("ComputationsAhead", computation=jobs[2].id, ahead=2, named=len(named), limit=3):
        backfill(world, jobs[2], named)


@pytest.mark.parametrize(
    ("named", "wrong"),
    [([2, 1], 1), ([1, 1], 1), ([2, 2], 2), ([1, 3], 3), ([1, 4], 4), ([0, 1], 0), ([1, 99], 99), ([1, 5], 5)],
)
def test_backfill_reverts_when_one_that_is_named_is_not_ahead(world, named, wrong):
    """Unsorted, twice, itself, behind, of another class, none: each would leave out one that must be kept clear of."""
    jobs = line(world, 21, 21, 4, 4)
    world.submit(noise_class=2)
    with refused("ComputationNotAhead", computation=jobs[2].id, other=wrong):
        backfill(world, jobs[2], named)
    backfill(world, jobs[2], [1, 2])


def test_backfill_reverts_when_one_in_the_same_bucket_is_named(world):
    head, job, peer = (world.submit(qubits=qubits) for qubits in (22, 1, 1))
    assert bucket_of(head) < bucket_of(job) == bucket_of(peer)
    with refused("ComputationNotAhead", computation=job.id, other=peer.id):
        backfill(world, job, [peer.id])
    backfill(world, job, [head.id])


def test_backfill_reverts_when_one_that_was_requeued_is_named(world):
    """It is in turn at once and outside the queue; it cannot stand for one that is ahead."""
    requeued = world.submit().allocate()
    requeued.refuse(0)
    head, job = line(world, 21, 4)
    assert head.id == 2
    with refused("ComputationNotAhead", computation=job.id, other=requeued.id):
        backfill(world, job, [requeued.id])


@pytest.mark.parametrize("status", ["allocated", "cancelled", "unset"])
def test_backfill_reverts_unless_it_waits(world, status):
    job = world.submit()
    if status == "allocated":
        job.allocate()
    elif status == "cancelled":
        world.allocator.cancel(job.id, sender=world.requester)
    else:
        job.id = 77
    with refused("UnexpectedComputationStatus"):
        backfill(world, job, [])


def test_backfill_reverts_after_the_deadline(world):
    head, job = line(world, 21, 4)
    world.chain.warp(job.request.deadline_at + 1)
    world.beat()
    with refused("DeadlinePassed"):
        backfill(world, job, [head.id])


# --- the guard ---


@pytest.mark.parametrize(("qubits", "fits"), [(5, True), (6, False)])
def test_backfill_leaves_room_for_the_head(world, qubits, fits):
    """The head asks for 15 of 20; it may be in turn any moment."""
    head, job = line(world, 15, qubits)
    if fits:
        backfill(world, job, [head.id])
        assert len(fitting(world, 15)) == len(world.nodes)
    else:
        with refused("TooFewEligibleProcessors", noiseClass=1, qubits=6, required=3, found=0):
            backfill(world, job, [head.id])


@pytest.mark.parametrize(("qubits", "fits"), [(8, True), (9, False)])
def test_backfill_leaves_room_for_all_ahead_together(world, qubits, fits):
    """Each of them may be drawn the same processor: what stays free is for four and eight, not for the larger alone."""
    job = line(world, 4, 8, qubits)[2]
    if fits:
        backfill(world, job, [1, 2])
    else:
        with refused("TooFewEligibleProcessors"):
            backfill(world, job, [1, 2])


def test_backfill_counts_to_the_largest_processor(world):
    """Together they ask for more than a byte holds: what stays free is all that the largest has."""
    for _ in range(3):
        world.enrol(qubits=255)
    weigh(world, 2)
    job = line(world, 101, 101, 101, 21)[3]
    with refused("TooFewEligibleProcessors", noiseClass=1, qubits=21, required=3, found=0):
        backfill(world, job, [1, 2, 3])


def test_backfill_takes_nobody_who_is_large_enough_for_the_smallest_ahead(world):
    """Though nobody is large enough for the largest."""
    weigh(world, 2)
    jobs = line(world, 255, 16, 6)
    with refused("TooFewEligibleProcessors"):
        backfill(world, jobs[2], [1, 2])


def test_backfill_takes_who_is_too_small_for_all_ahead(world):
    for _ in range(3):
        world.enrol(qubits=9)
    head, job = line(world, 12, 9)
    backfill(world, job, [head.id])
    assert {a.processor for a in job.assignments} == {6, 7, 8}


def test_backfill_keeps_clear_of_who_will_be_free_for_the_head(world):
    """All are busy now, and none fits the head; when their work ends, they must not have been taken."""
    running = world.submit(qubits=12, replicas=5).allocate()
    head, job = line(world, 20, 6)
    with refused("TooFewEligibleProcessors"):
        backfill(world, job, [head.id])
    for index in range(3):
        running.refuse(index)
    head.allocate()


def test_backfill_never_delays_a_head(world):
    """Random widths, sizes, leases and orders: whoever fits somebody ahead still does, at every step."""
    rng = random.Random("backfill")
    for qubits in (4, 9, 33, 64, 127, 255, 255):
        world.enrol(qubits=qubits)
    passed = 0
    for _ in range(25):
        with world.chain.undone():
            passed += schedule(world, rng)
    assert passed > 20


def schedule(world, rng):
    """Play one random schedule; returns how many were allocated out of turn."""
    world.beat()
    for _ in range(rng.randrange(3)):
        job = world.submit(qubits=rng.randint(1, QUBITS), replicas=rng.choice([3, 5]))
        attempt(job.allocate)
    jobs = [world.submit(qubits=rng.choice([1, 3, 8, 15, 20, 30, 60, 130, 255])) for _ in range(6)]
    passed = 0
    for _ in range(12):
        job = rng.choice(jobs)
        ahead = ahead_of(job, jobs) if job.status is ComputationStatus.Queued else []
        if not 0 < len(ahead) <= MAX_AHEAD:
            continue
        widths = [other.request.qubits for other in jobs if other.id in ahead]
        before = [fitting(world, qubits) for qubits in widths]
        sizes = {node.id: world.registry.standingOf(node.id)["qubits"] for node in world.nodes}
        if attempt(lambda job=job, ahead=ahead: backfill(world, job, ahead)):
            passed += 1
            assert [fitting(world, qubits) for qubits in widths] == before
            # Nor will one be missing when other leases end.
            for a in job.assignments:
                large = [qubits for qubits in widths if sizes[a.processor] >= qubits]
                assert all(a.processor in fitting(world, qubits) for qubits in large)
    return passed


def attempt(call):
    """Make *call*, which may find too few processors or not be in turn; returns whether it did not."""
    try:
        call()
    except ContractRefused as refusal:
        if refusal.name not in ("TooFewEligibleProcessors", "ComputationNotDue", "ComputationOutOfReach"):
            raise
        return False
    return True
