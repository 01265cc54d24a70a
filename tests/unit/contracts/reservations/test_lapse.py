import pytest

from qcrs.model.reservation import ReservationStatus
from tests.evm import refused

from .conftest import AHEAD, HOUR


@pytest.mark.parametrize("prepared", [False, True], ids=["granted", "prepared"])
def test_lapse_refunds_less_one_bounty(agenda, prepared):
    world, id_ = agenda.world, agenda.book([1, 2])
    price = agenda.record(id_)["escrow"]
    if prepared:
        agenda.prepare(id_)
    agenda.warp(agenda.record(id_)["startsAt"] + agenda.round)
    purse = world.purse()
    receipt = agenda.contract.lapse(id_, sender=world.keeper)
    assert purse.gains() == {world.requester: price - world.bounty, world.keeper: world.bounty}
    assert agenda.status(id_) is ReservationStatus.Lapsed
    assert agenda.free(1) == agenda.free(2) == 20
    assert agenda.contract.calendarOf(1) == agenda.contract.calendarOf(2) == []
    assert receipt.event("ReservationClosed") == {
        "reservation": id_,
        "status": ReservationStatus.Lapsed,
        "pay": [],
        "keeper": world.keeper,
        "bounty": world.bounty,
        "refund": price - world.bounty,
    }


def test_lapse_is_due_a_round_after_the_start(agenda):
    id_ = agenda.book()
    due_at = agenda.record(id_)["startsAt"] + agenda.round
    agenda.warp(due_at - 1)
    with refused("ReservationNotDue", reservation=id_, dueAt=due_at, timestamp=due_at - 1):
        agenda.contract.lapse(id_, sender=agenda.world.requester)


def test_lapse_frees_what_a_computation_kept_from_beginning(agenda):
    """A computation that goes on for another round costs the reserver the window, and not its coin."""
    world = agenda.world
    starts_at = world.chain.now + AHEAD
    id_ = agenda.book([1, 2, 3, 4, 5], qubits=20, starts_at=starts_at, duration=HOUR)
    agenda.warp(starts_at - agenda.round - 30)
    world.submit(replicas=5, deadline_at=starts_at + 6 * HOUR).allocate().commit_all().disclose()
    agenda.prepare(id_)
    agenda.warp(starts_at + agenda.round)
    with refused("QubitsUnavailable"):
        agenda.contract.begin(id_, sender=world.keeper)
    agenda.contract.lapse(id_, sender=world.keeper)
    assert [agenda.free(processor) for processor in range(1, 6)] == [18] * 5


def test_lapse_of_what_cannot_be_prepared(agenda):
    """Its processor has gone: nobody can prepare it, and the coin comes back."""
    world, id_ = agenda.world, agenda.book([2])
    world.registry.retire(2, sender=world.nodes[1].operator)
    agenda.warp(agenda.record(id_)["startsAt"])
    with refused("ProcessorUnavailable"):
        agenda.contract.prepare(id_, sender=world.keeper)
    world.chain.advance(agenda.round)
    agenda.contract.lapse(id_, sender=world.keeper)
