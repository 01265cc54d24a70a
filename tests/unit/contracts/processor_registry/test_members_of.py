"""The class index: dense, in draw order, whoever leaves."""

import itertools

import pytest


@pytest.mark.parametrize("leavers", list(itertools.permutations([1, 3, 5])))
def test_members_stay_exactly_the_certified(world, leavers):
    for processor in leavers:
        world.registry.suspend(processor, bytes(32), sender=world.security)
        members = world.registry.membersOf(1)
        assert sorted(members) == [p for p in range(1, 6) if world.status(p).name == "Certified"]
    for processor in leavers:
        world.registry.certify(processor, 1, sender=world.certifier)
    assert sorted(world.registry.membersOf(1)) == [1, 2, 3, 4, 5]


def test_unknown_processor_has_empty_records(world):
    assert world.registry.operatorOf(99) == world.registry.daemonOf(99) == "0x" + "00" * 20
    assert world.registry.versionsOf(99) == (0, 0)
    assert world.registry.processorOf(world.stranger) == 0
    assert world.registry.membersOf(99) == []
    assert world.standing(99).status.name == "Unset"
