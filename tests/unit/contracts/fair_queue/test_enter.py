import pytest

from qcrs.model.organisation import Priority
from tests.evm import refused

from .conftest import BUCKET, BUCKETS, FULL, SPILL


def fill(queue, bucket):
    """Let as many wait in *bucket* as it can count."""
    for _ in range(FULL):
        assert queue.enter(bucket) == bucket


def test_enter_takes_the_bucket_of_the_tag(queue):
    queue.enter(0)
    assert queue.enter(7, surplus=BUCKET - 1) == 7
    assert queue.contract.counts(0) % 2**255 == 1 | 1 << 56


def test_enter_starts_the_clock_of_an_empty_queue_alone(queue):
    began = queue.chain.now
    queue.enter(0)
    queue.chain.advance(100)
    queue.enter(5)
    assert queue.stalled_since == began


def test_enter_makes_the_only_one_that_waits_the_first(queue):
    """Else nobody would be in turn, and nobody could be allocated."""
    queue.enter(41)
    assert queue.contract.isFirst(41)


def test_enter_reaches_the_last_bucket_and_not_beyond(queue):
    queue.enter(0)
    assert queue.enter(BUCKETS - 1) == BUCKETS - 1
    with refused("BacklogFull", bucket=BUCKETS, ahead=BUCKETS, limit=BUCKETS - 1):
        queue.send("enter", BUCKETS * BUCKET)


def test_enter_reaches_further_once_the_first_has_moved(queue):
    queue.enter(0)
    queue.enter(9)
    queue.depart(0, served=True)
    assert queue.enter(BUCKETS + 8) == BUCKETS + 8
    with refused("BacklogFull", bucket=BUCKETS + 9, ahead=BUCKETS, limit=BUCKETS - 1):
        queue.send("enter", (BUCKETS + 9) * BUCKET)


def test_enter_does_not_reach_round_the_ring_into_the_first(queue):
    """Bucket 31 * 128 has the place in the ring of bucket 0: it would be served among the first."""
    fill(queue, 0)
    with refused("BacklogFull", bucket=BUCKETS, ahead=BUCKETS, limit=BUCKETS - 1):
        queue.send("enter", BUCKETS * BUCKET)
    assert queue.contract.counts(0) % 2**255 == FULL


def test_enter_passes_full_buckets(queue):
    for bucket in (0, 1):
        fill(queue, bucket)
    assert queue.enter(0) == 2
    assert queue.contract.counts(0) % 2**255 == FULL | FULL << 8 | 1 << 16


def test_enter_looks_at_sixteen_buckets(queue):
    for bucket in range(SPILL):
        fill(queue, bucket)
    with refused("BacklogFull", bucket=SPILL, ahead=SPILL, limit=BUCKETS - 1):
        queue.send("enter", 0)
    assert queue.enter(1) == SPILL


def test_enter_stops_at_the_last_bucket_when_it_is_full(queue):
    queue.enter(0)
    fill(queue, BUCKETS - 1)
    with refused("BacklogFull", bucket=BUCKETS, ahead=BUCKETS, limit=BUCKETS - 1):
        queue.send("enter", (BUCKETS - 1) * BUCKET)


@pytest.mark.parametrize(("priority", "buckets"), [("Routine", 0), ("Elevated", 16), ("Critical", 64)])
def test_credit_is_a_number_of_buckets(queue, priority, buckets):
    assert queue.contract.creditOf(Priority[priority]) == buckets * BUCKET


def test_cost_multiplies_what_is_asked_for(queue):
    assert queue.contract.costOf(255, 65_535, 16, 255) == 255 * 65_535 * 16 * 255
