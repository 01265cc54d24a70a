"""Complaints about gold rounds: the requester's stake answers for them."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.dispute import DisputeKind
from tests.evm import refused
from tests.sweep import GOLD, TRAPS, Sweep, lying


@pytest.fixture
def sweep(world):
    """A settled computation whose second replica failed gold rounds and whose fourth a trap."""
    sweep = Sweep(world, replicas=5)
    sweep.to_revealed({1: lying(1, *GOLD[:2]), 3: lying(3, TRAPS[0])}).open()
    sweep.accuse(1, *GOLD[:2]).accuse(3, TRAPS[0]).close(sweep.stake_on(2))
    sweep.settle()
    assert sweep.fates[1] is AssignmentStatus.GoldFailed
    return sweep


def complain(court, sweep):
    return court.open(sweep, 1, DisputeKind.WrongFault, sweep.operator(1)).result


def test_open_keeps_the_requesters_stake_from_leaving(world, court, sweep):
    complain(court, sweep)
    ends_at = sweep.record.phase_ends_at
    world.chain.warp(ends_at + 1)
    with refused("StakeHeld"):
        world.gold_rounds.reclaim(sweep.id, sender=world.requester)


def test_upheld_complaint_is_made_good_by_the_requesters_stake(world, court, sweep):
    slash, operator = court.slash, sweep.operator(1)
    dispute = complain(court, sweep)
    estate, burned = world.estate(), court.burned
    receipt = court.rule(dispute, True)
    assert estate.gains() == {operator: 2 * slash}  # its bond, and half of a stake of two slashes
    assert court.burned - burned == slash
    assert receipt.event("StakeForfeited") == {
        "computation": sweep.id,
        "index": 1,
        "operator": operator,
        "burned": slash,
        "paid": slash,
    }
    assert receipt.event("DisputeDivided")["compensation"] == 0
    assert receipt.event("FaultVindicated")["paid"] == 0
    assert sweep.fates[1] is AssignmentStatus.Vindicated
    assert world.gold_rounds.stakeOn(sweep.id, 1) == 0
    standing = world.standing(sweep.node(1).id)
    assert (standing.accepted, standing.failed) == (1, 0)


def test_dismissed_complaint_compensates_the_requester(world, court, sweep):
    slash = court.slash
    dispute = complain(court, sweep)
    estate, burned = world.estate(), court.burned
    receipt = court.rule(dispute, False)
    assert estate.gains() == {world.requester: slash - slash // 2}
    assert court.burned - burned == slash // 2
    assert receipt.event("DisputeDivided")["restitution"] == slash - slash // 2
    assert world.gold_rounds.stakeOn(sweep.id, 1) == 2 * slash
    assert sweep.fates[1] is AssignmentStatus.GoldFailed


@pytest.mark.parametrize("ending", ["upheld", "dismissed", "lapsed"])
def test_stake_is_free_once_the_complaint_is_over(world, court, sweep, ending):
    dispute = complain(court, sweep)
    if ending == "lapsed":
        court.lapse(dispute)
    else:
        court.rule(dispute, ending == "upheld")
    world.chain.warp(max(world.chain.now, sweep.record.phase_ends_at + 1))
    receipt = world.gold_rounds.reclaim(sweep.id, sender=world.keeper)
    left = 1 if ending == "upheld" else 2
    assert receipt.event("StakeReclaimed")["amount"] == left * 2 * court.slash


def test_failed_trap_is_no_answer_that_stands(world, court, sweep):
    with refused(
        "NotDisputable",
        computation=sweep.id,
        index=3,
        kind=DisputeKind.WrongAnswer,
        actual=AssignmentStatus.TrapFailed,
    ):
        court.open(sweep, 3)


def test_undeserved_trap_is_made_good_by_the_requesters_stake(world, court, sweep):
    operator = sweep.operator(3)
    dispute = court.open(sweep, 3, DisputeKind.WrongFault, operator).result
    estate = world.estate()
    court.rule(dispute, True)
    assert estate.gains() == {operator: 2 * court.slash}
    assert sweep.fates[3] is AssignmentStatus.Vindicated


def test_requester_answers_for_its_gold_rounds(world, court, sweep):
    dispute = complain(court, sweep)
    receipt = world.disputes.answer(dispute, bytes(32), sender=world.requester)
    assert receipt.event("DisputeAnswered")["account"] == world.requester
