"""A head that cannot be placed holds up the others for a round's time, and not longer."""

import pytest

from tests.allocation import BUCKET, bucket_of, cost_of, first_of, join, stall
from tests.evm import refused
from tests.scenario import round_seconds

HUGE = {"qubits": 255, "shots": 65_535, "replicas": 16, "depth_class": 255, "price": 0}


def defer(world, job):
    return world.allocator.defer(job.id, sender=world.stranger)


def test_defer_sends_to_the_end_of_the_organisations_line(world):
    head, job = world.submit(qubits=21), world.submit()
    end = (cost_of(21) + cost_of() << 8) // BUCKET
    stall(world)
    purse = world.purse()
    receipt = defer(world, head)
    assert receipt.event("ComputationDeferred") == {"computation": head.id, "bucket": end}
    assert bucket_of(head) == end
    assert purse.gains() == {}
    assert bucket_of(job) == first_of(world)
    job.allocate()


def test_defer_lets_the_other_organisations_go_first(world):
    other = join(world, "other").account
    head = world.submit(qubits=21)
    jobs = [world.submit(other) for _ in range(4)]
    stall(world)
    defer(world, head)
    for job in jobs:
        assert bucket_of(job) == first_of(world)
        job.allocate()
    assert bucket_of(head) == first_of(world)


def test_defer_waits_for_a_round_without_an_allocation_in_turn(world):
    head = world.submit(qubits=21)
    ends_at = world.allocator.queueOf(1)[2] + round_seconds(world)
    world.chain.warp(ends_at)
    with refused("DeadlineOpen", computation=head.id, endsAt=ends_at, timestamp=ends_at):
        defer(world, head)
    assert world.chain.now == ends_at
    world.chain.warp(ends_at + 1)
    defer(world, head)


def test_defer_gives_the_next_one_a_round_too(world):
    heads = [world.submit(qubits=21), world.submit(join(world, "other").account, qubits=21)]
    stall(world)
    deferred_at = world.chain.now
    defer(world, heads[0])
    ends_at = deferred_at + round_seconds(world)
    with refused("DeadlineOpen", computation=heads[1].id, endsAt=ends_at, timestamp=deferred_at + 1):
        defer(world, heads[1])


def test_defer_counts_from_the_last_allocation_in_turn(world):
    world.submit(join(world, "other").account).allocate()
    head = world.submit(qubits=21)
    served = world.allocator.queueOf(1)[2]
    world.chain.advance(50)
    another = world.submit(join(world, "another").account)
    another.allocate()
    assert world.allocator.queueOf(1)[2] > served
    world.chain.warp(served + round_seconds(world) + 1)
    with refused("DeadlineOpen"):
        defer(world, head)


def test_defer_reverts_when_not_in_turn(world):
    world.submit(qubits=21)
    job = world.submit()
    stall(world)
    with refused("ComputationNotDue", computation=job.id, bucket=bucket_of(job), first=0):
        defer(world, job)


@pytest.mark.parametrize("status", ["allocated", "cancelled", "unset"])
def test_defer_reverts_unless_it_waits(world, status):
    job = world.submit()
    if status == "allocated":
        job.allocate()
    elif status == "cancelled":
        world.allocator.cancel(job.id, sender=world.requester)
    else:
        job.id = 77
    stall(world)
    with refused("UnexpectedComputationStatus"):
        defer(world, job)


def test_defer_of_the_only_one_leaves_it_in_turn(world):
    """There is nobody to make room for; moved out of the first bucket, it could never be allocated."""
    head = world.submit(qubits=20)
    stall(world)
    defer(world, head)
    assert bucket_of(head) == first_of(world)
    head.allocate()
    assert world.allocator.queueOf(1)[1] == 0


def test_defer_reaches_one_that_costs_more_than_the_queue_holds(world):
    """The end of its organisation's line is beyond the last bucket: it goes to the last, and others have their turn."""
    head = world.submit(**HUGE)
    job = world.submit(join(world, "other").account)
    stall(world)
    defer(world, head)
    assert bucket_of(head) - first_of(world) == 31 * 128 - 16
    assert bucket_of(job) == first_of(world)
    job.allocate()


def test_defer_of_the_last_but_one_puts_it_behind(world):
    """Though its tag ends in the bucket in which it is."""
    one = world.submit(qubits=1)
    two = world.submit(join(world, "other").account)
    stall(world)
    defer(world, one)
    assert bucket_of(one) == first_of(world) + 1
    two.allocate()
    one.allocate()
