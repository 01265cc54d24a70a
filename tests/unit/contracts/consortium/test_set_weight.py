import pytest

from tests.evm import refused


def test_set_weight_changes_the_share(world):
    receipt = world.consortium.setWeight(world.requesters, 7, sender=world.committee)
    assert world.consortium.organisations(world.requesters)["weight"] == 7
    assert receipt.event("OrganisationWeighted") == {"organisation": world.requesters, "weight": 7}


@pytest.mark.parametrize("weight", [0, 65_537, 2**32 - 1])
def test_set_weight_reverts_when_out_of_range(world, weight):
    with refused("WeightOutOfRange", weight=weight, maximum=65_536):
        world.consortium.setWeight(world.requesters, weight, sender=world.committee)


def test_set_weight_reverts_when_never_admitted(world):
    with refused("OrganisationNotAdmitted", organisation=999):
        world.consortium.setWeight(999, 1, sender=world.committee)


def test_set_weight_reverts_when_expelled(world):
    world.consortium.expel(world.requesters, sender=world.certifier)
    with refused("OrganisationNotAdmitted", organisation=world.requesters):
        world.consortium.setWeight(world.requesters, 1, sender=world.committee)


@pytest.mark.parametrize("role", ["deployer", "certifier", "security", "requester", "stranger"])
def test_set_weight_reverts_for_all_but_the_committee(world, role):
    caller = getattr(world, role)
    with refused("AccessManagedUnauthorized", caller=caller):
        world.consortium.setWeight(world.requesters, 1, sender=caller)
