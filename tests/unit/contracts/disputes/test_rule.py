"""Rulings, and whose coin goes where: what one gains others lose, to the wei."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.decision import Decision
from qcrs.model.dispute import DisputeKind, DisputeStatus
from qcrs.rules.digest import abi_digest
from tests.evm import refused
from tests.job import noise, rogue
from tests.scenario import NOBODY
from tests.unit.contracts.disputes.conftest import REASON

Accepted, Disproven = AssignmentStatus.Accepted, AssignmentStatus.Disproven
Outlier, Vindicated = AssignmentStatus.Outlier, AssignmentStatus.Vindicated
NOTHING = dict.fromkeys(("burned", "restitution", "award", "compensation", "endowment"), 0)


@pytest.fixture
def job(world):
    """An accepted computation with an outlier, its second assignment."""
    job = world.submit(replicas=4)
    job.to_settled({1: rogue(1)})
    return job


def divided(receipt, dispute=1):
    """Return what a ruling says it did with the coin."""
    event = receipt.event("DisputeDivided")
    assert event.pop("dispute") == dispute
    return event


# --- a false answer ---


def test_upheld_wrong_answer_costs_its_processor_one_slash(world, court, job):
    slash, pay = court.slash, job.pay
    court.open(job, 0)
    purse, coin, burned = world.estate(), court.coin(), court.burned
    receipt = court.rule(1, True)
    restitution, rest = pay, slash - slash // 2 - pay
    award = rest // 2
    assert divided(receipt) == NOTHING | {
        "burned": slash // 2,
        "restitution": restitution,
        "award": award,
        "endowment": rest - award,
    }
    assert purse.gains() == {
        job.operator(0): -slash,
        world.requester: restitution,
        world.stranger: slash + award,
        "treasury": rest - award,
    }
    assert court.burned - burned == slash // 2
    assert court.coin() == coin
    assert court.status(1) is DisputeStatus.Upheld


def test_upheld_wrong_answer_tells_its_story(world, court, job):
    court.open(job, 0)
    receipt = court.rule(1, True)
    assert receipt.names == [
        "DisputeRuled",
        "AssignmentEnded",
        "ComputationOverturned",
        "EntryAppended",
        "BondSlashed",
        "ProcessorBonded",
        "Deposited",
        "Deposited",
        "TreasuryEndowed",
        "DisputeDivided",
        "EntryAppended",
    ]
    assert receipt.event("DisputeRuled") == {
        "dispute": 1,
        "computation": job.id,
        "upheld": True,
        "reason": REASON,
    }
    assert receipt.event("TreasuryEndowed")["from"] == world.disputes.address
    entry = receipt.named("EntryAppended")[1].arguments
    assert (entry["decision"], entry["subject"]) == (Decision.DisputeRuled, job.id)
    assert entry["recorder"] == world.disputes.address
    assert entry["digest"] == abi_digest(["uint64", "uint64", "uint8", "bool", "bytes32"], [1, job.id, 0, True, REASON])


def test_upheld_wrong_answer_is_disproven_and_the_bond_free_to_go(world, court, job):
    court.open(job, 0)
    node = job.node(0)
    court.rule(1, True)
    assert job.fates == [Disproven, Outlier, Accepted, Accepted]
    assert job.status is ComputationStatus.Overturned
    assert world.bonds.unbondingOf(node.id) == (0, 0)
    standing = world.standing(node.id)
    assert (standing.accepted, standing.outliers, standing.bonded) == (0, 1, False)


def test_second_upheld_dispute_of_a_computation_overturns_nothing_more(world, court, job):
    for dispute, index in enumerate((0, 2), 1):
        court.open(job, index)
        receipt = court.rule(dispute, True)
        assert len(receipt.named("ComputationOverturned")) == (dispute == 1)
    assert job.status is ComputationStatus.Overturned


def test_upheld_wrong_answer_of_a_rejection_makes_nothing_good(world, court):
    """Nobody was paid, so the requester has lost nothing."""
    job, slash = world.submit(), court.slash
    job.to_settled({0: rogue(0), 1: rogue(1)})
    court.open(job, 0)
    rest = slash - slash // 2
    assert divided(court.rule(1, True)) == NOTHING | {
        "burned": slash // 2,
        "award": rest // 2,
        "endowment": rest - rest // 2,
    }


def test_upheld_wrong_answer_pays_back_no_more_than_the_slash_leaves(world, court):
    """The answer earned more than the fault costs: the opener has its bond back and no award."""
    policy = world.policy | {"slash": 10_001}
    world.set_policy(policy)
    job = world.submit()
    job.to_settled()
    court.open(job, 0)
    purse = world.estate()
    receipt = court.rule(1, True)
    assert divided(receipt) == NOTHING | {"burned": 5_000, "restitution": 5_001}
    assert purse.gains() == {job.operator(0): -10_001, world.requester: 5_001, world.stranger: 10_001}
    assert receipt.event("TreasuryEndowed")["amount"] == 0


def test_upheld_wrong_answer_takes_what_is_left_of_a_bond(world, court):
    """Five complaints drain a bond of five slashes; the sixth finds nothing."""
    jobs = [world.submit(replicas=5) for _ in range(6)]
    for job in jobs:
        job.to_settled()
    index = {job.id: [a.processor for a in job.assignments].index(1) for job in jobs}
    for job in jobs:
        court.open(job, index[job.id])
    for dispute in range(1, 6):
        court.rule(dispute, True)
    assert world.bonds.bondOf(1) == 0
    purse = world.estate()
    assert divided(court.rule(6, True), 6) == NOTHING
    assert purse.gains() == {world.stranger: court.slash}


def test_upheld_unverified_answer_is_overturned(world, court):
    job = world.submit(replicas=1)
    job.to_settled()
    court.open(job, 0)
    receipt = court.rule(1, True)
    assert receipt.event("ComputationOverturned") == {"computation": job.id}
    assert divided(receipt)["restitution"] == job.pay


def test_upheld_inconclusive_answer_pays_back_what_it_earned(world, court):
    job = world.submit()
    job.to_settled({index: noise(index) for index in range(3)})
    court.open(job, 2)
    assert divided(court.rule(1, True))["restitution"] == job.pay
    assert job.status is ComputationStatus.Inconclusive


def test_restitution_is_of_what_was_earned_under_the_policy_then(world, court, job):
    policy = world.policy | {"pricePerQubitShot": 7, "slash": world.policy["slash"] // 2}
    earned, bond = job.pay, court.slash
    court.open(job, 0)
    world.set_policy(policy)
    purse = world.estate(world.stranger, world.requester)
    division = divided(court.rule(1, True))
    assert (division["restitution"], division["burned"]) == (earned, policy["slash"] // 2)
    assert purse.gains()[world.stranger] == bond + division["award"]


# --- a complaint about an answer, dismissed ---


def test_dismissed_wrong_answer_compensates_the_accused(world, court, job):
    slash = court.slash
    court.open(job, 0)
    purse, coin, burned = world.estate(), court.coin(), court.burned
    receipt = court.rule(1, False)
    assert divided(receipt) == NOTHING | {"burned": slash // 2, "compensation": slash - slash // 2}
    assert purse.gains() == {job.operator(0): slash - slash // 2}
    assert court.burned - burned == slash // 2
    assert court.coin() == coin
    assert court.status(1) is DisputeStatus.Dismissed
    assert receipt.names == ["DisputeRuled", "Deposited", "DisputeDivided", "EntryAppended"]
    assert receipt.event("EntryAppended")["digest"] == abi_digest(
        ["uint64", "uint64", "uint8", "bool", "bytes32"], [1, job.id, 0, False, REASON]
    )


def test_dismissed_wrong_answer_changes_nothing_else(world, court, job):
    court.open(job, 0)
    court.rule(1, False)
    assert (job.status, job.fates) == (ComputationStatus.Accepted, [Accepted, Outlier, Accepted, Accepted])
    assert world.bonds.unbondingOf(job.node(0).id) == (0, 0)
    assert world.standing(job.node(0).id).accepted == 1


# --- a fault that was none ---


def test_upheld_wrong_fault_is_made_good_by_the_treasury(world, court, job):
    slash, operator = court.slash, job.operator(1)
    court.open(job, 1, DisputeKind.WrongFault, operator)
    purse, coin, burned = world.estate(), court.coin(), court.burned
    receipt = court.rule(1, True)
    assert divided(receipt) == NOTHING | {"compensation": slash}
    assert purse.gains() == {operator: 2 * slash, "treasury": -slash}
    assert (court.burned, court.coin()) == (burned, coin)
    assert job.fates == [Accepted, Vindicated, Accepted, Accepted]
    assert job.status is ComputationStatus.Accepted
    assert receipt.names == [
        "DisputeRuled",
        "AssignmentEnded",
        "FaultVindicated",
        "EntryAppended",
        "Deposited",
        "DisputeDivided",
        "EntryAppended",
    ]


def test_upheld_wrong_fault_is_made_good_as_far_as_the_treasury_reaches(world, court, job):
    operator = job.operator(1)
    world.allocator.disburse(world.committee, court.slash - 3, sender=world.committee)
    court.open(job, 1, DisputeKind.WrongFault, operator)
    purse = world.estate()
    assert divided(court.rule(1, True)) == NOTHING | {"compensation": 3}
    assert purse.gains() == {operator: court.slash + 3, "treasury": -3}


def test_vindicated_processor_can_bond_again(world, court, job):
    node = job.node(1)
    court.open(job, 1, DisputeKind.WrongFault, node.operator)
    court.rule(1, True)
    world.allocator.withdraw(2 * court.slash, sender=node.operator)
    world.bond(node.id, court.slash)
    assert world.standing(node.id).bonded


# --- a complaint about a fault, dismissed ---


def test_dismissed_wrong_fault_endows_the_treasury(world, court, job):
    slash = court.slash
    court.open(job, 1, DisputeKind.WrongFault, job.operator(1))
    purse, coin, burned = world.estate(), court.coin(), court.burned
    receipt = court.rule(1, False)
    assert divided(receipt) == NOTHING | {"burned": slash // 2, "endowment": slash - slash // 2}
    assert purse.gains() == {"treasury": slash - slash // 2}
    assert court.burned - burned == slash // 2
    assert court.coin() == coin
    assert job.fates[1] is Outlier
    assert receipt.names == ["DisputeRuled", "TreasuryEndowed", "DisputeDivided", "EntryAppended"]


@pytest.mark.parametrize("upheld", [True, False])
def test_odd_wei_are_lost_to_nobody(world, court, upheld):
    policy = world.policy | {"slash": 99_999_999_999_999_999}
    world.set_policy(policy)
    job = world.submit(replicas=4)
    job.to_settled({1: rogue(1)})
    court.open(job, 0)
    court.open(job, 1, DisputeKind.WrongFault, job.operator(1))
    coin = court.coin()
    for dispute in (1, 2):
        court.rule(dispute, upheld)
    assert court.coin() == coin
    assert world.chain.balance(world.disputes.address) == 0


# --- when, and by whom ---


def test_rule_is_taken_in_the_last_second(world, court, job):
    court.open(job, 0)
    world.chain.warp(court.record(1)["endsAt"])
    court.rule(1, True)


def test_rule_reverts_after_its_time(world, court, job):
    court.open(job, 0)
    ends_at = court.record(1)["endsAt"]
    world.chain.warp(ends_at + 1)
    with refused("RulingOverdue", dispute=1, endsAt=ends_at, timestamp=ends_at + 1):
        court.rule(1, True)


@pytest.mark.parametrize("ending", [DisputeStatus.Upheld, DisputeStatus.Dismissed, DisputeStatus.Lapsed])
def test_rule_reverts_once_it_is_over(world, court, job, ending):
    court.open(job, 0)
    if ending is DisputeStatus.Lapsed:
        court.lapse(1)
    else:
        court.rule(1, ending is DisputeStatus.Upheld)
    with refused("UnexpectedDisputeStatus", id=1, actual=ending, allowed=1 << DisputeStatus.Open):
        court.rule(1, True)


@pytest.mark.parametrize("dispute", [0, 1, 99])
def test_rule_reverts_when_unknown(world, court, dispute):
    with refused("UnexpectedDisputeStatus", id=dispute, actual=DisputeStatus.Unset, allowed=1 << DisputeStatus.Open):
        court.rule(dispute, True)


@pytest.mark.parametrize("role", ["deployer", "committee", "certifier", "security", "requester", "stranger"])
def test_rule_reverts_for_all_but_the_council(world, court, job, role):
    court.open(job, 0)
    caller = getattr(world, role)
    with refused("AccessManagedUnauthorized", caller=caller):
        world.disputes.rule(1, True, REASON, sender=caller)


def test_rule_reverts_when_nothing_can_be_burned(world, court, job):
    """Code at the zero address that takes no coin: no chain has it."""
    court.open(job, 0)
    balance, half = court.burned, court.slash // 2
    data = world.disputes.interface.encode_call("rule", [1, True, REASON])
    world.chain.put_code(NOBODY, bytes.fromhex("60006000fd"))
    try:
        with refused("BurnFailed", amount=half):
            world.chain.send_raw(world.disputes.address, data, world.council)
    finally:
        world.chain.put_code(NOBODY, b"")
        world.chain.fund(NOBODY, balance)


def test_coin_comes_from_bonds_only(world):
    for sender in (world.stranger, world.council, world.nodes[0].operator):
        with refused("PaymentUnexpected", account=sender):
            world.chain.send_raw(world.disputes.address, b"", sender, 1)
