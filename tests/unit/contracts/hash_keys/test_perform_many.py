import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.rules.hash_keys import Call
from tests.evm import refused


def call(target, function, *arguments):
    return Call(target.address, target.interface.encode_call(function, arguments))


def test_one_signature_for_many_calls(hall):
    alice = hall.alice
    calls = [call(hall.target, "note", value) for value in (1, 10, 100)]
    receipt = hall.door.performMany(*alice.batch(calls), sender=hall.stranger)
    assert receipt.result == 0b111
    assert hall.target.count() == 111
    assert hall.target.actor() == alice.account
    assert receipt.names == ["ActionPerformed"] * 3
    assert alice.word.next_leaf == 2


def test_call_that_fails_does_not_spoil_the_others(hall):
    alice = hall.alice
    calls = [call(hall.target, "note", 1), call(hall.target, "decline", 3), call(hall.target, "note", 10)]
    arguments = alice.batch(calls)
    receipt = hall.door.performMany(*arguments, sender=alice.account)
    assert receipt.result == 0b101
    assert receipt.names == ["ActionPerformed", "ActionFailed", "ActionPerformed"]
    with refused("LeafBurnt", account=alice.account, leaf=1, next=2):
        hall.door.performMany(*arguments, sender=alice.account)


def test_batch_reverts_when_changed(hall):
    alice = hall.alice
    calls = [call(hall.target, "note", value) for value in (1, 10, 100)]
    account, given, gas, _, signature = alice.batch(calls)
    for changed in (given[:2], given[::-1], [*given, given[0]], [(given[0][0], given[1][1]), *given[1:]]):
        with refused("HashSignatureInvalid", account=alice.account, leaf=1):
            hall.door.performMany(account, changed, gas, b"", signature, sender=alice.account)
    with refused("HashSignatureInvalid", account=alice.account, leaf=1):
        hall.door.performMany(account, given, gas - 1, b"", signature, sender=alice.account)


def test_batch_reverts_without_the_account(hall):
    alice = hall.alice
    account, given, gas, ecdsa, signature = alice.batch([call(hall.target, "note", 1)])
    forged = hall.bob.ecdsa(alice.domain.batch_digest(account, [Call(*given[0])], gas, 1))
    with refused("AccountSignatureInvalid", account=alice.account, signer=hall.bob.account):
        hall.door.performMany(account, given, gas, forged, signature, sender=hall.stranger)
    hall.door.performMany(account, given, gas, ecdsa, signature, sender=hall.stranger)


@pytest.mark.parametrize("count", [0, 65])
def test_batch_reverts_when_empty_or_too_long(hall, count):
    with refused("CallCountInvalid", calls=count):
        hall.door.performMany(*hall.alice.batch([call(hall.target, "note", 1)] * count), sender=hall.alice.account)


def test_batch_of_the_greatest_length(hall):
    batch = hall.alice.batch([call(hall.target, "note", 1)] * 64)
    assert hall.door.performMany(*batch, sender=hall.stranger).result == 2**64 - 1


def test_batch_does_not_call_the_door(hall):
    alice = hall.alice
    calls = [call(hall.target, "note", 1), call(hall.door, "recover", alice.account)]
    with refused("TargetInvalid", target=hall.door.address):
        hall.door.performMany(*alice.batch(calls), sender=alice.account)
    assert hall.target.count() == 0


def test_relayer_cannot_make_a_later_call_fail_by_too_little_gas(hall):
    alice = hall.alice
    calls = [call(hall.target, "swallow", 150_000), call(hall.target, "swallow", 150_000)]
    arguments = alice.batch(calls, gas_each=200_000)
    outcomes = set()
    for gas in range(100_000, 900_000, 25_000):
        with hall.chain.undone():
            try:
                receipt = hall.door.performMany(*arguments, sender=hall.stranger, gas=gas)
            except (ContractRefused, RuntimeError):  # the second is out of gas
                outcomes.add("refused")
            else:
                outcomes.add((receipt.result, hall.target.count()))
    assert outcomes == {"refused", (0b11, 2)}


def test_signed_gas_is_given_to_each(hall):
    arguments = hall.alice.batch([call(hall.target, "note", 1)], gas_each=20_000_000)
    with refused("GasInsufficient"):
        hall.door.performMany(*arguments, sender=hall.stranger, gas=1_000_000)
    assert hall.door.performMany(*arguments, sender=hall.stranger).result == 1
