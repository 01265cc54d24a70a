import pytest

from qcrs.model.challenge import ChallengeStatus
from qcrs.model.computation import ComputationStatus
from tests.challenged import Accused
from tests.evm import refused


def test_demand_holds_bond_and_processor(world, challenges, honest_job):
    slash = world.policy["slash"]
    before = world.chain.balance(world.stranger)
    receipt = challenges.demand(honest_job.id, 1, honest_job.revealed(1), sender=world.stranger, value=slash)
    assert honest_job.status is ComputationStatus.Accepted
    assert receipt.result == 1 == challenges.demandOf(honest_job.id, 1)
    assert before - world.chain.balance(world.stranger) == slash == world.chain.balance(challenges.address)
    assert honest_job.cases(1) == 1
    deadline = world.chain.now - 1 + world.policy["responseSeconds"]
    assert receipt.event("HistogramDemanded") == {
        "challenge": 1,
        "computation": honest_job.id,
        "index": 1,
        "processor": honest_job.node(1).id,
        "challenger": world.stranger,
        "bond": slash,
        "deadlineAt": deadline,
    }
    record = challenges.challengeOf(1)
    assert record["progress"] == honest_job.steps(1)[0].progress.digest
    assert (record["status"], record["deadlineAt"]) == (ChallengeStatus.Open, deadline)


@pytest.mark.parametrize("excess", [-1, 1])
def test_demand_reverts_with_another_bond(world, challenges, honest_job, excess):
    slash = world.policy["slash"]
    with refused("ChallengeBondMismatch", expected=slash, actual=slash + excess):
        challenges.demand(honest_job.id, 0, honest_job.revealed(0), sender=world.stranger, value=slash + excess)


def test_demand_reverts_the_second_time(world, challenges, honest_job):
    """Once answered the histogram is public, and nobody can be made to show it again and again."""
    challenge = honest_job.demand(0)
    for _ in range(2):
        with refused("HistogramDemandedBefore", computation=honest_job.id, index=0, challenge=challenge):
            honest_job.demand(0)
        if honest_job.challenge_status(challenge) is ChallengeStatus.Open:
            honest_job.answer(challenge, 0)
    assert honest_job.demand(1) == challenge + 1


def test_demand_reverts_after_the_window(world, challenges, honest_job):
    ends_at = honest_job.record.phase_ends_at
    world.chain.warp(ends_at)
    honest_job.demand(0)
    with refused(
        "ChallengeWindowClosed",
        computation=honest_job.id,
        status=ComputationStatus.Accepted,
        endsAt=ends_at,
        timestamp=ends_at + 1,
    ):
        honest_job.demand(1)


def test_demand_reverts_before_the_verdict(world, challenges):
    job = Accused.submit(world).to_revealing().reveal_all()
    with refused("ChallengeWindowClosed") as refusal:
        job.demand(0)
    assert refusal.arguments["status"] == ComputationStatus.Revealing


def test_demand_reverts_for_what_was_not_revealed(world, challenges, honest_job):
    false = honest_job.revealed(0)._replace(salt=bytes(32))
    with refused("RevealMismatch") as refusal:
        challenges.demand(honest_job.id, 0, false, sender=world.stranger, value=world.policy["slash"])
    assert refusal.arguments["index"] == 0


def test_demand_reverts_for_an_assignment_that_never_was(world, challenges, honest_job):
    slash = world.policy["slash"]
    with refused("RevealMismatch"):
        challenges.demand(honest_job.id, 3, honest_job.revealed(0), sender=world.stranger, value=slash)
