"""The keepers of our queue: the rules of ``qcrs.rules.fair_queue``, and clients that hold back what is refused."""

from array import array
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush

from _allocation_workload import BLOCK_SECONDS, Workload

from qcrs.rules.fair_queue import WINDOW, BacklogFull, FairQueue, Priority, Quota, QuotaExhausted, Share

Place = Callable[[int, int, int], bool]  # computation, most and least qubits of those ahead: whether it was placed
PATIENCE_SECONDS = 2_400  # a round: the longest lease, and time to disclose and reveal


class Ours:
    """Start-time fair queueing in buckets: clients hold back what the backlog has no room for, in order.

    Attributes:
        bucket, first, entered: Of each computation: the bucket it stands or stood in, the first bucket when it entered,
            and how many had been placed by then; -1 as long as it is held back.
        guarded: (computation, organisation, cost) for each that backfill overtook, and who overtook it.
        displaced: Those that stood in a later bucket than their tags.
    """

    name = "ours"

    def __init__(self, workload: Workload, quota: int | None = None) -> None:
        self.load = workload
        self.weights = [o.weight for o in workload.organisations]
        self.queue = FairQueue()
        self.shares = [Share() for _ in self.weights]
        granted = 0 if quota is None else quota
        levels = (Priority.Elevated, Priority.Critical)
        self.quotas = [Quota(o, dict.fromkeys(levels, granted * w)) for o, w in enumerate(self.weights)]
        self.held: list[deque[int]] = [deque() for _ in self.weights]
        self.order: list[tuple[int, int]] = []
        blank = [-1] * len(workload)
        self.bucket, self.first, self.entered = (array("q", blank) for _ in range(3))
        self.guarded: list[tuple[int, int, int]] = []
        self.displaced: set[int] = set()
        self.placed = self.backfilled = self.sent_back = self.refused = 0

    def submit(self, job: int, block: int) -> None:
        """Submit, unless earlier ones of the organisation are held back."""
        held = self.held[self.load.organisation[job]]
        if held or not self._enter(job, block):
            held.append(job)

    def _enter(self, job: int, block: int) -> bool:
        load, queue = self.load, self.queue
        organisation, cost, now = load.organisation[job], load.cost[job], block * BLOCK_SECONDS
        priority = Priority.Routine
        if load.priority[job]:
            try:
                self.quotas[organisation].spend(Priority(load.priority[job]), cost, now)
                priority = Priority(load.priority[job])
            except QuotaExhausted:
                pass
        first = queue.first
        try:
            bucket = self.shares[organisation].charge(queue, cost, self.weights[organisation], priority)
        except BacklogFull:
            self.refused += 1
            return False
        queue.enter(bucket, now)
        self.bucket[job], self.first[job], self.entered[job] = bucket, first, self.placed
        heappush(self.order, (bucket, job))
        return True

    def schedule(self, place: Place, block: int) -> None:
        """Place whoever is in turn, then up to the window; send one back when nothing moves for too long."""
        for held in self.held:
            while held and self._enter(held[0], block):
                held.popleft()
        blocked: list[tuple[int, int]] = []
        order, queue, qubits = self.order, self.queue, self.load.qubits
        while order:
            bucket, job = order[0]
            ahead, most, least = 0, 0, 0
            in_turn = queue.in_turn(bucket)
            if not in_turn:
                sizes = [qubits[other] for earlier, other in blocked if earlier < bucket]
                ahead = len(sizes)
                if ahead >= WINDOW:
                    break
                most, least = max(sizes, default=0), min(sizes, default=0)
            heappop(order)
            if not place(job, most, least):
                blocked.append((bucket, job))
                continue
            queue.leave(bucket, block * BLOCK_SECONDS if in_turn else None)
            self.placed += 1
            if ahead:
                self.backfilled += 1
                organisation = self.load.organisation[job]
                cost = 0 if job in self.displaced else self.load.cost[job]
                self.guarded += [(other, organisation, cost) for earlier, other in blocked if earlier < bucket]
        for entry in blocked:
            heappush(order, entry)
        if queue.is_stalled(block * BLOCK_SECONDS, PATIENCE_SECONDS):
            self._send_back(block)

    def _send_back(self, block: int) -> None:
        bucket, job = heappop(self.order)
        finish = self.shares[self.load.organisation[job]].finish
        try:
            bucket = self.queue.move(bucket, finish, block * BLOCK_SECONDS)
            self.sent_back += 1
            self.displaced.add(job)
            self.bucket[job] = bucket
        except BacklogFull:
            self.refused += 1
        heappush(self.order, (bucket, job))

    def ended(self, job: int) -> None:
        """Nothing depends on when leases end."""
