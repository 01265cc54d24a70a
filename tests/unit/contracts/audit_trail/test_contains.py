"""Inclusion proofs for the present size: every entry is provable, and nothing else is."""

import pytest
from eth_hash.auto import keccak

from qcrs.model.decision import Decision
from qcrs.rules.audit_trail import NOWHERE, PAGE, prove

SIZES = [1, 2, 7, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE + 5]


@pytest.fixture
def trail(world):
    return world.chain.deploy("AuditTrail", *[world.keeper] * 7, [world.keeper] * 6, sender=world.deployer)


@pytest.fixture
def fill(world, trail, leaves):
    """Appends entries to the trail; returns them as ``contains`` wants them, and their leaves."""

    def append(size):
        before, entries = len(leaves()), []
        for index in range(size):
            digest = keccak(bytes([index]))
            trail.append(Decision.PolicyChanged, index, digest, sender=world.keeper)
            entries.append((index, Decision.PolicyChanged, index, world.keeper, digest))
        return entries, leaves()[before:]

    return append


@pytest.mark.parametrize("size", SIZES)
def test_contains_each_entry(trail, fill, size):
    entries, leaves = fill(size)
    for index, entry in enumerate(entries):
        assert trail.contains(entry, prove(leaves, index))


@pytest.mark.parametrize("field", range(5))
@pytest.mark.parametrize("index", [2, PAGE + 3])
def test_contains_no_entry_that_differs_in_a_field(world, trail, fill, field, index):
    entries, leaves = fill(PAGE + 7)
    other = (3, Decision.ComputationFailed, 99, world.stranger, bytes(32))
    entry = list(entries[index])
    entry[field] = other[field]
    assert not trail.contains(tuple(entry), prove(leaves, index))


def test_contains_nothing_beyond_the_end(trail, fill):
    entries, leaves = fill(4)
    for index in (4, 5, 2**64 - 1):
        assert not trail.contains((index, *entries[3][1:]), prove(leaves, 3))


def test_contains_nothing_by_a_proof_for_another_size(trail, fill):
    entries, leaves = fill(PAGE + 1)
    for index in range(PAGE):
        assert not trail.contains(entries[index], prove(leaves[:PAGE], index))


@pytest.mark.parametrize("part", ["later", "siblings", "peaks"])
def test_contains_nothing_when_a_node_is_changed_added_or_left_out(trail, fill, part):
    entries, leaves = fill(3 * PAGE)
    index = PAGE + 5
    proof = prove(leaves, index)
    nodes = getattr(proof, part)
    assert nodes
    for place in range(len(nodes)):
        for other in ((bytes(32),), (), (nodes[place], bytes(32))):
            forged = proof._replace(**{part: (*nodes[:place], *other, *nodes[place + 1 :])})
            assert not trail.contains(entries[index], forged)


def test_contains_nothing_when_empty(world, trail):
    assert not trail.contains((0, Decision.PolicyChanged, 0, world.keeper, bytes(32)), NOWHERE)
