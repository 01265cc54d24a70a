def test_deposit_for_adds_to_the_balance_of_another(world):
    receipt = world.allocator.depositFor(world.keeper, sender=world.stranger, value=7)
    assert (world.available(world.keeper), world.available(world.stranger)) == (7, 0)
    assert receipt.event("Deposited") == {"holder": world.keeper, "amount": 7}
    world.allocator.withdraw(7, sender=world.keeper)
