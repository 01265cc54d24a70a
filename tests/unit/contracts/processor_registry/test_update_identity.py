import pytest
from eth_hash.auto import keccak

from qcrs.model.decision import Decision
from qcrs.model.processor import ProcessorStatus
from qcrs.rules.digest import abi_digest
from tests.evm import refused

DIGEST = keccak(b"the next identity")
UNCHANGED = bytes(32)  # in place of the digest of the hardware


def update(world, processor=1, digest=DIGEST, signer="daemon 1", sender=None):
    node = world.nodes[processor - 1]
    signature = world.sign_registration(signer, node.operator, digest, UNCHANGED)
    return world.registry.updateIdentity(processor, digest, signature, sender=sender or node.operator)


def test_update_identity_suspends_until_the_authority_certifies_again(world):
    receipt = update(world)
    assert receipt.event("IdentityUpdated") == {"processor": 1, "identityDigest": DIGEST}
    assert receipt.event("ProcessorSuspended") == {"processor": 1, "reason": DIGEST}
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.ProcessorSuspended, 1)
    assert entry["digest"] == abi_digest(["uint32", "bytes32"], [1, DIGEST])
    assert world.status(1) is ProcessorStatus.Suspended
    assert 1 not in world.registry.listOf(1, 4, 0, 10)
    world.registry.certify(1, 1, sender=world.certifier)
    assert world.status(1) is ProcessorStatus.Certified
    assert 1 in world.registry.listOf(1, 4, 0, 10)


def test_update_identity_leaves_other_statuses_alone(world):
    world.register(world.requester, "new daemon")
    processor = world.registry.processorCount()
    signature = world.sign_registration("new daemon", world.requester, DIGEST, UNCHANGED)
    receipt = world.registry.updateIdentity(processor, DIGEST, signature, sender=world.requester)
    assert world.status(processor) is ProcessorStatus.Applied
    assert [event for event in receipt.events if event.name == "ProcessorSuspended"] == []


def test_updated_processor_keeps_its_running_duties(world):
    job = world.submit().allocate()
    node = job.node(0)
    update(world, node.id, signer=f"daemon {node.id}")
    receipt = job.commit_all().disclose().reveal_all().settle()
    assert job.operator(0) in receipt.event("ComputationPaid")["payees"]


@pytest.mark.parametrize("caller", ["daemon", "stranger", "certifier"])
def test_update_identity_reverts_for_all_but_the_operator(world, caller):
    node = world.nodes[0]
    sender = node.daemon if caller == "daemon" else getattr(world, caller)
    with refused("CallerNotOperator", processor=1, account=sender, operator=node.operator):
        update(world, sender=sender)


@pytest.mark.parametrize("signer", ["daemon 2", "somebody"])
def test_update_identity_reverts_when_another_signed(world, signer):
    with refused("DaemonSignatureInvalid"):
        update(world, signer=signer)


def test_update_identity_reverts_when_signed_for_another_identity(world):
    signature = world.sign_registration("daemon 1", world.nodes[0].operator, keccak(b"another"), UNCHANGED)
    with refused("DaemonSignatureInvalid"):
        world.registry.updateIdentity(1, DIGEST, signature, sender=world.nodes[0].operator)


def test_update_identity_reverts_for_a_processor_that_is_none(world):
    with refused("CallerNotOperator", processor=99, account=world.requester, operator="0x" + "00" * 20):
        world.registry.updateIdentity(99, DIGEST, bytes(65), sender=world.requester)
