"""Start-time fair queueing over organisations, in buckets: twin of ``contracts/libraries/FairQueue.sol``.

Each waiting computation has a start tag, in which the cost that its organisation asked for before it, divided by the
organisation's weight, adds up. Those in the first bucket are in turn. The number of the first bucket is the virtual
time, from which idle organisations start; it never goes back. Only counts are kept: who stands where is in the
computations' own records.

Units: cost in qubit-shots times replicas times depth class; tags in 2^-8 of a unit of cost per unit of weight; a bucket
spans 2^23 tag units. Buckets have absolute numbers. Moments are unix seconds.
"""

from dataclasses import dataclass, field

from qcrs.errors import QcrsError
from qcrs.model.organisation import Priority

WINDOW = 4  # computations ahead of which one out of turn may be allocated: fewer than these
REACH = 64  # buckets after the first up to which one out of turn may be allocated
MAX_PASSES = 8  # times that a shorter computation may take the place of a longer one
MAX_LEAP = 16  # buckets by which it gets ahead so, at most
DISTRUST_ROUNDS = 10  # rounds for which an organisation that had to be sent back is not waited for again
COST_BITS = 8
BUCKET_BITS = 23
LEAST_STEP = 1 << 17  # least that a computation is charged, in tag units: no organisation alone fills a bucket
GRAIN = 1 << BUCKET_BITS  # tag units in a bucket
ELEVATED_CREDIT = 16 << BUCKET_BITS
CRITICAL_CREDIT = 64 << BUCKET_BITS
CREDIT = (0, ELEVATED_CREDIT, CRITICAL_CREDIT)  # by priority
BUCKETS = 3968  # from the first on in which computations may wait: 128 slots of 31
FULL = 255  # computations in one bucket
MAX_SPILL = 16  # buckets that are looked at when one is full
LAYERS = 64  # gate layers in a depth class
QUOTA_SECONDS = 86_400


class BacklogFull(QcrsError):
    """The organisation has too much waiting: its next computation would stand behind the last bucket.

    Attributes:
        bucket: Where it would have stood. ahead: How far that is from the first bucket. limit: The most.
    """

    def __init__(self, bucket: int, ahead: int, limit: int) -> None:
        super().__init__(
            f"bucket {bucket} is {ahead} after the first, or full: expected {limit} at most; wait until earlier"
            " computations of the organisation have been served"
        )
        self.bucket, self.ahead, self.limit = bucket, ahead, limit


class QuotaExhausted(QcrsError):
    """An organisation has too little left of its quota at a priority.

    Attributes:
        organisation, priority: Whose, and of which. cost: What is needed. left: What there is. renews_at: Until when.
    """

    def __init__(self, organisation: int, priority: Priority, cost: int, left: int, renews_at: int) -> None:
        super().__init__(
            f"organisation {organisation} has {left} cost units left at priority {priority.name}, expected {cost} or"
            f" more; its quota is renewed at {renews_at}"
        )
        self.organisation, self.priority, self.cost = organisation, priority, cost
        self.left, self.renews_at = left, renews_at


def depth_class_of(layers: int) -> int:
    """Return the depth class of a circuit with so many gate *layers*: units of 64, rounded up, 1 at least."""
    return max(1, -(-layers // LAYERS))


def cost_of(qubits: int, shots: int, replicas: int, depth_class: int) -> int:
    """Return what a computation costs; *shots* are those of one replica."""
    return qubits * shots * replicas * depth_class


def may_pass(bucket: int, cost: int, longer_bucket: int, longer_cost: int, passed: int) -> bool:
    """Return whether a computation may swap buckets with a costlier one that stands a little earlier.

    Both are of one organisation, whose admin chose shortest first; the costlier has been *passed* so already.
    """
    return 0 < bucket - longer_bucket <= MAX_LEAP and cost < longer_cost and passed < MAX_PASSES


def passing_bound(weight: int, bucket: int, first: int, largest: int, displaced: int = 0) -> int:
    """Return the most cost of one other organisation that may be served in turn before a computation.

    A computation that entered *bucket* when the first one was *first* is passed only by those of a bucket no later.
    Their start tags are below the end of its bucket plus the credit of a critical one, and not below the start of the
    first one, for whoever waits stands there or later. Start tags of one organisation are as far apart as its costs or
    farther, so all of these but the last fit in between. With those that are served out of turn, which stand up to
    ``REACH`` after the first, it is the bound of a bucket later by ``REACH``.

    Args:
        weight: The other organisation's.
        bucket: The bucket that the computation took; the last one, if it was sent back or exchanged.
        first: The first bucket when it entered.
        largest: Largest cost of a computation of the other organisation.
        displaced: Cost of the other organisation's computations that passed and did not stand where their tags are:
            because they were sent back or exchanged, or their bucket was full.
    """
    span = (bucket + 1 - first) * GRAIN + CRITICAL_CREDIT
    return (weight * span >> COST_BITS) + largest + displaced


def lead_bound(
    weights: tuple[int, int], largest: tuple[int, int], credit: tuple[int, int] = (0, 0), displaced: int = 0
) -> int:
    """Return by how much what two organisations are served may come to differ in a time in which both wait.

    In cost per weight, rounded up. What the one is served has tags from the first bucket at the beginning to ``REACH``
    after the first at the end; the other is served at least what it has from ``REACH`` after the first at the beginning
    to the first at the end. Both may have all of a bucket, and the largest of each may straddle an edge.

    Args:
        weights: Of the two. largest: Largest cost of a computation of each. credit: Tag units by which each is placed
            ahead at most. displaced: Cost per weight, of both, of those that did not stand where their tags are, or
            were cancelled.
    """
    straddling = sum(-(-cost // weight) for cost, weight in zip(largest, weights, strict=True))
    return straddling + ((2 * (1 + REACH) * GRAIN + sum(credit)) >> COST_BITS) + displaced


class FairQueue:
    """The queue of one noise class.

    Attributes:
        first: Number of the first bucket, which is the virtual time. Somebody waits in it unless nobody waits at all.
        waiting: Computations in all buckets.
        stalled_since: When somebody was last served in turn or sent back, or began to wait.
    """

    __slots__ = ("_counts", "first", "stalled_since", "waiting")

    def __init__(self) -> None:
        self.first = 0
        self.waiting = 0
        self.stalled_since = 0
        self._counts = bytearray(BUCKETS)

    @property
    def virtual_time(self) -> int:
        """In tag units."""
        return self.first << BUCKET_BITS

    def count(self, bucket: int) -> int:
        """Return how many wait in *bucket*."""
        return self._counts[bucket % BUCKETS] if 0 <= bucket - self.first < BUCKETS else 0

    def room(self, bucket: int) -> int:
        """Return the bucket that one more would take which is to stand in *bucket*: that, or the next that is not full.

        Raises:
            BacklogFull: *bucket* or those after it are too far from the first, or 16 in a row are full.
        """
        first, counts = self.first, self._counts
        for taken in range(bucket, bucket + MAX_SPILL):
            if taken - first >= BUCKETS:
                raise BacklogFull(taken, taken - first, BUCKETS - 1)
            if counts[taken % BUCKETS] != FULL:
                return taken
        raise BacklogFull(bucket + MAX_SPILL, bucket + MAX_SPILL - first, BUCKETS - 1)

    def enter(self, bucket: int, now: int) -> int:
        """Let one more wait in *bucket*, which is not before the first, and return the bucket that it took.

        Raises:
            BacklogFull: There is no room.
        """
        bucket = self.room(bucket)
        self._counts[bucket % BUCKETS] += 1
        if self.waiting == 0:
            self.stalled_since, self.first = now, bucket
        self.waiting += 1
        return bucket

    def leave(self, bucket: int, served_at: int | None = None) -> None:
        """Take one out of *bucket*, in which it waits; *served_at* is when it was served, if it was in turn."""
        counts = self._counts
        place = bucket % BUCKETS
        left = counts[place] = counts[place] - 1
        self.waiting -= 1
        if served_at is not None:
            self.stalled_since = served_at
        if left == 0 and bucket == self.first and self.waiting:
            while not counts[place]:
                bucket += 1
                place = bucket % BUCKETS
            self.first = bucket

    def move(self, bucket: int, finish: int, now: int) -> int:
        """Send one in turn from *bucket* back to where its organisation's next would start, and return that bucket.

        It is the bucket after the first when *finish*, a tag, is not later, and among the last when it is beyond them.
        Nothing is charged.

        Raises:
            BacklogFull: There is no room; nothing has changed.
        """
        before = self.first, self.waiting, self.stalled_since
        target = max(finish >> BUCKET_BITS, self.first + 1)
        self.leave(bucket, now)
        target = min(max(target, self.first), self.first + BUCKETS - MAX_SPILL)
        try:
            return self.enter(target, now)
        except BacklogFull:
            self.first, self.waiting, self.stalled_since = before
            self._counts[bucket % BUCKETS] += 1
            raise

    def in_turn(self, bucket: int) -> bool:
        """Return whether those in *bucket* may be allocated whatever else waits."""
        return bucket <= self.first

    def ahead(self, bucket: int) -> int:
        """Return how many wait in earlier buckets."""
        if bucket <= self.first:
            return 0
        start, end = self.first % BUCKETS, bucket % BUCKETS
        counts = self._counts
        return sum(counts[start:end]) if start < end else sum(counts[start:]) + sum(counts[:end])

    def is_stalled(self, now: int, patience: int) -> bool:
        """Return whether somebody waits, and nobody has been served in turn for *patience* seconds."""
        return self.waiting > 0 and now - self.stalled_since > patience


class Share:
    """What one organisation has asked of one noise class.

    Attributes:
        finish: Tag at which its next computation starts at the earliest.
    """

    __slots__ = ("finish",)

    def __init__(self) -> None:
        self.finish = 0

    def charge(self, queue: FairQueue, cost: int, weight: int, priority: Priority = Priority.Routine) -> int:
        """Charge a computation to the organisation, and return the bucket of *queue* that it is to enter.

        When nobody waits, nobody is owed anything, and it starts at the virtual time.

        Raises:
            BacklogFull: There is no room; nothing is charged.
        """
        now = queue.first << BUCKET_BITS
        start = self.finish
        if queue.waiting == 0 or start < now:
            start = now
        bucket = queue.room(max(now, start - CREDIT[priority]) >> BUCKET_BITS)
        step = -(-(cost << COST_BITS) // weight)  # rounded up: nobody gains by asking little at a time
        self.finish = start + max(step, LEAST_STEP)
        return bucket


@dataclass
class Quota:
    """What an organisation may submit as elevated and as critical, in cost units a period; what is left over expires.

    Attributes:
        granted: By priority above routine. used: Likewise, in *period*. period: Unix seconds / QUOTA_SECONDS.
    """

    organisation: int
    granted: dict[Priority, int]
    used: dict[Priority, int] = field(default_factory=dict)
    period: int = 0

    def spend(self, priority: Priority, cost: int, now: int) -> None:
        """Take *cost* from what is left of the running period's quota; routine computations cost none.

        Raises:
            QuotaExhausted: Too little is left; nothing is taken.
        """
        if priority == Priority.Routine:
            return
        period = now // QUOTA_SECONDS
        used = self.used if period == self.period else {}
        left = max(0, self.granted.get(priority, 0) - used.get(priority, 0))
        if cost > left:
            raise QuotaExhausted(self.organisation, priority, cost, left, (period + 1) * QUOTA_SECONDS)
        self.period, self.used = period, {**used, priority: used.get(priority, 0) + cost}
