import pytest

from qcrs.model.reservation import ReservationStatus
from tests.evm import refused

from .conftest import AHEAD, HOUR


def test_prepare_keeps_the_qubits_from_new_work(agenda):
    id_ = agenda.book([1, 2, 3], qubits=18)
    receipt = agenda.prepare(id_)
    assert receipt.event("ReservationPrepared") == {"reservation": id_}
    assert receipt.names == ["QubitsReserved"] * 3 + ["ReservationPrepared"]
    assert agenda.status(id_) is ReservationStatus.Prepared
    assert [agenda.free(processor) for processor in (1, 2, 3, 4)] == [2, 2, 2, 20]
    job = agenda.world.submit(qubits=3)
    with refused("TooFewEligibleProcessors", noiseClass=1, qubits=3, required=3, found=2):
        job.allocate()
    agenda.world.allocator.cancel(job.id, sender=agenda.world.requester)
    agenda.world.submit(qubits=2, replicas=5).allocate()


def test_prepare_leaves_running_computations_alone(agenda):
    """Promised qubits may be in use: their computations end by themselves."""
    world = agenda.world
    starts_at = world.chain.now + AHEAD
    id_ = agenda.book([1, 2], qubits=20, starts_at=starts_at)
    agenda.warp(starts_at - agenda.round - 30)
    job = world.submit(qubits=15, replicas=5).allocate()
    agenda.prepare(id_)
    assert agenda.world.registry.standingOf(1)["heldQubits"] == 20
    job.commit_all().disclose().reveal_all().settle()
    assert agenda.world.registry.standingOf(1)["leasedQubits"] == 0


def test_prepare_is_due_a_round_before(agenda):
    id_ = agenda.book()
    due_at = agenda.record(id_)["startsAt"] - agenda.round
    with refused("ReservationNotDue", reservation=id_, dueAt=due_at, timestamp=due_at - 1):
        agenda.prepare(id_, at=due_at - 1)
    agenda.prepare(id_, at=due_at)


def test_prepare_is_overdue_a_round_after(agenda):
    id_ = agenda.book()
    until = agenda.record(id_)["startsAt"] + agenda.round
    with agenda.world.chain.undone():
        agenda.prepare(id_, at=until)
    with refused("ReservationOverdue", reservation=id_, endedAt=until, timestamp=until + 1):
        agenda.prepare(id_, at=until + 1)


@pytest.mark.parametrize("cause", ["draining", "silent", "suspended"])
def test_prepare_holds_all_or_none(agenda, cause):
    id_ = agenda.book([1, 2])
    world, node = agenda.world, agenda.world.nodes[1]
    agenda.warp(agenda.record(id_)["startsAt"])
    if cause == "draining":
        world.registry.drain(node.id, True, sender=node.operator)
    elif cause == "suspended":
        world.registry.suspend(node.id, bytes(32), sender=world.security)
    else:
        world.chain.advance(60)
        world.beat(*(other for other in world.nodes if other is not node))
        assert not world.registry.isAvailable(node.id)
    with refused("ProcessorUnavailable", processor=2):
        agenda.contract.prepare(id_, sender=world.stranger)
    assert agenda.free(1) == 20
    assert agenda.status(id_) is ReservationStatus.Granted


def test_prepare_reverts_when_the_processor_has_become_smaller(agenda):
    id_ = agenda.book([2], qubits=20)
    agenda.world.certify(2, qubits=19)
    with refused("QubitsUnavailable", processor=2, qubits=20, free=19):
        agenda.prepare(id_)


def test_certify_reverts_below_what_is_promised(agenda):
    agenda.prepare(agenda.book([2], qubits=20))
    with refused("CapabilityBelowLeases", processor=2, qubits=19, leased=0):
        agenda.world.certify(2, qubits=19)


def test_prepare_of_two_that_share_a_processor(agenda):
    starts_at = agenda.world.chain.now + AHEAD
    ids = [agenda.book([1], qubits=qubits, starts_at=starts_at, duration=HOUR) for qubits in (12, 8)]
    for id_ in ids:
        agenda.prepare(id_)
    assert agenda.free(1) == 0
    assert agenda.world.registry.standingOf(1)["entry"] == 0
