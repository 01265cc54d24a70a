"""Who is in turn, and who is paid for serving it."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from tests.allocation import bucket_of, first_of, join
from tests.evm import refused


def allocate(world, job):
    return world.allocator.allocate(job.id, sender=world.stranger)


def spread(world, count=3):
    """Submit computations of one organisation that wait in different buckets."""
    jobs = [world.submit(qubits=4) for _ in range(count)]
    assert len({bucket_of(job) for job in jobs}) == count
    return jobs


def test_allocate_serves_bucket_by_bucket(world):
    jobs = spread(world)
    for late in (1, 2):
        expected = {"computation": jobs[late].id, "bucket": bucket_of(jobs[late]), "first": 0}
        with refused("ComputationNotDue", **expected):
            allocate(world, jobs[late])
    for job in jobs:
        assert bucket_of(job) == first_of(world)
        allocate(world, job)
    assert world.allocator.queueOf(1)[1] == 0


def test_allocate_serves_a_bucket_in_any_order(world):
    one, two = world.submit(), world.submit(join(world, "other").account)
    assert bucket_of(one) == bucket_of(two)
    allocate(world, two)
    assert first_of(world) == bucket_of(one)
    allocate(world, one)


@pytest.mark.parametrize("leave", ["cancel", "expire"])
def test_turn_passes_on_when_whoever_has_it_leaves(world, leave):
    head = world.submit(qubits=255, deadline_at=world.chain.now + 60)
    job = world.submit()
    with refused("ComputationNotDue"):
        allocate(world, job)
    if leave == "expire":
        world.chain.advance(61)
        world.allocator.expire(head.id, sender=world.keeper)
    else:
        world.allocator.cancel(head.id, sender=world.requester)
    world.beat()
    allocate(world, job)


def test_allocate_that_finds_too_few_leaves_the_turn(world):
    head = world.submit(qubits=21)
    state = world.allocator.queueOf(1)
    with refused("TooFewEligibleProcessors", noiseClass=1, qubits=21, required=3, found=0):
        allocate(world, head)
    assert world.allocator.queueOf(1) == state
    assert head.status is ComputationStatus.Queued


def test_requeued_is_in_turn_at_once_and_outside_the_queue(world):
    first = world.submit().allocate()
    spread(world)
    state = world.allocator.queueOf(1)
    first.refuse(0)
    assert first.status is ComputationStatus.Queued
    assert world.allocator.queueOf(1) == state
    first.allocate()
    assert world.allocator.queueOf(1) == state, "nor does it count as served in turn"


def test_requeued_has_no_place_to_be_deferred_or_exchanged_from(world):
    first, other = world.submit().allocate(), world.submit()
    first.refuse(0)
    calls = {
        "backfill": lambda: world.allocator.backfill(first.id, [], sender=world.keeper),
        "defer": lambda: world.allocator.defer(first.id, sender=world.keeper),
        "exchange": lambda: world.allocator.exchange(first.id, other.id, sender=world.keeper),
        "exchanged for": lambda: world.allocator.exchange(other.id, first.id, sender=world.keeper),
    }
    for call in calls.values():
        with refused("ProcessorsAssigned", computation=first.id, tried=3):
            call()


def test_phase_of_one_never_allocated_has_no_end(world):
    job = world.submit()
    assert (job.record.phase_ends_at, job.record.attempt) == (0, 0)
    allocate(world, job)
    assert job.record.attempt == 1


def test_allocate_says_when_somebody_was_served_in_turn(world):
    jobs = spread(world)
    began = world.allocator.queueOf(1)[2]
    world.chain.advance(50)
    world.beat()
    served = world.chain.now
    allocate(world, jobs[0])
    assert began < served == world.allocator.queueOf(1)[2]


# --- the allocation's bounty ---


def test_allocate_pays_the_bounty_that_the_requester_set_aside(world):
    job, purse = world.submit(), world.purse()
    receipt = allocate(world, job)
    assert purse.gains() == {world.stranger: world.bounty}
    event = receipt.event("ComputationAllocated")
    assert (event["keeper"], event["bounty"]) == (world.stranger, world.bounty)


def test_replacement_of_one_that_refused_pays_nothing(world):
    job = world.submit().allocate()
    job.refuse(0)
    world.beat()
    purse = world.purse()
    receipt = allocate(world, job)
    assert purse.gains() == {}
    assert receipt.event("ComputationAllocated")["bounty"] == 0


def test_replacement_of_the_silent_is_paid_by_their_bonds(world):
    """Two transactions, two bounties, both with the first; what is left of the bonds is the treasury's."""
    job = world.submit().allocate()
    job.commit(0)
    job.commit(1)
    job.end_phase()
    estate, slash = world.estate(), world.policy["slash"]
    silent = job.operator(2)
    world.allocator.reallocate(job.id, sender=world.keeper)
    gains = {silent: -slash, world.keeper: 2 * world.bounty, "treasury": slash - 2 * world.bounty}
    assert estate.gains() == gains
    job.allocate()
    assert estate.gains() == gains
    assert job.fates[2] is AssignmentStatus.Silent


@pytest.mark.parametrize("way", ["cancel", "expire"])
def test_bounty_of_one_never_allocated_returns(world, way):
    job = world.submit(deadline_at=world.chain.now + 60)
    purse = world.purse()
    if way == "cancel":
        receipt = world.allocator.cancel(job.id, sender=world.requester)
        assert receipt.event("ComputationCancelled") == {"computation": job.id, "refund": job.fee}
        gains = {}
    else:
        world.chain.advance(61)
        world.allocator.expire(job.id, sender=world.keeper)
        gains = {world.keeper: world.bounty, world.requester: -world.bounty}
    # What was set aside was nobody's while it waited.
    gains[world.requester] = gains.get(world.requester, 0) + world.bounty
    assert purse.gains() == {holder: wei for holder, wei in gains.items() if wei}


def test_bounty_of_one_that_was_allocated_does_not_return_when_it_expires(world):
    job = world.submit(deadline_at=world.chain.now + 200).allocate()
    job.refuse(0)
    world.chain.advance(300)
    purse = world.purse()
    world.allocator.expire(job.id, sender=world.keeper)
    assert purse.gains() == {world.keeper: world.bounty, world.requester: -world.bounty}


def test_escrow_and_bounty_are_the_quote(world):
    job = world.submit(replicas=3, replica_cap=7, qubits=5)
    assert world.locked(world.requester) == job.fee - world.bounty
    assert job.record.escrow == job.fee - world.bounty
    assert job.fee == job.request.price * 5 * 4_096 * 7 + 5 * world.bounty
    assert job.pay == job.request.price * 5 * 4_096


def test_settled_computation_pays_each_what_it_was_promised(world):
    job, purse = world.submit(price=12_345_678_901), world.purse()
    job.to_settled()
    pay, bounty, gains = 12_345_678_901 * 2 * 4_096, world.bounty, purse.gains()
    assert job.pay == pay
    assert gains.pop(world.keeper) == 2 * bounty, "for the allocation, set aside before, and the settlement"
    assert gains.pop(world.requester) == -3 * pay - bounty
    assert list(gains.values()) == [pay] * 3
