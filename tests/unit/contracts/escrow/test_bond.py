import pytest

from tests.evm import refused


@pytest.fixture
def unbonded(world):
    """The first processor, without its bond."""
    node = world.nodes[0]
    world.allocator.unbond(node.id, sender=node.operator)
    world.allocator.withdraw(world.available(node.operator), sender=node.operator)
    return node


def test_bond_of_the_minimum_lets_a_processor_be_drawn(world, unbonded):
    minimum = world.policy["minimumBond"]
    receipt = world.allocator.bond(unbonded.id, minimum, sender=unbonded.operator, value=minimum)
    assert world.bonds.bondOf(unbonded.id) == minimum == world.locked(unbonded.operator)
    assert world.standing(unbonded.id).bonded
    assert receipt.names == ["Deposited", "BondAdded", "ProcessorBonded"]
    assert receipt.event("BondAdded") == {
        "processor": unbonded.id,
        "operator": unbonded.operator,
        "amount": minimum,
    }


def test_bond_one_wei_short_does_not(world, unbonded):
    minimum = world.policy["minimumBond"]
    receipt = world.allocator.bond(unbonded.id, minimum - 1, sender=unbonded.operator, value=minimum - 1)
    assert receipt.names == ["Deposited", "BondAdded"]
    assert not world.standing(unbonded.id).bonded
    world.allocator.bond(unbonded.id, 1, sender=unbonded.operator, value=1)
    assert world.standing(unbonded.id).bonded


def test_bond_takes_from_the_available_balance(world, unbonded):
    world.allocator.deposit(sender=unbonded.operator, value=10)
    receipt = world.allocator.bond(unbonded.id, 7, sender=unbonded.operator)
    assert receipt.names == ["BondAdded"]
    assert (world.available(unbonded.operator), world.locked(unbonded.operator)) == (3, 7)


def test_bond_reverts_when_there_is_less(world, unbonded):
    with refused("InsufficientFunds", holder=unbonded.operator, available=6, required=7):
        world.allocator.bond(unbonded.id, 7, sender=unbonded.operator, value=6)


def test_bond_restores_a_slashed_processor(world):
    job = world.submit().allocate().end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    node = job.node(0)
    slash = world.policy["slash"]
    assert not world.standing(node.id).bonded
    world.allocator.bond(node.id, slash, sender=node.operator, value=slash)
    assert world.standing(node.id).bonded


@pytest.mark.parametrize("processor", [1, 99])
def test_bond_reverts_for_all_but_the_operator(world, processor):
    operator = world.registry.operatorOf(processor)
    for caller in (world.nodes[0].daemon, world.nodes[1].operator, world.stranger):
        with refused("CallerNotBondOperator", processor=processor, account=caller, operator=operator):
            world.allocator.bond(processor, 0, sender=caller)
