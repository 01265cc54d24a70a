"""Reveals of what a bundle binds."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules import bundle, commitment
from tests.bundled import allocated, leaves_of, post, reveal, seats_of
from tests.evm import refused

Accepted, Committed, Revealed = AssignmentStatus.Accepted, AssignmentStatus.Committed, AssignmentStatus.Revealed


@pytest.fixture
def node(world):
    return world.nodes[0]


@pytest.fixture
def seats(world, node):
    """The node's seats in three computations: bundled, all others committed, and all secrets disclosed."""
    jobs = allocated(world, 3)
    seats = seats_of(node, jobs)
    post(world, node, seats)
    for job in jobs:
        job.commit_all().disclose()
    return seats


def test_every_seat_of_a_bundle_is_revealed_and_paid(world, seats):
    for position, (job, index) in enumerate(seats):
        sketch = job.sketch(index)
        receipt = reveal(world, seats, position)
        assert receipt.event("ResultRevealed")["countsRoot"] == job.root(index)
        seat = job.assignments[index]
        assert (seat.status, seat.digest) == (Revealed, commitment.of_reveal(job.root(index), job.salt(index), sketch))
        job.reveal_all(index).settle()
        assert (job.status, job.fates) == (ComputationStatus.Accepted, [Accepted] * 5)


def test_reveal_by_itself_reverts_for_a_bundled_commit(world, node, seats):
    job, index = seats[0]
    bound = {"expected": commitment.NO_COMMITMENT, "actual": job.commitment(index)}
    opening = (job.id, index, job.root(index), job.salt(index), job.sketch(index))
    with refused("CommitmentMismatch", computation=job.id, index=index, **bound):
        world.verifier.reveal(*opening, sender=node.daemon)


def test_reveal_bundled_reverts_for_a_commit_by_itself(world, node, seats):
    job, index = seats[0]
    other = (index + 1) % 5
    with refused("CommitmentNotBundled", computation=job.id, index=other, commitment=job.commitment(other)):
        reveal(world, [(job, other)], 0)


@pytest.mark.parametrize("fault", ["lane", "position", "answer"])
def test_reveal_bundled_reverts_for_what_the_bundle_does_not_bind(world, node, seats, fault):
    job, index = seats[0]
    leaves, lane = leaves_of(seats), 0
    if fault == "lane":
        lane = 1
    elif fault == "position":
        leaves = leaves[::-1]
    else:
        job.counts[index] = {0: job.request.shots}
    shown = bundle.root_from(leaves_of(seats)[0], bundle.proof_of(leaves, 0))
    roots = {"expected": world.verifier.bundleOf(node.id, lane), "actual": shown}
    with refused("BundleMismatch", computation=job.id, index=index, lane=lane, **roots):
        reveal(world, seats, 0, lane, leaves)
    assert job.fates[index] is Committed


def test_seat_is_revealed_once(world, seats):
    reveal(world, seats, 0)
    job, index = seats[0]
    with refused("UnexpectedAssignmentStatus", id=job.id, index=index, actual=Revealed, allowed=1 << Committed):
        reveal(world, seats, 0)


def test_assigned_seat_is_not_revealed(world, node):
    (job,) = allocated(world, 1)
    job.commit(0)
    with refused("UnexpectedComputationStatus"):
        reveal(world, [(job, 0)], 0)


def test_what_is_bundled_and_not_revealed_is_silent(world, node, seats):
    job, index = seats[0]
    job.reveal_all(index).end_phase()
    estate = world.estate()
    job.settle()
    assert job.fates[index] is AssignmentStatus.Silent
    assert estate.gains().get(node.operator, 0) <= 0


def test_round_that_fails_ends_what_is_bundled(world, node, seats):
    job, index = seats[0]
    job.end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    assert job.fates[index] is AssignmentStatus.Silent
    assert (job.record.commits, job.record.attempt) == (0, 2)


def test_after_an_escalation_the_same_answer_is_revealed_by_itself(world, node):
    job = world.submit(replicas=3, replica_cap=5).allocate()
    index = 0
    seats = [(job, index)]
    owner = job.node(index)
    post(world, owner, seats)
    job.commit_all({1: {1: job.request.shots}, 2: {2: job.request.shots}}).disclose()
    reveal(world, seats, 0)
    job.reveal_all(index).settle()
    assert (job.status, job.record.attempt) == (ComputationStatus.Queued, 2)
    assert job.assignments[index].digest == job.commitment(index)
    assert job.record.commits == 0b111
