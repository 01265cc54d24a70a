"""Replicas that must not only agree but be credible together."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules.agreement import Verdict
from qcrs.rules.credibility import is_credible, score_of
from tests.job import rogue

Accepted, Committed, Released = AssignmentStatus.Accepted, AssignmentStatus.Committed, AssignmentStatus.Released
FRESH = 2**5  # five processors without a history weigh 2 each


def conduct_of(world, job):
    """Return the scores of a job's processors."""
    standings = [world.standing(a.processor) for a in job.assignments]
    return [score_of(s.accepted, s.outliers, s.silent, s.failed) for s in standings]


@pytest.mark.parametrize("trust", [1, 2, FRESH])
def test_settle_accepts_five_fresh_processors_up_to_their_credibility(world, trust):
    job = world.submit(replicas=5, trust=trust)
    job.to_settled()
    assert (job.status, job.fates) == (ComputationStatus.Accepted, [Accepted] * 5)


@pytest.mark.parametrize("trust", [FRESH + 1, 255])
def test_settle_is_inconclusive_beyond_it_and_pays_the_work(world, trust):
    job = world.submit(replicas=5, trust=trust)
    purse = world.estate()
    receipt = job.to_settled()
    assert (job.status, job.fates) == (ComputationStatus.Inconclusive, [Released] * 5)
    settled = receipt.event("ComputationSettled")
    assert (settled["verdict"], settled["accepted"], settled["answerDigest"]) == (Verdict.Inconclusive, 0, bytes(32))
    assert purse.gains() == {
        world.requester: -5 * job.pay - world.bounty,
        world.keeper: 2 * world.bounty,
    } | {job.operator(index): job.pay for index in range(5)}


def test_settle_escalates_those_who_agree_but_are_not_credible(world):
    world.enrol_until(7)
    job = world.submit(replicas=5, replica_cap=7, trust=FRESH + 1)
    receipt = job.to_settled()
    assert receipt.event("ComputationEscalated")["verdict"] == Verdict.Inconclusive
    assert job.fates == [Committed] * 5
    assert job.record.carried == 5
    job.to_settled()
    assert (job.status, job.fates) == (ComputationStatus.Accepted, [Accepted] * 7)


def test_dissent_costs_credibility(world):
    """Four of five weigh 16 against 2: enough for 1 - 1/6, not for 1 - 1/7."""
    scores = [0] * 5
    for trust, credible in ((6, True), (7, False)):
        assert is_credible(scores, 0b11110, trust) is credible
        with world.chain.undone():
            job = world.submit(replicas=5, trust=trust)
            job.to_settled({0: rogue(0)})
            assert job.status is (ComputationStatus.Accepted if credible else ComputationStatus.Inconclusive)


def test_dissenters_are_not_slashed_when_the_others_are_not_credible(world):
    job = world.submit(replicas=5, trust=255)
    job.to_settled({0: rogue(0)})
    assert job.fates == [Released] * 5
    assert world.allocator.treasury() == 0


def test_accepted_work_earns_credibility(world):
    """Twelve accepted answers score 12, a weight of 3 each: 3^5 instead of 2^5."""
    for _ in range(12):
        world.submit(replicas=5).to_settled()
    for trust, status in ((243, ComputationStatus.Accepted), (244, ComputationStatus.Inconclusive)):
        with world.chain.undone():
            job = world.submit(replicas=5, trust=trust)
            job.to_revealing()
            assert conduct_of(world, job) == [12] * 5
            job.reveal_all().settle()
            assert job.status is status


def test_trust_of_none_asks_for_none(world):
    job = world.submit(replicas=5, trust=0)
    job.to_settled({0: rogue(0), 1: rogue(1)})
    assert job.status is ComputationStatus.Accepted


def test_rejection_stays_a_rejection_whatever_the_trust(world):
    job = world.submit(replicas=5, trust=2, outcome_bits=4)
    job.to_settled({index: rogue(index, 4) for index in range(5)})
    assert job.status is ComputationStatus.Rejected
