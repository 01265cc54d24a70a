import pytest
from eth_hash.auto import keccak

from qcrs.model.decision import Decision
from qcrs.rules.audit_trail import leaf_of, next_head
from tests.evm import refused


def test_append_extends_the_hash_chain(world):
    trail = world.chain.deploy("AuditTrail", *[world.keeper] * 7, [world.keeper] * 6, sender=world.deployer)
    for index, decision in enumerate(Decision):
        head, size = trail.head()
        digest = keccak(bytes([index]))
        receipt = trail.append(decision, 7, digest, sender=world.keeper)
        assert receipt.event("EntryAppended") == {
            "index": index,
            "decision": decision,
            "subject": 7,
            "recorder": world.keeper,
            "digest": digest,
        }
        leaf = leaf_of(index, decision, 7, world.keeper, digest)
        assert trail.head() == (next_head(head, leaf), size + 1)


def test_recorders_are_the_contracts_that_decide(world):
    recorders = {name for name, contract in world.contracts.items() if world.trail.isRecorder(contract.address)}
    assert recorders == {
        "Consortium", "ProcessorRegistry", "ComputationAllocator", "Disputes", "Reservations", "Channels",
        "EntanglementCoordinator",
    }  # fmt: skip


@pytest.mark.parametrize("role", ["deployer", "committee", "certifier", "security", "stranger"])
def test_append_reverts_for_all_but_recorders(world, role):
    caller = getattr(world, role)
    with refused("RecorderUnknown", account=caller):
        world.trail.append(Decision.PolicyChanged, 0, bytes(32), sender=caller)
