import pytest

from .conftest import BUCKETS


def test_depart_leaves_the_first_bucket_while_somebody_is_in_it(queue):
    queue.enter(0)
    queue.enter(0)
    queue.enter(3)
    queue.depart(0, served=True)
    assert queue.first == 0
    queue.depart(0, served=True)
    assert queue.first == 3


@pytest.mark.parametrize("gap", [1, 30, 31, 32, 62, 1_000, 31 * 127 - 1, 31 * 127, 31 * 127 + 1, BUCKETS - 1])
@pytest.mark.parametrize("origin", [0, 30, 31, 31 * 127, 31 * 127 + 30, 65_535])
def test_depart_finds_the_next_wherever_it_is(queue, origin, gap):
    """In the same word, in a later one, round the ring, or in the lower lanes of the first's own word."""
    queue.begin_at(origin)
    queue.enter(origin)
    queue.enter(origin + gap)
    queue.depart(origin, served=True)
    assert queue.first == origin + gap


def test_depart_of_a_later_one_leaves_the_first(queue):
    for bucket in (0, 4, 9):
        queue.enter(bucket)
    queue.depart(4)
    assert queue.first == 0
    queue.depart(0)
    assert queue.first == 9


def test_depart_of_the_last_keeps_the_virtual_time(queue):
    queue.enter(0)
    queue.enter(12)
    queue.depart(0)
    queue.depart(12)
    assert queue.first == 12


def test_depart_restarts_the_clock_when_served_alone(queue):
    queue.enter(0)
    queue.enter(0)
    began = queue.stalled_since
    queue.chain.advance(50)
    queue.depart(0)
    assert queue.stalled_since == began
    served = queue.chain.now
    queue.depart(0, served=True)
    assert queue.stalled_since == served
