import pytest

from qcrs.model.reservation import ReservationStatus
from tests.evm import refused
from tests.scenario import NOBODY


def test_cancel_refunds_all(agenda):
    world, id_ = agenda.world, agenda.book([1, 2])
    price, purse = agenda.record(id_)["escrow"], world.purse()
    receipt = agenda.contract.cancel(id_, sender=world.requester)
    assert purse.gains() == {world.requester: price}
    assert agenda.status(id_) is ReservationStatus.Cancelled
    assert agenda.contract.calendarOf(1) == []
    closed = receipt.event("ReservationClosed")
    assert (closed["pay"], closed["bounty"], closed["refund"]) == ([], 0, price)
    assert receipt.event("EntryAppended")["subject"] == id_


@pytest.mark.parametrize("role", ["stranger", "keeper", "committee"])
def test_cancel_reverts_for_all_but_the_requester(agenda, role):
    caller, id_ = getattr(agenda.world, role), agenda.book()
    with refused("CallerNotReserver", reservation=id_, account=caller, requester=agenda.world.requester):
        agenda.contract.cancel(id_, sender=caller)


def test_cancel_reverts_when_there_is_none(agenda):
    with refused("CallerNotReserver", reservation=9, account=agenda.world.requester, requester=NOBODY):
        agenda.contract.cancel(9, sender=agenda.world.requester)
