from tests.evm import refused


def test_resign_leaves_the_organisation(world):
    world.consortium.invite(world.stranger, sender=world.requester)
    world.consortium.join(world.requesters, sender=world.stranger)
    receipt = world.consortium.resign(sender=world.stranger)
    assert receipt.event("AccountLeft") == {
        "organisation": world.requesters,
        "account": world.stranger,
    }
    assert world.consortium.organisationOf(world.stranger) == 0


def test_resign_frees_a_member_of_an_expelled_organisation(world):
    world.consortium.invite(world.stranger, sender=world.requester)
    world.consortium.join(world.requesters, sender=world.stranger)
    world.consortium.expel(world.requesters, sender=world.certifier)
    world.consortium.resign(sender=world.stranger)
    assert world.consortium.admit("Anew", world.stranger, 1, sender=world.certifier).result


def test_resign_reverts_for_an_outsider(world):
    with refused("AccountNotInConsortium", account=world.stranger):
        world.consortium.resign(sender=world.stranger)


def test_resign_reverts_for_the_admin(world):
    with refused("AccountTaken", account=world.requester, organisation=world.requesters):
        world.consortium.resign(sender=world.requester)


def test_resign_frees_the_admin_of_an_expelled_organisation(world):
    world.consortium.expel(world.requesters, sender=world.certifier)
    world.consortium.resign(sender=world.requester)
    anew = world.consortium.admit("Anew", world.requester, 1, sender=world.certifier).result
    assert world.consortium.organisationOf(world.requester) == anew
