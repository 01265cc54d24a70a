"""The orders in which waiting computations are tried: ours is that of ``qcrs.rules.fair_queue``, the others rival it.

Every policy may look past the same number of computations that do not fit now, under the same guard, and draws
processors by the same rules. A policy's ``submit`` takes a computation, its ``schedule`` places as many as it can.
"""

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
                organisation, cost = self.load.organisation[job], self.load.cost[job]
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


class _Ordered:
    """A policy that ranks single computations by a key."""

    def __init__(self, workload: Workload) -> None:
        self.load = workload
        self.weights = [o.weight for o in workload.organisations]
        self.order: list[tuple[float, int]] = []

    def submit(self, job: int, block: int) -> None:
        heappush(self.order, (self.key(job), job))

    def key(self, job: int) -> float:
        raise NotImplementedError

    def served(self, key: float) -> None:
        """Hear of the key that was placed."""

    def ended(self, job: int) -> None:
        """Nothing depends on when leases end."""

    def schedule(self, place: Place, block: int) -> None:
        order, qubits, blocked, sizes = self.order, self.load.qubits, [], []
        while order and len(blocked) < WINDOW:
            entry = heappop(order)
            if place(entry[1], max(sizes, default=0), min(sizes, default=0)):
                self.served(entry[0])
            else:
                blocked.append(entry)
                sizes.append(qubits[entry[1]])
        for entry in blocked:
            heappush(order, entry)


class Fifo(_Ordered):
    """In order of arrival."""

    name = "FIFO"

    def key(self, job: int) -> float:
        return job


class Wfq(_Ordered):
    """By finish tags, virtual time being the tag last served (self-clocked)."""

    name = "WFQ"

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.virtual = 0.0
        self.finish = [0.0] * len(self.weights)

    def key(self, job: int) -> float:
        organisation = self.load.organisation[job]
        start = max(self.virtual, self.finish[organisation])
        self.finish[organisation] = start + self.load.cost[job] / self.weights[organisation]
        return self.finish[organisation]

    def served(self, key: float) -> None:
        self.virtual = max(self.virtual, key)


class Stride(Wfq):
    """By finish tags that never catch up with virtual time: who was idle has credit."""

    name = "stride"

    def served(self, key: float) -> None:
        pass


class _Queued:
    """A policy that ranks organisations, of each of which the oldest computation counts."""

    def __init__(self, workload: Workload) -> None:
        self.load = workload
        self.weights = [o.weight for o in workload.organisations]
        self.queues: list[deque[int]] = [deque() for _ in self.weights]

    def schedule(self, place: Place, block: int) -> None:
        load, blocked, sizes = self.load, [], []
        while len(blocked) < WINDOW:
            organisation = self.next()
            if organisation is None:
                break
            job = self.queues[organisation][0]
            if place(job, max(sizes, default=0), min(sizes, default=0)):
                self.queues[organisation].popleft()
                self.served(organisation, job)
            else:
                self.set_aside(organisation)
                blocked.append(organisation)
                sizes.append(load.qubits[job])
        for organisation in reversed(blocked):
            self.put_back(organisation)


class Drr(_Queued):
    """Deficit round robin, with a quantum of four mean costs a unit of weight."""

    name = "DRR"

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.quantum = 4 * sum(workload.cost) // len(workload)
        self.deficit = [0] * len(self.weights)
        self.round: deque[int] = deque()

    def submit(self, job: int, block: int) -> None:
        organisation = self.load.organisation[job]
        if not self.queues[organisation]:
            self.round.append(organisation)
            self.deficit[organisation] = 0
        self.queues[organisation].append(job)

    def next(self) -> int | None:
        while self.round:
            organisation = self.round[0]
            if self.deficit[organisation] >= self.load.cost[self.queues[organisation][0]]:
                return organisation
            self.deficit[organisation] += self.quantum * self.weights[organisation]
            self.round.rotate(-1)
        return None

    def served(self, organisation: int, job: int) -> None:
        self.deficit[organisation] -= self.load.cost[job]
        if not self.queues[organisation]:
            self.round.popleft()

    def set_aside(self, organisation: int) -> None:
        self.round.popleft()

    def put_back(self, organisation: int) -> None:
        self.round.appendleft(organisation)

    def ended(self, job: int) -> None:
        """Nothing depends on when leases end."""


class Drf(_Queued):
    """Dominant resource fairness: whose running share of qubits or of leases, by weight, is smallest."""

    name = "DRF"

    def __init__(self, workload: Workload) -> None:
        super().__init__(workload)
        self.waiting: set[int] = set()
        self.qubits, self.leases = [0] * len(self.weights), [0] * len(self.weights)
        mean = sum(workload.qubits) / len(workload)
        self.slots = workload.capacity / mean  # leases that the fleet has room for
        self.share = [0.0] * len(self.weights)

    def submit(self, job: int, block: int) -> None:
        organisation = self.load.organisation[job]
        self.queues[organisation].append(job)
        self.waiting.add(organisation)

    def next(self) -> int | None:
        return min(self.waiting, key=self.share.__getitem__) if self.waiting else None

    def served(self, organisation: int, job: int) -> None:
        self._count(organisation, job, 1)
        if not self.queues[organisation]:
            self.waiting.remove(organisation)

    def ended(self, job: int) -> None:
        self._count(self.load.organisation[job], job, -1)

    def _count(self, organisation: int, job: int, sign: int) -> None:
        replicas = self.load.replicas[job]
        self.leases[organisation] += sign * replicas
        self.qubits[organisation] += sign * replicas * self.load.qubits[job]
        dominant = max(self.qubits[organisation] / self.load.capacity, self.leases[organisation] / self.slots)
        self.share[organisation] = dominant / self.weights[organisation]

    def set_aside(self, organisation: int) -> None:
        self.waiting.remove(organisation)

    def put_back(self, organisation: int) -> None:
        self.waiting.add(organisation)
