import pytest


def test_queue_of_lists_arrivals_in_order(world):
    for noise_class in (1, 2, 1, 1):
        world.submit(noise_class=noise_class)
    assert world.allocator.queueOf(1, 10) == [1, 3, 4]
    assert world.allocator.queueOf(2, 10) == [2]
    assert world.allocator.queueOf(3, 10) == []


@pytest.mark.parametrize("limit", [0, 1, 2, 3])
def test_queue_of_stops_at_the_limit(world, limit):
    for _ in range(3):
        world.submit()
    assert world.allocator.queueOf(1, limit) == [1, 2, 3][:limit]


def test_queue_of_crosses_storage_words(world):
    for _ in range(11):
        world.submit()
    assert world.allocator.queueOf(1, 20) == list(range(1, 12))


def test_queue_of_lists_a_requeued_computation_once(world):
    """It was drawn from the middle of the queue, and returns to its front."""
    world.submit()
    overtaking = world.submit().allocate()
    overtaking.refuse(0)
    assert world.allocator.queueOf(1, 10) == [2, 1]
