"""One replica alone: what it answers is delivered and paid, and nothing is said for or against it."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.decision import Decision
from qcrs.rules import commitment
from qcrs.rules.agreement import Verdict
from qcrs.rules.digest import abi_digest
from tests.job import honest, noise

Released = AssignmentStatus.Released


@pytest.mark.parametrize("answer", [honest(0), noise(0)], ids=["peaked", "flat"])
def test_settle_of_one_replica_is_unverified_and_pays_it(world, answer):
    job = world.submit(replicas=1)
    purse = world.estate()
    receipt = job.to_settled({0: answer})
    assert (job.status, job.fates) == (ComputationStatus.Unverified, [Released])
    assert receipt.event("ComputationSettled") == {
        "computation": job.id,
        "verdict": Verdict.Unverified,
        "accepted": 0b1,
        "answerDigest": commitment.of_answer(job.id, 0b1, [job.root(0)]),
    }
    assert purse.gains() == {
        world.requester: -job.pay - world.bounty,
        world.keeper: 2 * world.bounty,
        job.operator(0): job.pay,
    }
    assert job.record.escrow == job.pay
    entry = receipt.event("EntryAppended")
    assert entry["decision"] == Decision.ComputationSettled
    settled = receipt.event("ComputationSettled")
    assert entry["digest"] == abi_digest(
        ["uint64", "uint8", "uint8[]", "bytes32", "bytes32"],
        [job.id, ComputationStatus.Unverified, [Released], settled["answerDigest"], world.allocator.beacon()],
    )


def test_unverified_answer_counts_for_nobody(world):
    job = world.submit(replicas=1)
    job.to_settled()
    standing = world.standing(job.node(0).id)
    assert (standing.accepted, standing.outliers) == (0, 0)


def test_one_replica_that_is_silent_is_replaced(world):
    job = world.submit(replicas=1).to_revealing().end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    assert job.record.attempt == 2
    receipt = job.to_settled()
    assert job.fates == [AssignmentStatus.Silent, Released]
    assert receipt.event("ComputationSettled")["accepted"] == 0b10
    assert job.status is ComputationStatus.Unverified


def test_one_refusal_of_one_replica_fails_the_computation(world):
    job = world.submit(replicas=1).allocate()
    job.refuse(0)
    assert job.status is ComputationStatus.Failed


def test_three_replicas_of_which_one_is_left_have_no_verdict(world):
    """One that reveals is not a computation of one replica."""
    job = world.submit().to_revealing()
    job.reveal(0)
    job.end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    assert job.status is ComputationStatus.Queued
