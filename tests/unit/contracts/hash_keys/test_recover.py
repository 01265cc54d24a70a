import pytest

from tests.evm import refused

WEEK = 7 * 86_400


@pytest.fixture
def proposed(hall):
    """A hall in which Alice's key is said to be lost, and her new one is proposed."""
    alice = hall.alice
    receipt = hall.door.proposeRecovery(alice.account, alice.commitment(1), alice.possession(1), sender=hall.certifier)
    hall.opens_at = receipt.event("RecoveryProposed")["opensAt"]
    return hall


def test_recovery_installs_the_new_key_when_the_present_one_keeps_silent(proposed):
    hall, alice = proposed, proposed.alice
    assert alice.word.is_recovering
    hall.chain.warp(hall.opens_at + 1)
    before = hall.door.wordOf(alice.account)
    receipt = hall.door.recover(alice.account, sender=hall.stranger)
    assert (alice.word.commitment, alice.word.next_leaf, alice.word.is_recovering) == (alice.commitment(1), 1, False)
    assert receipt.event("KeyRecovered") == {
        "account": alice.account,
        "before": before,
        "word": hall.door.wordOf(alice.account),
    }
    alice.tree = 1
    assert alice.perform(hall.target, "note", 1).result[0]


def test_recovery_takes_its_time(proposed):
    hall, alice = proposed, proposed.alice
    assert hall.opens_at >= hall.chain.now + WEEK - 2
    hall.chain.warp(hall.opens_at)
    with refused("RecoveryOpen", account=alice.account, opensAt=hall.opens_at, timestamp=hall.opens_at):
        hall.door.recover(alice.account, sender=hall.certifier)


def test_objection_ends_it(proposed):
    hall, alice = proposed, proposed.alice
    receipt = hall.door.object(*alice.objection(alice.commitment(1)), sender=hall.stranger)
    assert receipt.event("RecoveryObjected") == {"account": alice.account, "leaf": 1}
    hall.chain.warp(hall.opens_at + 1)
    with refused("RecoveryMissing", account=alice.account):
        hall.door.recover(alice.account, sender=hall.certifier)


@pytest.mark.parametrize("deed", ["perform", "rotate", "attest"])
def test_any_signature_ends_it(proposed, deed):
    hall, alice = proposed, proposed.alice
    if deed == "perform":
        receipt = alice.perform(hall.target, "note", 1)
    elif deed == "rotate":
        receipt = alice.rotate(2, hall.stranger)
    else:
        receipt = hall.door.attest(
            alice.account, bytes(32), alice.attest(hall.stranger, bytes(32)), sender=hall.stranger
        )
    assert "RecoveryObjected" in receipt.names
    hall.chain.warp(hall.opens_at + 1)
    with refused("RecoveryMissing", account=alice.account):
        hall.door.recover(alice.account, sender=hall.certifier)


def test_objection_may_use_the_last_leaf(proposed):
    hall, alice = proposed, proposed.alice
    alice.next_leaf = 1023
    hall.door.object(*alice.objection(alice.commitment(1)), sender=hall.stranger)
    assert not alice.word.is_recovering


def test_objection_reverts_for_another_proposal(proposed):
    hall, alice = proposed, proposed.alice
    with refused("AccountSignatureInvalid"):
        hall.door.object(*alice.objection(alice.commitment(2)), sender=hall.stranger)
    with refused("HashSignatureInvalid", account=alice.account, leaf=2):
        hall.door.object(*alice.objection(alice.commitment(2)), sender=alice.account)


def test_objection_reverts_without_the_account(proposed):
    """A thief of the hash key alone does not keep its owner out for good."""
    hall, alice = proposed, proposed.alice
    _, _, signature = alice.objection(alice.commitment(1))
    forged = hall.bob.ecdsa(alice.domain.objection_digest(alice.account, alice.commitment(1), 1))
    with refused("AccountSignatureInvalid", account=alice.account, signer=hall.bob.account):
        hall.door.object(alice.account, forged, signature, sender=hall.stranger)


def test_objection_reverts_when_nothing_is_proposed(hall):
    with refused("RecoveryMissing", account=hall.alice.account):
        hall.door.object(*hall.alice.objection(bytes(24)), sender=hall.alice.account)


def test_propose_reverts_for_all_but_the_authority(hall):
    alice = hall.alice
    with refused("AccessManagedUnauthorized", caller=alice.account):
        hall.door.proposeRecovery(alice.account, alice.commitment(1), alice.possession(1), sender=alice.account)


def test_propose_reverts_without_a_key_or_possession_or_for_a_used_tree(hall):
    alice, bob, door = hall.alice, hall.bob, hall.door
    with refused("KeyMissing", account=bob.account):
        door.proposeRecovery(bob.account, bob.commitment(), bob.possession(0), sender=hall.certifier)
    with refused("HashSignatureInvalid", account=alice.account, leaf=0):
        door.proposeRecovery(alice.account, bob.commitment(), bob.possession(0), sender=hall.certifier)
    with refused("CommitmentUsed", commitment=alice.commitment(0)):
        door.proposeRecovery(alice.account, alice.commitment(0), alice.possession(0), sender=hall.certifier)


def test_recover_reverts_when_the_tree_was_installed_meanwhile(proposed):
    """Whoever has the tree may have given it to another account of theirs."""
    hall, alice, bob = proposed, proposed.alice, proposed.bob
    commitment = alice.commitment(1)
    possession = alice.hash_sign(
        lambda leaf: alice.domain.possession_digest(bob.account, commitment, leaf), tree=1, leaf=0
    )
    hall.door.install(commitment, possession, sender=bob.account)
    hall.chain.warp(hall.opens_at + 1)
    with refused("CommitmentUsed", commitment=commitment):
        hall.door.recover(alice.account, sender=hall.stranger)


def test_proposal_that_was_objected_to_does_not_come_back(proposed):
    hall, alice = proposed, proposed.alice
    alice.perform(hall.target, "note", 1)
    hall.chain.warp(hall.opens_at + 1)
    hall.door.proposeRecovery(alice.account, alice.commitment(2), alice.possession(2), sender=hall.certifier)
    with refused("RecoveryOpen"):
        hall.door.recover(alice.account, sender=hall.stranger)


def test_second_proposal_takes_the_place_of_the_first(proposed):
    hall, alice = proposed, proposed.alice
    hall.chain.advance(WEEK // 2)
    hall.door.proposeRecovery(alice.account, alice.commitment(2), alice.possession(2), sender=hall.certifier)
    hall.chain.warp(hall.opens_at + 1)
    with refused("RecoveryOpen"):
        hall.door.recover(alice.account, sender=hall.stranger)
