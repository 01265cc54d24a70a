import pytest

from qcrs.model.decision import Decision
from qcrs.model.organisation import Screen
from qcrs.model.reservation import ReservationStatus
from qcrs.rules.digest import abi_digest
from tests.evm import refused

from .conftest import AHEAD, HOUR, MAX_AHEAD, MAX_SECONDS, RATE


def test_reserve_takes_the_price_and_enters_the_calendars(agenda):
    world, now = agenda.world, agenda.world.chain.now
    coin = world.chain.balance(world.requester)
    receipt = agenda.reserve([1, 3], qubits=7)
    price = 2 * RATE * 7 * HOUR + 2 * world.bounty
    assert receipt.result == agenda.contract.reservationCount() == 1
    assert agenda.contract.reservationOf(1) == (
        {
            "status": ReservationStatus.Granted,
            "qubits": 7,
            "organisation": world.requesters,
            "startsAt": now + AHEAD,
            "endsAt": now + AHEAD + HOUR,
            "requester": world.requester,
            "escrow": price,
        },
        [1, 3],
    )
    assert [agenda.contract.calendarOf(processor) for processor in (1, 2, 3)] == [[1], [], [1]]
    assert world.chain.balance(world.requester) == coin - price
    event = receipt.event("ReservationGranted")
    assert event == {
        "reservation": 1,
        "requester": world.requester,
        "organisation": world.requesters,
        "processors": [1, 3],
        "qubits": 7,
        "startsAt": now + AHEAD,
        "endsAt": now + AHEAD + HOUR,
        "escrow": price,
    }
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.ReservationGranted, 1)
    types = ["uint64", "address", "uint32[]", "uint8", "uint40", "uint40", "uint256"]
    values = [1, world.requester, [1, 3], 7, now + AHEAD, now + AHEAD + HOUR, price]
    assert entry["digest"] == abi_digest(types, values)


def test_reserve_changes_nothing_for_computations_before_it_is_prepared(agenda):
    agenda.book([1, 2, 3, 4, 5], qubits=20)
    agenda.world.submit(replicas=5).allocate()


def test_reserve_takes_a_processor_of_the_requesters_own(agenda):
    agenda.book([1], by=agenda.world.nodes[0].operator)


@pytest.mark.parametrize("count", [1, 16])
def test_reserve_takes_the_bounds_of_processors(agenda, count):
    world = agenda.world
    world.enrol_until(count)
    agenda.__post_init__()
    world.beat()
    assert agenda.processors(agenda.book(range(1, count + 1), qubits=1)) == list(range(1, count + 1))


@pytest.mark.parametrize(
    ("processors", "qubits"),
    [([], 1), (range(1, 18), 1), ([1], 0), ([2, 1], 1), ([1, 1], 1), ([1, 3, 3], 1), ([1, 3, 2], 1)],
)
def test_reserve_reverts_when_the_shape_is_wrong(agenda, processors, qubits):
    agenda.world.enrol_until(17)
    agenda.__post_init__()
    agenda.world.beat()
    with refused("ReservationShapeInvalid", processors=len(processors), maximum=16, qubits=qubits):
        agenda.reserve(processors, qubits=qubits)


@pytest.mark.parametrize(("ahead", "duration"), [(1, 1), (MAX_AHEAD, 1), (1, MAX_SECONDS), (MAX_AHEAD, MAX_SECONDS)])
def test_reserve_takes_the_bounds_of_the_window(agenda, ahead, duration):
    agenda.book([1], starts_at=agenda.world.chain.now + ahead, duration=duration)


@pytest.mark.parametrize(
    ("ahead", "duration"),
    [(0, 10), (-10, 100), (MAX_AHEAD + 1, 10), (AHEAD, 0), (AHEAD, -1), (AHEAD, MAX_SECONDS + 1)],
)
def test_reserve_reverts_when_the_window_is_wrong(agenda, ahead, duration):
    now = agenda.world.chain.now
    starts_at = now + ahead
    expected = {"startsAt": starts_at, "endsAt": starts_at + duration, "latest": now + MAX_AHEAD}
    with refused("WindowInvalid", **expected, maximum=MAX_SECONDS):
        agenda.reserve([1], starts_at=starts_at, duration=duration, value=0)


@pytest.mark.parametrize("surplus", [-1, 1])
def test_reserve_reverts_unless_the_price_is_sent(agenda, surplus):
    price = agenda.price([1, 2], 5, HOUR)
    assert agenda.contract.priceOf([1, 2], 5, HOUR) == price
    with refused("PriceMismatch", sent=price + surplus, price=price):
        agenda.reserve(value=price + surplus)


def test_reserve_reverts_for_an_outsider(agenda):
    with refused("ReserverNotInConsortium", account=agenda.world.stranger):
        agenda.reserve(by=agenda.world.stranger)


def test_reserve_reverts_once_expelled(agenda):
    agenda.world.consortium.expel(agenda.world.requesters, sender=agenda.world.certifier)
    with refused("ReserverNotInConsortium", account=agenda.world.requester):
        agenda.reserve()


def test_reserve_reverts_when_one_asks_too_much(agenda):
    """Rates can change between looking and sending: the requester says what it takes."""
    node = agenda.world.nodes[1]
    agenda.contract.setRate(node.id, RATE + 1, sender=node.operator)
    price = agenda.price([1, 2], 5, HOUR) + 5 * HOUR
    with refused("RateTooHigh", processor=2, rate=RATE + 1, maximum=RATE):
        agenda.reserve(value=price)
    agenda.book(value=price, most=RATE + 1)


def test_reserve_reverts_when_one_takes_no_reservations(agenda):
    node = agenda.world.nodes[1]
    agenda.contract.setRate(node.id, 0, sender=node.operator)
    with refused("RateTooHigh", processor=2, rate=0, maximum=RATE):
        agenda.reserve(value=agenda.price([1], 5, HOUR))


def drained(world, node):
    world.registry.drain(node.id, True, sender=node.daemon)


def suspended(world, node):
    world.registry.suspend(node.id, bytes(32), sender=world.security)


def silent(world, node):
    world.chain.advance(61)
    world.beat(*(other for other in world.nodes if other is not node))


def unbonded(world, node):
    world.bonds.beginUnbonding(node.id, sender=node.operator)


def screened(world, node):
    world.consortium.chooseScreen(Screen.Except, sender=world.requester)
    world.consortium.list([node.organisation], True, sender=world.requester)


@pytest.mark.parametrize("cause", [drained, suspended, silent, unbonded, screened], ids=lambda cause: cause.__name__)
def test_reserve_reverts_when_one_cannot_be_had_and_reserves_none(agenda, cause):
    cause(agenda.world, agenda.world.nodes[1])
    with refused("ProcessorNotReservable", processor=2, organisation=agenda.world.requesters):
        agenda.reserve()
    assert agenda.contract.reservationCount() == 0
    assert agenda.contract.calendarOf(1) == []
    agenda.book([1, 3])


# --- calendars ---


def taken(left, qubits):
    return refused("WindowTaken", processor=2, qubits=qubits, left=left, maximum=8)


def test_reserve_reverts_when_a_window_is_taken_and_reserves_none(agenda):
    starts_at = agenda.world.chain.now + AHEAD
    agenda.book([2, 3], qubits=15, starts_at=starts_at)
    with taken(left=5, qubits=6):
        agenda.reserve([1, 2], qubits=6, starts_at=starts_at)
    assert agenda.contract.calendarOf(1) == []
    agenda.book([1, 2], qubits=5, starts_at=starts_at)
    with taken(left=0, qubits=1):
        agenda.reserve([2], qubits=1, starts_at=starts_at)


def test_reserve_reverts_for_more_than_the_processor_has(agenda):
    with taken(left=20, qubits=21):
        agenda.reserve([2], qubits=21)
    agenda.book([2], qubits=20)


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
def test_reserve_leaves_a_round_between_two(agenda, before):
    """The later one is prepared a round before it starts, when the earlier one must have ended."""
    starts_at = agenda.world.chain.now + 3 * AHEAD
    agenda.book([2], qubits=20, starts_at=starts_at)
    gap = HOUR + agenda.round
    nearest = starts_at - gap if before else starts_at + gap
    with taken(left=0, qubits=20):
        agenda.reserve([2], qubits=20, starts_at=nearest + (1 if before else -1))
    agenda.book([2], qubits=20, starts_at=nearest)


def test_reserve_enters_eight_in_a_calendar(agenda):
    now = agenda.world.chain.now
    ids = [agenda.book([2], qubits=20, starts_at=now + AHEAD * (1 + n)) for n in range(8)]
    with taken(left=20, qubits=1):
        agenda.reserve([2], qubits=1, starts_at=now + AHEAD * 20)
    agenda.contract.cancel(ids[3], sender=agenda.world.requester)
    assert sorted(agenda.contract.calendarOf(2)) == sorted(set(ids) - {ids[3]})
    agenda.book([2], qubits=20, starts_at=now + AHEAD * 4)
