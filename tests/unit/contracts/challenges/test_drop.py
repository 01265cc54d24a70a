from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import ChallengeStatus
from tests.challenged import Accused, measured, shifted
from tests.evm import refused


def test_drop_returns_the_bond_when_the_answer_fell_otherwise(world, challenges):
    job = Accused.submit(world).settled(bound={1: shifted(measured(1))})
    challenge = job.demand(1)
    job.prove_forged(1)
    world.chain.warp(challenges.challengeOf(challenge)["deadlineAt"] + 1)
    with refused("UnexpectedAssignmentStatus"):
        challenges.enforce(challenge, sender=world.keeper)  # nobody is punished twice for one answer
    slash, purse = world.policy["slash"], world.estate()
    receipt = challenges.drop(challenge, sender=world.keeper)
    assert purse.gains() == {world.stranger: slash}
    assert receipt.event("ChallengeEnded") == {
        "challenge": challenge,
        "status": ChallengeStatus.Dropped,
        "returned": slash,
        "compensation": 0,
    }
    assert job.cases(1) == 0
    with refused("UnexpectedChallengeStatus"):
        challenges.drop(challenge, sender=world.keeper)


def test_drop_reverts_while_the_answer_stands(world, challenges, honest_job):
    challenge = honest_job.demand(1)
    expected = {"computation": honest_job.id, "index": 1, "status": AssignmentStatus.Accepted}
    with refused("AnswerStanding", **expected):
        challenges.drop(challenge, sender=world.stranger)
