"""The index: dense lists in draw order, whoever leaves."""

import itertools

import pytest


@pytest.mark.parametrize("leavers", list(itertools.permutations([1, 3, 5])))
def test_list_has_exactly_the_certified(world, leavers):
    for processor in leavers:
        world.registry.suspend(processor, bytes(32), sender=world.security)
        members = world.registry.listOf(1, 4, 0, 10)
        assert sorted(members) == [p for p in range(1, 6) if world.status(p).name == "Certified"]
        assert [world.standing(p).entry for p in members] == [5 << 20 | place for place in range(len(members))]
        assert world.standing(processor).entry == 0
    for processor in leavers:
        world.registry.certify(processor, 1, sender=world.certifier)
    assert sorted(world.registry.listOf(1, 4, 0, 10)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("first", range(7))
@pytest.mark.parametrize("limit", [0, 1, 3, 10])
def test_list_of_returns_a_part(world, first, limit):
    assert world.registry.listOf(1, 4, first, limit) == [1, 2, 3, 4, 5][first : first + limit]


def test_unknown_processor_has_empty_records(world):
    assert world.registry.operatorOf(99) == world.registry.daemonOf(99) == "0x" + "00" * 20
    assert world.registry.versionsOf(99) == (0, 0)
    assert world.registry.processorOf(world.stranger) == 0
    assert set(world.registry.termsOf(99).values()) == {0}
    assert world.registry.isAvailable(99) is False
    assert [world.registry.listOf(99, level, 0, 10) for level in range(8)] == [[]] * 8
    assert world.standing(99).status.name == "Unset"
