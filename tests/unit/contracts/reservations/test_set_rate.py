import pytest

from tests.doors import keyed
from tests.evm import refused
from tests.scenario import NOBODY


@pytest.mark.parametrize("rate", [0, 1, 2**64 - 1])
def test_set_rate_is_what_the_operator_asks(agenda, rate):
    node = agenda.world.nodes[0]
    receipt = agenda.contract.setRate(node.id, rate, sender=node.operator)
    assert receipt.event("RateSet") == {"processor": node.id, "weiPerQubitSecond": rate}
    assert agenda.contract.rateOf(node.id) == rate


def test_set_rate_does_not_change_what_is_reserved(agenda):
    id_ = agenda.started([1])
    node = agenda.world.nodes[0]
    agenda.contract.setRate(node.id, 0, sender=node.operator)
    purse = agenda.world.purse(node.operator)
    agenda.contract.finish(id_, sender=agenda.world.requester)
    assert purse.gains()[node.operator] == 1_000_000 * 5 * 3_600


@pytest.mark.parametrize("role", ["requester", "stranger", "keeper", "committee"])
def test_set_rate_reverts_for_all_but_the_operator(agenda, role):
    caller, node = getattr(agenda.world, role), agenda.world.nodes[0]
    with refused("CallerNotRateOperator", processor=node.id, account=caller, operator=node.operator):
        agenda.contract.setRate(node.id, 1, sender=caller)


def test_set_rate_reverts_for_a_processor_that_is_not(agenda):
    with refused("CallerNotRateOperator", processor=99, account=agenda.world.requester, operator=NOBODY):
        agenda.contract.setRate(99, 1, sender=agenda.world.requester)


def test_set_rate_of_a_keyed_operator_comes_through_the_door(agenda):
    world, node = agenda.world, agenda.world.nodes[0]
    operator, rate = keyed(world, "operator 1"), agenda.contract.rateOf(node.id)
    with refused("HashSignatureRequired", account=operator.account, door=world.hash_keys.address):
        agenda.contract.setRate(node.id, rate + 1, sender=node.operator)
    assert operator.perform(agenda.contract, "setRate", node.id, rate + 1).result[0]
    assert agenda.contract.rateOf(node.id) == rate + 1
