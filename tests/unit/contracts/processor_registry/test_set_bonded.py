import pytest

from tests.evm import refused
from tests.scenario import account


@pytest.mark.parametrize("bonded", [True, False])
def test_set_bonded_records_and_tells(roster, bonded):
    processor = roster.add("roster organisation")
    roster.registry.setBonded(processor, not bonded, sender=account("bonds"))
    receipt = roster.registry.setBonded(processor, bonded, sender=account("bonds"))
    assert roster.standing(processor).bonded is bonded
    assert receipt.event("ProcessorBonded") == {"processor": processor, "bonded": bonded}


def test_set_bonded_tells_nothing_new_once(roster):
    processor = roster.add("roster organisation")
    assert roster.registry.setBonded(processor, True, sender=account("bonds")).names == []


def test_set_bonded_reverts_for_all_but_the_bonds(world):
    for caller in (world.deployer, world.nodes[0].operator, world.certifier):
        with refused("CallerNotBonds", account=caller):
            world.registry.setBonded(1, True, sender=caller)
