import pytest

from qcrs.chain.codec import ContractRefused, decode_revert
from qcrs.rules.hash_keys import RESERVED_LEAVES, Action, Domain
from qcrs.rules.hash_signature import LEAVES
from tests.doors import Holder, open_door
from tests.evm import CHAIN_ID, interfaces, refused
from tests.scenario import NOBODY


def test_target_sees_the_account_behind_the_door(hall):
    receipt = hall.alice.perform(hall.target, "note", 7)
    succeeded, result = receipt.result
    assert (succeeded, int.from_bytes(result, "big")) == (True, 7)
    assert (hall.target.actor(), hall.target.proven(), hall.target.count()) == (hall.alice.account, True, 7)
    assert receipt.event("ActionPerformed") == {
        "account": hall.alice.account,
        "leaf": 1,
        "target": hall.target.address,
        "result": result,
    }
    assert hall.alice.word.next_leaf == 2


def test_target_called_directly_knows_that_nothing_was_proven(hall):
    hall.target.note(1, sender=hall.alice.account)
    assert (hall.target.actor(), hall.target.proven()) == (hall.alice.account, False)
    with refused("HashSignatureRequired", account=hall.alice.account, door=hall.door.address):
        hall.target.noteProven(sender=hall.alice.account)


def test_account_appended_by_anyone_else_is_not_believed(hall):
    data = hall.target.interface.encode_call("note", [1]) + bytes.fromhex(hall.alice.account[2:])
    hall.chain.send_raw(hall.target.address, data, hall.stranger)
    assert (hall.target.actor(), hall.target.proven()) == (hall.stranger, False)


def test_stranger_may_post_what_the_account_has_signed(hall):
    receipt = hall.alice.perform(hall.target, "noteProven", sender=hall.stranger)
    assert receipt.result[0]
    assert hall.target.actor() == hall.alice.account


def test_leaf_stays_burnt_when_the_call_fails(hall):
    alice = hall.alice
    arguments = alice.signed(alice.action(hall.target, "decline", 5))
    receipt = hall.door.perform(*arguments, sender=hall.stranger)
    succeeded, reason = receipt.result
    assert succeeded is False
    refusal = decode_revert(reason, interfaces())
    assert (refusal.name, refusal.arguments) == ("Declined", {"code": 5})
    assert receipt.event("ActionFailed")["reason"] == reason
    assert alice.word.next_leaf == 2
    with refused("LeafBurnt", account=alice.account, leaf=1, next=2):
        hall.door.perform(*arguments, sender=hall.stranger)


def test_leaf_is_burnt_with_all_below_it(hall):
    alice = hall.alice
    early = alice.signed(alice.action(hall.target, "note", 1), leaf=4)
    hall.door.perform(*alice.signed(alice.action(hall.target, "note", 10), leaf=5), sender=alice.account)
    assert alice.word.next_leaf == 6
    with refused("LeafBurnt", account=alice.account, leaf=4, next=6):
        hall.door.perform(*early, sender=alice.account)
    assert hall.target.count() == 10


@pytest.mark.parametrize("leaf", [LEAVES - RESERVED_LEAVES, LEAVES - 1])
def test_reserved_leaves_perform_nothing(hall, leaf):
    alice = hall.alice
    last = LEAVES - RESERVED_LEAVES - 1
    with refused("LeafReserved", account=alice.account, leaf=leaf, end=last + 1):
        hall.door.perform(*alice.signed(alice.action(hall.target, "note", 1), leaf=leaf), sender=alice.account)
    hall.door.perform(*alice.signed(alice.action(hall.target, "note", 1), leaf=last), sender=alice.account)


def test_perform_reverts_without_the_hash_key(hall):
    alice, bob = hall.alice, hall.bob
    action = alice.action(hall.target, "note", 1)
    forged = bob.hash_sign(lambda leaf: alice.domain.action_digest(action, leaf), leaf=1)
    for signature in (forged, forged[:-1], forged[:4]):
        with refused("HashSignatureInvalid", account=alice.account, leaf=1):
            hall.door.perform(action.to_chain(), b"", signature, sender=alice.account)


def test_perform_reverts_without_the_account(hall):
    alice, bob = hall.alice, hall.bob
    action, _, signature = alice.signed(alice.action(hall.target, "note", 1))
    forged = bob.ecdsa(alice.domain.action_digest(Action(*action), 1))
    with refused("AccountSignatureInvalid", account=alice.account, signer=bob.account):
        hall.door.perform(action, forged, signature, sender=bob.account)
    with refused("ECDSAInvalidSignatureLength"):
        hall.door.perform(action, b"", signature, sender=bob.account)


def test_ecdsa_signature_of_another_leaf_is_refused(hall):
    """Else whoever stole the hash key alone could have an old order carried out again."""
    alice = hall.alice
    action, ecdsa, signature = alice.signed(alice.action(hall.target, "note", 1))
    hall.door.perform(action, ecdsa, signature, sender=hall.stranger)
    again = alice.signed(alice.action(hall.target, "note", 1))
    with refused("AccountSignatureInvalid"):
        hall.door.perform(action, ecdsa, again[2], sender=hall.stranger)


def test_perform_reverts_for_what_was_not_signed(hall):
    alice = hall.alice
    signed = alice.signed(alice.action(hall.target, "note", 1))
    others = [
        alice.action(hall.target, "note", 2),
        Action(alice.account, hall.bob.account, signed[0][2]),
    ]
    for other in others:
        with refused("HashSignatureInvalid", account=alice.account, leaf=1):
            hall.door.perform(other.to_chain(), b"", signed[2], sender=alice.account)


def test_empty_word_is_nobodys_key(hall):
    """What is malformed counts as no key, and no key is not a key."""
    bob = hall.bob
    action = bob.action(hall.target, "note", 1)
    _, _, true = bob.signed(action)
    for signature in (b"", bytes(4), bytes(1444), true, true[:-1], b"\xff" * 1444):
        with refused("KeyMissing", account=bob.account):
            hall.door.perform(action.to_chain(), b"", signature, sender=bob.account)
    nobody = Action(NOBODY, action.target, action.data)
    with refused("KeyMissing", account=NOBODY):
        hall.door.perform(nobody.to_chain(), b"", bytes(1444), sender=NOBODY)


def test_perform_reverts_on_another_chain_and_at_another_contract(hall):
    elsewhere = open_door(hall.chain, hall.certifier)
    alice = hall.alice
    action = alice.action(hall.target, "note", 1)
    twin = Holder(elsewhere, "alice")
    twin.install()
    with refused("HashSignatureInvalid", account=alice.account, leaf=1):
        elsewhere.perform(action.to_chain(), b"", alice.signed(action, leaf=1)[2], sender=alice.account)
    abroad = Domain(CHAIN_ID + 1, hall.door.address)
    signature = alice.hash_sign(lambda leaf: abroad.action_digest(action, leaf), leaf=1)
    with refused("HashSignatureInvalid", account=alice.account, leaf=1):
        hall.door.perform(action.to_chain(), b"", signature, sender=alice.account)


def test_door_does_not_call_itself(hall):
    """It would act for its own account, and answer for it to everybody."""
    alice, bob = hall.alice, hall.bob
    action = alice.action(hall.door, "install", bob.commitment(), bob.possession(0))
    with refused("TargetInvalid", target=hall.door.address):
        hall.door.perform(*alice.signed(action), sender=alice.account)


def test_perform_reverts_where_there_is_no_code(hall):
    alice = hall.alice
    with refused("TargetInvalid", target=hall.bob.account):
        hall.door.perform(*alice.signed(Action(alice.account, hall.bob.account, b"")), sender=alice.account)


def test_signature_cannot_be_used_again_from_within(hall):
    """The target calls back with the same signature, which is burnt already."""
    alice = hall.alice
    inner = alice.signed(alice.action(hall.target, "note", 1), leaf=1)
    outer = alice.signed(alice.action(hall.target, "again", *inner), leaf=1)
    receipt = hall.door.perform(*outer, sender=hall.stranger)
    assert receipt.result[0] is False
    assert receipt.names == ["ActionFailed"]
    assert hall.target.count() == 0


def test_result_is_cut_off(hall):
    succeeded, result = hall.alice.perform(hall.target, "flood", 100_000).result
    assert (succeeded, len(result)) == (True, 1024)
    assert len(hall.alice.perform(hall.target, "flood", 1000).result[1]) == 1000


def test_relayer_cannot_make_a_call_fail_by_too_little_gas(hall):
    """Whatever gas is sent, the action is done, or the signature is as good as before."""
    alice = hall.alice
    needed = 300_000
    arguments = alice.signed(alice.action(hall.target, "swallow", needed))
    outcomes = set()
    for gas in range(100_000, 800_000, 12_500):
        with hall.chain.undone():
            outcomes.add(_outcome(hall, arguments, gas))
    assert outcomes == {"refused", "done"}


def _outcome(hall, arguments, gas):
    try:
        receipt = hall.door.perform(*arguments, sender=hall.stranger, gas=gas)
    except (ContractRefused, RuntimeError):  # the second is out of gas
        assert hall.alice.word.next_leaf == 1
        return "refused"
    return "done" if receipt.result[0] and hall.target.count() == 1 else "starved"
