from qcrs.rules.digest import keccak
from tests.evm import refused
from tests.scenario import NOBODY
from tests.sweep import Sweep, lying

WRONG_FAULT = 2


def accused(world, *seats):
    """Return a settled sweep whose requester has staked on *seats*."""
    sweep = Sweep(world).to_revealed({seat: lying(seat, 4, 6) for seat in seats})
    sweep.open()
    for seat in seats:
        sweep.accuse(seat, 4, 6)
    sweep.close(sweep.stake_on(len(seats)))
    return sweep


def disputed(world, sweep, index):
    """Let the operator of assignment *index* dispute its punishment; returns the dispute."""
    receipt = world.disputes.open(
        sweep.id, index, WRONG_FAULT, keccak(b"evidence"), sender=sweep.operator(index), value=world.policy["slash"]
    )
    return receipt.result


def rule(world, dispute, upheld):
    return world.disputes.rule(dispute, upheld, keccak(b"reason"), sender=world.council)


def lone(world):
    """Return gold rounds on which the council rules itself."""
    return world.chain.deploy("GoldRounds", world.allocator.address, world.council, sender=world.deployer)


def test_reclaim_returns_the_stake_after_the_challenge_window(world):
    sweep = accused(world, 0, 1)
    sweep.settle()
    sweep.end_phase()
    purse = world.purse(world.requester)
    receipt = world.gold_rounds.reclaim(sweep.id, sender=world.stranger)
    assert receipt.event("StakeReclaimed") == {
        "computation": sweep.id,
        "requester": world.requester,
        "amount": sweep.stake_on(2),
    }
    assert purse.gains() == {world.requester: sweep.stake_on(2)}
    assert world.chain.balance(world.gold_rounds.address) == 0


def test_reclaim_reverts_before_the_verdict_and_in_its_challenge_window(world):
    sweep = accused(world, 1)
    ends_at = sweep.record.phase_ends_at
    world.chain.warp(ends_at + 1)
    with refused("StakeHeld", computation=sweep.id, endsAt=ends_at, cases=0, timestamp=ends_at + 1):
        world.gold_rounds.reclaim(sweep.id, sender=world.requester)
    sweep.settle()
    ends_at = sweep.record.phase_ends_at
    world.chain.warp(ends_at)
    with refused("StakeHeld", computation=sweep.id, endsAt=ends_at, cases=0, timestamp=ends_at):
        world.gold_rounds.reclaim(sweep.id, sender=world.requester)


def test_reclaim_reverts_while_a_dispute_is_open(world):
    sweep = accused(world, 0, 1)
    sweep.settle()
    disputes = [disputed(world, sweep, index) for index in (0, 1)]
    rule(world, disputes[0], False)
    sweep.end_phase()
    with refused("StakeHeld") as refusal:
        world.gold_rounds.reclaim(sweep.id, sender=world.requester)
    assert refusal.arguments["cases"] == 1
    rule(world, disputes[1], False)
    receipt = world.gold_rounds.reclaim(sweep.id, sender=world.requester)
    assert receipt.event("StakeReclaimed")["amount"] == sweep.stake_on(2)


def test_reclaim_reverts_when_nothing_is_staked(world):
    sweep = accused(world)
    sweep.settle()
    sweep.end_phase()
    with refused("StakeMissing", computation=sweep.id, seats=2**32 - 1):
        world.gold_rounds.reclaim(sweep.id, sender=world.requester)


def test_reclaim_reverts_the_second_time(world):
    sweep = accused(world, 1)
    sweep.settle()
    sweep.end_phase()
    world.gold_rounds.reclaim(sweep.id, sender=world.requester)
    with refused("StakeMissing", computation=sweep.id, seats=2**32 - 1):
        world.gold_rounds.reclaim(sweep.id, sender=world.requester)


def test_reclaim_leaves_the_stakes_of_others(world):
    one, other = accused(world, 1), accused(world, 2)
    one.settle()
    other.settle()
    one.end_phase()
    other.end_phase()
    world.gold_rounds.reclaim(one.id, sender=world.requester)
    assert world.chain.balance(world.gold_rounds.address) == other.stake_on(1)
    world.gold_rounds.reclaim(other.id, sender=world.requester)


def test_forfeit_burns_half_and_gives_half_to_the_operator(world):
    sweep = accused(world, 0, 1)
    sweep.settle()
    dispute, slash = disputed(world, sweep, 1), world.policy["slash"]
    purse = world.purse()
    burned = world.chain.balance(NOBODY)
    receipt = rule(world, dispute, True)
    assert receipt.event("StakeForfeited") == {
        "computation": sweep.id,
        "index": 1,
        "operator": sweep.operator(1),
        "burned": slash,
        "paid": slash,
    }
    bond = slash
    assert purse.gains() == {sweep.operator(1): bond + slash}
    assert world.chain.balance(NOBODY) == burned + slash
    assert [world.gold_rounds.stakeOn(sweep.id, seat) for seat in range(3)] == [sweep.stake_on(1), 0, 0]
    sweep.end_phase()
    world.gold_rounds.reclaim(sweep.id, sender=world.requester)
    assert world.chain.balance(world.gold_rounds.address) == 0


def test_forfeit_reverts_where_nothing_is_staked(world):
    gold_rounds = lone(world)
    for index in (0, 31, 32, 2**255):
        with refused("StakeMissing", computation=1, seats=1 << index if index < 256 else 0):
            gold_rounds.forfeit(1, index, world.stranger, sender=world.council)


def test_let_go_reverts_without_a_hold(world):
    gold_rounds = lone(world)
    gold_rounds.hold(1, sender=world.council)
    gold_rounds.letGo(1, sender=world.council)
    with refused("Panic"):
        gold_rounds.letGo(1, sender=world.council)


def test_stakes_are_ruled_on_by_disputes_only(world):
    sweep = accused(world, 1)
    sweep.settle()
    for function, arguments in (("hold", ()), ("letGo", ()), ("forfeit", (1, sweep.operator(1)))):
        for account in (world.requester, world.council, sweep.operator(1)):
            with refused("CallerNotDisputes", account=account):
                getattr(world.gold_rounds, function)(sweep.id, *arguments, sender=account)


def test_a_later_policy_changes_no_stake(world):
    sweep = accused(world, 1)
    staked = sweep.stake_on(1)
    sweep.settle()
    policy = world.policy
    lowered = policy | {"slash": policy["slash"] // 2}
    world.set_policy(lowered)
    sweep.end_phase()
    assert world.gold_rounds.reclaim(sweep.id, sender=world.keeper).event("StakeReclaimed")["amount"] == staked
