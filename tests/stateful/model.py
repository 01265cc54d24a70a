"""What the chain should do, predicted in Python: statuses, deadlines, draws, leases and bonds.

Every move of a status goes through ``advance`` of ``qcrs.model``, so an edge that is missing there,
or too many, shows as a difference from the chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from qcrs.model import assignment, computation
from qcrs.model.assignment import ON_DUTY, AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules import commitment
from qcrs.rules.agreement import Verdict, judge, quorum_of
from qcrs.rules.count_sketch import unpack
from qcrs.rules.sortition import draws
from tests.job import Job
from tests.scenario import World, round_seconds

MAX_ASSIGNMENTS = 32
MAX_ATTEMPTS = 3
WINDOW = 4
VERDICTS = {
    Verdict.Accepted: ComputationStatus.Accepted,
    Verdict.Rejected: ComputationStatus.Rejected,
    Verdict.Inconclusive: ComputationStatus.Inconclusive,
}


@dataclass
class Twin:
    """One computation as it should be."""

    job: Job
    phase_ends_at: int
    status: ComputationStatus = ComputationStatus.Queued
    attempt: int = 1
    refused: int = 0
    withheld: bool = False
    seats: list[tuple[int, AssignmentStatus]] = field(default_factory=list)

    @property
    def replicas(self) -> int:
        """Replicas asked for."""
        return self.job.request.replicas

    @property
    def deadline_at(self) -> int:
        """The last moment of allocation."""
        return self.job.request.deadline_at

    def indices(self, *statuses: AssignmentStatus) -> list[int]:
        """Return the seats in one of *statuses*."""
        return [index for index, (_, status) in enumerate(self.seats) if status in statuses]

    @property
    def active(self) -> int:
        """How many are on duty."""
        return len(self.indices(*ON_DUTY))

    @property
    def revealed(self) -> int:
        """How many have revealed in this round."""
        return len(self.indices(AssignmentStatus.Revealed))

    @property
    def quorum(self) -> int:
        """How many must agree, or refuse."""
        return quorum_of(self.replicas)

    @property
    def is_spent(self) -> bool:
        """Whether replacing those who are missing would take too many processors."""
        return len(self.seats) + self.replicas - self.active > MAX_ASSIGNMENTS

    def advance(self, to: ComputationStatus) -> None:
        """Move the computation."""
        self.status = computation.advance(self.status, to)

    def seat(self, index: int, to: AssignmentStatus) -> int:
        """Move assignment *index*; returns its processor."""
        processor, status = self.seats[index]
        self.seats[index] = (processor, assignment.advance(status, to))
        return processor


class Prediction:
    """The whole ledger as it should be: computations, queue, leases and bonds.

    Each ``may_*`` says whether the chain will take a step now; each other method takes it.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.twins: list[Twin] = []
        self.queue: list[Twin] = []
        self.policy = world.policy
        self.leased = {node.id: 0 for node in world.nodes}
        self.bonds = {node.id: world.bonds.bondOf(node.id) for node in world.nodes}

    @property
    def now(self) -> int:
        """The chain's clock."""
        return self.world.chain.now

    def submit(self, job: Job, at: int) -> None:
        """A computation was submitted at the time *at*."""
        twin = Twin(job, at + round_seconds(self.world))
        self.twins.append(twin)
        self.queue.append(twin)

    def may_cancel(self, twin: Twin) -> bool:
        return twin.status is ComputationStatus.Queued and not twin.seats

    def cancel(self, twin: Twin) -> None:
        self.queue.remove(twin)
        twin.advance(ComputationStatus.Cancelled)

    # --- the draw ---

    def drawn(self, twin: Twin) -> list[int]:
        """Return whom a draw would take, in order: too few when it would revert."""
        members = self.world.registry.membersOf(twin.job.request.noise_class)
        tried = {processor for processor, _ in twin.seats}
        seed = commitment.draw_seed_of(self.world.allocator.beacon(), twin.job.id, len(twin.seats))
        order = [members[position] for position in draws(seed, len(members))]
        free = [p for p in order if p not in tried and self.is_available(p, twin)]
        return free[: twin.replicas - twin.active]

    def is_available(self, processor: int, twin: Twin) -> bool:
        """Return whether a living processor may be drawn; each has an organisation of its own."""
        capacity = self.world.standing(processor).qubits - self.leased[processor]
        return self.bonds[processor] >= self.policy["minimumBond"] and capacity >= twin.job.request.qubits

    def may_allocate(self, twin: Twin) -> bool:
        if twin.status is not ComputationStatus.Queued or self.now > twin.deadline_at:
            return False
        due = twin in self.queue[:WINDOW] or self.now > twin.phase_ends_at
        return due and len(self.drawn(twin)) == twin.replicas - twin.active

    def allocate(self, twin: Twin) -> None:
        for processor in self.drawn(twin):
            status = assignment.advance(AssignmentStatus.Unset, AssignmentStatus.Assigned)
            twin.seats.append((processor, status))
            self.leased[processor] += twin.job.request.qubits
        self.queue.remove(twin)
        twin.advance(ComputationStatus.Allocated)
        twin.phase_ends_at = self.now + self.policy["commitSeconds"]

    # --- answers ---

    def commit(self, twin: Twin, index: int) -> None:
        twin.seat(index, AssignmentStatus.Committed)
        if len(twin.indices(AssignmentStatus.Committed)) == twin.replicas:
            twin.advance(ComputationStatus.Committed)
            twin.phase_ends_at = self.now + self.policy["discloseSeconds"]

    def may_refuse(self, twin: Twin, index: int) -> bool:
        _, status = twin.seats[index]
        return status is AssignmentStatus.Assigned and self.now <= twin.phase_ends_at

    def refuse(self, twin: Twin, index: int) -> None:
        self._end(twin, index, AssignmentStatus.Refused)
        twin.refused += 1
        if twin.refused >= twin.quorum or twin.is_spent:
            self._fail(twin)
        elif twin.status is not ComputationStatus.Queued:
            self._requeue(twin)

    def may_disclose(self, twin: Twin) -> bool:
        return twin.status is ComputationStatus.Committed and not twin.withheld

    def may_substitute(self, twin: Twin) -> bool:
        return twin.status is ComputationStatus.Committed and self.now > twin.phase_ends_at

    def open_reveals(self, twin: Twin, withheld: bool) -> None:
        twin.withheld |= withheld
        twin.advance(ComputationStatus.Revealing)
        twin.phase_ends_at = self.now + self.policy["revealSeconds"]

    def may_reveal(self, twin: Twin, index: int) -> bool:
        _, status = twin.seats[index]
        return twin.status is ComputationStatus.Revealing and status is AssignmentStatus.Committed

    # --- ends ---

    def may_settle(self, twin: Twin) -> bool:
        if twin.status is not ComputationStatus.Revealing:
            return False
        overdue = self.now > twin.phase_ends_at
        return twin.revealed == twin.active or (overdue and twin.revealed >= twin.quorum)

    def settle(self, twin: Twin, sketches: Mapping[int, list[int]]) -> None:
        request = twin.job.request
        indices = twin.indices(AssignmentStatus.Revealed)
        unpacked = [unpack(sketches[index], request.outcome_bits) for index in indices]
        judgement = judge(unpacked, request.outcome_bits, request.shots, twin.quorum)
        twin.advance(VERDICTS[judgement.verdict])
        for index in twin.indices(AssignmentStatus.Committed):
            self._end(twin, index, AssignmentStatus.Silent)
        for place, index in enumerate(indices):
            fate = AssignmentStatus.Released
            if judgement.verdict is Verdict.Accepted:
                accepted = judgement.members >> place & 1
                fate = AssignmentStatus.Accepted if accepted else AssignmentStatus.Outlier
            self._end(twin, index, fate)

    def may_reallocate(self, twin: Twin) -> bool:
        if self.now <= twin.phase_ends_at:
            return False
        revealing = twin.status is ComputationStatus.Revealing and twin.revealed < twin.quorum
        return revealing or twin.status is ComputationStatus.Allocated

    def reallocate(self, twin: Twin) -> None:
        revealing = twin.status is ComputationStatus.Revealing
        late = AssignmentStatus.Committed if revealing else AssignmentStatus.Assigned
        for index in twin.indices(late):
            self._end(twin, index, AssignmentStatus.Silent)
        for index in twin.indices(AssignmentStatus.Revealed):
            self._end(twin, index, AssignmentStatus.Released)
        if revealing:
            twin.attempt, twin.refused = twin.attempt + 1, 0
        if twin.attempt > MAX_ATTEMPTS or twin.is_spent:
            self._fail(twin)
        else:
            self._requeue(twin)

    def may_expire(self, twin: Twin) -> bool:
        ends_at = twin.deadline_at
        if twin.active:
            ends_at = min(ends_at, twin.phase_ends_at)
        return twin.status is ComputationStatus.Queued and self.now > ends_at

    def expire(self, twin: Twin) -> None:
        self._fail(twin)

    def _end(self, twin: Twin, index: int, fate: AssignmentStatus) -> None:
        processor = twin.seat(index, fate)
        self.leased[processor] -= twin.job.request.qubits
        if fate in (AssignmentStatus.Outlier, AssignmentStatus.Silent):
            self.bonds[processor] -= min(self.bonds[processor], self.policy["slash"])

    def _requeue(self, twin: Twin) -> None:
        twin.advance(ComputationStatus.Queued)
        twin.phase_ends_at = self.now + round_seconds(self.world)
        self.queue.insert(0, twin)

    def _fail(self, twin: Twin) -> None:
        for index in twin.indices(*ON_DUTY):
            self._end(twin, index, AssignmentStatus.Released)
        if twin in self.queue:
            self.queue.remove(twin)
        twin.advance(ComputationStatus.Failed)
