"""Orders that rival ours: by arrival, deficit round robin, finish tags, dominant shares, and finish tags without reset.

Every policy may look past the same number of computations that do not fit now, under the same guard, and draws
processors by the same rules. A policy's ``submit`` takes a computation, its ``schedule`` places as many as it can.
"""

from collections import deque
from heapq import heappop, heappush

from _allocation_ours import Place, guard
from _allocation_workload import Workload

from qcrs.rules.fair_queue import WINDOW


class _Ordered:
    """A policy that ranks single computations by a key."""

    def __init__(self, workload: Workload) -> None:
        self.load = workload
        self.weights = [o.weight for o in workload.organisations]
        self.order: list[tuple[float, int]] = []

    def submit(self, job: int, block: int) -> None:
        heappush(self.order, (self.key(job), job))

    def key(self, job: int) -> float:
        """Return what *job* is ranked by when it comes, the least first: its number, so the order of arrival."""
        return job

    def served(self, key: float) -> None:
        """Hear of the key that was placed."""

    def ended(self, job: int) -> None:
        """Nothing depends on when leases end."""

    def schedule(self, place: Place, block: int) -> None:
        order, qubits, blocked, sizes = self.order, self.load.qubits, [], []
        while order and len(blocked) < WINDOW:
            entry = heappop(order)
            if place(entry[1], *guard(sizes)):
                self.served(entry[0])
            else:
                blocked.append(entry)
                sizes.append(qubits[entry[1]])
        for entry in blocked:
            heappush(order, entry)


class Fifo(_Ordered):
    """In order of arrival."""

    name = "FIFO"


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
            if place(job, *guard(sizes)):
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
