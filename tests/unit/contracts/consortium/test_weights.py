import pytest

from tests.evm import refused
from tests.scenario import account

MAX_WEIGHT = 65_536


@pytest.mark.parametrize("weight", [1, MAX_WEIGHT])
def test_weight_takes_its_bounds(world, weight):
    organisation = world.admit("new", weight)
    assert world.consortium.organisations(organisation)["weight"] == weight
    world.consortium.setWeight(world.requesters, weight, sender=world.committee)
    assert world.consortium.organisations(world.requesters)["weight"] == weight


@pytest.mark.parametrize("weight", [0, MAX_WEIGHT + 1, 2**32 - 1])
def test_weight_reverts_out_of_range(world, weight):
    with refused("WeightOutOfRange", weight=weight, maximum=MAX_WEIGHT):
        world.consortium.admit("new", account("new"), weight, sender=world.certifier)
    with refused("WeightOutOfRange", weight=weight, maximum=MAX_WEIGHT):
        world.consortium.setWeight(world.requesters, weight, sender=world.committee)
