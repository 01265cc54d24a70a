from tests.evm import refused


def test_invite_alone_does_not_make_a_member(world):
    receipt = world.consortium.invite(world.stranger, sender=world.requester)
    assert receipt.event("AccountInvited") == {
        "organisation": world.requesters,
        "account": world.stranger,
    }
    assert world.consortium.organisationOf(world.stranger) == 0


def test_invite_reverts_for_a_member_who_is_not_admin(world):
    world.consortium.invite(world.stranger, sender=world.requester)
    world.consortium.join(world.requesters, sender=world.stranger)
    with refused(
        "AccountNotAdmin",
        account=world.stranger,
        organisation=world.requesters,
        admin=world.requester,
    ):
        world.consortium.invite(world.keeper, sender=world.stranger)


def test_invite_reverts_for_an_outsider(world):
    with refused("AccountNotInConsortium", account=world.stranger):
        world.consortium.invite(world.keeper, sender=world.stranger)


def test_invite_reverts_once_expelled(world):
    world.consortium.expel(world.requesters, sender=world.certifier)
    with refused("AccountNotInConsortium", account=world.requester):
        world.consortium.invite(world.stranger, sender=world.requester)
