import pytest

from qcrs.model.decision import Decision
from qcrs.model.processor import SOURCES, ProcessorStatus
from qcrs.rules.digest import abi_digest
from tests.evm import refused
from tests.scenario import account, capability

CAPABILITY_TYPE = "(uint16,uint8,uint8,uint8,uint32,uint32,uint32,uint32,uint40,uint40,uint64,uint64,bytes32,bytes32)"


@pytest.fixture
def applied(world):
    """A registered processor of the requester with one declared capability."""
    processor = world.register(world.requester, "new daemon")
    declared = capability(world.chain.now + 1_000, qubits=27, noise_class=4)
    world.registry.declareCapability(processor, declared.to_chain(), "", sender=world.requester)
    return processor, declared


def allowed(status):
    return sum(1 << source for source in SOURCES[status])


def test_certify_lets_a_processor_be_drawn(world, applied):
    processor, declared = applied
    receipt = world.registry.certify(processor, 1, sender=world.certifier)
    standing = world.standing(processor)
    assert standing.status is ProcessorStatus.Certified
    assert (standing.qubits, standing.noise_class) == (27, 4)
    assert standing.expires_at == declared.expires_at
    assert world.registry.listOf(4, 4, 0, 10) == []  # nobody vouches for it yet
    assert world.registry.versionsOf(processor) == (1, 1)
    assert receipt.event("ProcessorCertified") == {
        "processor": processor,
        "version": 1,
        "noiseClass": 4,
        "expiresAt": declared.expires_at,
        "evidence": bytes(32),
    }
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.ProcessorCertified, processor)
    facts = [processor, 1, declared.to_chain(), bytes(32)]
    assert entry["digest"] == abi_digest(["uint32", "uint16", CAPABILITY_TYPE, "bytes32"], facts)


def test_certify_moves_a_certified_processor_to_its_new_class(world):
    node = world.nodes[1]
    world.certify(node.id, noise_class=2, qubits=7)
    assert world.status(node.id) is ProcessorStatus.Certified
    assert world.registry.listOf(1, 4, 0, 10) == [1, 5, 3, 4]
    assert world.registry.listOf(2, 2, 0, 10) == [node.id]
    assert world.registry.versionsOf(node.id) == (2, 2)


def test_certify_takes_an_older_version_again(world):
    node = world.nodes[0]
    world.certify(node.id, qubits=7)
    world.registry.certify(node.id, 1, sender=world.certifier)
    assert world.registry.versionsOf(node.id) == (1, 2)
    assert world.standing(node.id).qubits == 20
    assert sorted(world.registry.listOf(1, 4, 0, 10)) == [1, 2, 3, 4, 5]


def test_certify_readmits_a_suspended_processor(world):
    world.registry.suspend(1, bytes(32), sender=world.security)
    world.registry.certify(1, 1, sender=world.certifier)
    assert world.status(1) is ProcessorStatus.Certified
    assert world.registry.listOf(1, 4, 0, 10) == [5, 2, 3, 4, 1]


def test_certify_reverts_for_a_retired_processor(world):
    world.registry.retire(1, sender=world.nodes[0].operator)
    with refused(
        "UnexpectedProcessorStatus",
        id=1,
        actual=ProcessorStatus.Retired,
        allowed=allowed(ProcessorStatus.Certified),
    ):
        world.registry.certify(1, 1, sender=world.certifier)


@pytest.mark.parametrize(("processor", "version"), [(1, 0), (1, 2), (99, 1), (0, 0)])
def test_certify_reverts_when_the_version_is_unknown(world, processor, version):
    with refused("CapabilityUnknown", processor=processor, version=version):
        world.registry.certify(processor, version, sender=world.certifier)


def test_certify_reverts_from_the_second_a_capability_expires(world, applied):
    processor, declared = applied
    world.chain.warp(declared.expires_at)
    with refused(
        "CapabilityExpired",
        processor=processor,
        expiresAt=declared.expires_at,
        timestamp=declared.expires_at,
    ):
        world.registry.certify(processor, 1, sender=world.certifier)


def test_certify_takes_a_capability_in_its_last_second(world, applied):
    processor, declared = applied
    world.chain.warp(declared.expires_at - 1)
    world.registry.certify(processor, 1, sender=world.certifier)


def test_certify_reverts_when_more_qubits_are_leased(world):
    world.submit(qubits=8).allocate()
    leased = next(node for node in world.nodes if world.standing(node.id).leased_qubits)
    world.certify(leased.id, qubits=8)
    with refused("CapabilityBelowLeases", processor=leased.id, qubits=7, leased=8):
        world.certify(leased.id, qubits=7)


@pytest.mark.parametrize("role", ["deployer", "committee", "security", "requester", "stranger"])
def test_certify_reverts_for_all_but_the_certification_authority(world, role):
    caller = getattr(world, role)
    with refused("AccessManagedUnauthorized", caller=caller):
        world.registry.certify(1, 1, sender=caller)


def test_registered_processor_without_certificate_is_in_no_class(world):
    world.register(world.requester, "new daemon")
    assert world.registry.processorOf(account("new daemon")) not in world.registry.listOf(1, 4, 0, 10)
