from tests.evm import refused


def test_join_makes_a_member_who_may_submit(world):
    world.consortium.invite(world.stranger, sender=world.requester)
    receipt = world.consortium.join(world.requesters, sender=world.stranger)
    assert receipt.event("AccountJoined") == {
        "organisation": world.requesters,
        "account": world.stranger,
    }
    assert world.consortium.organisationOf(world.stranger) == world.requesters
    assert world.submit(world.stranger).record.organisation == world.requesters


def test_join_reverts_without_invitation(world):
    with refused("AccountNotInvited", account=world.stranger, organisation=world.requesters):
        world.consortium.join(world.requesters, sender=world.stranger)


def test_join_reverts_on_an_invitation_to_another_organisation(world):
    world.consortium.invite(world.stranger, sender=world.requester)
    other = world.nodes[0].organisation
    with refused("AccountNotInvited", account=world.stranger, organisation=other):
        world.consortium.join(other, sender=world.stranger)


def test_join_uses_the_invitation_up(world):
    world.consortium.invite(world.stranger, sender=world.requester)
    world.consortium.join(world.requesters, sender=world.stranger)
    world.consortium.resign(sender=world.stranger)
    with refused("AccountNotInvited", account=world.stranger, organisation=world.requesters):
        world.consortium.join(world.requesters, sender=world.stranger)


def test_join_reverts_when_the_account_belongs_to_another(world):
    operator = world.nodes[0].operator
    world.consortium.invite(operator, sender=world.requester)
    with refused("AccountTaken", account=operator, organisation=world.nodes[0].organisation):
        world.consortium.join(world.requesters, sender=operator)


def test_join_reverts_when_the_organisation_was_expelled_meanwhile(world):
    world.consortium.invite(world.stranger, sender=world.requester)
    world.consortium.expel(world.requesters, sender=world.certifier)
    with refused("OrganisationNotAdmitted", organisation=world.requesters):
        world.consortium.join(world.requesters, sender=world.stranger)
