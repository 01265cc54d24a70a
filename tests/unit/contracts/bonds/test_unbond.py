import pytest

from tests.evm import refused


@pytest.fixture
def leaving(world):
    """The first processor, whose bond is free from the next second on."""
    node = world.nodes[0]
    world.bonds.beginUnbonding(node.id, sender=node.operator)
    world.chain.warp(world.bonds.unbondingOf(node.id)[0])
    return node


def test_unbond_sends_the_whole_bond(world, leaving):
    world.chain.advance(1)
    before, bond = world.chain.balance(leaving.operator), world.policy["minimumBond"]
    receipt = world.bonds.unbond(leaving.id, sender=leaving.operator)
    assert world.chain.balance(leaving.operator) == before + bond
    assert world.bonds.bondOf(leaving.id) == 0
    assert receipt.names == ["BondRemoved"]
    assert receipt.event("BondRemoved") == {
        "processor": leaving.id,
        "operator": leaving.operator,
        "amount": bond,
    }


def test_unbond_reverts_in_the_last_second(world, leaving):
    with refused("BondNotFree", processor=leaving.id, freeAt=world.chain.now, cases=0, timestamp=world.chain.now):
        world.bonds.unbond(leaving.id, sender=leaving.operator)


def test_unbond_reverts_when_unbonding_has_not_begun(world):
    node = world.nodes[0]
    with refused("BondNotFree", processor=node.id, freeAt=0, cases=0, timestamp=world.chain.now):
        world.bonds.unbond(node.id, sender=node.operator)


def test_unbond_leaves_other_bonds_of_the_operator_alone(world):
    first = world.nodes[0]
    second = world.enrol(first.organisation)
    world.bonds.beginUnbonding(first.id, sender=first.operator)
    world.chain.advance(world.policy["challengeSeconds"] + 1)
    world.bonds.unbond(first.id, sender=first.operator)
    assert world.bonds.bondOf(second.id) == world.policy["minimumBond"]
    assert world.standing(second.id).bonded


def test_unbond_gives_what_is_left_after_a_slash(courts):
    node = courts.nodes[0]
    courts.bonds.beginUnbonding(node.id, sender=node.operator)
    courts.bonds.penalise(1, node.id, sender=courts.disputes_court)
    courts.chain.advance(courts.policy["challengeSeconds"] + 1)
    receipt = courts.bonds.unbond(node.id, sender=node.operator)
    assert receipt.event("BondRemoved")["amount"] == courts.policy["minimumBond"] - courts.policy["slash"]


def test_unbond_again_sends_nothing(world, leaving):
    world.chain.advance(1)
    world.bonds.unbond(leaving.id, sender=leaving.operator)
    assert world.bonds.unbond(leaving.id, sender=leaving.operator).event("BondRemoved")["amount"] == 0


def test_unbond_reverts_while_a_case_is_open(courts):
    node = courts.nodes[0]
    courts.bonds.beginUnbonding(node.id, sender=node.operator)
    free_at = courts.bonds.unbondingOf(node.id)[0]
    for court in (courts.challenges_court, courts.disputes_court):
        courts.bonds.hold(node.id, sender=court)
    assert courts.bonds.unbondingOf(node.id) == (free_at, 2)
    courts.chain.warp(free_at + 1)
    for cases, court in ((2, courts.challenges_court), (1, courts.disputes_court)):
        with refused("BondNotFree", processor=node.id, freeAt=free_at, cases=cases, timestamp=courts.chain.now):
            courts.bonds.unbond(node.id, sender=node.operator)
        courts.bonds.letGo(node.id, sender=court)
    courts.bonds.unbond(node.id, sender=node.operator)


def test_unbond_reverts_when_the_operator_takes_no_coin(world, ungrateful):
    processor, call = ungrateful
    call(world.bonds, "beginUnbonding", processor)
    world.chain.advance(world.policy["challengeSeconds"] + 1)
    with refused("BondTransferFailed", to=world.registry.operatorOf(processor), amount=5):
        call(world.bonds, "unbond", processor)
    assert world.bonds.bondOf(processor) == 5


@pytest.mark.parametrize("processor", [1, 99])
def test_unbond_reverts_for_all_but_the_operator(world, processor):
    operator = world.registry.operatorOf(processor)
    for caller in (world.nodes[0].daemon, world.nodes[1].operator, world.committee):
        with refused("CallerNotBondOperator", processor=processor, account=caller, operator=operator):
            world.bonds.unbond(processor, sender=caller)
