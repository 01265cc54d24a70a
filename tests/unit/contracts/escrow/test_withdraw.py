import pytest

from tests.doors import keyed
from tests.evm import interfaces, refused
from tests.scenario import NOBODY


def test_withdraw_sends_the_callers_money(world):
    world.allocator.deposit(sender=world.stranger, value=100)
    before = world.chain.balance(world.stranger)
    receipt = world.allocator.withdraw(60, sender=world.stranger)
    assert world.chain.balance(world.stranger) == before + 60
    assert world.available(world.stranger) == 40
    assert receipt.event("Withdrawn") == {"holder": world.stranger, "to": world.stranger, "amount": 60}


@pytest.mark.parametrize("available", [0, 99])
def test_withdraw_reverts_when_there_is_less(world, available):
    world.allocator.deposit(sender=world.stranger, value=available)
    with refused("InsufficientFunds", holder=world.stranger, available=available, required=100):
        world.allocator.withdraw(100, sender=world.stranger)


def test_withdraw_leaves_locked_money_alone(world):
    job = world.submit()
    with refused("InsufficientFunds", holder=world.requester, available=0, required=1):
        world.allocator.withdraw(1, sender=world.requester)
    assert world.locked(world.requester) == job.escrow


def test_withdraw_to_sends_it_where_the_holder_says(world):
    world.allocator.deposit(sender=world.stranger, value=100)
    before = world.chain.balance(world.keeper)
    receipt = world.allocator.withdrawTo(world.keeper, 60, sender=world.stranger)
    assert world.chain.balance(world.keeper) == before + 60
    assert world.available(world.stranger) == 40
    assert receipt.event("Withdrawn") == {"holder": world.stranger, "to": world.keeper, "amount": 60}
    with refused("InsufficientFunds", holder=world.stranger, available=40, required=41):
        world.allocator.withdrawTo(world.keeper, 41, sender=world.stranger)


def test_withdraw_to_nobody_reverts(world):
    world.allocator.deposit(sender=world.stranger, value=100)
    with refused("TransferFailed", to=NOBODY, amount=60):
        world.allocator.withdrawTo(NOBODY, 60, sender=world.stranger)
    assert world.available(world.stranger) == 100


def test_withdraw_to_of_a_keyed_holder_comes_through_the_door(world):
    """So a stolen ECDSA key gets nothing: what the hash key sends elsewhere never lies in the account."""
    holder = keyed(world, "stranger")
    world.allocator.deposit(sender=holder.account, value=100)
    with refused("HashSignatureRequired", account=holder.account, door=world.hash_keys.address):
        world.allocator.withdrawTo(world.keeper, 60, sender=holder.account)
    before = world.chain.balance(world.keeper)
    holder.perform(world.allocator, "withdrawTo", world.keeper, 60)
    assert world.chain.balance(world.keeper) == before + 60


def test_withdraw_reverts_when_the_receiver_refuses(world, refuser):
    interface = interfaces()["ComputationAllocator"]
    world.chain.send_raw(refuser, interface.encode_call("deposit", []), world.stranger, 100)
    with refused("TransferFailed", to=refuser, amount=100):
        world.chain.send_raw(refuser, interface.encode_call("withdraw", [100]), world.stranger)
    assert world.available(refuser) == 100


def test_withdraw_of_a_keyed_holder_comes_through_the_door(world):
    holder = keyed(world, "stranger")
    world.allocator.deposit(sender=holder.account, value=100)
    with refused("HashSignatureRequired", account=holder.account, door=world.hash_keys.address):
        world.allocator.withdraw(60, sender=holder.account)
    before = world.chain.balance(holder.account)
    receipt = holder.perform(world.allocator, "withdraw", 60)
    assert receipt.event("Withdrawn") == {"holder": holder.account, "to": holder.account, "amount": 60}
    assert world.chain.balance(holder.account) == before + 60
    assert world.available(holder.account) == 40
