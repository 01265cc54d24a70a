"""Inclusion proofs: every entry is provable, and nothing else is."""

import pytest
from eth_hash.auto import keccak

from qcrs.model.decision import Decision
from qcrs.rules.audit_trail import node_of

SIZES = [1, 2, 3, 4, 5, 7, 8, 13]


def proof_of(leaves, index):
    """Return the siblings from leaf *index* up to its peak."""
    size, start = len(leaves), 0
    for height in reversed(range(size.bit_length())):
        if size >> height & 1:
            if index < start + (1 << height):
                break
            start += 1 << height
    level, position, proof = leaves[start : start + (1 << height)], index - start, []
    while len(level) > 1:
        proof.append(level[position ^ 1])
        level = [node_of(level[i], level[i + 1]) for i in range(0, len(level), 2)]
        position //= 2
    return proof


@pytest.fixture
def trail(world):
    return world.chain.deploy("AuditTrail", *[world.keeper] * 5, sender=world.deployer)


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
        assert trail.contains(*entry, proof_of(leaves, index))


@pytest.mark.parametrize("field", range(5))
def test_contains_no_entry_that_differs_in_a_field(world, trail, fill, field):
    entries, leaves = fill(7)
    other = (3, Decision.ComputationFailed, 99, world.stranger, bytes(32))
    entry = list(entries[2])
    entry[field] = other[field]
    assert not trail.contains(*entry, proof_of(leaves, 2))


def test_contains_nothing_beyond_the_end(trail, fill):
    entries, leaves = fill(4)
    for index in (4, 5, 2**64 - 1):
        assert not trail.contains(index, *entries[3][1:], proof_of(leaves, 3))


@pytest.mark.parametrize("size", SIZES)
def test_contains_nothing_with_a_proof_of_another_length(trail, fill, size):
    entries, leaves = fill(size)
    for index, entry in enumerate(entries):
        proof = proof_of(leaves, index)
        assert not trail.contains(*entry, [*proof, bytes(32)])
        if proof:
            assert not trail.contains(*entry, proof[:-1])


def test_contains_nothing_when_a_sibling_is_changed(trail, fill):
    entries, leaves = fill(8)
    proof = proof_of(leaves, 5)
    for level in range(len(proof)):
        forged = [*proof[:level], bytes(32), *proof[level + 1 :]]
        assert not trail.contains(*entries[5], forged)


def test_contains_nothing_when_empty(world, trail):
    assert not trail.contains(0, Decision.PolicyChanged, 0, world.keeper, bytes(32), [])
