from .conftest import BUCKET, BUCKETS, FULL, SPILL


def test_move_goes_to_the_bucket_of_the_tag(queue):
    queue.enter(0)
    queue.enter(5)
    assert queue.move(0, 20) == 20
    assert queue.first == 5


def test_move_goes_behind_the_first_at_least(queue):
    queue.enter(0)
    queue.enter(0)
    assert queue.move(0, 0) == 1


def test_move_never_goes_before_whoever_is_first_then(queue):
    queue.enter(0)
    queue.enter(9)
    assert queue.move(0, 3) == 9


def test_move_of_the_only_one_leaves_it_in_turn(queue):
    """It has nobody to make room for; were its bucket not the first then, it could never be allocated."""
    queue.enter(0)
    assert queue.move(0, 95) == 95
    assert queue.contract.isFirst(95)


def test_move_restarts_the_clock(queue):
    queue.enter(0)
    queue.enter(0)
    queue.chain.advance(500)
    moved = queue.chain.now
    queue.move(0, 3)
    assert queue.stalled_since == moved


def test_move_of_one_that_costs_more_than_the_ring_holds_goes_to_its_end(queue):
    """Otherwise the largest could not be sent back, and would hold up all others until its deadline."""
    queue.enter(0)
    queue.enter(1)
    assert queue.send("move", 0, 2**95).result == 1 + BUCKETS - SPILL
    queue.model.move(0, 2**95 // BUCKET)


def test_move_spills_at_the_end_of_the_ring(queue):
    queue.enter(0)
    queue.enter(0)
    last = BUCKETS - SPILL
    for _ in range(FULL):
        queue.enter(last)
    assert queue.move(0, 10**6) == last + 1
