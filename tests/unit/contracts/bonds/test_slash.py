import pytest

from tests.evm import refused


def test_slash_moves_what_a_fault_costs_into_the_treasury(world):
    job = world.submit().allocate()
    job.commit(1)
    job.end_phase()
    bond, slash = world.policy["minimumBond"], world.policy["slash"]
    receipt = world.allocator.reallocate(job.id, sender=world.keeper)
    silent = [job.node(index).id for index in (0, 2)]
    assert [world.bonds.bondOf(processor) for processor in silent] == [bond - slash] * 2
    assert world.bonds.bondOf(job.node(1).id) == bond
    assert [event.arguments for event in receipt.named("BondSlashed")] == [
        {"computation": job.id, "processor": processor, "amount": slash} for processor in silent
    ]
    assert receipt.event("TreasuryEndowed") == {"from": world.bonds.address, "amount": 2 * slash}
    changed = [event.arguments for event in receipt.named("ProcessorBonded")]
    assert changed == [{"processor": processor, "bonded": False} for processor in silent]


def test_slash_leaves_a_bond_that_still_covers_the_minimum_in_the_draw(world):
    for node in world.nodes:
        world.bond(node.id, world.policy["slash"])
    job = world.submit().allocate().end_phase()
    receipt = world.allocator.reallocate(job.id, sender=world.keeper)
    assert receipt.named("ProcessorBonded") == []
    assert all(world.standing(node.id).bonded for node in world.nodes)


def test_slash_takes_the_policy_of_its_moment(world):
    job = world.submit().allocate().end_phase()
    policy = world.policy | {"slash": 3}
    world.set_policy(policy)
    receipt = world.allocator.reallocate(job.id, sender=world.keeper)
    assert {event["amount"] for event in receipt.named("BondSlashed")} == {3}


def test_slash_reverts_for_all_but_the_allocator(courts):
    for caller in (courts.deployer, courts.challenges_court, courts.disputes_court, courts.nodes[0].operator):
        with refused("CallerNotCourt", account=caller):
            courts.bonds.slash(1, [1], sender=caller)


@pytest.mark.parametrize("function", ["penalise", "hold", "letGo"])
def test_court_only_function_reverts_for_others(courts, function):
    arguments = (1, 1) if function == "penalise" else (1,)
    for caller in (courts.deployer, courts.council, courts.nodes[0].operator, courts.stranger):
        with refused("CallerNotCourt", account=caller):
            getattr(courts.bonds, function)(*arguments, sender=caller)
