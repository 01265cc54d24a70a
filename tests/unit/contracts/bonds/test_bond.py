import pytest

from tests.evm import refused


@pytest.fixture
def unbonded(world):
    """The first processor, without its bond."""
    node = world.nodes[0]
    world.bonds.beginUnbonding(node.id, sender=node.operator)
    world.chain.warp(world.bonds.unbondingOf(node.id)[0] + 1)
    world.bonds.unbond(node.id, sender=node.operator)
    return node


def test_bond_of_an_unknown_processor_is_nothing(world):
    assert world.bonds.bondOf(99) == 0
    assert world.bonds.unbondingOf(99) == (0, 0)


def test_bond_of_the_minimum_lets_a_processor_be_drawn(world, unbonded):
    minimum = world.policy["minimumBond"]
    receipt = world.bonds.bond(unbonded.id, sender=unbonded.operator, value=minimum)
    assert world.bonds.bondOf(unbonded.id) == minimum
    assert world.standing(unbonded.id).bonded
    assert receipt.names == ["BondAdded", "ProcessorBonded"]
    assert receipt.event("BondAdded") == {
        "processor": unbonded.id,
        "operator": unbonded.operator,
        "amount": minimum,
    }


def test_bond_one_wei_short_does_not(world, unbonded):
    minimum = world.policy["minimumBond"]
    receipt = world.bonds.bond(unbonded.id, sender=unbonded.operator, value=minimum - 1)
    assert receipt.names == ["BondAdded"]
    assert not world.standing(unbonded.id).bonded
    world.bonds.bond(unbonded.id, sender=unbonded.operator, value=1)
    assert world.standing(unbonded.id).bonded


def test_bond_is_added_to_by_any_amount(world):
    node, minimum = world.nodes[0], world.policy["minimumBond"]
    receipt = world.bonds.bond(node.id, sender=node.operator, value=7)
    assert world.bonds.bondOf(node.id) == minimum + 7
    assert receipt.names == ["BondAdded"]


def test_bond_leaves_the_escrow_alone(world):
    node, held = world.nodes[0], world.chain.balance(world.allocator.address)
    world.bonds.bond(node.id, sender=node.operator, value=7)
    assert world.allocator.balanceOf(node.operator) == (0, 0)
    assert world.chain.balance(world.allocator.address) == held


def test_bond_restores_a_slashed_processor(world):
    job = world.submit().allocate().end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    node = job.node(0)
    assert not world.standing(node.id).bonded
    world.bonds.bond(node.id, sender=node.operator, value=world.policy["slash"])
    assert world.standing(node.id).bonded


def test_bond_ends_an_unbonding_that_has_begun(world):
    node = world.nodes[0]
    world.bonds.beginUnbonding(node.id, sender=node.operator)
    receipt = world.bonds.bond(node.id, sender=node.operator)
    assert world.bonds.unbondingOf(node.id) == (0, 0)
    assert receipt.event("ProcessorBonded") == {"processor": node.id, "bonded": True}
    world.chain.advance(world.policy["challengeSeconds"] + 2)
    with refused("BondNotFree", processor=node.id, freeAt=0, cases=0, timestamp=world.chain.now):
        world.bonds.unbond(node.id, sender=node.operator)


@pytest.mark.parametrize("processor", [1, 99])
def test_bond_reverts_for_all_but_the_operator(world, processor):
    operator = world.registry.operatorOf(processor)
    for caller in (world.nodes[0].daemon, world.nodes[1].operator, world.stranger):
        with refused("CallerNotBondOperator", processor=processor, account=caller, operator=operator):
            world.bonds.bond(processor, sender=caller)
