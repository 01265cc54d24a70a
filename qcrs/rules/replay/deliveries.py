"""Results told to consumer contracts, replayed: twin of ``contracts/ResultDelivery.sol``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ENDED, ComputationStatus
from qcrs.model.delivery import DeliveryStatus, advance
from qcrs.rules import commitment
from qcrs.rules.count_sketch import MAX_HISTOGRAM_BITS, unpack
from qcrs.rules.replay.computation import Computation, Seat
from qcrs.rules.replay.transcript import LoggedEvent, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

# Statuses with an answer, and how the assignments behind it have ended.
ANSWERED: Mapping[ComputationStatus, AssignmentStatus] = {
    ComputationStatus.Accepted: AssignmentStatus.Accepted,
    ComputationStatus.Unverified: AssignmentStatus.Released,
}
CHALLENGEABLE = frozenset({*ANSWERED, ComputationStatus.Rejected, ComputationStatus.Inconclusive})
COVERAGE_UNIT = 10_000


@dataclass
class Delivery:
    """One subscription. *coverage*: in 1e-4 of the shots; 0 for a result."""

    consumer: str = ""
    after_challenges: bool = False
    coverage: int = 0
    status: DeliveryStatus = DeliveryStatus.Unset

    def advance(self, log: Transcript, to: DeliveryStatus) -> None:
        """Move along one edge."""
        self.status = log.advance(advance, self.status, to, "status of the delivery")


def subscribe(suite: Suite, log: Transcript) -> None:
    """Replay ``subscribe`` or ``subscribeToOutcomes``; who called it, the requester, is not in the event."""
    head = log.peek()
    event = log.take(head.name)
    suite.computation(log, event["computation"])
    delivery = _delivery(suite, event)
    delivery.advance(log, DeliveryStatus.Pending)
    delivery.consumer, delivery.after_challenges = event["consumer"], event["afterChallenges"]
    delivery.coverage = event.arguments.get("coverage", 0)


def deliver(suite: Suite, log: Transcript) -> None:
    """Replay ``deliver`` or ``deliverOutcomes``, whether the consumer took it or not."""
    head = log.peek()
    event = log.take(head.name)
    c = suite.computation(log, event["computation"])
    delivery = _delivery(suite, event)
    delivery.advance(log, DeliveryStatus.Delivered)
    log.require(Rule.Answer, "consumer", delivery.consumer, event["consumer"])
    ended = c.status in ENDED
    log.hold(Rule.Lifecycle, ended, f"status of computation {c.id}", "one that has ended", c.status)
    if delivery.after_challenges:
        _require_final(suite, log, c)
    if event.name == "ResultDelivered":
        _require_answer(log, c, event)
    elif event.name == "OutcomesDelivered":
        _require_outcomes(log, c, delivery, event)
    else:
        delivery.advance(log, DeliveryStatus.Failed)


def _delivery(suite: Suite, event: LoggedEvent) -> Delivery:
    kind = "result" if event.name.startswith("Result") else "outcomes"
    return suite.deliveries[kind, event["computation"]]


def _standing(c: Computation) -> dict[int, Seat]:
    """Return the assignments whose answers stand, by index."""
    return {index: seat for index, seat in enumerate(c.seats) if seat.status == ANSWERED.get(c.status)}


def _require_final(suite: Suite, log: Transcript, c: Computation) -> None:
    """Hold the verdict to be past all challenges."""
    if c.status in CHALLENGEABLE:
        c.require_elapsed(log)
    cases = sum(suite.bonds[seat.processor].cases for seat in _standing(c).values())
    log.require(Rule.Window, "open cases against the processors behind the answer", 0, cases)


def _require_answer(log: Transcript, c: Computation, event: LoggedEvent) -> None:
    seats = _standing(c)
    accepted = sum(1 << index for index in seats)
    roots = [seat.counts_root for seat in seats.values()]
    digest = commitment.of_answer(c.id, accepted, roots) if seats else bytes(32)
    log.require(Rule.Answer, "status told", c.status, ComputationStatus(event["status"]))
    log.require(Rule.Answer, "answers told to stand", accepted, event["accepted"])
    log.require(Rule.Answer, "digest told", digest, event["answerDigest"])


def _require_outcomes(log: Transcript, c: Computation, delivery: Delivery, event: LoggedEvent) -> None:
    seats, outcomes, counts = _standing(c), event["outcomes"], event["counts"]
    log.hold(Rule.Answer, bool(seats), f"status of computation {c.id}", "one with an answer", c.status)
    shots, shown = len(seats) * c.request.shots, sum(counts)
    log.require(Rule.Answer, "shots told", shots, event["shots"])
    log.require(Rule.Answer, "order of the outcomes", sorted(set(outcomes)), outcomes)
    covered = shots >= shown and shown * COVERAGE_UNIT >= shots * delivery.coverage
    log.hold(Rule.Answer, covered, "shots shown", f"{delivery.coverage} in 10,000 of {shots}", shown)
    most = max(counts, default=0)
    log.hold(Rule.Answer, most > shots - shown, "most frequent outcome", f"above {shots - shown}", most)
    bits = c.request.outcome_bits
    if bits > MAX_HISTOGRAM_BITS:
        return  # the counts were proven to the contract; the histograms themselves are not in the log
    tables = [unpack(seat.sketch, bits) for seat in seats.values()]
    pooled = [sum(table[outcome] for table in tables) if outcome >> bits == 0 else 0 for outcome in outcomes]
    log.require(Rule.Answer, "counts told", pooled, counts)
