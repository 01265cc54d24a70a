"""Registration and the operator's acts with hash keys; without them nothing has changed."""

import pytest
from eth_hash.auto import keccak

from qcrs.chain.codec import decode_revert
from qcrs.model.processor import ProcessorStatus
from tests.doors import Holder, consent, key_node, keyed
from tests.evm import interfaces, refused
from tests.scenario import account, capability

DIGEST = keccak(b"identity")
DEVICE = keccak(b"device")


@pytest.fixture
def requester(world):
    return keyed(world, "requester")


@pytest.fixture
def daemon(world):
    return keyed(world, "keyed daemon")


def outcome(receipt, error):
    """Check that an act through the door failed, for the custom *error*."""
    refusal = decode_revert(receipt.event("ActionFailed")["reason"], interfaces())
    assert refusal.name == error, str(refusal)
    return refusal.arguments


def test_register_through_the_door_makes_both_keyed(world, requester, daemon):
    signature = consent(world, daemon, requester.account, DIGEST, DEVICE)
    receipt = requester.perform(world.registry, "register", daemon.account, DIGEST, DEVICE, signature)
    processor = world.registry.processorOf(daemon.account)
    assert receipt.event("ProcessorRegistered")["operator"] == requester.account
    assert world.registry.reporterOf(processor) == (daemon.account, True)
    assert daemon.word.next_leaf == 2
    with refused("HashSignatureRequired", account=requester.account, door=world.hash_keys.address):
        world.registry.retire(processor, sender=requester.account)
    assert requester.perform(world.registry, "retire", processor).result[0]
    assert world.status(processor) is ProcessorStatus.Retired


def test_register_through_the_door_fails_without_the_daemons_hash_key(world, requester):
    plain = Holder(world.hash_keys, "plain daemon")
    signature = world.sign_registration("plain daemon", requester.account, DIGEST, DEVICE)
    receipt = requester.perform(world.registry, "register", plain.account, DIGEST, DEVICE, signature)
    assert outcome(receipt, "HashSignatureRequired")["account"] == plain.account
    receipt = requester.perform(world.registry, "register", plain.account, DIGEST, DEVICE, signature + bytes(1444))
    assert outcome(receipt, "KeyMissing")["account"] == plain.account


def test_register_reverts_for_a_keyed_operator_outside_the_door(world, requester):
    signature = world.sign_registration("new daemon", requester.account, DIGEST, DEVICE)
    with refused("HashSignatureRequired", account=requester.account, door=world.hash_keys.address):
        world.registry.register(account("new daemon"), DIGEST, DEVICE, signature, sender=requester.account)


def test_register_reverts_when_a_keyed_daemon_consents_by_ecdsa_alone(world, daemon):
    signature = world.sign_registration(daemon.name, world.requester, DIGEST, DEVICE)
    for given in (signature, signature[:64]):
        with refused("HashSignatureRequired", account=daemon.account, door=world.hash_keys.address):
            world.registry.register(daemon.account, DIGEST, DEVICE, given, sender=world.requester)


def test_register_of_a_keyed_daemon_by_an_operator_without_a_key(world, daemon):
    signature = consent(world, daemon, world.requester, DIGEST, DEVICE)
    processor = world.registry.register(daemon.account, DIGEST, DEVICE, signature, sender=world.requester).result
    assert world.registry.reporterOf(processor) == (daemon.account, True)
    world.registry.retire(processor, sender=world.requester)


def test_register_reverts_when_the_hash_key_signed_for_another_operator(world, daemon):
    typed = world.registration_digest(world.requester, daemon.account, DIGEST, DEVICE)
    other = world.registration_digest(world.nodes[0].operator, daemon.account, DIGEST, DEVICE)
    signature = daemon.ecdsa(typed) + daemon.attest(world.registry.address, other)
    with refused("HashSignatureInvalid", account=daemon.account, leaf=1):
        world.registry.register(daemon.account, DIGEST, DEVICE, signature, sender=world.requester)


def test_register_without_keys_is_as_before(world):
    processor = world.register(world.requester, "plain daemon")
    assert world.registry.reporterOf(processor) == (account("plain daemon"), False)


def test_keys_required_close_registration_without_them(world):
    with refused("AccessManagedUnauthorized", caller=world.committee):
        world.registry.requireHashKeys(sender=world.committee)
    assert world.registry.hashKeysRequired() is False
    receipt = world.registry.requireHashKeys(sender=world.security)
    assert receipt.names == ["HashKeysRequired"]
    assert world.registry.hashKeysRequired() is True
    signature = world.sign_registration("new daemon", world.requester, DIGEST, DEVICE)
    with refused("HashSignatureRequired", account=world.requester, door=world.hash_keys.address):
        world.registry.register(account("new daemon"), DIGEST, DEVICE, signature, sender=world.requester)
    requester, daemon = keyed(world, "requester"), keyed(world, "keyed daemon")
    signature = consent(world, daemon, requester.account, DIGEST, DEVICE)
    assert requester.perform(world.registry, "register", daemon.account, DIGEST, DEVICE, signature).result[0]


def test_keys_required_leave_those_registered_alone(world):
    world.registry.requireHashKeys(sender=world.security)
    job = world.submit().allocate()
    for index in range(3):
        job.commit(index)
    job.disclose()


def test_adopt_notes_who_has_a_key(world):
    node = world.nodes[0]
    receipt = world.registry.adoptKeys(node.id, sender=world.stranger)
    assert receipt.event("KeysAdopted") == {"processor": node.id, "operatorKeyed": False, "keyed": False}
    keyed(world, "daemon 1")
    receipt = world.registry.adoptKeys(node.id, sender=world.stranger)
    assert receipt.event("KeysAdopted") == {"processor": node.id, "operatorKeyed": False, "keyed": True}
    assert world.registry.reporterOf(node.id) == (node.daemon, True)
    keyed(world, "operator 1")
    receipt = world.registry.adoptKeys(node.id, sender=world.stranger)
    assert receipt.event("KeysAdopted") == {"processor": node.id, "operatorKeyed": True, "keyed": True}


def test_operator_acts_through_the_door(world):
    operator, _ = key_node(world, 1)
    processor = world.nodes[0].id
    declared = capability(world.chain.now + 86_400).to_chain()
    acts = [
        ("declareCapability", processor, declared, ""),
        ("offer", processor, 1, 1, world.chain.now + 86_400),
        ("withdrawOffer", processor),
        ("drain", processor, True),
        ("drain", processor, False),
        ("retire", processor),
    ]
    for function, *arguments in acts:
        assert operator.perform(world.registry, function, *arguments).result[0], function


def test_daemon_drains_through_the_door(world):
    _, daemon = key_node(world, 1)
    processor = world.nodes[0].id
    with refused("HashSignatureRequired", account=daemon.account, door=world.hash_keys.address):
        world.registry.drain(processor, True, sender=daemon.account)
    assert daemon.perform(world.registry, "drain", processor, True).result[0]
    assert world.standing(processor).draining


def test_account_behind_the_door_is_checked_as_any_other(world):
    stranger = keyed(world, "stranger")
    processor = world.nodes[0].id
    receipt = stranger.perform(world.registry, "retire", processor)
    assert outcome(receipt, "CallerNotOperator")["account"] == stranger.account
    receipt = stranger.perform(world.registry, "drain", processor, True)
    assert outcome(receipt, "CallerNotOperator")["account"] == stranger.account


def test_heartbeat_needs_no_hash_key(world):
    key_node(world, 1)
    world.beat(world.nodes[0])
