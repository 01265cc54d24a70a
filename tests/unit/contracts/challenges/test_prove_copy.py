import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import Fault
from qcrs.model.computation import ComputationStatus
from qcrs.rules import evidence
from tests.challenged import BITS, Accused, measured, shifted
from tests.evm import refused


def accuse(world, job, a, b):
    revealed = job.revealed(a), job.revealed(b)
    return world.challenges.proveCopy(job.id, a, revealed[0], b, revealed[1], sender=world.stranger)


def test_both_are_at_fault_in_the_first_round(world, challenges):
    job = Accused.submit(world).settled({0: measured(5), 2: measured(5)})
    assert job.fates == [AssignmentStatus.Accepted] * 3
    sketches = {index: job.sketch(index) for index in range(3)}
    assert evidence.copies(sketches, BITS) == [(0, 2)]
    slash, purse = world.policy["slash"], world.estate()
    receipt = accuse(world, job, 0, 2)
    assert [event.arguments["index"] for event in receipt.named("FaultProven")] == [2, 0]
    assert {event.arguments["fault"] for event in receipt.named("FaultProven")} == {Fault.CopiedAnswer}
    assert receipt.event("AnswerRepeated") == {"computation": job.id, "index": 2, "other": job.id, "otherIndex": 0}
    assert job.fates == [AssignmentStatus.Disproven, AssignmentStatus.Accepted, AssignmentStatus.Disproven]
    assert job.status is ComputationStatus.Overturned
    gains = purse.gains()
    assert gains[world.requester] == 3 * job.pay
    assert gains[job.operator(0)] == gains[job.operator(2)] == -slash
    assert sum(gains.values()) == 0


def test_independent_answers_are_none(world, challenges, honest_job):
    for a, b in ((0, 1), (0, 2), (1, 2)):
        with refused("AnswersIndependent", computation=honest_job.id, indexA=a, indexB=b):
            accuse(world, honest_job, a, b)


def test_equal_peaks_are_no_copy(world, challenges):
    """Two outcomes can come out the same by chance."""
    job = Accused.submit(world).settled({index: {0: 2048, 4095: 2048} for index in range(3)})
    with refused("AnswersIndependent"):
        accuse(world, job, 0, 1)


@pytest.mark.parametrize(("a", "b"), [(1, 1), (2, 1)])
def test_reverts_unless_indices_ascend(world, challenges, honest_job, a, b):
    expected = {"computation": honest_job.id, "index": b, "other": honest_job.id, "otherIndex": a}
    with refused("AnswerNotEarlier", **expected):
        accuse(world, honest_job, a, b)


def test_third_copy_is_proven_with_one_already_disproven(world, challenges):
    job = Accused.submit(world).settled(dict.fromkeys(range(3), measured(5)))
    accuse(world, job, 0, 1)
    receipt = accuse(world, job, 1, 2)
    assert [event.arguments["index"] for event in receipt.named("FaultProven")] == [2]
    with refused("AnswerNotStanding", computation=job.id, index=2, status=AssignmentStatus.Disproven):
        accuse(world, job, 0, 2)


def test_whoever_joined_later_cannot_pull_down_whom_it_copied(world, challenges):
    """After an escalation, answers of the first round are public: to copy one would frame it."""
    job = Accused.submit(world, replica_cap=5)
    answers = {index: shifted(measured(index), index) for index in range(3)}
    job.settled(answers)
    assert job.status is ComputationStatus.Queued
    job.allocate().commit_all({3: measured(3), 4: answers[0]}).disclose().reveal_all().settle()
    assert job.status is ComputationStatus.Accepted
    receipt = accuse(world, job, 0, 4)
    assert [event.arguments["index"] for event in receipt.named("FaultProven")] == [4]
    assert job.fates[0] is AssignmentStatus.Accepted


def test_reverts_after_the_window(world, challenges):
    job = Accused.submit(world).settled({0: measured(5), 2: measured(5)})
    job.end_phase()
    with refused("ChallengeWindowClosed"):
        accuse(world, job, 0, 2)
