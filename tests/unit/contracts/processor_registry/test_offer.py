import pytest

from qcrs.model.records import Terms
from tests.evm import refused


def test_offer_is_in_the_terms(world):
    node, expires_at = world.nodes[0], world.chain.now + 60
    before = Terms.from_chain(world.registry.termsOf(node.id))
    receipt = world.registry.offer(node.id, 2**64 - 1, 2**80 - 1, expires_at, sender=node.operator)
    asked = {"price": 2**64 - 1, "minimum": 2**80 - 1, "offer_expires_at": expires_at}
    assert Terms.from_chain(world.registry.termsOf(node.id)) == before.model_copy(update=asked)
    assert world.standing(node.id).offered is True
    assert receipt.event("OfferMade") == {
        "processor": node.id,
        "price": 2**64 - 1,
        "minimum": 2**80 - 1,
        "expiresAt": expires_at,
    }


def test_withdrawn_offer_leaves_the_policy_price(world):
    node = world.nodes[0]
    world.registry.offer(node.id, 1, 0, world.chain.now + 60, sender=node.operator)
    receipt = world.registry.withdrawOffer(node.id, sender=node.operator)
    assert world.standing(node.id).offered is False
    assert receipt.event("OfferWithdrawn") == {"processor": node.id}


@pytest.mark.parametrize(("price", "seconds"), [(0, 60), (1, 0), (1, -1), (0, 0)])
def test_offer_reverts_without_a_price_or_time(world, price, seconds):
    now, node = world.chain.now, world.nodes[0]
    with refused("OfferInvalid", processor=node.id, price=price, expiresAt=now + seconds, timestamp=now):
        world.registry.offer(node.id, price, 0, now + seconds, sender=node.operator)


def test_offer_and_its_withdrawal_are_the_operator_s(world):
    node = world.nodes[0]
    for caller in (node.daemon, world.nodes[1].operator, world.certifier):
        with refused("CallerNotOperator", processor=node.id, account=caller, operator=node.operator):
            world.registry.offer(node.id, 1, 0, world.chain.now + 60, sender=caller)
        with refused("CallerNotOperator", processor=node.id, account=caller, operator=node.operator):
            world.registry.withdrawOffer(node.id, sender=caller)
