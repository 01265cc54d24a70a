from eth_hash.auto import keccak

from tests.evm import refused

DIGEST = keccak(b"something")


def test_attest_burns_the_leaf_for_who_asks(hall):
    alice = hall.alice
    signature = alice.attest(hall.stranger, DIGEST)
    receipt = hall.door.attest(alice.account, DIGEST, signature, sender=hall.stranger)
    assert receipt.event("Attested") == {
        "account": alice.account,
        "leaf": 1,
        "asker": hall.stranger,
        "digest": DIGEST,
    }
    with refused("LeafBurnt", account=alice.account, leaf=1, next=2):
        hall.door.attest(alice.account, DIGEST, signature, sender=hall.stranger)


def test_attest_reverts_for_another_asker_or_digest(hall):
    alice = hall.alice
    signature = alice.attest(hall.stranger, DIGEST)
    with refused("HashSignatureInvalid", account=alice.account, leaf=1):
        hall.door.attest(alice.account, DIGEST, signature, sender=hall.bob.account)
    with refused("HashSignatureInvalid", account=alice.account, leaf=1):
        hall.door.attest(alice.account, keccak(DIGEST), signature, sender=hall.stranger)


def test_attest_leaves_the_reserved_leaves(hall):
    alice = hall.alice
    with refused("LeafReserved", account=alice.account, leaf=1016, end=1016):
        hall.door.attest(alice.account, DIGEST, alice.attest(hall.stranger, DIGEST, 1016), sender=hall.stranger)


def test_attest_reverts_without_a_key(hall):
    with refused("KeyMissing", account=hall.bob.account):
        hall.door.attest(hall.bob.account, DIGEST, bytes(1444), sender=hall.stranger)
