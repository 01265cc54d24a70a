import pytest

from tests.evm import refused
from tests.scenario import account


@pytest.mark.parametrize("bonded", [True, False])
def test_set_bonded_records_and_tells(roster, bonded):
    processor = roster.add("roster organisation")
    receipt = roster.registry.setBonded(processor, bonded, sender=account("allocator"))
    assert roster.standing(processor).bonded is bonded
    assert receipt.event("ProcessorBonded") == {"processor": processor, "bonded": bonded}


def test_set_bonded_reverts_for_all_but_the_allocator(world):
    for caller in (world.deployer, world.nodes[0].operator, world.certifier):
        with refused("CallerNotAllocator", account=caller):
            world.registry.setBonded(1, True, sender=caller)
