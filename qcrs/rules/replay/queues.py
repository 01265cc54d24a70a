"""Who waits for a first draw, and where, replayed: what ``contracts/libraries/Waiting.sol`` does with the queues."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from qcrs.model.records import Request
from qcrs.rules.fair_queue import DISTRUST_ROUNDS, REACH, WINDOW, BacklogFull, FairQueue, cost_of, may_pass
from qcrs.rules.replay.computation import Computation
from qcrs.rules.replay.draws import is_placeable
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

MAX_QUBITS = 255


class Queues:
    """The queue of each noise class, with the computations in it.

    Attributes:
        waiting: By noise class and id.
        distrusted: Until when an organisation that was sent back is not waited for, by itself and noise class.
    """

    def __init__(self) -> None:
        self.fair: defaultdict[int, FairQueue] = defaultdict(FairQueue)
        self.waiting: defaultdict[int, dict[int, Computation]] = defaultdict(dict)
        self.distrusted: dict[tuple[int, int], int] = {}

    def enter(self, suite: Suite, log: Transcript, organisation: int, request: Request) -> int:
        """Charge a submission to its organisation, and let it wait; return the bucket that it took."""
        queue = self.fair[request.noise_class]
        cost = cost_of(request.qubits, request.shots, request.replicas, request.depth_class)
        bucket = suite.consortium.charge(log, organisation, request.noise_class, cost, request.priority, queue)
        return queue.enter(bucket, log.now)

    def add(self, c: Computation) -> None:
        """Remember a computation whose bucket has been taken."""
        self.waiting[c.request.noise_class][c.id] = c

    def leave(self, c: Computation, served_at: int | None = None) -> None:
        """Take a computation out; *served_at* is when it was served, if it was in turn."""
        del self.waiting[c.request.noise_class][c.id]
        self.fair[c.request.noise_class].leave(c.bucket, served_at)

    def serve(self, log: Transcript, c: Computation) -> tuple[int, int]:
        """Take out a computation that is drawn for, in turn or past at most three others.

        Returns:
            The qubits that those whom it passes ask for together, 255 at most, and the fewest that one of them asks
            for; 0 when it passes nobody.
        """
        noise_class = c.request.noise_class
        ahead = [o.request.qubits for o in self.waiting[noise_class].values() if o.bucket < c.bucket]
        last = self.fair[noise_class].first + REACH
        log.hold(Rule.Queue, c.bucket <= last, "bucket of the allocated computation", f"{last} at most", c.bucket)
        log.hold(Rule.Queue, len(ahead) < WINDOW, "computations ahead in the queue", f"below {WINDOW}", len(ahead))
        self.leave(c, None if ahead else log.now)
        return min(sum(ahead), MAX_QUBITS), min(ahead, default=0)


def defer(suite: Suite, log: Transcript) -> None:
    """Replay ``defer``."""
    event = log.take("ComputationDeferred")
    c = _waiting(suite, log, event["computation"])
    queue = suite.queues.fair[c.request.noise_class]
    log.hold(Rule.Queue, queue.in_turn(c.bucket), "bucket of the deferred computation", queue.first, c.bucket)
    patience, known = suite.book.round_seconds, suite.queues.distrusted
    share = c.organisation, c.request.noise_class
    due = queue.is_stalled(log.now, patience) or log.now <= known.get(share, 0)
    log.hold(Rule.Window, due, "time of the deferral", f"after {queue.stalled_since + patience}", log.now)
    log.hold(Rule.Draw, not is_placeable(suite, log, c), "processors for the deferred computation", "too few", "enough")
    known[share] = log.now + DISTRUST_ROUNDS * patience
    finish = suite.consortium.shares[share].finish
    try:
        c.bucket = queue.move(c.bucket, finish, log.now)
    except BacklogFull as error:
        raise Contradiction(Rule.Queue, "buckets ahead of a deferral", f"up to {error.limit}", error) from error
    log.require(Rule.Queue, "bucket after the deferral", c.bucket, event["bucket"])


def exchange(suite: Suite, log: Transcript) -> None:
    """Replay ``exchange``."""
    event = log.take("ComputationsExchanged")
    shorter, longer = (_waiting(suite, log, event[name]) for name in ("computation", "longer"))
    alike = (shorter.organisation, shorter.request.noise_class) == (longer.organisation, longer.request.noise_class)
    chosen = alike and suite.consortium.organisations[shorter.organisation].shortest_first
    log.hold(Rule.Queue, chosen, "exchange", "within an organisation that chose so, and a noise class", event.arguments)
    fit = may_pass(shorter.bucket, shorter.cost, longer.bucket, longer.cost, longer.passed)
    actual = (
        f"cost {shorter.cost} in {shorter.bucket} for {longer.cost} in {longer.bucket}, passed {longer.passed} times"
    )
    log.hold(Rule.Queue, fit, "exchange", "of one that costs less, not far behind, and not too often", actual)
    shorter.bucket, longer.bucket = longer.bucket, shorter.bucket
    longer.passed += 1


def _waiting(suite: Suite, log: Transcript, id_: int) -> Computation:
    c = suite.computation(log, id_)
    log.hold(Rule.Lifecycle, c.waits, f"status of computation {c.id}", "waiting for its first draw", c.status)
    return c
