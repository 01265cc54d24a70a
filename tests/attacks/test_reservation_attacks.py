"""Whoever reserves what it does not mean to use.

Where an attack works, the test says so, and what it costs.
"""

import pytest

from qcrs.model.reservation import ReservationStatus
from tests.evm import refused
from tests.scenario import round_seconds

RATE = 1_000_000


@pytest.fixture
def agreed(world):
    """All operators take reservations."""
    for node in world.nodes:
        world.reservations.setRate(node.id, RATE, sender=node.operator)
    return world


def reserve(world, processors, starts_at, duration=1, qubits=20):
    """Reserve by the requester; returns the id."""
    price = world.reservations.priceOf(processors, qubits, duration)
    arguments = (processors, qubits, starts_at, starts_at + duration, RATE)
    return world.reservations.reserve(*arguments, sender=world.requester, value=price).result


def test_calendar_can_be_filled_for_nothing(agreed):
    """It works: eight reservations of a second fill a processor's calendar, and to cancel them gives back everything.
    What they cost is coin that lies there, for thirty days at most. An operator that minds raises its rate, or takes
    none."""
    world, start = agreed, agreed.chain.now + 20 * 86_400
    ids = [reserve(world, [1], start + 1_000 * n) for n in range(8)]
    with refused("WindowTaken", processor=1, qubits=1, left=20, maximum=8):
        reserve(world, [1], start - 86_400, qubits=1)
    purse = world.purse()
    held = sum(world.reservations.reservationOf(id_)[0]["escrow"] for id_ in ids)
    for id_ in ids:
        world.reservations.cancel(id_, sender=world.requester)
    assert purse.gains() == {world.requester: held}


def test_reservation_of_a_second_keeps_work_away_for_two_rounds(agreed):
    """It works: from a round before the start to a round after it nobody new gets the qubits, and what is paid, if it
    begins at all, is the second. If it lapses, operators get nothing, and one bounty is all that it costs."""
    world, start = agreed, agreed.chain.now + 3_600
    round_ = round_seconds(world)
    id_ = reserve(world, [1, 2, 3, 4, 5], start)
    world.chain.warp(start - round_)
    world.beat()
    world.reservations.prepare(id_, sender=world.requester)
    job = world.submit(deadline_at=world.chain.now + 86_400)
    for moment in (start - round_ + 20, start, start + round_ - 20):
        world.chain.warp(moment)
        with refused("TooFewEligibleProcessors"):
            job.allocate()
    world.chain.warp(start + round_)
    purse = world.purse()
    escrow = world.reservations.reservationOf(id_)[0]["escrow"]
    world.reservations.lapse(id_, sender=world.keeper)
    assert purse.gains() == {world.requester: escrow - world.bounty, world.keeper: world.bounty}
    job.allocate()


def test_promise_cannot_be_kept_for_longer_than_two_rounds(agreed):
    """Defence: whoever does not begin in time can be put out by anyone, who is paid. Without it, a reserver that has
    prepared would hold the qubits until it liked."""
    world, start = agreed, agreed.chain.now + 3_600
    id_ = reserve(world, [1], start, duration=8 * 3_600)
    world.chain.warp(start)
    world.beat()
    world.reservations.prepare(id_, sender=world.requester)
    world.chain.advance(round_seconds(world))
    world.reservations.lapse(id_, sender=world.stranger)
    assert world.registry.standingOf(1)["heldQubits"] == 0
    with refused("UnexpectedReservationStatus"):
        world.reservations.begin(id_, sender=world.requester)


def test_window_cannot_be_overstayed(agreed):
    """Defence: `finish` is anyone's at the end, and paid. Without it, whoever is in stays in."""
    world, start = agreed, agreed.chain.now + 3_600
    id_ = reserve(world, [1], start, duration=100)
    world.chain.warp(start)
    world.beat()
    world.reservations.prepare(id_, sender=world.keeper)
    world.reservations.begin(id_, sender=world.keeper)
    world.chain.advance(100)
    world.reservations.finish(id_, sender=world.stranger)
    assert world.registry.standingOf(1)["leasedQubits"] == 0
    assert world.reservations.reservationOf(id_)[0]["status"] == ReservationStatus.Ended


def test_leases_of_computations_cannot_be_taken_by_a_reservation(agreed):
    """Defence: `begin` waits for them. Without it, a reserver throws out a rival's running computation."""
    world, start = agreed, agreed.chain.now + 3_600
    id_ = reserve(world, [1, 2, 3, 4, 5], start, duration=600)
    world.chain.warp(start - 20)
    rival = world.submit(replicas=5).allocate()
    world.reservations.prepare(id_, sender=world.requester)
    world.chain.advance(30)
    with refused("QubitsUnavailable"):
        world.reservations.begin(id_, sender=world.requester)
    rival.commit_all().disclose().reveal_all().settle()
    world.reservations.begin(id_, sender=world.requester)
    world.reservations.finish(id_, sender=world.requester)


def test_nobody_else_can_act_on_the_coin_of_a_reservation(agreed):
    """Defence: each step is due at its time, and pays the one bounty. Without it, keepers end reservations early."""
    world, start = agreed, agreed.chain.now + 3_600
    id_ = reserve(world, [1], start, duration=600)
    purse = world.purse()
    with refused("CallerNotReserver"):
        world.reservations.cancel(id_, sender=world.keeper)
    for step, error in (
        ("prepare", "ReservationNotDue"),
        ("lapse", "ReservationNotDue"),
        ("begin", None),
        ("finish", None),
    ):
        with refused(error or "UnexpectedReservationStatus"):
            getattr(world.reservations, step)(id_, sender=world.keeper)
    assert purse.gains() == {}
    for caller in (world.requester, world.keeper):
        with refused("CallerNotReservations", account=caller):
            world.registry.vacate(1, 0, 1, sender=caller)
        with refused("CallerNotReservations", account=caller):
            world.registry.hold(1, 1, sender=caller)
        with refused("CallerNotReservations", account=caller):
            world.registry.occupy(1, 1, sender=caller)
