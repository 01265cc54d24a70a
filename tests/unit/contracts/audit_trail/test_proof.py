"""A contract that knows a root of the trail and nothing else accepts what was in it then, and nothing besides."""

import pytest

from qcrs.model.decision import Decision
from qcrs.rules.audit_trail import PAGE, leaf_of, prove
from qcrs.rules.digest import keccak

SIZES = 70
TRUTH = 5


@pytest.fixture
def witness(world):
    return world.chain.deploy("AuditProofHarness", sender=world.deployer)


def entry_of(world, index):
    return index, Decision(1 + index % 9), 1000 + index, world.keeper, keccak(bytes([index]))


def test_every_entry_is_proven_to_a_contract_that_knows_the_root_of_any_size(world, witness):
    trail, leaves = world.chain.deploy("AuditTrail", *[world.keeper] * 7, [world.keeper] * 6, sender=world.deployer), []
    for size in range(1, SIZES + 1):
        entry = entry_of(world, size - 1)
        trail.append(*entry[1:3], entry[4], sender=world.keeper)
        leaves.append(leaf_of(*entry))
        for index in {0, size // 3, size // 2, size - 1}:
            proof = prove(leaves, index)
            assert proof.size == size
            assert witness.includes(trail.root(), entry_of(world, index), proof)
            assert trail.contains(entry_of(world, index), proof)


def test_a_proof_outlives_later_entries(world, witness):
    trail, leaves = world.chain.deploy("AuditTrail", *[world.keeper] * 7, [world.keeper] * 6, sender=world.deployer), []
    for index in range(7):
        entry = entry_of(world, index)
        trail.append(*entry[1:3], entry[4], sender=world.keeper)
        leaves.append(leaf_of(*entry))
        if index == TRUTH:
            old, root = prove(leaves, 2), trail.root()
    assert trail.root() != root
    assert witness.includes(root, entry_of(world, 2), old)
    assert not witness.includes(trail.root(), entry_of(world, 2), old)


def test_tampering_with_any_part_is_refused(world, witness):
    leaves = [leaf_of(*entry_of(world, index)) for index in range(7 * PAGE + 9)]
    proof, entry = prove(leaves, TRUTH), entry_of(world, TRUTH)
    assert len(proof.siblings) > 0
    assert len(proof.peaks) > 1
    assert witness.includes(proof.root, entry, proof)
    assert not witness.includes(bytes(32), entry, proof)
    other = (TRUTH ^ 1, Decision.Unset, 0, world.stranger, bytes(32))
    for field in range(5):
        changed = (*entry[:field], other[field], *entry[field + 1 :])
        assert not witness.includes(proof.root, changed, proof), field
    for part, value in tampered(proof):
        assert not witness.includes(proof.root, entry, proof._replace(**{part: value})), (part, value)


def tampered(proof):
    """Yield each part that can be changed, with another value."""
    yield "head", bytes(24)
    yield "before", bytes(24)
    for size in (proof.size - 1, proof.size + 1, TRUTH):
        yield "size", size
    for part in ("later", "siblings", "peaks"):
        nodes = getattr(proof, part)
        for place in range(len(nodes)):
            yield part, (*nodes[:place], bytes(32), *nodes[place + 1 :])
        yield part, nodes[:-1]
        yield part, (*nodes, bytes(32))
        yield part, nodes[::-1]
        yield part, ()
