import pytest

from qcrs.model.processor import ProcessorStatus
from tests.evm import refused


def test_retire_takes_a_processor_out_for_good(world):
    node = world.nodes[4]
    receipt = world.registry.retire(node.id, sender=node.operator)
    assert world.status(node.id) is ProcessorStatus.Retired
    assert world.registry.listOf(1, 4, 0, 10) == [1, 2, 3, 4]
    assert receipt.event("ProcessorRetired") == {"processor": node.id}


def test_retire_serves_an_applicant_and_a_suspended_processor(world):
    applicant = world.register(world.requester, "new daemon")
    world.registry.retire(applicant, sender=world.requester)
    assert world.status(applicant) is ProcessorStatus.Retired
    world.registry.suspend(1, bytes(32), sender=world.security)
    world.registry.retire(1, sender=world.nodes[0].operator)
    assert world.status(1) is ProcessorStatus.Retired
    assert sorted(world.registry.listOf(1, 4, 0, 10)) == [2, 3, 4, 5]


def test_retired_processor_still_ends_its_duties_and_gets_its_bond_back(world):
    job = world.submit().allocate()
    node = job.node(0)
    world.registry.retire(node.id, sender=node.operator)
    job.commit_all().disclose().reveal_all().settle()
    world.bonds.beginUnbonding(node.id, sender=node.operator)
    world.chain.warp(world.bonds.unbondingOf(node.id)[0] + 1)
    before = world.chain.balance(node.operator)
    world.bonds.unbond(node.id, sender=node.operator)
    assert world.chain.balance(node.operator) - before == world.policy["minimumBond"]


def test_retire_reverts_when_retired(world):
    node = world.nodes[0]
    world.registry.retire(node.id, sender=node.operator)
    with refused("UnexpectedProcessorStatus", id=1, actual=ProcessorStatus.Retired, allowed=0b1110):
        world.registry.retire(node.id, sender=node.operator)


@pytest.mark.parametrize("processor", [1, 99])
def test_retire_reverts_for_all_but_the_operator(world, processor):
    operator = world.registry.operatorOf(processor)
    for caller in (world.nodes[0].daemon, world.nodes[1].operator, world.security):
        with refused("CallerNotOperator", processor=processor, account=caller, operator=operator):
            world.registry.retire(processor, sender=caller)
