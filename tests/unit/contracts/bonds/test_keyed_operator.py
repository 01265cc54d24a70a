"""An operator with a hash key: coin comes by ECDSA, and leaves through the door alone."""

import pytest

from qcrs.chain.codec import decode_revert
from tests.doors import keyed
from tests.evm import interfaces, refused


@pytest.fixture
def operator(world):
    """The first processor's, with a key that the registry has not been told of."""
    return keyed(world, "operator 1")


@pytest.fixture
def required(world, operator):
    return lambda: refused("HashSignatureRequired", account=operator.account, door=world.hash_keys.address)


def test_bond_leaves_through_the_door_to_whom_the_operator_names(world, operator, required):
    node, bond = world.nodes[0], world.policy["minimumBond"]
    with required():
        world.bonds.beginUnbonding(node.id, sender=node.operator)
    assert operator.perform(world.bonds, "beginUnbonding", node.id).result[0]
    world.chain.warp(world.bonds.unbondingOf(node.id)[0] + 1)
    with required():
        world.bonds.unbond(node.id, sender=node.operator)
    with required():
        world.bonds.unbondTo(node.id, world.stranger, sender=node.operator)
    before, held = world.chain.balance(world.stranger), world.chain.balance(node.operator)
    receipt = operator.perform(world.bonds, "unbondTo", node.id, world.stranger)
    assert receipt.event("BondRemoved") == {"processor": node.id, "operator": node.operator, "amount": bond}
    assert world.chain.balance(world.stranger) == before + bond
    assert world.chain.balance(node.operator) == held


def test_unbond_through_the_door_pays_the_operator_and_not_the_door(world, operator):
    node, bond = world.nodes[0], world.policy["minimumBond"]
    operator.perform(world.bonds, "beginUnbonding", node.id)
    world.chain.warp(world.bonds.unbondingOf(node.id)[0] + 1)
    before = world.chain.balance(node.operator)
    assert operator.perform(world.bonds, "unbond", node.id).result[0]
    assert world.chain.balance(node.operator) == before + bond
    assert world.chain.balance(world.hash_keys.address) == 0


def test_coin_is_added_by_ecdsa_and_an_unbonding_ended_through_the_door(world, operator, required):
    node = world.nodes[0]
    world.bonds.bond(node.id, sender=node.operator, value=7)
    operator.perform(world.bonds, "beginUnbonding", node.id)
    free_at, _ = world.bonds.unbondingOf(node.id)
    for value in (0, 7):
        with required():
            world.bonds.bond(node.id, sender=node.operator, value=value)
    assert world.bonds.unbondingOf(node.id) == (free_at, 0)
    receipt = operator.perform(world.bonds, "bond", node.id)
    assert receipt.event("BondAdded") == {"processor": node.id, "operator": node.operator, "amount": 0}
    assert world.bonds.unbondingOf(node.id) == (0, 0)
    assert world.standing(node.id).bonded


def test_operator_without_a_key_names_who_gets_the_bond(world):
    node, bond = world.nodes[0], world.policy["minimumBond"]
    world.bonds.beginUnbonding(node.id, sender=node.operator)
    world.chain.warp(world.bonds.unbondingOf(node.id)[0] + 1)
    before = world.chain.balance(world.stranger)
    world.bonds.unbondTo(node.id, world.stranger, sender=node.operator)
    assert world.chain.balance(world.stranger) == before + bond


def test_stranger_behind_the_door_is_none_the_less_one(world):
    stranger, node = keyed(world, "stranger"), world.nodes[0]
    for function, *arguments in (("bond",), ("beginUnbonding",), ("unbond",), ("unbondTo", world.stranger)):
        receipt = stranger.perform(world.bonds, function, node.id, *arguments)
        refusal = decode_revert(receipt.event("ActionFailed")["reason"], interfaces())
        assert (refusal.name, refusal.arguments["account"]) == ("CallerNotBondOperator", stranger.account)
