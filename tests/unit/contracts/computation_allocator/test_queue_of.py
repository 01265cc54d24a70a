"""What a queue tells of itself; who stands where is in the computations' events and records."""


def test_queue_of_counts_those_that_wait(world):
    assert world.allocator.queueOf(1) == (0, 0, 0)
    began = world.chain.now
    for noise_class in (1, 2, 1, 1):
        world.submit(noise_class=noise_class)
    assert world.allocator.queueOf(1) == (0, 3, began)
    assert world.allocator.queueOf(2) == (0, 1, began + 1)
    assert world.allocator.queueOf(3) == (0, 0, 0)


def test_queue_of_tells_the_first_bucket_in_which_somebody_waits(world):
    """A computation of 24,576 cost units is three quarters of a bucket."""
    jobs = [world.submit() for _ in range(4)]
    assert [job.record.place for job in jobs] == [0, 0, 1, 2]
    for served, (first, waiting) in enumerate([(0, 3), (1, 2), (2, 1), (2, 0)]):
        jobs[served].allocate()
        assert world.allocator.queueOf(1) == (first, waiting, world.chain.now - 1)


def test_queue_of_passes_over_empty_buckets(world):
    first, large, last = world.submit(), world.submit(qubits=255), world.submit()
    assert [job.record.place for job in (first, large, last)] == [0, 0, 96]
    for job in (first, large):
        world.allocator.cancel(job.id, sender=world.requester)
    assert world.allocator.queueOf(1)[:2] == (96, 1)
    last.allocate()


def test_queue_of_does_not_count_a_requeued_computation(world):
    world.submit()
    requeued = world.submit().allocate()
    requeued.refuse(0)
    assert world.allocator.queueOf(1)[1] == 1
