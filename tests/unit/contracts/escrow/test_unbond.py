import pytest

from tests.evm import refused


def test_unbond_frees_the_bond_and_ends_the_draw(world):
    node, bond = world.nodes[0], world.policy["minimumBond"]
    receipt = world.allocator.unbond(node.id, sender=node.operator)
    assert (world.available(node.operator), world.locked(node.operator)) == (bond, 0)
    assert world.bonds.bondOf(node.id) == 0
    assert not world.standing(node.id).bonded
    assert receipt.event("BondRemoved") == {
        "processor": node.id,
        "operator": node.operator,
        "amount": bond,
    }
    assert receipt.event("ProcessorBonded") == {"processor": node.id, "bonded": False}


def test_unbonded_processor_is_not_drawn(world):
    for node in world.nodes[:2]:
        world.allocator.unbond(node.id, sender=node.operator)
    job = world.submit().allocate()
    assert sorted(a.processor for a in job.assignments) == [3, 4, 5]


def test_unbond_reverts_while_qubits_are_leased(world):
    job = world.submit(qubits=7).allocate()
    node = job.node(0)
    with refused("ProcessorLeased", processor=node.id, leased=7):
        world.allocator.unbond(node.id, sender=node.operator)
    job.commit_all().disclose().reveal_all().settle()
    world.allocator.unbond(node.id, sender=node.operator)


def test_unbond_keeps_other_bonds_of_the_operator_locked(world):
    first = world.nodes[0]
    second = world.enrol(first.organisation)
    world.allocator.unbond(first.id, sender=first.operator)
    assert world.locked(first.operator) == world.bonds.bondOf(second.id)


@pytest.mark.parametrize("processor", [1, 99])
def test_unbond_reverts_for_all_but_the_operator(world, processor):
    operator = world.registry.operatorOf(processor)
    for caller in (world.nodes[0].daemon, world.nodes[1].operator, world.committee):
        with refused("CallerNotBondOperator", processor=processor, account=caller, operator=operator):
            world.allocator.unbond(processor, sender=caller)
