"""Accounts with a hash key belong, and decide for their organisation, through the door alone."""

import pytest

from qcrs.model.organisation import Screen
from tests.doors import keyed
from tests.evm import refused


def test_admin_with_a_key_decides_through_the_door(world):
    admin = keyed(world, "requester")
    acts = [
        ("invite", world.stranger),
        ("chooseOrder", True),
        ("chooseScreen", int(Screen.Only)),
        ("list", [1], True),
    ]
    for function, *arguments in acts:
        with refused("HashSignatureRequired", account=admin.account, door=world.hash_keys.address):
            getattr(world.consortium, function)(*arguments, sender=admin.account)
        assert admin.perform(world.consortium, function, *arguments).result[0], function
    organisation = world.consortium.organisations(world.requesters)
    assert (organisation["shortestFirst"], organisation["screen"]) == (True, Screen.Only)


@pytest.mark.parametrize("function", ["join", "resign"])
def test_account_with_a_key_comes_and_goes_through_the_door(world, function):
    guest = keyed(world, "stranger")
    world.consortium.invite(guest.account, sender=world.requester)
    arguments = [world.requesters] if function == "join" else []
    if function == "resign":
        guest.perform(world.consortium, "join", world.requesters)
    with refused("HashSignatureRequired", account=guest.account, door=world.hash_keys.address):
        getattr(world.consortium, function)(*arguments, sender=guest.account)
    assert guest.perform(world.consortium, function, *arguments).result[0]
    belongs = world.consortium.organisationOf(guest.account) == world.requesters
    assert belongs == (function == "join")
