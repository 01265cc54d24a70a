from tests.scenario import account


def number_of(world, person):
    """Return the number of *person*'s account."""
    return next(n for n in range(1, 100) if world.consortium.accountOf(n) == person)


def test_account_of_numbers_accounts_from_one(world):
    people = [account("requester"), *(node.operator for node in world.nodes)]
    assert [world.consortium.accountOf(number) for number in range(1, 7)] == people
    assert int(world.consortium.accountOf(0), 16) == int(world.consortium.accountOf(7), 16) == 0


def test_account_keeps_its_number_for_good(world):
    """What it has submitted is under that number, whatever organisation it acts for then."""
    first = world.requesters
    second = world.admit("second")
    for organisation, admin in ((first, world.requester), (second, account("second"))):
        world.consortium.invite(world.stranger, sender=admin)
        world.consortium.join(organisation, sender=world.stranger)
        number = number_of(world, world.stranger)
        assert number == 8
        world.consortium.resign(sender=world.stranger)
    assert world.consortium.accountOf(number) == world.stranger


def test_refund_reaches_a_requester_that_has_left(world):
    world.consortium.invite(world.stranger, sender=world.requester)
    world.consortium.join(world.requesters, sender=world.stranger)
    job = world.submit(world.stranger)
    world.consortium.resign(sender=world.stranger)
    world.allocator.cancel(job.id, sender=world.stranger)
    assert world.available(world.stranger) == job.fee
