"""What belongs to whom, coin that was forced in included."""


def test_balance_of_a_stranger_is_nothing(world):
    assert world.allocator.balanceOf(world.stranger) == (0, 0)


def test_balance_of_a_requester_tells_free_from_locked(world):
    world.allocator.deposit(sender=world.requester, value=5)
    job = world.submit()
    assert world.allocator.balanceOf(world.requester) == (5, job.escrow)


def test_treasury_starts_empty(world):
    assert world.allocator.treasury() == 0
