"""What only the verifier may write, and the views on it."""

import re

import pytest

from qcrs.model.records import Assignment, Computation
from qcrs.rules import commitment
from tests.evm import interfaces, refused
from tests.scenario import NOBODY

VERIFIER_ONLY = [
    "noteCommit",
    "noteBound",
    "recordRefusal",
    "openReveals",
    "openRevealsFromBeacon",
    "noteReveal",
    "seal",
    "escalate",
]


@pytest.mark.parametrize("function", VERIFIER_ONLY)
@pytest.mark.parametrize("role", ["deployer", "committee", "requester", "stranger"])
def test_verifier_only_function_reverts_for_others(world, function, role):
    world.submit().to_revealing()
    caller = getattr(world, role)
    inputs = interfaces()["ComputationAllocator"].functions[function]["inputs"]
    with refused("CallerNotVerifier", account=caller):
        getattr(world.allocator, function)(*map(zero, inputs), sender=caller)


def zero(parameter):
    """Return the zero of a parameter's type."""
    size = re.fullmatch(r"bytes(\d+)", parameter["type"])
    if parameter["type"].endswith("[]"):
        return []
    if size:
        return bytes(int(size[1]))
    return {"address": NOBODY, "bool": False}.get(parameter["type"], 0)


def test_duty_of_returns_the_computation_and_one_assignment(world):
    job = world.submit().allocate()
    for index in range(3):
        computation, assignment = world.records.dutyOf(job.id, index)
        assert Computation.from_chain(computation) == job.record
        assert Assignment.from_chain(assignment) == job.assignments[index]


def test_duty_of_is_empty_beyond_the_last_assignment(world):
    job = world.submit().allocate()
    assert set(world.records.dutyOf(job.id, 3)[1].values()) == {0, bytes(24)}
    assert world.allocator.seatOf(job.id, 3) == bytes(32)


def test_unknown_computation_has_empty_records(world):
    record = Computation.from_chain(world.records.computationOf(99))
    assert (record.status.name, record.escrow, record.tried) == ("Unset", 0, 0)
    assert world.records.assignmentsOf(99) == []


def test_seed_of_follows_from_secret_and_commits(world):
    job = world.submit().allocate()
    digest = commitment.NO_COMMITS
    for index in (2, 0, 1):
        job.commit(index)
        digest = commitment.extend(digest, index, job.assignments[index].digest)
    job.disclose()
    expected = commitment.seed_of(job.id, 1, job.secrets[0], digest)
    assert world.records.seedOf(job.id) == expected
    assert job.record.commits_digest == digest


def test_beacon_starts_from_the_genesis_entropy(world):
    assert world.allocator.beacon() == world.settings.genesis_entropy


def test_wiring_is_that_of_the_deployment(world):
    allocator = world.allocator
    assert allocator.CONSORTIUM() == world.consortium.address
    assert allocator.REGISTRY() == world.registry.address
    assert allocator.AUDIT_TRAIL() == world.trail.address
    assert allocator.VERIFIER() == world.verifier.address
    assert allocator.KEEPER_BOUNTY() == world.bounty
    assert allocator.BONDS() == world.bonds.address
    assert allocator.CHALLENGES() == world.challenges.address
    assert allocator.DISPUTES() == world.disputes.address
    assert world.consortium.ALLOCATOR() == allocator.address
    assert world.registry.RESERVATIONS() == world.reservations.address
    assert world.reservations.ALLOCATOR() == allocator.address
    assert world.reservations.CONSORTIUM() == world.consortium.address
    assert world.reservations.REGISTRY() == world.registry.address
    assert world.reservations.AUDIT_TRAIL() == world.trail.address
    assert world.bonds.ALLOCATOR() == allocator.address
    assert world.bonds.REGISTRY() == world.registry.address
    assert world.bonds.DISPUTES() == world.disputes.address
    assert world.bonds.CHALLENGES() == allocator.CHALLENGES()
    assert world.registry.BONDS() == world.bonds.address
    assert world.records.ALLOCATOR() == allocator.address
    assert world.disputes.ALLOCATOR() == allocator.address
    assert world.disputes.AUDIT_TRAIL() == world.trail.address
    assert world.disputes.BONDS() == world.bonds.address
    assert world.disputes.REGISTRY() == world.registry.address
    assert world.verifier.ALLOCATOR() == allocator.address
    assert world.registry.ALLOCATOR() == allocator.address
