import pytest

from qcrs.model.decision import Decision
from qcrs.model.reservation import ReservationStatus
from qcrs.rules.digest import abi_digest
from tests.evm import refused

from .conftest import HOUR, RATE

PAY = RATE * 5 * HOUR


def test_finish_pays_the_operators_and_the_keeper(agenda):
    world, id_ = agenda.world, agenda.started([1, 2])
    purse = world.purse()
    agenda.warp(agenda.record(id_)["endsAt"])
    receipt = agenda.contract.finish(id_, sender=world.stranger)
    operators = [node.operator for node in world.nodes[:2]]
    assert purse.gains() == {**dict.fromkeys(operators, PAY), world.stranger: world.bounty}
    assert agenda.status(id_) is ReservationStatus.Ended
    assert agenda.free(1) == agenda.free(2) == 20
    assert receipt.event("ReservationClosed") == {
        "reservation": id_,
        "status": ReservationStatus.Ended,
        "pay": [PAY, PAY],
        "keeper": world.stranger,
        "bounty": world.bounty,
        "refund": 0,
    }
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.ReservationEnded, id_)
    values = [id_, ReservationStatus.Ended, [PAY, PAY], 0]
    assert entry["digest"] == abi_digest(["uint64", "uint8", "uint256[]", "uint256"], values)


def test_finish_early_pays_in_full(agenda):
    """The operators kept the whole window free."""
    world, id_ = agenda.world, agenda.started([1])
    purse = world.purse()
    agenda.contract.finish(id_, sender=world.requester)
    assert purse.gains() == {world.nodes[0].operator: PAY, world.requester: world.bounty}
    assert agenda.contract.calendarOf(1) == []


def test_finish_late_pays_no_more(agenda):
    world, id_ = agenda.world, agenda.started([1])
    agenda.warp(agenda.record(id_)["endsAt"] + 10 * HOUR)
    purse = world.purse()
    agenda.contract.finish(id_, sender=world.keeper)
    assert purse.gains() == {world.nodes[0].operator: PAY, world.keeper: world.bounty}


@pytest.mark.parametrize("role", ["stranger", "keeper"])
def test_finish_is_due_at_the_end_for_all_others(agenda, role):
    id_ = agenda.started()
    ends_at = agenda.record(id_)["endsAt"]
    agenda.warp(ends_at - 1)
    caller = getattr(agenda.world, role)
    with refused("ReservationNotDue", reservation=id_, dueAt=ends_at, timestamp=ends_at - 1):
        agenda.contract.finish(id_, sender=caller)
    agenda.warp(ends_at)
    agenda.contract.finish(id_, sender=caller)


def test_finish_takes_back_a_processor_that_was_suspended_meanwhile(agenda):
    world, id_ = agenda.world, agenda.started([1, 2])
    world.registry.suspend(2, bytes(32), sender=world.security)
    agenda.contract.finish(id_, sender=world.requester)
    standing = world.registry.standingOf(2)
    assert (standing["leasedQubits"], standing["entry"]) == (0, 0)
    assert world.registry.standingOf(1)["entry"] != 0
