import pytest
from eth_hash.auto import keccak

from qcrs.model.processor import ProcessorStatus
from tests.evm import refused
from tests.scenario import account, hardware_of

DIGEST = keccak(b"identity")
DAEMON = "new daemon"
HARDWARE = hardware_of(DAEMON)


def test_register_makes_the_caller_the_operator(world):
    signature = world.sign_registration(DAEMON, world.requester, DIGEST)
    receipt = world.registry.register(account(DAEMON), DIGEST, HARDWARE, signature, sender=world.requester)
    processor = receipt.result
    assert processor == world.registry.processorCount() == len(world.nodes) + 1
    assert world.registry.operatorOf(processor) == world.requester
    assert world.registry.daemonOf(processor) == account(DAEMON)
    assert world.registry.processorOf(account(DAEMON)) == processor
    assert world.registry.versionsOf(processor) == (0, 0)
    standing = world.standing(processor)
    assert standing.status is ProcessorStatus.Applied
    assert standing.organisation == world.requesters
    assert standing.bonded is False
    assert receipt.event("ProcessorRegistered") == {
        "processor": processor,
        "operator": world.requester,
        "daemon": account(DAEMON),
        "organisation": world.requesters,
        "identityDigest": DIGEST,
        "hardwareDigest": HARDWARE,
    }


def test_register_reverts_for_an_outsider(world):
    signature = world.sign_registration(DAEMON, world.stranger, DIGEST)
    with refused("OperatorNotInConsortium", account=world.stranger):
        world.registry.register(account(DAEMON), DIGEST, HARDWARE, signature, sender=world.stranger)


def test_register_reverts_once_expelled(world):
    world.consortium.expel(world.requesters, sender=world.certifier)
    signature = world.sign_registration(DAEMON, world.requester, DIGEST)
    with refused("OperatorNotInConsortium", account=world.requester):
        world.registry.register(account(DAEMON), DIGEST, HARDWARE, signature, sender=world.requester)


def test_register_reverts_when_the_operator_has_moved(world):
    """Else one operator could hold processors of two organisations, and be drawn twice."""
    member, other = world.stranger, world.nodes[0]
    world.consortium.invite(member, sender=world.requester)
    world.consortium.join(world.requesters, sender=member)
    world.register(member, "first daemon")
    world.register(member, "second daemon")
    world.consortium.resign(sender=member)
    world.consortium.invite(member, sender=other.operator)
    world.consortium.join(other.organisation, sender=member)
    with refused("OperatorMoved", account=member, organisation=other.organisation, first=world.requesters):
        world.register(member, "third daemon")


def test_register_reverts_when_the_daemon_is_taken(world):
    node = world.nodes[0]
    signature = world.sign_registration("daemon 1", world.requester, DIGEST)
    with refused("DaemonTaken", daemon=node.daemon, processor=node.id):
        world.registry.register(node.daemon, DIGEST, HARDWARE, signature, sender=world.requester)


def test_register_reverts_when_another_signed(world):
    signature = world.sign_registration("someone else", world.requester, DIGEST)
    with refused("DaemonSignatureInvalid"):
        world.registry.register(account(DAEMON), DIGEST, HARDWARE, signature, sender=world.requester)


@pytest.mark.parametrize(
    "domain",
    [
        {"chainId": 1},
        {"verifyingContract": "0x" + "11" * 20},
        {"name": "QCRS"},
        {"version": "2"},
    ],
    ids=lambda domain: next(iter(domain)),
)
def test_register_reverts_when_signed_for_another_domain(world, domain):
    signature = world.sign_registration(DAEMON, world.requester, DIGEST, **domain)
    with refused("DaemonSignatureInvalid"):
        world.registry.register(account(DAEMON), DIGEST, HARDWARE, signature, sender=world.requester)


def test_register_reverts_when_signed_for_another_operator(world):
    signature = world.sign_registration(DAEMON, world.nodes[0].operator, DIGEST)
    with refused("DaemonSignatureInvalid"):
        world.registry.register(account(DAEMON), DIGEST, HARDWARE, signature, sender=world.requester)


def test_register_reverts_when_signed_for_another_identity(world):
    signature = world.sign_registration(DAEMON, world.requester, bytes(32))
    with refused("DaemonSignatureInvalid"):
        world.registry.register(account(DAEMON), DIGEST, HARDWARE, signature, sender=world.requester)


def test_register_reverts_when_signed_for_other_hardware(world):
    signature = world.sign_registration(DAEMON, world.requester, DIGEST, bytes(32))
    with refused("DaemonSignatureInvalid"):
        world.registry.register(account(DAEMON), DIGEST, HARDWARE, signature, sender=world.requester)


def test_register_reverts_when_the_signature_is_cut(world):
    signature = world.sign_registration(DAEMON, world.requester, DIGEST)[:-1]
    with refused("ECDSAInvalidSignatureLength", length=64):
        world.registry.register(account(DAEMON), DIGEST, HARDWARE, signature, sender=world.requester)


def test_register_reverts_for_the_zero_daemon(world):
    with refused("ECDSAInvalidSignature"):
        world.registry.register("0x" + "00" * 20, DIGEST, HARDWARE, bytes(65), sender=world.requester)
