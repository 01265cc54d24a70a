import pytest

from tests.doors import Holder, open_door
from tests.evm import refused


@pytest.fixture
def founded(hall):
    """Opens a door whose founders have the keys given, by name; their trees are known before it is there."""

    def open_(**commitments):
        founders = [(Holder(hall.door, name).account, commitment) for name, commitment in commitments.items()]
        return open_door(hall.chain, hall.certifier, founders)

    return open_


def test_founders_have_their_keys_from_the_start(hall, founded):
    door = founded(alice=hall.alice.commitment(), bob=hall.bob.commitment())
    for name in ("alice", "bob"):
        founder = Holder(door, name)
        assert door.wordOf(founder.account) == founder.commitment() + bytes(8)
        assert (founder.word.is_empty, founder.word.next_leaf) == (False, 0)
        assert door.isUsed(founder.commitment())
    assert door.wordOf(hall.stranger) == bytes(32)


def test_founder_acts_by_its_first_leaf(hall, founded):
    door = founded(alice=hall.alice.commitment())
    alice, target = Holder(door, "alice"), hall.chain.deploy("DoorTarget", door.address, sender=hall.certifier)
    action = alice.action(target, "note", 1)
    receipt = door.perform(*alice.signed(action), sender=hall.stranger)
    assert (receipt.result[0], alice.word.next_leaf) == (True, 1)
    alice.rotate(1, hall.stranger)
    assert alice.word.commitment == alice.commitment(1)


def test_founding_reverts_with_the_empty_key(hall, founded):
    with refused("KeyMissing", account=hall.bob.account):
        founded(alice=hall.alice.commitment(), bob=bytes(24))


def test_founding_reverts_with_two_keys_of_one_account(hall):
    alice = hall.alice
    founders = [(alice.account, alice.commitment(0)), (alice.account, alice.commitment(1))]
    with refused("KeyPresent", account=alice.account, word=alice.commitment(0) + bytes(8)):
        open_door(hall.chain, hall.certifier, founders)


def test_founding_reverts_with_one_tree_of_two_accounts(hall, founded):
    with refused("CommitmentUsed", commitment=hall.alice.commitment()):
        founded(alice=hall.alice.commitment(), bob=hall.alice.commitment())


def test_install_reverts_for_founders_and_with_their_trees(hall, founded):
    door = founded(alice=hall.alice.commitment())
    alice, bob = Holder(door, "alice"), Holder(door, "bob")
    with refused("KeyPresent", account=alice.account, word=door.wordOf(alice.account)):
        door.install(alice.commitment(1), alice.possession(1), sender=alice.account)
    of_alice = alice.hash_sign(
        lambda leaf: bob.domain.possession_digest(bob.account, alice.commitment(), leaf), tree=0, leaf=0
    )
    with refused("CommitmentUsed", commitment=alice.commitment()):
        door.install(alice.commitment(), of_alice, sender=bob.account)
