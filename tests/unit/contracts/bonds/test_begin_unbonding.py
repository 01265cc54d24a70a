import pytest

from tests.evm import refused


def test_begin_unbonding_ends_the_draw_and_sets_the_date(world):
    node, now = world.nodes[0], world.chain.now
    receipt = world.bonds.beginUnbonding(node.id, sender=node.operator)
    free_at = now + world.policy["challengeSeconds"]
    assert world.bonds.unbondingOf(node.id) == (free_at, 0)
    assert world.bonds.bondOf(node.id) == world.policy["minimumBond"]
    assert not world.standing(node.id).bonded
    assert receipt.names == ["UnbondingBegun", "ProcessorBonded"]
    assert receipt.event("UnbondingBegun") == {"processor": node.id, "freeAt": free_at}
    assert receipt.event("ProcessorBonded") == {"processor": node.id, "bonded": False}


def test_unbonding_processor_is_not_drawn(world):
    for node in world.nodes[:2]:
        world.bonds.beginUnbonding(node.id, sender=node.operator)
    job = world.submit().allocate()
    assert sorted(a.processor for a in job.assignments) == [3, 4, 5]


def test_begin_unbonding_again_begins_anew(world):
    node = world.nodes[0]
    world.bonds.beginUnbonding(node.id, sender=node.operator)
    world.chain.advance(100)
    now = world.chain.now
    receipt = world.bonds.beginUnbonding(node.id, sender=node.operator)
    assert world.bonds.unbondingOf(node.id)[0] == now + world.policy["challengeSeconds"]
    assert receipt.names == ["UnbondingBegun"]


def test_begin_unbonding_goes_by_the_policy_of_its_moment(world):
    node, policy = world.nodes[0], world.policy
    now = world.chain.now
    world.bonds.beginUnbonding(node.id, sender=node.operator)
    longer = policy | {"challengeSeconds": 2 * policy["challengeSeconds"]}
    world.set_policy(longer)
    assert world.bonds.unbondingOf(node.id)[0] == now + policy["challengeSeconds"]


def test_begin_unbonding_reverts_while_qubits_are_leased(world):
    job = world.submit(qubits=7).allocate()
    node = job.node(0)
    with refused("ProcessorLeased", processor=node.id, leased=7):
        world.bonds.beginUnbonding(node.id, sender=node.operator)
    job.commit_all().disclose().reveal_all().settle()
    world.bonds.beginUnbonding(node.id, sender=node.operator)


def test_bond_outlasts_the_challenge_window_of_every_answer(world):
    """The answer was judged before the unbonding began, so its window closes first."""
    job = world.submit()
    job.to_settled()
    node = job.node(0)
    world.bonds.beginUnbonding(node.id, sender=node.operator)
    assert world.bonds.unbondingOf(node.id)[0] >= job.record.phase_ends_at


@pytest.mark.parametrize("processor", [1, 99])
def test_begin_unbonding_reverts_for_all_but_the_operator(world, processor):
    operator = world.registry.operatorOf(processor)
    for caller in (world.nodes[0].daemon, world.nodes[1].operator, world.committee):
        with refused("CallerNotBondOperator", processor=processor, account=caller, operator=operator):
            world.bonds.beginUnbonding(processor, sender=caller)
