"""Disputes, and what courts do to a verdict, replayed: twin of ``contracts/Disputes.sol``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import VERDICTS, ComputationStatus
from qcrs.model.decision import Decision
from qcrs.model.dispute import DisputeKind, DisputeStatus, advance
from qcrs.rules.replay import bonds
from qcrs.rules.replay.computation import Computation, Seat
from qcrs.rules.replay.endings import revise
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

RULING_SECONDS = 7 * 86_400
# Ended by their requester's gold rounds or traps.
_ACCUSED = (AssignmentStatus.GoldFailed, AssignmentStatus.TrapFailed)
_DISPUTABLE = {
    DisputeKind.WrongAnswer: (AssignmentStatus.Accepted, AssignmentStatus.Released),
    DisputeKind.WrongFault: (AssignmentStatus.Outlier, *_ACCUSED),
}


@dataclass
class Dispute:
    """One dispute.

    Attributes:
        ends_at: After this moment it lapses, unix seconds. bond: Wei that the opener put up.
    """

    computation: int
    index: int
    kind: DisputeKind
    ends_at: int
    opener: str
    bond: int
    status: DisputeStatus = DisputeStatus.Open


def open_(suite: Suite, log: Transcript) -> None:
    """Replay ``open``."""
    event = log.take("DisputeOpened")
    c = suite.computation(log, event["computation"])
    log.require(Rule.Dispute, "dispute opened", len(suite.disputes) + 1, event["dispute"])
    kind, index = DisputeKind(event["kind"]), event["index"]
    in_time = c.status in VERDICTS and log.now <= c.phase_ends_at
    log.hold(Rule.Window, in_time, "time of the dispute", f"after a verdict, by {c.phase_ends_at}", log.now)
    seat = _seat(c, index)
    allowed = _DISPUTABLE.get(kind, ())
    log.hold(Rule.Dispute, seat.status in allowed, "disputed assignment", "one that can be", seat.status)
    log.hold(Rule.Dispute, seat.digest != bytes(24), "disputed assignment", "one that answered", seat.digest)
    last = c.is_of_last_round(index)
    log.hold(Rule.Dispute, last, "round of the disputed answer", "the one that was judged", index)
    bond = suite.book.policy.slash
    log.require(Rule.Dispute, "bond of the dispute", bond, event["bond"])
    about = {(d.computation, d.index) for d in suite.disputes.values()}
    log.hold(Rule.Dispute, (c.id, index) not in about, "disputed assignment", "not disputed before", index)
    if kind is DisputeKind.WrongFault:
        operator = suite.registry.processor(seat.processor).operator
        log.require(Rule.Dispute, "opener, the punished operator", operator, event["opener"])
    log.require(Rule.Window, "end of the time to rule", log.now + RULING_SECONDS, event["endsAt"])
    suite.disputes[event["dispute"]] = Dispute(c.id, index, kind, event["endsAt"], event["opener"], bond)
    if kind is DisputeKind.WrongAnswer:
        suite.bonds[seat.processor].cases += 1
    elif seat.status in _ACCUSED:
        suite.gold_rounds.hold(c.id)


def answer(suite: Suite, log: Transcript) -> None:
    """Replay ``answer``."""
    event = log.take("DisputeAnswered")
    d = _dispute(suite, event["dispute"])
    log.require(Rule.Lifecycle, "status of the answered dispute", DisputeStatus.Open, d.status)
    c = suite.computation(log, d.computation)
    processor = suite.registry.processor(c.seats[d.index].processor)
    other = processor.operator if d.kind is DisputeKind.WrongAnswer else c.requester
    log.require(Rule.Dispute, "account that answers", other, event["account"])


def lapse(suite: Suite, log: Transcript) -> None:
    """Replay ``lapse``: nobody ruled, and all have back what they put up."""
    event = log.take("DisputeLapsed")
    d = _dispute(suite, event["dispute"])
    c = suite.computation(log, d.computation)
    log.require(Rule.Dispute, "computation of the dispute", d.computation, event["computation"])
    d.status = log.advance(advance, d.status, DisputeStatus.Lapsed, "status of the dispute")
    log.hold(Rule.Window, log.now > d.ends_at, "time of the lapse", f"after {d.ends_at}", log.now)
    _let_go(suite, d, c.seats[d.index], c.seats[d.index].status)
    pay(suite, log, d.opener, d.bond)


def rule(suite: Suite, log: Transcript) -> None:
    """Replay ``rule``."""
    ruling = log.take("DisputeRuled")
    d = _dispute(suite, ruling["dispute"])
    c = suite.computation(log, d.computation)
    log.require(Rule.Dispute, "computation of the dispute", d.computation, ruling["computation"])
    seat, upheld = c.seats[d.index], ruling["upheld"]
    was = seat.status
    to = DisputeStatus.Upheld if upheld else DisputeStatus.Dismissed
    d.status = log.advance(advance, d.status, to, "status of the dispute")
    log.hold(Rule.Window, log.now <= d.ends_at, "time of the ruling", f"by {d.ends_at}", log.now)
    division = dict.fromkeys(("burned", "restitution", "award", "compensation", "endowment"), 0)
    if not upheld:
        _dismiss(suite, log, d, c, seat, division)
    elif d.kind is DisputeKind.WrongAnswer:
        _condemn(suite, log, d, c, seat, division)
    else:
        _vindicate(suite, log, d, c, seat, division)
    _let_go(suite, d, seat, was)
    log.expect("DisputeDivided", Rule.Dispute, dispute=ruling["dispute"], **division)
    facts = (ruling["dispute"], c.id, d.index, upheld, ruling["reason"])
    suite.record(log, "Disputes", Decision.DisputeRuled, c.id, facts)


def disprove(suite: Suite, log: Transcript, c: Computation, index: int) -> tuple[Seat, int, bool]:
    """Replay ``disprove``: return the seat, what it earned in wei, and whether the verdict falls."""
    log.hold(Rule.Lifecycle, c.status in VERDICTS, "status of the revised computation", "a verdict", c.status)
    seat = revise(suite, log, c, index, AssignmentStatus.Disproven, Rule.Dispute)
    left = sum(s.status is AssignmentStatus.Accepted for s in c.seats)
    overturned = c.status is ComputationStatus.Unverified
    overturned |= c.status is ComputationStatus.Accepted and left < c.quorum
    if overturned:
        c.advance(log, ComputationStatus.Overturned)
        log.expect("ComputationOverturned", Rule.Verdict, computation=c.id)
    facts = (c.id, index, seat.processor, overturned)
    suite.record(log, "ComputationAllocator", Decision.AnswerDisproven, c.id, facts)
    return seat, c.escrow, overturned


def pay(suite: Suite, log: Transcript, holder: str, amount: int) -> None:
    """Hold the next event to be what a court pays into the balance of *holder*; nothing is said of nothing."""
    if amount:
        log.expect("Deposited", Rule.Payment, holder=holder, amount=amount)
        suite.book.credit(holder, amount)


def endow(suite: Suite, log: Transcript, court: str, amount: int) -> None:
    """Hold the next event to be what *court* puts into the treasury."""
    source = suite.constants.contracts[court].lower()
    log.expect("TreasuryEndowed", Rule.Payment, **{"from": source}, amount=amount)
    suite.book.treasury += amount


def _dismiss(suite: Suite, log: Transcript, d: Dispute, c: Computation, seat: Seat, division: dict[str, int]) -> None:
    division["burned"] = d.bond // 2
    rest = d.bond - division["burned"]
    if d.kind is DisputeKind.WrongAnswer:
        division["compensation"] = rest
        pay(suite, log, suite.registry.processor(seat.processor).operator, rest)
    elif seat.status in _ACCUSED:
        division["restitution"] = rest
        pay(suite, log, c.requester, rest)
    else:
        division["endowment"] = rest
        endow(suite, log, "Disputes", rest)


def _condemn(suite: Suite, log: Transcript, d: Dispute, c: Computation, seat: Seat, division: dict[str, int]) -> None:
    if seat.status is AssignmentStatus.Disproven:
        pay(suite, log, d.opener, d.bond)  # a challenge has proven it meanwhile
        return
    _, earned, _ = disprove(suite, log, c, d.index)
    taken = bonds.take(suite, log, c.id, seat.processor)
    division["burned"] = taken // 2
    rest = taken - division["burned"]
    division["restitution"] = min(earned, rest)
    division["award"] = (rest - division["restitution"]) // 2
    division["endowment"] = rest - division["restitution"] - division["award"]
    pay(suite, log, c.requester, division["restitution"])
    pay(suite, log, d.opener, d.bond + division["award"])
    endow(suite, log, "Disputes", division["endowment"])


def _vindicate(suite: Suite, log: Transcript, d: Dispute, c: Computation, seat: Seat, division: dict[str, int]) -> None:
    framed = seat.status in _ACCUSED
    amount = 0 if framed else min(suite.book.policy.slash, suite.book.treasury)
    revise(suite, log, c, d.index, AssignmentStatus.Vindicated, Rule.Dispute)
    suite.book.spend(amount)
    operator = suite.registry.processor(seat.processor).operator
    suite.book.credit(operator, amount)
    log.expect(
        "FaultVindicated",
        Rule.Dispute,
        computation=c.id,
        index=d.index,
        processor=seat.processor,
        operator=operator,
        paid=amount,
    )
    facts = (c.id, d.index, seat.processor, amount)
    suite.record(log, "ComputationAllocator", Decision.FaultVindicated, c.id, facts)
    division["compensation"] = amount
    if framed:
        suite.gold_rounds.forfeit(suite, log, c, d.index, operator)
    pay(suite, log, d.opener, d.bond)


def _let_go(suite: Suite, d: Dispute, seat: Seat, was: AssignmentStatus) -> None:
    if d.kind is DisputeKind.WrongAnswer:
        suite.bonds[seat.processor].cases -= 1
    elif was in _ACCUSED:
        suite.gold_rounds.let_go(d.computation)


def _seat(c: Computation, index: int) -> Seat:
    if index >= len(c.seats):
        raise Contradiction(Rule.Sequence, "assignment index", f"below {len(c.seats)}", index)
    return c.seats[index]


def _dispute(suite: Suite, id_: int) -> Dispute:
    if id_ not in suite.disputes:
        raise Contradiction(Rule.Sequence, f"dispute {id_}", "opened", "unknown")
    return suite.disputes[id_]
