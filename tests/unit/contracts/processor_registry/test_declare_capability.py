import pytest

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
