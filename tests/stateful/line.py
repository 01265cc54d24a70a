"""The fair queue of one noise class as it should be, for few enough computations that no bucket is ever full."""

from collections import Counter

from qcrs.model.organisation import Priority

BUCKET = 1 << 23  # in tag units, of which a unit of cost for each unit of weight has 256
WINDOW = 4
REACH = 64
DISTRUST_ROUNDS = 10
CREDIT = {Priority.Routine: 0, Priority.Elevated: 16 * BUCKET, Priority.Critical: 64 * BUCKET}


class Line:
    """Who waits in which bucket, by computation.

    Attributes:
        first: The bucket in turn, which is the virtual time.
        stalled_since: When somebody was last served in turn or sent back, or began to wait.
    """

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.first, self.stalled_since = 0, 0
        self._finishes: Counter[int] = Counter()
        self._distrusted: Counter[int] = Counter()

    def charge(self, organisation: int, cost: int, priority: Priority) -> int:
        """Charge an organisation of weight one; return the bucket where its computation belongs."""
        virtual_time = self.first * BUCKET
        start = max(virtual_time, self._finishes[organisation]) if self.buckets else virtual_time
        self._finishes[organisation] = start + 256 * cost
        return max(virtual_time, start - CREDIT[priority]) // BUCKET

    def enter(self, computation: int, bucket: int, now: int) -> None:
        """Let a computation wait."""
        if not self.buckets:
            self.first, self.stalled_since = bucket, now
        self.buckets[computation] = bucket

    def leave(self, computation: int, served_at: int | None = None) -> None:
        """Take a computation out; *served_at* is when it was served in turn."""
        del self.buckets[computation]
        if self.buckets:
            self.first = min(self.buckets.values())
        if served_at is not None:
            self.stalled_since = served_at

    def is_stalled(self, organisation: int, now: int, round_seconds: int) -> bool:
        """Return whether the line waits for an organisation no longer: all have waited, or it was sent back before."""
        return now > self.stalled_since + round_seconds or now <= self._distrusted[organisation]

    def send_back(self, computation: int, organisation: int, now: int, round_seconds: int) -> None:
        """Let a computation in turn wait behind all of its organisation."""
        self._distrusted[organisation] = now + DISTRUST_ROUNDS * round_seconds
        bucket = max(self._finishes[organisation] // BUCKET, self.first + 1)
        self.leave(computation, now)
        self.enter(computation, max(bucket, self.first), now)

    def is_first(self, computation: int) -> bool:
        """Return whether a computation waits, and is in turn."""
        return self.buckets.get(computation) == self.first

    def is_in_reach(self, computation: int) -> bool:
        """Return whether a computation waits near enough to the first bucket to pass others."""
        return self.buckets[computation] <= self.first + REACH

    def ahead(self, computation: int) -> list[int]:
        """Return who waits in earlier buckets, by ascending number."""
        return sorted(other for other, bucket in self.buckets.items() if bucket < self.buckets[computation])
