"""Processors for a time, replayed: twin of ``contracts/Reservations.sol`` and of the registry's part in it.

The rate that a requester would pay at most is in no event. Coin leaves into balances of the escrow, which says so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from qcrs.model.decision import Decision
from qcrs.model.reservation import ReservationStatus, advance
from qcrs.rules.replay.disputes import pay
from qcrs.rules.replay.transcript import Contradiction, LoggedEvent, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

MAX_PROCESSORS = 16
MAX_SECONDS = 8 * 3_600
MAX_AHEAD_SECONDS = 30 * 86_400
MAX_CALENDAR = 8
_S = ReservationStatus
# What a change of promised or leased qubits comes before, in the same call.
_CAUSES = frozenset({"ReservationPrepared", "ReservationBegun", "ReservationClosed"})


@dataclass
class Reservation:
    """One reservation.

    Attributes:
        qubits: Of each processor. starts_at, ends_at: Unix seconds. escrow: Wei held for it.
        pay: Wei that each processor earns, in order.
    """

    id: int
    requester: str
    organisation: int
    processors: Sequence[int]
    qubits: int
    starts_at: int
    ends_at: int
    pay: Sequence[int]
    escrow: int
    status: ReservationStatus = ReservationStatus.Unset

    def advance(self, log: Transcript, to: ReservationStatus) -> None:
        """Move along one edge."""
        self.status = log.advance(advance, self.status, to, f"status of reservation {self.id}")

    def record(self) -> dict[str, object]:
        """Return what the contract must have on record."""
        return {
            "status": self.status,
            "qubits": self.qubits,
            "organisation": self.organisation,
            "startsAt": self.starts_at,
            "endsAt": self.ends_at,
            "requester": self.requester,
            "escrow": self.escrow,
        }


class Reservations:
    """All reservations.

    Attributes:
        rates: Wei a qubit-second that a processor asks. calendars: Reservations of a processor that have not ended.
    """

    def __init__(self) -> None:
        self.by_id: dict[int, Reservation] = {}
        self.rates: dict[int, int] = {}
        self.calendars: defaultdict[int, list[int]] = defaultdict(list)

    def held(self) -> int:
        """Return the wei that the contract must hold."""
        return sum(r.escrow for r in self.by_id.values())

    def taken(self, processor: int, starts_at: int, ends_at: int, margin: int) -> int:
        """Return the qubits of *processor* that are reserved for a time, or *margin* seconds before or after."""
        others = (self.by_id[id_] for id_ in self.calendars[processor])
        return sum(o.qubits for o in others if o.starts_at < ends_at + margin and starts_at < o.ends_at + margin)

    def strike(self, r: Reservation) -> None:
        """Take a reservation out of the calendars; the last of each takes its place."""
        for processor in r.processors:
            calendar = self.calendars[processor]
            calendar[calendar.index(r.id)] = calendar[-1]
            calendar.pop()


def set_rate(suite: Suite, log: Transcript) -> None:
    """Replay ``setRate``."""
    event = log.take("RateSet")
    suite.registry.processor(event["processor"])
    suite.reservations.rates[event["processor"]] = event["weiPerQubitSecond"]


def reserve(suite: Suite, log: Transcript) -> None:
    """Replay ``reserve``."""
    event, known = log.take("ReservationGranted"), suite.reservations
    suite.pause.require_over(log, "the reservation")
    id_, requester, processors = event["reservation"], event["requester"], event["processors"]
    log.require(Rule.Reservation, "reservation granted", len(known.by_id) + 1, id_)
    organisation = suite.consortium.organisation_of(requester)
    log.require(Rule.Membership, "organisation of the requester", organisation, event["organisation"])
    log.hold(Rule.Membership, organisation != 0, "requester", "a member's account", requester)
    ascending = all(a < b for a, b in pairwise(processors))
    shaped = 1 <= len(processors) <= MAX_PROCESSORS and event["qubits"] > 0 and ascending
    log.hold(Rule.Reservation, shaped, "processors reserved", f"1 to {MAX_PROCESSORS}, ascending", processors)
    starts_at, ends_at = event["startsAt"], event["endsAt"]
    timely = 0 < starts_at - log.now <= MAX_AHEAD_SECONDS and 0 < ends_at - starts_at <= MAX_SECONDS
    log.hold(Rule.Window, timely, "time reserved", "to come, and up to eight hours", (starts_at, ends_at))
    shares = [known.rates.get(p, 0) * event["qubits"] * (ends_at - starts_at) for p in processors]
    price = sum(shares) + 2 * suite.constants.keeper_bounty
    log.require(Rule.Reservation, "price of the reservation", price, event["escrow"])
    r = Reservation(id_, requester, organisation, processors, event["qubits"], starts_at, ends_at, shares, price)
    r.advance(log, _S.Granted)
    for processor in processors:
        _require_free(suite, log, r, processor)
        known.calendars[processor].append(id_)
    known.by_id[id_] = r
    facts = (id_, requester, processors, r.qubits, starts_at, ends_at, price)
    suite.record(log, "Reservations", Decision.ReservationGranted, id_, facts)


def change(suite: Suite, log: Transcript) -> None:
    """Replay ``prepare``, ``begin``, ``finish``, or ``lapse`` after a ``prepare``; what follows tells which."""
    cause = _cause(log)
    r = _reservation(suite, cause["reservation"])
    if cause.name == "ReservationPrepared":
        _prepare(suite, log, r)
    elif cause.name == "ReservationBegun":
        _begin(suite, log, r)
    else:
        close(suite, log)


def close(suite: Suite, log: Transcript) -> None:
    """Replay ``finish``, ``lapse`` or ``cancel``."""
    cause = _cause(log)
    r, keeper = _reservation(suite, cause["reservation"]), cause["keeper"]
    prepared = r.status is _S.Prepared
    closed = cause["status"] in (_S.Ended, _S.Cancelled, _S.Lapsed)
    log.hold(Rule.Lifecycle, closed, f"status of closed reservation {r.id}", "one that is final", cause["status"])
    r.advance(log, ReservationStatus(cause["status"]))
    shares: Sequence[int] = ()
    bounty, rest = 0, r.escrow
    if r.status is _S.Ended:
        due = keeper == r.requester or log.now >= r.ends_at
        log.hold(Rule.Window, due, "end of the reservation", f"from {r.ends_at}, or by its requester", log.now)
        shares = r.pay
        rest -= sum(shares)
        bounty = rest
        for id_, share in zip(r.processors, shares, strict=True):
            _vacate(suite, log, id_, 0, r.qubits)
            pay(suite, log, suite.registry.processor(id_).operator, share)
    elif r.status is _S.Lapsed:
        due_at = r.starts_at + suite.book.round_seconds
        log.hold(Rule.Window, log.now >= due_at, "time of the lapse", f"from {due_at}", log.now)
        bounty = suite.constants.keeper_bounty
        for id_ in r.processors if prepared else ():
            _vacate(suite, log, id_, r.qubits, 0)
    else:
        log.require(Rule.Reservation, "who cancels", r.requester, keeper)
    suite.reservations.strike(r)
    r.escrow = 0
    told = {"reservation": r.id, "pay": list(shares), "bounty": bounty, "refund": rest - bounty}
    log.expect("ReservationClosed", Rule.Reservation, **told)
    facts = (r.id, r.status, list(shares), rest - bounty)
    suite.record(log, "Reservations", Decision.ReservationEnded, r.id, facts)
    pay(suite, log, keeper, bounty)
    pay(suite, log, r.requester, rest - bounty)


def _prepare(suite: Suite, log: Transcript, r: Reservation) -> None:
    r.advance(log, _S.Prepared)
    margin = suite.book.round_seconds
    due = r.starts_at - margin <= log.now <= r.starts_at + margin
    log.hold(Rule.Window, due, "time of the preparation", f"within {margin} of {r.starts_at}", log.now)
    for id_ in r.processors:
        p = suite.registry.processor(id_)
        there = p.is_open(log.now, suite.registry.beaten_since(log.now))
        log.hold(Rule.Reservation, there, f"processor {id_}", "ready to work", p.status)
        left = p.qubits - p.held
        log.hold(Rule.Reservation, r.qubits <= left, "qubits promised to nobody", f"{r.qubits} or more", left)
        p.held += r.qubits
        suite.registry.relist(p, log.now)
        _require_told(log, p)
    log.expect("ReservationPrepared", Rule.Reservation, reservation=r.id)


def _begin(suite: Suite, log: Transcript, r: Reservation) -> None:
    r.advance(log, _S.Active)
    due = r.starts_at <= log.now < r.ends_at
    log.hold(Rule.Window, due, "beginning of the reservation", f"{r.starts_at} to {r.ends_at}", log.now)
    for id_ in r.processors:
        p = suite.registry.processor(id_)
        left = p.qubits - p.leased
        log.hold(Rule.Reservation, r.qubits <= left, "qubits that nobody has", f"{r.qubits} or more", left)
        p.held -= r.qubits
        p.leased += r.qubits
        _require_told(log, p)
    log.expect("ReservationBegun", Rule.Reservation, reservation=r.id)
    bounty = suite.constants.keeper_bounty
    r.escrow -= bounty
    if bounty:
        keeper = log.take("Deposited")  # no other event names who began it
        log.require(Rule.Payment, "bounty for the beginning", bounty, keeper["amount"])
        suite.book.credit(keeper["holder"], bounty)


def _vacate(suite: Suite, log: Transcript, id_: int, held: int, leased: int) -> None:
    p = suite.registry.processor(id_)
    p.held -= held
    p.leased -= leased
    suite.registry.relist(p, log.now)
    _require_told(log, p)


def _require_told(log: Transcript, p) -> None:
    log.expect("QubitsReserved", Rule.Reservation, processor=p.id, held=p.held, leased=p.leased)


def _require_free(suite: Suite, log: Transcript, r: Reservation, id_: int) -> None:
    """Hold a processor to take the reservation: it asks a rate, is there, is not kept away, and has the qubits free."""
    p, known = suite.registry.processor(id_), suite.reservations
    log.hold(Rule.Reservation, known.rates.get(id_, 0) > 0, f"rate of processor {id_}", "1 or more", 0)
    there = p.is_open(log.now, suite.registry.beaten_since(log.now))
    log.hold(Rule.Reservation, there, f"processor {id_}", "ready to work", p.status)
    screened = suite.consortium.organisations[r.organisation].is_screened(p.organisation)
    log.hold(Rule.Reservation, not screened, f"organisation of processor {id_}", "not screened out", p.organisation)
    taken = known.taken(id_, r.starts_at, r.ends_at, suite.book.round_seconds)
    full = len(known.calendars[id_]) >= MAX_CALENDAR
    fits = taken + r.qubits <= p.qubits and not full
    log.hold(Rule.Reservation, fits, f"qubits of processor {id_} reserved", f"{p.qubits} at most", taken + r.qubits)


def _cause(log: Transcript) -> LoggedEvent:
    """Return the event that tells which call of which reservation runs."""
    block = log.events[log.start].block
    for event in log.events[log.start :]:
        if event.name in _CAUSES and event.block == block:
            return event
        if event.block != block:
            break
    raise Contradiction(Rule.Sequence, "cause of a change of promised qubits", "in the same call", "none")


def _reservation(suite: Suite, id_: int) -> Reservation:
    if id_ not in suite.reservations.by_id:
        raise Contradiction(Rule.Sequence, f"reservation {id_}", "granted", "unknown")
    return suite.reservations.by_id[id_]
