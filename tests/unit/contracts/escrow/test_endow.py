def test_endow_adds_to_the_treasury(world):
    receipt = world.allocator.endow(sender=world.stranger, value=7)
    assert world.allocator.treasury() == 7
    assert receipt.names == ["TreasuryEndowed"]
    assert receipt.event("TreasuryEndowed") == {"from": world.stranger, "amount": 7}
    assert world.allocator.balanceOf(world.stranger) == (0, 0)


def test_endow_of_nothing_is_told_all_the_same(world):
    assert world.allocator.endow(sender=world.stranger).event("TreasuryEndowed")["amount"] == 0
    assert world.allocator.treasury() == 0
