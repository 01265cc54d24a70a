import pytest

from qcrs.rules import hash_signature
from tests.evm import refused
from tests.mirror.signatures import flipped


def test_install_keeps_key_and_next_leaf_in_one_word(hall):
    bob = hall.bob
    assert bob.word.is_empty
    receipt = bob.install()
    word = bob.commitment() + bytes(7) + b"\x01"
    assert hall.door.wordOf(bob.account) == word
    assert (bob.word.commitment, bob.word.next_leaf, bob.word.is_recovering) == (bob.commitment(), 1, False)
    assert hall.door.isUsed(bob.commitment())
    assert receipt.event("KeyInstalled") == {"account": bob.account, "word": word}


def test_install_reverts_when_there_is_a_key(hall):
    alice = hall.alice
    with refused("KeyPresent", account=alice.account, word=hall.door.wordOf(alice.account)):
        hall.door.install(alice.commitment(1), alice.possession(1), sender=alice.account)


def test_install_reverts_without_possession(hall):
    alice, bob = hall.alice, hall.bob
    with refused("HashSignatureInvalid", account=bob.account, leaf=0):
        hall.door.install(bob.commitment(), alice.possession(0), sender=bob.account)
    with refused("HashSignatureInvalid", account=bob.account, leaf=0):
        hall.door.install(bob.commitment(), b"", sender=bob.account)


def test_install_reverts_for_who_copies_anothers_proof(hall):
    bob = hall.bob
    with refused("HashSignatureInvalid", account=hall.stranger, leaf=0):
        hall.door.install(bob.commitment(), bob.possession(0), sender=hall.stranger)
    bob.install()


def test_install_reverts_for_the_empty_key(hall):
    """No signature, however malformed, is the key's that nobody has."""
    true = hall.bob.possession(0)
    malformed = [b"", b"\0", bytes(4), bytes(1443), bytes(1444), bytes(1445), true, true[:-1], b"\xff" * 1444]
    for signature in malformed:
        leaf = hash_signature.leaf_in(signature)
        with refused("HashSignatureInvalid", account=hall.bob.account, leaf=leaf):
            hall.door.install(bytes(24), signature, sender=hall.bob.account)


@pytest.mark.parametrize("leaf", [1, 500, 1023])
def test_install_burns_up_to_the_leaf_that_proved_possession(hall, leaf):
    bob = hall.bob
    hall.door.install(bob.commitment(), bob.possession(0, leaf), sender=bob.account)
    assert bob.word.next_leaf == leaf + 1


def test_install_reverts_for_a_tree_that_was_ever_installed(hall):
    alice = hall.alice
    alice.rotate(1, alice.account)
    with refused("CommitmentUsed", commitment=alice.commitment(0)):
        hall.door.rotate(*alice.rotation(0), sender=alice.account)
    with refused("CommitmentUsed", commitment=alice.commitment(1)):
        hall.door.rotate(*alice.rotation(1), sender=alice.account)


def test_every_part_of_a_signature_counts(hall):
    true = hall.bob.possession(0)
    for bit in (33, 230, 420, 5000, 9700, 11_551):
        with refused("HashSignatureInvalid"):
            hall.door.install(hall.bob.commitment(), flipped(true, bit), sender=hall.bob.account)
