"""The keepers of our queue: the rules of ``qcrs.rules.fair_queue``, and clients that hold back what is refused."""

from array import array
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Sequence
from heapq import heappop, heappush

from _allocation_workload import BLOCK_SECONDS, Workload

from qcrs.rules.fair_queue import (
    BUCKET_BITS,
    CREDIT,
    DISTRUST_ROUNDS,
    MAX_LEAP,
    REACH,
    WINDOW,
    BacklogFull,
    FairQueue,
    Priority,
    Quota,
    QuotaExhausted,
    Share,
    may_pass,
)

Place = Callable[[int, int, int], bool]  # computation, and what guard returns: whether it was placed
PATIENCE_SECONDS = 2_400  # a round: the longest lease, and time to disclose and reveal
MOST_QUBITS = 255  # that the guard of backfill counts


def guard(sizes: Sequence[int]) -> tuple[int, int]:
    """Return the qubits that those ahead ask for together, and the fewest that one asks for; zeros if nobody is."""
    return min(MOST_QUBITS, sum(sizes)), min(sizes, default=0)


class Ours:
    """Start-time fair queueing in buckets: clients hold back what the backlog has no room for, in order.

    Attributes:
        bucket, first, entered: Of each computation: the bucket it stands or stood in, the first bucket when it entered,
            and how many had been placed by then; -1 as long as it is held back.
        guarded: (computation, the one that overtook it by backfill).
        displaced: Those that stood elsewhere than their tags: sent back, exchanged, or their bucket was full.
        first_sent_back: Block in which the first was sent back.
    """

    name = "ours"

    def __init__(self, workload: Workload, quota: int | None = None, shortest_first: Collection[int] = ()) -> None:
        self.load = workload
        self.weights = [o.weight for o in workload.organisations]
        self.queue = FairQueue()
        self.shares = [Share() for _ in self.weights]
        granted = 0 if quota is None else quota
        levels = (Priority.Elevated, Priority.Critical)
        self.quotas = [Quota(o, dict.fromkeys(levels, granted * w)) for o, w in enumerate(self.weights)]
        self.held: list[deque[int]] = [deque() for _ in self.weights]
        self.order: list[tuple[int, int]] = []  # a heap, in which entries of those that moved on are stale
        self.lines: dict[int, dict[int, set[int]]] = {o: defaultdict(set) for o in shortest_first}
        blank = [-1] * len(workload)
        self.bucket, self.first, self.entered = (array("q", blank) for _ in range(3))
        self.gone, self.passes = bytearray(len(workload)), bytearray(len(workload))
        self.distrusted = [-1] * len(self.weights)
        self.guarded: list[tuple[int, int]] = []
        self.displaced: set[int] = set()
        self.first_sent_back: int | None = None
        self.placed = self.backfilled = self.sent_back = self.sent_at_once = self.refused = self.exchanged = 0

    def submit(self, job: int, block: int) -> None:
        """Submit, unless earlier ones of the organisation are held back."""
        held = self.held[self.load.organisation[job]]
        if held or not self._enter(job, block):
            held.append(job)

    def schedule(self, place: Place, block: int) -> None:
        """Place whoever is in turn, then up to the window; send back who may be, and then place again."""
        for held in self.held:
            while held and self._enter(held[0], block):
                held.popleft()
        moved: set[int] = set()
        while self._send_back(self._place(place, block), block, moved):
            pass

    def ended(self, job: int) -> None:
        """Nothing depends on when leases end."""

    def _enter(self, job: int, block: int) -> bool:
        load, queue = self.load, self.queue
        organisation, cost, now = load.organisation[job], load.cost[job], block * BLOCK_SECONDS
        share, quota = self.shares[organisation], self.quotas[organisation]
        priority, spent = Priority.Routine, (quota.used, quota.period)
        if load.priority[job]:
            try:
                quota.spend(Priority(load.priority[job]), cost, now)
                priority = Priority(load.priority[job])
            except QuotaExhausted:
                pass
        first, time = queue.first, queue.virtual_time
        start = max(time, share.finish) if queue.waiting else time
        try:
            bucket = share.charge(queue, cost, self.weights[organisation], priority)
        except BacklogFull:
            quota.used, quota.period = spent
            self.refused += 1
            return False
        queue.enter(bucket, now)
        self.first[job], self.entered[job] = first, self.placed
        if bucket > max(time, start - CREDIT[priority]) >> BUCKET_BITS:
            self.displaced.add(job)
        self._stand(job, bucket)
        if organisation in self.lines:
            self._exchange(job, self.lines[organisation])
        return True

    def _stand(self, job: int, bucket: int) -> None:
        line = self.lines.get(self.load.organisation[job])
        if line is not None:
            line[self.bucket[job]].discard(job)
            line[bucket].add(job)
        self.bucket[job] = bucket
        heappush(self.order, (bucket, job))

    def _exchange(self, job: int, line: dict[int, set[int]]) -> None:
        """Let one that has just come in take places of costlier ones of its organisation, as often as it may."""
        cost, passes = self.load.cost, self.passes
        while True:
            bucket = self.bucket[job]
            longer = [
                other
                for earlier in range(max(self.queue.first, bucket - MAX_LEAP), bucket)
                for other in line.get(earlier, ())
                if may_pass(bucket, cost[job], earlier, cost[other], passes[other])
            ]
            if not longer:
                return
            other = min(longer, key=lambda each: (self.bucket[each], each))
            passes[other] += 1
            self.exchanged += 1
            self.displaced.update((job, other))
            earlier = self.bucket[other]
            self._stand(other, bucket)
            self._stand(job, earlier)

    def _place(self, place: Place, block: int) -> list[int]:
        """Place as many as can be; return those in turn that could not."""
        blocked: list[tuple[int, int]] = []
        order, queue, qubits = self.order, self.queue, self.load.qubits
        while order:
            bucket, job = entry = order[0]
            if self.gone[job] or self.bucket[job] != bucket or (blocked and blocked[-1] == entry):
                heappop(order)
                continue
            ahead: list[int] = []
            in_turn = queue.in_turn(bucket)
            if not in_turn:
                ahead = [other for earlier, other in blocked if earlier < bucket]
                if len(ahead) >= WINDOW or bucket > queue.first + REACH:
                    break
            heappop(order)
            if not place(job, *guard([qubits[other] for other in ahead])):
                blocked.append(entry)
                continue
            queue.leave(bucket, block * BLOCK_SECONDS if in_turn else None)
            self._leave(job)
            if ahead:
                self.backfilled += 1
                self.guarded += [(other, job) for other in ahead]
        for entry in blocked:
            heappush(order, entry)
        return [job for bucket, job in blocked if queue.in_turn(bucket)]

    def _leave(self, job: int) -> None:
        self.placed += 1
        self.gone[job] = 1
        line = self.lines.get(self.load.organisation[job])
        if line is not None:
            line[self.bucket[job]].discard(job)

    def _send_back(self, stuck: list[int], block: int, moved: set[int]) -> bool:
        """Send back whoever of *stuck* may be, once a block; tell whether there were any.

        They were drawn for in vain just now, so the contract does not find them placeable either.
        """
        queue, now, before = self.queue, block * BLOCK_SECONDS, len(moved)
        for job in stuck:
            organisation = self.load.organisation[job]
            at_once = now <= self.distrusted[organisation]
            if job in moved or not (at_once or queue.is_stalled(now, PATIENCE_SECONDS)):
                continue
            try:
                bucket = queue.move(self.bucket[job], self.shares[organisation].finish, now)
            except BacklogFull:
                self.refused += 1
                continue
            moved.add(job)
            if self.first_sent_back is None:
                self.first_sent_back = block
            self.sent_back += 1
            self.sent_at_once += at_once
            self.distrusted[organisation] = now + DISTRUST_ROUNDS * PATIENCE_SECONDS
            self.displaced.add(job)
            self._stand(job, bucket)
        return len(moved) > before
