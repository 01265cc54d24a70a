import pytest

from qcrs.model.dispute import DisputeKind, DisputeStatus
from tests.evm import refused
from tests.job import rogue

OTHER_SIDE = b"\x33" * 32


@pytest.fixture
def job(world):
    """An accepted computation with an outlier, its second assignment."""
    job = world.submit(replicas=4)
    job.to_settled({1: rogue(1)})
    return job


def test_answer_puts_the_accused_operators_evidence_on_record(world, court, job):
    dispute = court.open(job, 0).result
    before = court.record(dispute)
    receipt = world.disputes.answer(dispute, OTHER_SIDE, sender=job.operator(0))
    assert receipt.names == ["DisputeAnswered"]
    assert receipt.event("DisputeAnswered") == {
        "dispute": dispute,
        "account": job.operator(0),
        "evidence": OTHER_SIDE,
    }
    assert court.record(dispute) == before


def test_answer_of_a_complaint_about_a_fault_is_the_requesters(world, court, job):
    dispute = court.open(job, 1, DisputeKind.WrongFault, job.operator(1)).result
    receipt = world.disputes.answer(dispute, OTHER_SIDE, sender=world.requester)
    assert receipt.event("DisputeAnswered")["account"] == world.requester


def test_answer_may_be_given_again_and_late(world, court, job):
    dispute = court.open(job, 0).result
    world.disputes.answer(dispute, OTHER_SIDE, sender=job.operator(0))
    world.chain.warp(court.record(dispute)["endsAt"] + 1)
    world.disputes.answer(dispute, OTHER_SIDE, sender=job.operator(0))


@pytest.mark.parametrize("kind", [DisputeKind.WrongAnswer, DisputeKind.WrongFault], ids=lambda kind: kind.name)
def test_answer_reverts_for_all_but_the_other_side(world, court, job, kind):
    accused = kind is DisputeKind.WrongAnswer
    index = 0 if accused else 1
    expected = job.operator(0) if accused else world.requester
    dispute = court.open(job, index, kind, job.operator(index)).result
    for caller in {world.stranger, world.council, job.operator(0), job.operator(1), world.requester} - {expected}:
        with refused("CallerNotParty", dispute=dispute, account=caller, expected=expected):
            world.disputes.answer(dispute, OTHER_SIDE, sender=caller)


def test_answer_reverts_once_it_is_over(world, court, job):
    disputes = [court.open(job, index).result for index in (0, 2, 3)]
    court.rule(disputes[0], True)
    court.rule(disputes[1], False)
    court.lapse(disputes[2])
    ends = (DisputeStatus.Upheld, DisputeStatus.Dismissed, DisputeStatus.Lapsed)
    for dispute, actual in zip(disputes, ends, strict=True):
        with refused("UnexpectedDisputeStatus", id=dispute, actual=actual, allowed=1 << DisputeStatus.Open):
            world.disputes.answer(dispute, OTHER_SIDE, sender=world.requester)


@pytest.mark.parametrize("dispute", [0, 1, 99])
def test_answer_reverts_when_unknown(world, dispute):
    with refused("UnexpectedDisputeStatus", id=dispute, actual=DisputeStatus.Unset, allowed=1 << DisputeStatus.Open):
        world.disputes.answer(dispute, OTHER_SIDE, sender=world.stranger)
