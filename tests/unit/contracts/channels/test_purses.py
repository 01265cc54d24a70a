from qcrs.chain.deployment import ETHER
from tests.doors import key_node
from tests.entanglement import PURSE
from tests.evm import refused
from tests.scenario import World


def test_anyone_funds_a_purse(lab):
    stranger = lab.world.stranger
    receipt = lab.channels.fund(1, sender=stranger, value=5)
    assert receipt.event("PurseFunded") == {"processor": 1, "from": stranger, "amount": 5}
    assert lab.purse(1) == PURSE + 5


def test_withdraw_pays_the_operator_s_balance(lab):
    node = lab.world.nodes[0]
    before = lab.world.available(node.operator)
    receipt = lab.channels.withdraw(node.id, PURSE - 1, sender=node.operator)
    assert receipt.event("PurseEmptied") == {"processor": node.id, "operator": node.operator, "amount": PURSE - 1}
    assert (lab.purse(node.id), lab.world.available(node.operator)) == (1, before + PURSE - 1)


def test_withdraw_reverts_for_all_but_the_operator(lab):
    node, other = lab.world.nodes[:2]
    nobody = "0x" + "00" * 20
    for caller in (node.daemon, other.operator, lab.world.stranger):
        with refused("CallerNotOfProcessor", processor=node.id, account=caller, daemon=nobody, operator=node.operator):
            lab.channels.withdraw(node.id, 1, sender=caller)


def test_withdraw_reverts_beyond_the_purse(lab):
    node = lab.world.nodes[0]
    with refused("PurseTooSmall", processor=node.id, available=PURSE, needed=PURSE + 1):
        lab.channels.withdraw(node.id, PURSE + 1, sender=node.operator)


def test_a_keyed_operator_withdraws_through_the_door_alone(lab):
    node = lab.world.nodes[0]
    operator, _ = key_node(lab.world, node.id)
    with refused("HashSignatureRequired", account=node.operator, door=lab.world.hash_keys.address):
        lab.channels.withdraw(node.id, 1, sender=node.operator)
    assert operator.perform(lab.channels, "withdraw", node.id, 1).result[0]
    assert lab.purse(node.id) == PURSE - 1


def test_draw_and_consume_are_the_coordinator_s(lab):
    for caller in (lab.world.nodes[0].operator, lab.world.deployer):
        with refused("CallerNotCoordinator", account=caller):
            lab.channels.draw(1, 1, sender=caller)
        with refused("CallerNotCoordinator", account=caller):
            lab.channels.consume(1, [], sender=caller)


def test_draw_reverts_when_the_coordinator_does_not_take_the_coin():
    world = World(processors=1)
    coordinator = world.chain.deploy("PennilessCoordinator", sender=world.deployer)
    arguments = world.trail.address, world.consortium.address, world.allocator.address, coordinator.address
    channels = world.chain.deploy("Channels", *arguments, sender=world.deployer)
    channels.fund(1, sender=world.keeper, value=ETHER)
    with refused("HandoverFailed", to=coordinator.address, amount=1):
        coordinator.draw(channels.address, 1, 1, sender=world.keeper)
