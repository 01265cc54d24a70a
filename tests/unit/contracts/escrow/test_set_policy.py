import pytest

from qcrs.model.decision import Decision
from qcrs.model.records import Policy
from qcrs.rules.digest import abi_digest
from tests.evm import refused
from tests.scenario import STANDARDS

WEEK = 7 * 86_400
WINDOWS = ["commit_seconds", "disclose_seconds", "reveal_seconds", "challenge_seconds", "response_seconds"]
POLICY_TYPE = "(uint64,uint32,uint32,uint32,uint32,uint32,uint128,uint128)"


def changed(world, **changes):
    return Policy.from_chain(world.policy).model_copy(update=changes)


def set_policy(world, policy):
    return world.set_policy(policy.model_dump(by_alias=True))


def test_set_policy_takes_effect(world):
    policy = changed(world, price_per_qubit_shot=1, commit_seconds=7)
    receipt = set_policy(world, policy)
    assert Policy.from_chain(world.policy) == policy
    assert Policy.from_chain(receipt.event("PolicyChanged")["policy"]) == policy
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.PolicyChanged, 0)
    assert entry["digest"] == abi_digest([POLICY_TYPE], [policy.to_chain()])
    now = world.chain.now + len(world.nodes)
    assert world.submit().allocate().record.phase_ends_at == now + 1 + 7


def test_first_policy_is_that_of_the_deployment(world):
    assert Policy.from_chain(world.policy) == world.settings.policy


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("seconds", [1, WEEK])
def test_set_policy_takes_the_bounds_of_windows(world, window, seconds):
    set_policy(world, changed(world, **{window: seconds}))


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("seconds", [0, WEEK + 1, 2**32 - 1])
def test_set_policy_reverts_when_a_window_is_out_of_range(world, window, seconds):
    policy = changed(world, **{window: seconds})
    with refused("PolicyInvalid") as caught:
        set_policy(world, policy)
    assert Policy.from_chain(caught.arguments["policy"]) == policy


def test_set_policy_reverts_when_a_fault_costs_more_than_a_bond(world):
    set_policy(world, changed(world, minimum_bond=5, slash=5))
    with refused("PolicyInvalid"):
        set_policy(world, changed(world, minimum_bond=5, slash=6))


def test_set_policy_takes_the_largest_numbers(world):
    largest = {"price_per_qubit_shot": 2**64 - 1, "minimum_bond": 2**128 - 1, "slash": 2**128 - 1}
    set_policy(world, changed(world, **largest))
    assert world.policy["pricePerQubitShot"] == 2**64 - 1


def test_each_body_leaves_what_is_another_s_as_it_is(world):
    before = world.policy
    world.allocator.setMarket(1, 2, 3, 4, sender=world.committee)
    assert [world.policy[name] for name in STANDARDS] == [before[name] for name in STANDARDS]
    world.allocator.setStandards(5, 6, 8, 7, sender=world.board)
    assert list(world.policy.values()) == [1, 2, 3, 4, 5, 6, 8, 7]


@pytest.mark.parametrize("role", ["deployer", "certifier", "security", "council", "board", "requester", "stranger"])
def test_set_market_reverts_for_all_but_the_committee(world, role):
    caller = getattr(world, role)
    with refused("AccessManagedUnauthorized", caller=caller):
        world.allocator.setMarket(1, 2, 3, 4, sender=caller)


@pytest.mark.parametrize("role", ["deployer", "certifier", "security", "council", "committee", "requester", "stranger"])
def test_set_standards_reverts_for_all_but_the_board(world, role):
    caller = getattr(world, role)
    with refused("AccessManagedUnauthorized", caller=caller):
        world.allocator.setStandards(5, 6, 8, 7, sender=caller)
