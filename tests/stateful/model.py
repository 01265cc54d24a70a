"""What the chain should do, predicted in Python: statuses, deadlines, draws, leases and money.

Every move of a status goes through ``advance`` of ``qcrs.model``, so an edge that is missing there,
or too many, shows as a difference from the chain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from qcrs.model import assignment, computation
from qcrs.model.assignment import ON_DUTY, AssignmentStatus
from qcrs.model.computation import ESCALATION, MAX_ASSIGNMENTS, MAX_ATTEMPTS, ComputationStatus
from qcrs.rules import commitment
from qcrs.rules.agreement import Judgement, Verdict, judge, quorum_of
from qcrs.rules.count_sketch import unpack
from tests.draws import expected_draw
from tests.job import Job
from tests.scenario import World, round_seconds
from tests.stateful.docket import Docket
from tests.stateful.line import WINDOW, Line
from tests.stateful.money import Books, Escrow


@dataclass
class Offer:
    """What a processor asks: wei a qubit-shot and a computation, until when."""

    price: int
    minimum: int
    expires_at: int


@dataclass
class Twin:
    """One computation as it should be."""

    job: Job
    escrow: Escrow
    status: ComputationStatus = ComputationStatus.Queued
    phase_ends_at: int = 0
    attempt: int = 0
    refused: int = 0
    carried: int = 0
    seats: list[tuple[int, AssignmentStatus]] = field(default_factory=list)

    @property
    def replicas(self) -> int:
        """Replicas asked for, escalations included."""
        return self.escrow.replicas

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

    def may_escalate(self, lost: int, now: int) -> bool:
        """Return whether more replicas can join when *lost* do not go on."""
        if now > self.deadline_at:
            return False
        enough = self.replicas + ESCALATION <= self.escrow.cap and self.attempt < MAX_ATTEMPTS
        return enough and len(self.seats) + ESCALATION + lost <= MAX_ASSIGNMENTS

    def restart(self) -> None:
        """Open another round."""
        self.attempt, self.refused = self.attempt + 1, 0

    def advance(self, to: ComputationStatus) -> None:
        """Move the computation."""
        self.status = computation.advance(self.status, to)

    def seat(self, index: int, to: AssignmentStatus) -> int:
        """Move assignment *index*; returns its processor."""
        processor, status = self.seats[index]
        self.seats[index] = (processor, assignment.advance(status, to))
        return processor


class Prediction:
    """The whole ledger as it should be: computations, queue, leases, offers, money and disputes.

    Each ``may_*`` says whether the chain will take a step now; each other method takes it.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.twins: list[Twin] = []
        self.line = Line()
        self.offers: dict[int, Offer] = {}
        self.draining: set[int] = set()
        self.policy = world.policy
        self.leased = {node.id: 0 for node in world.nodes}
        self.books = Books(world)
        self.docket = Docket(self.books)

    @property
    def now(self) -> int:
        """The chain's clock."""
        return self.world.chain.now

    def submit(self, job: Job, at: int) -> None:
        """A computation was submitted at the time *at*."""
        request = job.request
        escrow = Escrow(job.escrow, self.world.bounty, request.replicas, request.replica_cap)
        self.books.lock(escrow)
        self.twins.append(Twin(job, escrow))
        cost = request.qubits * request.shots * request.replicas * request.depth_class
        bucket = self.line.charge(self.world.requesters, cost, request.priority)
        self.line.enter(job.id, bucket, at)

    def may_cancel(self, twin: Twin) -> bool:
        return twin.status is ComputationStatus.Queued and not twin.seats

    def cancel(self, twin: Twin) -> None:
        self.line.leave(twin.job.id)
        twin.advance(ComputationStatus.Cancelled)
        self.books.unlock(twin.escrow)
        self.books.give_back_allocation()

    def may_defer(self, twin: Twin) -> bool:
        stalled = self.line.is_stalled(self.world.requesters, self.now, round_seconds(self.world))
        return self.line.is_first(twin.job.id) and stalled and len(self.drawn(twin)) < twin.replicas

    def defer(self, twin: Twin) -> None:
        self.line.send_back(twin.job.id, self.world.requesters, self.now, round_seconds(self.world))

    # --- the draw ---

    def drawn(self, twin: Twin, ahead: Sequence[int] = ()) -> list[int]:
        """Return whom a draw would take, in order, sparing those *ahead*: too few when it would revert."""
        widths = [other.job.request.qubits for other in self.twins if other.job.id in ahead]
        return expected_draw(
            self.world.registry,
            commitment.draw_seed_of(self.world.allocator.beacon(), twin.job.id, len(twin.seats)),
            twin.job.request.noise_class,
            twin.job.request.qubits,
            twin.replicas - twin.active,
            self.world.requesters,
            tried=[processor for processor, _ in twin.seats],
            on_duty=[processor for processor, status in twin.seats if status in ON_DUTY],
            spared=(min(sum(widths), 255), min(widths, default=255)),
            is_wanted=lambda processor: self.is_wanted(processor, twin),
        )

    def is_wanted(self, processor: int, twin: Twin) -> bool:
        """Return whether a computation pays what a processor asks."""
        request, pay = twin.job.request, twin.escrow.pay
        bid = pay // (request.qubits * request.shots)
        offer = self.offers.get(processor)
        if offer is None:
            return bid >= self.policy["pricePerQubitShot"]
        return offer.expires_at > self.now and offer.price <= bid and offer.minimum <= pay

    def may_allocate(self, twin: Twin) -> bool:
        if twin.status is not ComputationStatus.Queued or self.now > twin.deadline_at:
            return False
        due = bool(twin.seats) or self.line.is_first(twin.job.id)
        return due and len(self.drawn(twin)) == twin.replicas - twin.active

    def allocate(self, twin: Twin) -> None:
        self._seat(twin, self.drawn(twin), in_turn=True)

    def may_backfill(self, twin: Twin, ahead: Sequence[int]) -> bool:
        waits = twin.job.id in self.line.buckets and self.now <= twin.deadline_at
        if not waits or list(ahead) != self.line.ahead(twin.job.id) or len(ahead) >= WINDOW:
            return False
        if not self.line.is_in_reach(twin.job.id):
            return False
        return len(self.drawn(twin, ahead)) == twin.replicas

    def backfill(self, twin: Twin, ahead: Sequence[int]) -> None:
        self._seat(twin, self.drawn(twin, ahead), in_turn=not ahead)

    def _seat(self, twin: Twin, processors: Sequence[int], in_turn: bool) -> None:
        if not twin.seats:
            self.line.leave(twin.job.id, self.now if in_turn else None)
            self.books.pay_allocation()
            twin.attempt = 1
        for processor in processors:
            status = assignment.advance(AssignmentStatus.Unset, AssignmentStatus.Assigned)
            twin.seats.append((processor, status))
            self.leased[processor] += twin.job.request.qubits
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
        twin.refused += 1
        quorate = twin.refused >= twin.quorum
        self._end(twin, index, AssignmentStatus.Excused if quorate else AssignmentStatus.Refused)
        for other in twin.indices(AssignmentStatus.Refused) if quorate else ():
            twin.seat(other, AssignmentStatus.Excused)
        if twin.refused >= twin.quorum or twin.is_spent:
            self._fail(twin)
        elif twin.status is not ComputationStatus.Queued:
            self._requeue(twin)

    def may_disclose(self, twin: Twin) -> bool:
        return twin.status is ComputationStatus.Committed and not twin.escrow.withheld

    def may_substitute(self, twin: Twin) -> bool:
        return twin.status is ComputationStatus.Committed and self.now > twin.phase_ends_at

    def open_reveals(self, twin: Twin, withheld: bool) -> None:
        if withheld and not twin.escrow.withheld:
            twin.escrow.withheld = True
            self.books.spend(twin.escrow, self.world.bounty, bounty=self.world.bounty)
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
        indices = twin.indices(AssignmentStatus.Revealed)
        judgement = self._judge(twin, [sketches[index] for index in indices])
        silent = twin.indices(AssignmentStatus.Committed)
        for index in silent:
            self._end(twin, index, AssignmentStatus.Silent)
        if not judgement.members and twin.may_escalate(len(silent), self.now):
            self._escalate(twin, judgement.verdict, indices)
            return
        twin.advance(ComputationStatus[judgement.verdict.name])
        twin.phase_ends_at = self.now + self.policy["challengeSeconds"]
        paid = []
        for place, index in enumerate(indices):
            fate = AssignmentStatus.Released
            if judgement.verdict is Verdict.Accepted:
                accepted = judgement.members >> place & 1
                fate = AssignmentStatus.Accepted if accepted else AssignmentStatus.Outlier
            processor = self._end(twin, index, fate)
            if judgement.verdict is not Verdict.Rejected and fate is not AssignmentStatus.Outlier:
                paid.append(processor)
        pay = twin.escrow.pay
        self.books.spend(twin.escrow, twin.escrow.wei, paid, pay, self.world.bounty)
        twin.escrow.wei = pay if paid else 0  # what the chain keeps on record

    def _judge(self, twin: Twin, sketches: list[list[int]]) -> Judgement:
        request = twin.job.request
        unpacked = [unpack(sketch, request.outcome_bits) for sketch in sketches]
        judgement = judge(unpacked, request.outcome_bits, request.shots, twin.quorum)
        if twin.replicas == 1 and judgement.verdict is not Verdict.Rejected:
            return Judgement(Verdict.Unverified, 1)
        return judgement

    def _escalate(self, twin: Twin, verdict: Verdict, revealed: list[int]) -> None:
        twin.restart()
        for index in revealed:
            twin.seat(index, AssignmentStatus.Committed)
        if verdict is Verdict.Inconclusive:
            twin.carried = len(twin.seats)
        twin.escrow.replicas += ESCALATION
        self.books.spend(twin.escrow, self.world.bounty, bounty=self.world.bounty)
        self._requeue(twin)

    def may_reallocate(self, twin: Twin) -> bool:
        if self.now <= twin.phase_ends_at:
            return False
        revealing = twin.status is ComputationStatus.Revealing and twin.revealed < twin.quorum
        return revealing or twin.status is ComputationStatus.Allocated

    def reallocate(self, twin: Twin) -> None:
        revealing = twin.status is ComputationStatus.Revealing
        late = twin.indices(AssignmentStatus.Committed if revealing else AssignmentStatus.Assigned)
        before = self.books.treasury
        for index in late:
            self._end(twin, index, AssignmentStatus.Silent)
        seized = self.books.treasury - before
        ready = twin.indices(AssignmentStatus.Revealed)
        self.books.divide(seized, [self._end(twin, index, AssignmentStatus.Released) for index in ready])
        if revealing:
            twin.restart()
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
        if not twin.seats:
            self.line.leave(twin.job.id)
            self.books.give_back_allocation()
        self._fail(twin, self.world.bounty)

    # --- the index ---

    def entry_level(self, processor: int, qubits: int) -> int:
        """Return one more than the level of the list in which a processor is; 0 when in none."""
        free = qubits - self.leased[processor]
        can_work = self.books.may_be_drawn(processor) and processor not in self.draining
        return free.bit_length() if can_work else 0

    def _end(self, twin: Twin, index: int, fate: AssignmentStatus) -> int:
        processor = twin.seat(index, fate)
        self.leased[processor] -= twin.job.request.qubits
        if fate in (AssignmentStatus.Outlier, AssignmentStatus.Silent):
            self.books.slash(processor)
        return processor

    def _requeue(self, twin: Twin) -> None:
        twin.advance(ComputationStatus.Queued)
        twin.phase_ends_at = self.now + round_seconds(self.world)

    def _fail(self, twin: Twin, bounty: int = 0) -> None:
        pay = twin.escrow.pay
        on_duty = twin.indices(*ON_DUTY)
        processors = [self._end(twin, index, AssignmentStatus.Released) for index in on_duty]
        # Whoever could not tell before an escalation was to be paid then.
        paid = [p for index, p in zip(on_duty, processors, strict=True) if index < twin.carried]
        twin.advance(ComputationStatus.Failed)
        self.books.spend(twin.escrow, twin.escrow.wei, paid, pay, bounty)
