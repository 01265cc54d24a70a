import pytest


@pytest.mark.parametrize("wei", [0, 1, 10**18])
def test_deposit_makes_money_available(world, wei):
    receipt = world.allocator.deposit(sender=world.stranger, value=wei)
    assert (world.available(world.stranger), world.locked(world.stranger)) == (wei, 0)
    assert receipt.event("Deposited") == {"holder": world.stranger, "amount": wei}


def test_deposits_add_up(world):
    for wei in (1, 2, 3):
        world.allocator.deposit(sender=world.stranger, value=wei)
    assert world.available(world.stranger) == 6
