from qcrs.model.reservation import ReservationStatus
from tests.evm import refused

from .conftest import AHEAD, HOUR


def test_begin_leases_and_pays_the_keeper(agenda):
    id_ = agenda.book([1, 2], qubits=5)
    agenda.prepare(id_)
    purse = agenda.world.purse()
    receipt = agenda.begin(id_)
    assert receipt.event("ReservationBegun") == {"reservation": id_}
    assert agenda.status(id_) is ReservationStatus.Active
    assert agenda.record(id_)["escrow"] == agenda.price([1, 2], 5, HOUR) - agenda.world.bounty
    assert purse.gains() == {agenda.world.keeper: agenda.world.bounty}
    for processor in (1, 2):
        standing = agenda.world.registry.standingOf(processor)
        assert (standing["heldQubits"], standing["leasedQubits"]) == (0, 5)


def test_begin_waits_until_all_are_free(agenda):
    """One processor's computation keeps both from beginning: all or none."""
    world = agenda.world
    starts_at = world.chain.now + AHEAD
    id_ = agenda.book([1, 2], qubits=20, starts_at=starts_at)
    agenda.warp(starts_at - agenda.round - 30)
    job = world.submit(replicas=5).allocate()
    job.commit_all().disclose()
    agenda.prepare(id_)
    agenda.warp(starts_at)
    with refused("QubitsUnavailable", processor=1, qubits=20, free=18):
        agenda.contract.begin(id_, sender=world.keeper)
    assert agenda.status(id_) is ReservationStatus.Prepared
    job.reveal_all().settle()
    agenda.begin(id_)


def test_begin_is_due_at_the_start(agenda):
    id_ = agenda.book()
    agenda.prepare(id_)
    starts_at = agenda.record(id_)["startsAt"]
    with refused("ReservationNotDue", reservation=id_, dueAt=starts_at, timestamp=starts_at - 1):
        agenda.begin(id_, at=starts_at - 1)
    agenda.begin(id_, at=starts_at)


def test_begin_is_overdue_at_the_end(agenda):
    id_ = agenda.book()
    agenda.prepare(id_)
    ends_at = agenda.record(id_)["endsAt"]
    with agenda.world.chain.undone():
        agenda.begin(id_, at=ends_at - 1)
    with refused("ReservationOverdue", reservation=id_, endedAt=ends_at, timestamp=ends_at):
        agenda.begin(id_, at=ends_at)


def test_begin_keeps_what_two_reservations_share(agenda):
    """The first to begin takes what was promised to it, and nothing of the other's."""
    starts_at = agenda.world.chain.now + AHEAD
    ids = [agenda.book([1], qubits=10, starts_at=starts_at) for _ in range(2)]
    for id_ in ids:
        agenda.prepare(id_)
    for id_ in ids:
        agenda.begin(id_)
        agenda.require_sound()
    assert agenda.world.registry.standingOf(1)["leasedQubits"] == 20
