from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from tests.evm import refused
from tests.sweep import Sweep, lying


def accusing(world, *seats):
    """Return a sweep of which *seats* have failed, not yet closed."""
    sweep = Sweep(world).to_revealed({seat: lying(seat, 4, 6) for seat in seats})
    sweep.open()
    for seat in seats:
        sweep.accuse(seat, 4, 6)
    return sweep


def test_close_without_failures_takes_no_stake(world):
    sweep = accusing(world)
    receipt = sweep.close()
    assert receipt.event("GoldListClosed") == {
        "computation": sweep.id,
        "goldFailed": 0,
        "trapFailed": 0,
        "stakeEach": 0,
    }
    assert sweep.finding == (True, 0, 0, 0)


def test_close_stakes_two_slashes_on_each_accusation(world):
    sweep = accusing(world, 0, 2)
    receipt = sweep.close(sweep.stake_on(2))
    assert receipt.event("GoldListClosed") == {
        "computation": sweep.id,
        "goldFailed": 0b101,
        "trapFailed": 0,
        "stakeEach": sweep.stake_on(1),
    }
    assert sweep.finding == (True, 0b101, 0, 0)
    assert world.chain.balance(world.gold_rounds.address) == sweep.stake_on(2)
    assert [world.gold_rounds.stakeOn(sweep.id, seat) for seat in range(3)] == [
        sweep.stake_on(1),
        0,
        sweep.stake_on(1),
    ]


def test_close_reverts_with_another_stake(world):
    sweep = accusing(world, 1)
    for value in (0, sweep.stake_on(1) - 1, sweep.stake_on(1) + 1, sweep.stake_on(2)):
        with refused("StakeMismatch", computation=sweep.id, required=sweep.stake_on(1), actual=value):
            sweep.close(value)
    honest = accusing(world)
    with refused("StakeMismatch", computation=honest.id, required=0, actual=1):
        honest.close(1)


def test_close_reverts_for_anyone_but_the_requester(world):
    sweep = accusing(world)
    with refused("CallerNotRequester", computation=sweep.id, account=world.stranger, requester=world.requester):
        world.gold_rounds.close(sweep.id, sender=world.stranger)


def test_close_reverts_unless_the_list_is_open(world):
    sweep = Sweep(world).to_revealed()
    with refused("GoldListNotOpen", computation=sweep.id, opened=False, closed=False):
        sweep.close()
    sweep.acquit()
    with refused("GoldListNotOpen", computation=sweep.id, opened=True, closed=True):
        sweep.close()


def test_close_reverts_after_its_time_and_what_was_proven_does_not_count(world):
    sweep = accusing(world, 1)
    closes_at = sweep.record.phase_ends_at + world.policy["discloseSeconds"]
    assert sweep.finding == (False, 0, 0, closes_at)
    world.chain.warp(closes_at + 1)
    with refused("DeadlinePassed", computation=sweep.id, deadlineAt=closes_at, timestamp=closes_at + 1):
        sweep.close(sweep.stake_on(1))
    assert sweep.finding == (False, 0, 0, closes_at)
    sweep.settle()
    assert sweep.fates == [AssignmentStatus.Accepted, AssignmentStatus.Outlier, AssignmentStatus.Accepted]


def test_settlement_waits_for_the_requester_s_say_and_no_longer(world):
    sweep = Sweep(world).to_revealed()
    closes_at = sweep.record.phase_ends_at + world.policy["discloseSeconds"]
    world.chain.warp(closes_at)
    with refused("GoldRoundsOpen", computation=sweep.id, waitUntil=closes_at, timestamp=closes_at):
        sweep.settle()
    world.chain.warp(closes_at + 1)
    sweep.settle()
    assert sweep.status is ComputationStatus.Accepted


def test_finding_has_nothing_to_wait_for_without_a_gold_list(world):
    plain = Sweep(world, gold=False).to_revealed()
    assert plain.finding == (False, 0, 0, 0)
    plain.settle()
    sweep = Sweep(world).allocate().commit_all().end_phase()
    world.verifier.substituteSecret(sweep.id, sender=world.keeper)
    sweep.reveal_all()
    assert sweep.finding == (False, 0, 0, 0)
    sweep.settle()
    assert sweep.status is ComputationStatus.Accepted
