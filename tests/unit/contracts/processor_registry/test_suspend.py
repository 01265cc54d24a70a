import pytest

from qcrs.model.decision import Decision
from qcrs.model.processor import ProcessorStatus
from qcrs.rules.digest import abi_digest
from tests.evm import refused

REASON = b"suspicious counts".ljust(32, b"\0")


def test_suspend_takes_a_processor_out_of_the_draw(world):
    receipt = world.registry.suspend(2, REASON, sender=world.security)
    assert world.status(2) is ProcessorStatus.Suspended
    assert world.registry.listOf(1, 4, 0, 10) == [1, 5, 3, 4]
    assert receipt.event("ProcessorSuspended") == {"processor": 2, "reason": REASON}
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.ProcessorSuspended, 2)
    assert entry["digest"] == abi_digest(["uint32", "bytes32"], [2, REASON])


def test_suspended_processor_keeps_its_running_duties(world):
    job = world.submit().allocate()
    world.registry.suspend(job.node(0).id, REASON, sender=world.security)
    receipt = job.commit_all().disclose().reveal_all().settle()
    assert job.operator(0) in receipt.event("ComputationPaid")["payees"]
    assert world.standing(job.node(0).id).leased_qubits == 0


@pytest.mark.parametrize(("processor", "actual"), [(99, ProcessorStatus.Unset), (6, ProcessorStatus.Applied)])
def test_suspend_reverts_unless_certified(world, processor, actual):
    world.register(world.requester, "new daemon")
    with refused(
        "UnexpectedProcessorStatus",
        id=processor,
        actual=actual,
        allowed=1 << ProcessorStatus.Certified,
    ):
        world.registry.suspend(processor, REASON, sender=world.security)


@pytest.mark.parametrize("role", ["deployer", "committee", "certifier", "requester", "stranger"])
def test_suspend_reverts_for_all_but_the_security_group(world, role):
    caller = getattr(world, role)
    with refused("AccessManagedUnauthorized", caller=caller):
        world.registry.suspend(1, REASON, sender=caller)
