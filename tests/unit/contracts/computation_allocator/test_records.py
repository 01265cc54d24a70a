"""What only the verifier may write, and the views on it."""

import pytest

from qcrs.model.records import Assignment, Computation
from qcrs.rules import commitment
from tests.evm import refused

VERIFIER_ONLY = {
    "recordCommit": lambda world: (1, 0, world.stranger, bytes(24)),
    "recordRefusal": lambda world: (1, 0, world.stranger),
    "openReveals": lambda world: (1, bytes(24)),
    "openRevealsFromBeacon": lambda world: (1, world.stranger),
    "recordReveal": lambda world: (1, 0, bytes(24)),
    "conclude": lambda world: (1, 1, 7, bytes(32), bytes(32), world.stranger),
}


@pytest.mark.parametrize("function", VERIFIER_ONLY)
@pytest.mark.parametrize("role", ["deployer", "committee", "requester", "stranger"])
def test_verifier_only_function_reverts_for_others(world, function, role):
    world.submit().to_revealing()
    caller = getattr(world, role)
    with refused("CallerNotVerifier", account=caller):
        getattr(world.allocator, function)(*VERIFIER_ONLY[function](world), sender=caller)


def test_duty_of_returns_the_computation_and_one_assignment(world):
    job = world.submit().allocate()
    for index in range(3):
        computation, assignment = world.allocator.dutyOf(job.id, index)
        assert Computation.from_chain(computation) == job.record
        assert Assignment.from_chain(assignment) == job.assignments[index]


def test_duty_of_is_empty_beyond_the_last_assignment(world):
    job = world.submit().allocate()
    assert set(world.allocator.dutyOf(job.id, 3)[1].values()) == {0, bytes(24)}


def test_unknown_computation_has_empty_records(world):
    record = Computation.from_chain(world.allocator.computationOf(99))
    assert (record.status.name, record.escrow, record.tried) == ("Unset", 0, 0)
    assert world.allocator.assignmentsOf(99) == []


def test_seed_of_follows_from_secret_and_commits(world):
    job = world.submit().allocate()
    digest = commitment.NO_COMMITS
    for index in (2, 0, 1):
        job.commit(index)
        digest = commitment.extend(digest, index, job.assignments[index].digest)
    job.disclose()
    expected = commitment.seed_of(job.id, 1, job.secrets[0], digest)
    assert world.allocator.seedOf(job.id) == expected
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
    assert allocator.MAX_ATTEMPTS() == 3
    assert world.verifier.ALLOCATOR() == allocator.address
    assert world.registry.ALLOCATOR() == allocator.address
