import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.dispute import DisputeKind, DisputeStatus
from tests.evm import refused
from tests.job import rogue
from tests.unit.contracts.disputes.conftest import RULING_SECONDS


@pytest.fixture
def job(world):
    """An accepted computation with an outlier, its second assignment."""
    job = world.submit(replicas=4)
    job.to_settled({1: rogue(1)})
    return job


@pytest.mark.parametrize("kind", [DisputeKind.WrongAnswer, DisputeKind.WrongFault], ids=lambda kind: kind.name)
def test_lapse_gives_back_what_was_put_up(world, court, job, kind):
    index = 0 if kind is DisputeKind.WrongAnswer else 1
    opener = job.operator(index)
    court.open(job, index, kind, opener)
    purse, coin, fates = world.estate(), court.coin(), job.fates
    receipt = court.lapse(1)
    assert court.status(1) is DisputeStatus.Lapsed
    assert purse.gains() == {opener: court.slash}
    assert (court.coin(), job.fates) == (coin, fates)
    assert receipt.names == ["DisputeLapsed", "Deposited"]
    assert receipt.event("DisputeLapsed") == {"dispute": 1, "computation": job.id}


def test_lapse_frees_the_accused_bond(world, court, job):
    court.open(job, 0)
    node = job.node(0)
    world.bonds.beginUnbonding(node.id, sender=node.operator)
    court.lapse(1)
    assert world.bonds.unbondingOf(node.id)[1] == 0
    world.bonds.unbond(node.id, sender=node.operator)
    assert job.fates[0] is AssignmentStatus.Accepted


def test_time_to_rule_is_a_week(world):
    assert world.disputes.RULING_SECONDS() == RULING_SECONDS


def test_lapse_reverts_while_the_council_may_rule(world, court, job):
    court.open(job, 0)
    ends_at = court.record(1)["endsAt"]
    world.chain.warp(ends_at)
    with refused("RulingOpen", dispute=1, endsAt=ends_at, timestamp=ends_at):
        world.disputes.lapse(1, sender=world.keeper)


@pytest.mark.parametrize("ending", [DisputeStatus.Upheld, DisputeStatus.Dismissed, DisputeStatus.Lapsed])
def test_lapse_reverts_once_it_is_over(world, court, job, ending):
    court.open(job, 0)
    if ending is DisputeStatus.Lapsed:
        court.lapse(1)
    else:
        court.rule(1, ending is DisputeStatus.Upheld)
    with refused("UnexpectedDisputeStatus", id=1, actual=ending, allowed=1 << DisputeStatus.Open):
        world.disputes.lapse(1, sender=world.keeper)


@pytest.mark.parametrize("dispute", [0, 1, 99])
def test_lapse_reverts_when_unknown(world, dispute):
    with refused("UnexpectedDisputeStatus", id=dispute, actual=DisputeStatus.Unset, allowed=1 << DisputeStatus.Open):
        world.disputes.lapse(dispute, sender=world.keeper)
