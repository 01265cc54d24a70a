"""Within an organisation that has chosen so, the shorter go first."""

import pytest

from qcrs.model.computation import ComputationStatus
from tests.allocation import bucket_of, cost_of, join
from tests.evm import refused

MAX_PASSES = 8


@pytest.fixture
def choosing(world):
    """The requester's organisation has chosen shortest first."""
    world.consortium.chooseOrder(True, sender=world.requester)
    return world


def exchange(world, shorter, longer):
    return world.allocator.exchange(shorter.id, longer.id, sender=world.stranger)


def test_exchange_swaps_the_places(choosing):
    longer, shorter = choosing.submit(qubits=18), choosing.submit(qubits=2)
    buckets = bucket_of(longer), bucket_of(shorter)
    state, purse = choosing.allocator.queueOf(1), choosing.purse()
    receipt = exchange(choosing, shorter, longer)
    assert receipt.names == ["ComputationsExchanged"]
    assert receipt.event("ComputationsExchanged") == {"computation": shorter.id, "longer": longer.id}
    assert (bucket_of(shorter), bucket_of(longer)) == buckets
    assert (longer.record.passed, shorter.record.passed) == (1, 0)
    assert choosing.allocator.queueOf(1) == state
    assert purse.gains() == {}
    shorter.allocate()
    longer.allocate()
    assert choosing.allocator.queueOf(1)[1] == 0


def test_exchange_moves_nobody_else(choosing):
    other = join(choosing, "other").account
    jobs = [choosing.submit(other, qubits=9) for _ in range(3)]
    longer, shorter = choosing.submit(qubits=20), choosing.submit()
    buckets = [bucket_of(job) for job in jobs]
    exchange(choosing, shorter, longer)
    assert [bucket_of(job) for job in jobs] == buckets


def test_exchange_passes_one_eight_times_at_most(choosing):
    longer = choosing.submit(qubits=20)
    for _ in range(MAX_PASSES):
        shorter = choosing.submit(qubits=10)
        exchange(choosing, shorter, longer)
    last = choosing.submit(qubits=10)
    expected = {"shorter": last.id, "longer": longer.id, "cost": cost_of(10), "otherCost": cost_of(20), "passed": 8}
    with refused("ExchangeUnfit", **expected):
        exchange(choosing, last, longer)
    assert longer.record.passed == MAX_PASSES


@pytest.mark.parametrize(
    "shapes", [((4, 4_096, 1), (4, 4_096, 1)), ((4, 4_096, 1), (8, 4_096, 1))], ids=["equal", "more"]
)
def test_exchange_reverts_unless_it_costs_less(choosing, shapes):
    jobs = [choosing.submit(qubits=qubits, shots=shots, depth_class=depth) for qubits, shots, depth in shapes]
    costs = [cost_of(qubits, shots, 3, depth) for qubits, shots, depth in shapes]
    expected = {"shorter": jobs[1].id, "longer": jobs[0].id, "cost": costs[1], "otherCost": costs[0], "passed": 0}
    with refused("ExchangeUnfit", **expected):
        exchange(choosing, jobs[1], jobs[0])


@pytest.mark.parametrize("shape", [{"shots": 4_097}, {"replicas": 5}, {"depth_class": 2}, {"qubits": 5}])
def test_exchange_compares_all_that_makes_the_cost(choosing, shape):
    longer = choosing.submit(**({"qubits": 4} | shape))
    exchange(choosing, choosing.submit(qubits=4), longer)


def test_exchange_reverts_when_the_longer_is_not_before(choosing):
    shorter, longer = choosing.submit(), choosing.submit(qubits=20)
    assert bucket_of(shorter) == bucket_of(longer)
    with refused("ExchangeUnfit"):
        exchange(choosing, shorter, longer)
    later = choosing.submit(qubits=20)
    with refused("ExchangeUnfit"):
        exchange(choosing, shorter, later)


def test_exchange_with_itself_reverts(choosing):
    job = choosing.submit()
    with refused("ExchangeUnfit"):
        exchange(choosing, job, job)


def test_exchange_reverts_unless_chosen(world):
    longer, shorter = world.submit(qubits=20), world.submit()
    expected = {"shorter": shorter.id, "longer": longer.id, "organisation": world.requesters}
    with refused("ExchangeNotChosen", **expected):
        exchange(world, shorter, longer)
    world.consortium.chooseOrder(True, sender=world.requester)
    with world.chain.undone():
        exchange(world, shorter, longer)
    world.consortium.chooseOrder(False, sender=world.requester)
    with refused("ExchangeNotChosen"):
        exchange(world, shorter, longer)


def test_exchange_reverts_between_organisations(choosing):
    """Whatever both have chosen: it would take another's turn."""
    other = join(choosing, "other").account
    choosing.consortium.chooseOrder(True, sender=other)
    longer = choosing.submit(other, qubits=20)
    choosing.submit(qubits=20)
    shorter = choosing.submit()
    with refused("ExchangeNotChosen", shorter=shorter.id, longer=longer.id, organisation=choosing.requesters):
        exchange(choosing, shorter, longer)


def test_exchange_reverts_between_classes(choosing):
    longer = choosing.submit(qubits=20, noise_class=2)
    choosing.submit(qubits=20)
    shorter = choosing.submit()
    with refused("ExchangeNotChosen"):
        exchange(choosing, shorter, longer)


@pytest.mark.parametrize("which", ["shorter", "longer"])
def test_exchange_reverts_unless_both_wait(choosing, which):
    longer, shorter = choosing.submit(qubits=20), choosing.submit()
    gone = shorter if which == "shorter" else longer
    choosing.allocator.cancel(gone.id, sender=choosing.requester)
    allowed = 1 << ComputationStatus.Queued
    with refused("UnexpectedComputationStatus", id=gone.id, actual=ComputationStatus.Cancelled, allowed=allowed):
        exchange(choosing, shorter, longer)
