"""Lies about queues, quotas, draws, offers and reservations."""

from dataclasses import replace

from qcrs.chain.deployment import ETHER
from qcrs.model.organisation import Priority
from qcrs.model.reservation import ReservationStatus
from qcrs.rules.digest import abi_digest
from qcrs.rules.replay import LoggedEvent, Rule
from tests.unit.qcrs.audit.allocations import RATE
from tests.unit.qcrs.audit.history import History
from tests.unit.qcrs.audit.lies import STRANGER, Lie, change, drop, late, request, second, within
from tests.unit.qcrs.audit.stories import (
    BACKFILLED,
    BEHIND,
    BUSY,
    CHEAP,
    DEFERRED,
    ELEVATED,
    HONEST,
    LATE,
    LONG,
    RETURNED,
    SCREENED,
    SHORT,
    SILENT,
    WAITING,
)

BOUNTY = ETHER // 1000
ENDED, CANCELLED, LAPSED = (
    {"status": status} for status in (ReservationStatus.Ended, ReservationStatus.Cancelled, ReservationStatus.Lapsed)
)


def shown(told, name: str, **arguments):
    """Tell a lie that shows only at a later event."""

    def told_later(history: History):
        _, events = told(history)
        return history.position(name, **arguments), events

    return told_later


def guarded(history: History):
    """One with too little room for what waits ahead is taken."""
    busy = history.event("ComputationAllocated", computation=BUSY)["processors"]
    position = history.position("ComputationAllocated", computation=BACKFILLED)
    free = history.events[position]["processors"]
    return position, history.changed(position, processors=[busy[0], *free[1:]])


def skipped(history: History):
    """The first that was drawn is passed over, and another added."""
    position = history.position("ComputationAllocated", computation=HONEST)
    drawn = history.events[position]["processors"]
    other = next(id_ for id_ in range(1, 10) if id_ not in drawn)
    return position, history.changed(position, processors=[*drawn[1:], other])


def passed_more(history: History):
    """Whoever was passed is said to ask for so much that nobody spares it."""
    _, events = request(BACKFILLED - 1, qubits=19)(history)
    position = history.position("ComputationSubmitted", computation=BACKFILLED - 1)
    price, shots = events[position]["request"]["price"], events[position]["request"]["shots"]
    escrow = price * 19 * shots * 3 + 2 * BOUNTY
    events[position] = replace(events[position], arguments={**events[position].arguments, "escrow": escrow})
    coin = next(i for i in range(position, len(events)) if events[i].name == "Deposited")
    events[coin] = replace(events[coin], arguments={**events[coin].arguments, "amount": escrow + BOUNTY})
    return history.position("ComputationSubmitted", computation=BACKFILLED), events


def deferred_in_vain(history: History):
    """The one in turn is sent back although all processors are there and free."""
    last = history.events[-1]
    at = last.timestamp + 10_000
    told = list(history.events)

    def tell(name: str, contract: str, **arguments):
        told.append(LoggedEvent(name, contract, arguments, last.block + 1, at))

    for processor in range(1, 10):
        tell("HeartbeatReceived", "ProcessorRegistry", processor=processor)
    tell("ComputationDeferred", "ComputationAllocator", computation=WAITING, bucket=9)
    return len(history.events), told


def less_quota(history: History):
    """The audit entry tells the same lie, so that only a submission shows it."""
    position = history.position("QuotaGranted")
    organisation, critical = history.events[position]["organisation"], history.events[position]["critical"]
    events = history.changed(position, elevated=1)
    digest = abi_digest(["uint24", "uint56", "uint56"], [organisation, 1, critical])
    entry = events[position + 1]
    events[position + 1] = replace(entry, arguments={**entry.arguments, "digest": digest})
    return history.position("ComputationSubmitted", computation=ELEVATED), events


def overbooked(history: History):
    """More qubits than the processors have, at the right price."""
    position = history.position("ReservationGranted")
    granted = history.events[position]
    price = 30 * RATE * (granted["endsAt"] - granted["startsAt"]) * len(granted["processors"]) + 2 * BOUNTY
    return position, history.changed(position, qubits=30, escrow=price)


def stolen_pay(history: History):
    """The operators are paid before the end is told."""
    position = history.position("ReservationClosed", **ENDED)
    paid = max(p for p in history.positions("Deposited") if p < position)
    return position, history.changed(paid, holder=STRANGER)


def later_return(history: History):
    """One that a draw had met, and not heard of, comes back in another order."""
    drawn = history.position("ComputationAllocated", computation=RETURNED - 1)
    beat = next(p for p in history.positions("HeartbeatReceived", processor=8) if p > drawn)
    return history.position("ComputationAllocated", computation=RETURNED), history.without(beat)


def lightened(history: History):
    """Another weight, at which the organisation's next computation would stand elsewhere."""
    heavy = next(p for p in history.positions("OrganisationWeighted") if history.events[p]["weight"] == 4)
    return history.position("ComputationSubmitted", computation=BEHIND), history.changed(heavy, weight=2)


L = Lie
ALLOCATION_LIES: dict[str, Lie] = {
    "bucket": L(Rule.Queue, change("ComputationSubmitted", {"bucket": 4}, computation=BACKFILLED), BACKFILLED),
    "lighter organisation": L(Rule.Queue, lightened, BEHIND, entry=False),
    "more ahead than was": L(Rule.Queue, passed_more, BACKFILLED),
    "order of the draw's queue": L(
        Rule.Queue, change("ComputationSubmitted", {"bucket": 0}, computation=SHORT), SHORT, entry=False
    ),
    "guarded": L(Rule.Draw, guarded, BACKFILLED),
    "skipped": L(Rule.Draw, skipped, HONEST),
    "bounty of the draw": L(
        Rule.Payment, change("ComputationAllocated", {"bounty": 2 * BOUNTY}, computation=HONEST), HONEST
    ),
    "bounty of the draw paid twice": L(
        Rule.Payment, second("ComputationAllocated", {"bounty": BOUNTY}, computation=SILENT), SILENT
    ),
    "bounty of the strike": L(Rule.Payment, change("ComputationPaid", {"bounty": BOUNTY}, computation=SILENT), SILENT),
    "bounty refunded": L(
        Rule.Payment, change("ComputationCancelled", {"refund": 0}, computation=LONG), LONG, entry=False
    ),
    "bounty of the expiry": L(Rule.Payment, change("ComputationPaid", {"bounty": 0}, computation=LATE), LATE),
    "deferred to": L(
        Rule.Queue, change("ComputationDeferred", {"bucket": 7}, computation=DEFERRED), DEFERRED, entry=False
    ),
    "deferred too early": L(Rule.Window, late("ComputationDeferred", -9, computation=DEFERRED), DEFERRED, entry=False),
    "deferred in vain": L(Rule.Draw, deferred_in_vain, WAITING, entry=False),
    "exchanged backwards": L(
        Rule.Queue, change("ComputationsExchanged", {"computation": LONG, "longer": SHORT}), SHORT, entry=False
    ),
    "exchanged unasked": L(
        Rule.Queue, shown(change("OrderChosen", {"shortestFirst": False}), "ComputationsExchanged"), LONG, entry=False
    ),
    "priority": L(Rule.Quota, request(HONEST, priority=Priority.Elevated), HONEST),
    "no priority": L(Rule.Queue, request(HONEST, priority=9), HONEST),
    "quota": L(Rule.Entry, change("QuotaGranted", {"elevated": 1})),
    "quota overdrawn": L(Rule.Quota, less_quota, ELEVATED),
    "offer for nothing": L(Rule.Offer, change("OfferMade", {"price": 0})),
    "offer that is over": L(Rule.Offer, change("OfferMade", {"expiresAt": 1})),
    "price asked": L(
        Rule.Draw,
        shown(change("OfferMade", {"price": 10**12}, processor=1), "ComputationAllocated", computation=CHEAP),
        CHEAP,
    ),
    "minimum asked": L(
        Rule.Draw,
        shown(change("OfferMade", {"minimum": ETHER}, processor=2), "ComputationAllocated", computation=CHEAP),
        CHEAP,
    ),
    "offer left out": L(
        Rule.Draw, shown(drop("OfferMade", processor=3), "ComputationAllocated", computation=CHEAP), CHEAP
    ),
    "screen left out": L(
        Rule.Draw, shown(drop("ScreenChosen"), "ComputationAllocated", computation=SCREENED), SCREENED
    ),
    "no screen": L(Rule.Membership, change("ScreenChosen", {"screen": 7})),
    "friend left out": L(
        Rule.Draw, shown(drop("OrganisationListed", other=5), "ComputationAllocated", computation=SCREENED), SCREENED
    ),
    "drained all the same": L(
        Rule.Draw, shown(drop("ProcessorDrained"), "ComputationAllocated", computation=SCREENED), SCREENED
    ),
    "return of the lapsed": L(Rule.Draw, later_return, RETURNED),
    "price of a reservation": L(Rule.Reservation, change("ReservationGranted", {"escrow": 1})),
    "rate of a processor": L(
        Rule.Reservation, shown(change("RateSet", {"weiPerQubitSecond": 1}), "ReservationGranted")
    ),
    "number of a reservation": L(Rule.Reservation, change("ReservationGranted", {"reservation": 7})),
    "overbooked": L(Rule.Reservation, overbooked),
    "reserved for another": L(Rule.Membership, change("ReservationGranted", {"organisation": 2})),
    "window reserved": L(Rule.Window, change("ReservationGranted", {"startsAt": 1})),
    "qubits promised": L(Rule.Reservation, change("QubitsReserved", {"held": 9})),
    "prepared too early": L(Rule.Window, late("ReservationPrepared", -10)),
    "prepared left out": L(Rule.Sequence, drop("ReservationPrepared")),
    "begun too early": L(Rule.Window, late("ReservationBegun", -9)),
    "bounty of the beginning": L(Rule.Payment, within("ReservationBegun", "Deposited", {"amount": 1})),
    "ended too early": L(Rule.Window, late("ReservationClosed", -9, **ENDED)),
    "lapsed too early": L(Rule.Window, late("ReservationClosed", -9, **LAPSED)),
    "pay of a reservation": L(Rule.Reservation, change("ReservationClosed", {"pay": [1, 1]}, **ENDED)),
    "operator of a reservation": L(Rule.Payment, stolen_pay),
    "refund of a reservation": L(Rule.Reservation, change("ReservationClosed", {"refund": 1}, **CANCELLED)),
    "cancelled by another": L(Rule.Reservation, change("ReservationClosed", {"keeper": STRANGER}, **CANCELLED)),
    "no end": L(Rule.Lifecycle, change("ReservationClosed", {"status": 2}, **CANCELLED)),
    "ended unbegun": L(Rule.Lifecycle, change("ReservationClosed", {"status": 4}, **CANCELLED)),
}
