"""Everything that moves queues, leases and the index, in any order, by anyone, at any time.

What must hold after each step: each processor that can be drawn is where its free qubits say, once, and its entry knows
where; each class's queue counts those that wait and nobody else, and its first bucket has somebody in it; nobody has
leased more qubits than it has. At the end, the books balance.
"""

import random

from qcrs.chain.codec import ContractRefused
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.organisation import Priority
from qcrs.model.processor import ProcessorStatus
from qcrs.model.reservation import ReservationStatus
from tests.allocation import ahead_of, bucket_of, first_of, is_waiting, join, require_exact_index, stall
from tests.job import honest, rogue
from tests.scenario import World, capability, round_seconds

CLASSES = (1, 2)
RATE = 1_000
KINDS = """
    submit submit submit submit allocate allocate allocate allocate backfill backfill defer exchange cancel expire
    commit disclose reveal settle refuse reallocate silence wait wait beat drain certify suspend offer
    reserve prepare begin finish lapse
""".split()
HISTORIES, STEPS = 25, 70


class Play:
    """One history."""

    def __init__(self, world: World, reached: set) -> None:
        self.world, self.reached, self.jobs = world, reached, []
        self.accounts = [world.requester, join(world, "second", 7).account, join(world, "third", 3).account]
        for person in self.accounts:
            world.consortium.chooseOrder(True, sender=person)
        for organisation in range(1, world.consortium.organisationCount() + 1):
            world.consortium.grantQuota(organisation, 10**8, 10**8, sender=world.committee)
        for node in world.nodes:
            world.reservations.setRate(node.id, RATE, sender=node.operator)

    def step(self, kind: str, pick: int, qubits: int) -> None:
        """Take a step, which may be refused, but by an error with a name."""
        try:
            getattr(self, kind)(pick, qubits)
        except ContractRefused as refusal:
            if refusal.name in ("Panic", "Revert", "Unknown"):
                raise
        else:
            self.reached.add(kind)

    # --- what requesters and keepers do ---

    def submit(self, pick, qubits):
        changes = {"priority": Priority(pick % 3), "noise_class": 1 + (pick // 7 % 5 == 0), "payload": b""}
        changes |= {"replicas": [3, 3, 5, 1][pick % 4], "deadline_at": self.world.chain.now + 100 + pick % 5_000}
        account = self.accounts[pick // 3 % 3]
        self.jobs.append(self.world.submit(account, qubits=qubits, depth_class=1 + pick % 9, **changes))

    def pick(self, pick, *statuses, waiting=False):
        """Return one of the jobs in *statuses*, or stop the step as refused."""
        jobs = [job for job in self.jobs if not statuses or job.status in statuses]
        jobs = [job for job in jobs if not waiting or is_waiting(job)]
        if not jobs:
            raise ContractRefused("NobodyThere", {})
        return jobs[pick % len(jobs)]

    def allocate(self, pick, _):
        jobs = [job for job in self.jobs if is_waiting(job) and bucket_of(job) == first_of(self.world)]
        job = jobs[pick % len(jobs)] if jobs and pick % 4 else self.pick(pick, ComputationStatus.Queued)
        self.world.allocator.allocate(job.id, sender=self.world.keeper)

    def backfill(self, pick, _):
        job = self.pick(pick, waiting=True)
        same = [other for other in self.jobs if other.request.noise_class == job.request.noise_class]
        self.world.allocator.backfill(job.id, ahead_of(job, same), sender=self.world.keeper)

    def defer(self, pick, _):
        job = self.pick(pick, waiting=True)
        stall(self.world, job.request.noise_class)
        self.world.allocator.defer(job.id, sender=self.world.keeper)

    def exchange(self, pick, _):
        for shorter in self.jobs:
            for longer in self.jobs[:12]:
                try:
                    self.world.allocator.exchange(shorter.id, longer.id, sender=self.world.keeper)
                except ContractRefused:
                    continue
                return
        raise ContractRefused("NobodyThere", {})

    def cancel(self, pick, _):
        job = self.pick(pick, waiting=True)
        self.world.allocator.cancel(job.id, sender=job.request_account)

    def expire(self, pick, _):
        self.world.allocator.expire(self.pick(pick, ComputationStatus.Queued).id, sender=self.world.keeper)

    def reallocate(self, pick, _):
        running = (ComputationStatus.Allocated, ComputationStatus.Revealing)
        self.world.allocator.reallocate(self.pick(pick, *running).id, sender=self.world.keeper)

    def wait(self, pick, _):
        self.world.chain.advance([5, 30, 61, 120, 240][pick % 5])

    # --- what processors do ---

    def refuse(self, pick, _):
        job = self.pick(pick, ComputationStatus.Allocated, ComputationStatus.Queued)
        seats = job.indices(AssignmentStatus.Assigned)
        if not seats:
            raise ContractRefused("NobodyThere", {})
        job.refuse(seats[pick % len(seats)])

    def silence(self, pick, _):
        job = self.pick(pick, ComputationStatus.Allocated)
        self.world.chain.warp(max(self.world.chain.now, job.record.phase_ends_at + 1))
        self.world.allocator.reallocate(job.id, sender=self.world.keeper)

    def commit(self, pick, _):
        job = self.pick(pick, ComputationStatus.Allocated)
        job.commit_all({0: (rogue if pick % 3 == 0 else honest)(0)})

    def disclose(self, pick, _):
        self.pick(pick, ComputationStatus.Committed).disclose()

    def reveal(self, pick, _):
        self.pick(pick, ComputationStatus.Revealing).reveal_all()

    def settle(self, pick, _):
        self.pick(pick, ComputationStatus.Revealing).settle()

    def node(self, pick):
        return self.world.nodes[pick % len(self.world.nodes)]

    def beat(self, pick, _):
        chosen = [node for n, node in enumerate(self.world.nodes) if pick % 5 or pick >> n & 1]
        self.world.beat(*chosen)

    def drain(self, pick, _):
        node = self.node(pick)
        self.world.registry.drain(node.id, pick % 4 == 0, sender=node.operator)

    def offer(self, pick, _):
        node = self.node(pick)
        price = self.world.policy["pricePerQubitShot"] * (1 + pick % 2)
        self.world.registry.offer(node.id, price, 0, self.world.chain.now + pick % 10_000, sender=node.operator)

    def certify(self, pick, qubits):
        node = self.node(pick)
        expires_at = self.world.chain.now + 50 + pick % 100_000
        declared = capability(expires_at, qubits=qubits + pick % 40, noise_class=1 + pick // 5 % 2).to_chain()
        version = self.world.registry.declareCapability(node.id, declared, "", sender=node.operator).result
        self.world.registry.certify(node.id, version, sender=self.world.certifier)

    def suspend(self, pick, _):
        if pick % 3 == 0:
            self.world.registry.suspend(self.node(pick).id, bytes(32), sender=self.world.security)

    # --- reservations ---

    def reserve(self, pick, qubits):
        world, processors = self.world, sorted({self.node(pick).id, self.node(pick // 3).id})
        starts_at, duration = world.chain.now + 20 + pick % 900, 10 + pick % 500
        arguments = (processors, qubits, starts_at, starts_at + duration, RATE)
        price = world.reservations.priceOf(processors, qubits, duration)
        world.reservations.reserve(*arguments, sender=world.requester, value=price)

    def advance(self, step, pick, status, due_at):
        """Take *step* with a reservation in *status*, when it is due if it is not yet."""
        world, ids = self.world, range(1, self.world.reservations.reservationCount() + 1)
        records = {id_: world.reservations.reservationOf(id_)[0] for id_ in ids}
        ready = [id_ for id_ in ids if records[id_]["status"] == status]
        if not ready:
            raise ContractRefused("NobodyThere", {})
        id_ = ready[pick % len(ready)]
        world.chain.warp(max(world.chain.now, due_at(records[id_])))
        if pick % 4:
            world.beat()
        getattr(world.reservations, step)(id_, sender=world.keeper)

    def prepare(self, pick, _):
        self.advance("prepare", pick, ReservationStatus.Granted, lambda r: r["startsAt"] - round_seconds(self.world))

    def begin(self, pick, _):
        self.advance("begin", pick, ReservationStatus.Prepared, lambda r: r["startsAt"])

    def finish(self, pick, _):
        self.advance("finish", pick, ReservationStatus.Active, lambda r: r["endsAt"])

    def lapse(self, pick, _):
        status = ReservationStatus.Granted if pick % 2 else ReservationStatus.Prepared
        self.advance("lapse", pick, status, lambda r: r["startsAt"] + round_seconds(self.world))

    # --- what must hold ---

    def require_queues(self):
        for noise_class in CLASSES:
            first, waiting, _ = self.world.allocator.queueOf(noise_class)
            jobs = [job for job in self.jobs if job.request.noise_class == noise_class and is_waiting(job)]
            assert len(jobs) == waiting
            assert not jobs or min(map(bucket_of, jobs)) == first

    def require_index(self):
        require_exact_index(self.world, CLASSES)
        for node in self.world.nodes:
            s = self.world.registry.standingOf(node.id)
            if s["entry"]:
                assert (s["status"], s["bonded"], s["draining"]) == (ProcessorStatus.Certified, True, False)

    def require_leases(self):
        world, leased = self.world, dict.fromkeys((node.id for node in self.world.nodes), 0)
        duties = (AssignmentStatus.Assigned, AssignmentStatus.Committed, AssignmentStatus.Revealed)
        for id_ in range(1, world.reservations.reservationCount() + 1):
            record, processors = world.reservations.reservationOf(id_)
            for processor in processors if record["status"] == ReservationStatus.Active else ():
                leased[processor] += record["qubits"]
        for job in self.jobs:
            for a in job.assignments:
                leased[a.processor] += job.request.qubits if a.status in duties else 0
        for node in world.nodes:
            s = world.registry.standingOf(node.id)
            assert s["leasedQubits"] == leased[node.id] <= s["qubits"] >= s["heldQubits"]


def play(world, rng, reached):
    """Play one history."""
    history = Play(world, reached)
    world.beat()
    for _ in range(STEPS):
        history.step(rng.choice(KINDS), rng.randrange(10**6), rng.randint(1, 20))
        history.require_index()
        history.require_queues()
    history.require_leases()
    world.require_balanced()


def test_index_queues_and_leases_agree_whatever_happens():
    world, reached = World(), set()
    for qubits in (5, 33, 64):
        world.enrol(qubits=qubits)
    for processor in (1, 2, 8):
        world.enrol(qubits=20 + processor, noise_class=2)
    holders = set(world.holders)
    for number in range(HISTORIES):
        with world.chain.undone():
            play(world, random.Random(f"history {number}"), reached)
        world.holders = set(holders)
    assert reached == set(KINDS), f"never done: {sorted(set(KINDS) - reached)}"
