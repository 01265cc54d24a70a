from tests.evm import refused


def test_rotate_installs_the_new_key(hall):
    alice = hall.alice
    before = hall.door.wordOf(alice.account)
    receipt = alice.rotate(1, hall.stranger)
    assert (alice.word.commitment, alice.word.next_leaf) == (alice.commitment(1), 1)
    event = receipt.event("KeyRotated")
    assert event["account"] == alice.account
    assert event["before"][:24] == before[:24]
    assert event["word"] == hall.door.wordOf(alice.account)
    alice.perform(hall.target, "note", 1)


def test_rotate_may_use_the_last_leaf(hall):
    alice = hall.alice
    alice.next_leaf = 1023
    alice.rotate(1, alice.account)
    assert alice.word.commitment == alice.commitment(1)


def test_rotate_reverts_without_the_present_key(hall):
    """The new key signs its own installation; that is not enough."""
    alice = hall.alice
    account, commitment, possession, ecdsa, _ = alice.rotation(1)
    with refused("HashSignatureInvalid", account=alice.account, leaf=1):
        forged = alice.hash_sign(lambda leaf: alice.domain.rotation_digest(account, commitment, leaf), 1, 1)
        hall.door.rotate(account, commitment, possession, ecdsa, forged, sender=alice.account)


def test_rotate_reverts_without_the_account(hall):
    alice, bob = hall.alice, hall.bob
    account, commitment, possession, _, signature = alice.rotation(1)
    forged = bob.ecdsa(alice.domain.rotation_digest(account, commitment, 1))
    with refused("AccountSignatureInvalid", account=alice.account, signer=bob.account):
        hall.door.rotate(account, commitment, possession, forged, signature, sender=bob.account)


def test_rotate_reverts_without_possession_of_the_new_key(hall):
    alice, bob = hall.alice, hall.bob
    account, commitment = alice.account, bob.commitment()
    signatures = alice.both(lambda leaf: alice.domain.rotation_digest(account, commitment, leaf))
    with refused("HashSignatureInvalid", account=account, leaf=0):
        hall.door.rotate(account, commitment, bob.possession(0), *signatures, sender=account)


def test_rotate_reverts_for_an_account_without_a_key(hall):
    bob = hall.bob
    with refused("KeyMissing", account=bob.account):
        hall.door.rotate(*bob.rotation(1), sender=bob.account)


def test_old_key_is_worth_nothing_after_a_rotation(hall):
    alice = hall.alice
    early = alice.signed(alice.action(hall.target, "note", 1), leaf=900)
    alice.rotate(1, alice.account)
    with refused("HashSignatureInvalid", account=alice.account, leaf=900):
        hall.door.perform(*early, sender=alice.account)
