import pytest

from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Capability
from tests.evm import refused
from tests.scenario import capability


def test_declare_capability_opens_a_version_without_effect(world):
    node, before = world.nodes[0], world.standing(1)
    declared = capability(world.chain.now + 1, qubits=127, noise_class=9)
    receipt = world.registry.declareCapability(node.id, declared.to_chain(), "ipfs://calibration", sender=node.operator)
    assert receipt.result == 2
    assert world.registry.versionsOf(node.id) == (1, 2)
    assert Capability.from_chain(world.registry.capabilityOf(node.id, 2)) == declared
    assert world.standing(node.id) == before
    event = receipt.event("CapabilityDeclared")
    assert Capability.from_chain(event.pop("capability")) == declared
    assert event == {"processor": node.id, "version": 2, "uri": "ipfs://calibration"}


@pytest.mark.parametrize(("qubits", "noise_class"), [(0, 1), (256, 1), (65_535, 1), (5, 0), (0, 0)])
def test_declare_capability_reverts_when_out_of_range(world, qubits, noise_class):
    declared = capability(world.chain.now + 1, qubits=qubits, noise_class=noise_class).to_chain()
    with refused("CapabilityInvalid", qubits=qubits, noiseClass=noise_class):
        world.registry.declareCapability(1, declared, "", sender=world.nodes[0].operator)


@pytest.mark.parametrize(("qubits", "noise_class"), [(1, 1), (255, 255)])
def test_declare_capability_takes_the_bounds(world, qubits, noise_class):
    declared = capability(world.chain.now + 1, qubits=qubits, noise_class=noise_class).to_chain()
    world.registry.declareCapability(1, declared, "", sender=world.nodes[0].operator)


def test_declare_capability_reverts_for_all_but_the_operator(world):
    node, declared = world.nodes[0], capability(world.chain.now + 1).to_chain()
    for caller in (node.daemon, world.nodes[1].operator, world.certifier):
        with refused("CallerNotOperator", processor=node.id, account=caller, operator=node.operator):
            world.registry.declareCapability(node.id, declared, "", sender=caller)


def test_declare_capability_reverts_for_an_unknown_processor(world):
    declared = capability(world.chain.now + 1).to_chain()
    with refused("CallerNotOperator", processor=99, account=world.requester, operator="0x" + "00" * 20):
        world.registry.declareCapability(99, declared, "", sender=world.requester)


WORSE = {"qubits": 19, "quantum_volume_log2": 4, "two_qubit_error_ppm": 9_500, "t1_nanoseconds": 100_000}


def redeclared(world, **changes):
    """Declare what processor 1 has, with *changes*; return its versions, and the receipt."""
    present = Capability.from_chain(world.registry.capabilityOf(1, 1))
    declared = present.model_copy(update=changes).to_chain()
    receipt = world.registry.declareCapability(1, declared, "", sender=world.nodes[0].operator)
    return world.registry.versionsOf(1), receipt


def test_what_is_nowhere_better_takes_effect_at_once(world):
    versions, receipt = redeclared(world, **WORSE)
    assert versions == (2, 2)
    assert receipt.names == ["CapabilityDeclared", "ProcessorCertified", "EntryAppended"]
    assert receipt.event("ProcessorCertified")["evidence"] == bytes(32)
    assert world.standing(1).qubits == 19
    assert world.registry.termsOf(1)["twoQubitErrorPpm"] == 9_500


@pytest.mark.parametrize(
    "better",
    [
        {"qubits": 21}, {"quantum_volume_log2": 6}, {"two_qubit_error_ppm": 8_999}, {"readout_error_ppm": 11_999},
        {"layer_fidelity_ppm": 850_001}, {"clops": 3_001}, {"t1_nanoseconds": 120_001}, {"t2_nanoseconds": 90_001},
        {"noise_class": 2}, {"profile": 2}, {"profile": 0},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_better_somewhere_waits_for_a_benchmark(world, better):
    versions, _ = redeclared(world, **WORSE | better)
    assert versions == (1, 2)
    assert world.standing(1).qubits == 20


def test_a_longer_validity_is_better_too(world):
    expires_at = world.registry.capabilityOf(1, 1)["expiresAt"]
    assert redeclared(world, expires_at=expires_at + 1)[0] == (1, 2)
    assert redeclared(world, expires_at=expires_at - 1)[0] == (3, 3)


def test_who_is_suspended_cannot_come_back_by_declaring_less(world):
    world.registry.suspend(1, bytes(32), sender=world.security)
    assert redeclared(world, **WORSE)[0] == (1, 2)
    assert world.status(1) is ProcessorStatus.Suspended


def test_fewer_qubits_than_are_leased_cannot_take_effect(world):
    world.submit(qubits=4, replicas=5, replica_cap=5).allocate()
    with refused("CapabilityBelowLeases", processor=1, qubits=3, leased=4):
        redeclared(world, qubits=3)
