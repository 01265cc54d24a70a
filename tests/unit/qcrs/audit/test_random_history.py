"""Whatever people do with queues, offers and reservations, and whenever: an audit follows it."""

import random
from contextlib import suppress
from dataclasses import replace

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.errors import QcrsError
from qcrs.model.computation import ComputationStatus as C
from qcrs.model.organisation import Priority, Screen
from qcrs.model.reservation import ReservationStatus as R
from qcrs.rules.replay import LoggedEvent, timed_blocks
from tests.job import Job
from tests.scenario import Node, capability
from tests.unit.qcrs.audit.history import History
from tests.unit.qcrs.audit.live import constants_of, world_of

SEEDS, STEPS = 4, 500
QUBITS = (3, 5, 8, 20, 40)
RATE = 10**9


class NothingToDo(QcrsError):
    """Chance has chosen what nobody can do now."""


class Crowd:
    """Everybody, who do what chance has them do; what the contracts refuse is no part of history.

    Attributes:
        done: What has been done, once or more.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.world = world_of(12)
        self.jobs: list[Job] = []
        self.done: set[str] = set()
        world = self.world
        for node in world.nodes:
            world.certify(node.id, qubits=self.random.choice(QUBITS), noise_class=self.random.choice((1, 1, 1, 2)))
            world.reservations.setRate(node.id, RATE, sender=node.operator)
        self.requesters = [world.requester, *(node.operator for node in world.nodes[:3])]
        for organisation, requester in enumerate(self.requesters, 1):
            world.consortium.grantQuota(organisation, 10**6, 10**6, sender=world.committee)
            world.consortium.setWeight(organisation, organisation, sender=world.committee)
            world.consortium.chooseOrder(True, sender=requester)

    def live(self) -> None:
        """Do one thing."""
        often = [self.submit, self.allocate, self.work, self.work, self.beat]
        now_and_then = [self.pass_, self.tidy, self.wait, self.offer, self.screen, self.manage, self.reserve, self.use]
        step = self.random.choice(3 * often + now_and_then)
        with suppress(ContractRefused, NothingToDo):
            step()
            self.done.add(step.__name__)

    def node(self) -> Node:
        return self.random.choice(self.world.nodes)

    def job(self, *statuses: C) -> Job:
        fitting = [job for job in self.jobs if job.status in statuses]
        if not fitting:
            raise NothingToDo
        return self.random.choice(fitting)

    def submit(self) -> None:
        rng, price = self.random, self.world.policy["pricePerQubitShot"]
        asked = {
            "noise_class": rng.choice((1, 1, 1, 1, 2)),
            "qubits": rng.choice((1, 2, 2, 5, 18)),
            "replicas": rng.choice((1, 1, 3)),
            "priority": rng.choice((Priority.Routine, *Priority)),
            "price": price * rng.choice((2, 2, 4, 1)) // 2,
            "quantum_volume_log2": rng.choice((0, 0, 5)),
            "deadline_at": self.world.chain.now + rng.choice((600, 3_600)),
        }
        self.jobs.append(self.world.submit(requester=rng.choice(self.requesters), **asked))

    def allocate(self) -> None:
        """Draw for any that waits, past those who are ahead of it."""
        job = self.job(C.Queued)
        allocator, record = self.world.allocator, job.record
        if record.tried:
            allocator.allocate(job.id, sender=self.world.keeper)
            return
        first = allocator.queueOf(record.noise_class)[0]
        depth = (record.place - first) % 2**16
        others = ((other.id, other.record) for other in self.jobs)
        ahead = [
            id_
            for id_, r in others
            if (r.status, r.tried, r.noise_class) == (C.Queued, 0, record.noise_class)
            and (r.place - first) % 2**16 < depth
        ]
        allocator.backfill(job.id, ahead, sender=self.world.keeper)
        self.done.add("backfill" if ahead else "allocate in turn")

    def pass_(self) -> None:
        """Let a shorter one by, or send one back."""
        one, other = self.job(C.Queued), self.job(C.Queued)
        if self.random.random() < 0.5:
            self.world.allocator.exchange(one.id, other.id, sender=self.world.stranger)
            self.done.add("exchange")
        else:
            self.world.allocator.defer(one.id, sender=self.world.stranger)
            self.done.add("defer")

    def work(self) -> None:
        """Bring a running one a step further, or to its end."""
        job = self.job(C.Allocated, C.Committed, C.Revealing)
        if job.status is C.Allocated:
            if self.random.random() < 0.1:
                job.refuse(0)
            job.commit_all()
        elif job.status is C.Committed:
            job.disclose()
        else:
            job.reveal_all().settle()

    def tidy(self) -> None:
        """End what is overdue, or no longer wanted."""
        job = self.job(C.Queued, C.Allocated, C.Revealing)
        allocator = self.world.allocator
        if job.status is not C.Queued:
            allocator.reallocate(job.id, sender=self.world.keeper)
        elif self.random.random() < 0.5:
            allocator.cancel(job.id, sender=job.request_account)
        else:
            allocator.expire(job.id, sender=self.world.keeper)

    def beat(self) -> None:
        nodes = [node for node in self.world.nodes if self.random.random() < 0.7]
        self.world.beat(*nodes or [self.node()])

    def wait(self) -> None:
        self.world.chain.advance(self.random.choice((20, 70, 130, 300)))

    def offer(self) -> None:
        node, price, now = self.node(), self.world.policy["pricePerQubitShot"], self.world.chain.now
        if self.random.random() < 0.3:
            self.world.registry.withdrawOffer(node.id, sender=node.operator)
        else:
            asked = (self.random.choice((price // 2, price, 2 * price)), self.random.choice((0, 10**15)))
            self.world.registry.offer(node.id, *asked, now + self.random.choice((100, 5_000)), sender=node.operator)

    def screen(self) -> None:
        admin, other = self.random.choice(self.requesters), self.random.randrange(1, 14)
        self.world.consortium.list([other], self.random.random() < 0.5, sender=admin)
        self.world.consortium.chooseScreen(self.random.choice((Screen.Everyone, Screen.Except)), sender=admin)

    def manage(self) -> None:
        """Drain, suspend, certify or bond a processor."""
        node, world, kind = self.node(), self.world, self.random.randrange(6)
        if kind < 2:
            world.registry.drain(node.id, self.random.random() < 0.4, sender=node.daemon)
        elif kind == 2:
            world.registry.suspend(node.id, bytes(32), sender=world.security)
        elif kind == 3:
            ends_at = world.chain.now + self.random.choice((200, 10**6))
            qubits, noise_class = self.random.choice(QUBITS), self.random.choice((1, 1, 1, 2))
            declared = capability(ends_at, qubits=qubits, noise_class=noise_class).to_chain()
            version = world.registry.declareCapability(node.id, declared, "", sender=node.operator).result
            world.registry.certify(node.id, version, sender=world.certifier)
        elif kind == 4:
            world.bonds.beginUnbonding(node.id, sender=node.operator)
        else:
            world.bond(node.id)

    def reserve(self) -> None:
        world, rng = self.world, self.random
        processors = sorted(rng.sample([node.id for node in world.nodes], rng.choice((1, 2))))
        qubits, starts_at = rng.choice((1, 3, 5)), world.chain.now + rng.choice((50, 250))
        window = (starts_at, starts_at + rng.choice((30, 200)))
        price = world.reservations.priceOf(processors, qubits, window[1] - window[0])
        requester = rng.choice(self.requesters)
        world.reservations.reserve(processors, qubits, *window, RATE, sender=requester, value=price)

    def use(self) -> None:
        """Bring a reservation a step further."""
        book = self.world.reservations
        for id_ in range(1, book.reservationCount() + 1):
            held = book.reservationOf(id_)[0]
            if held["status"] not in (R.Granted, R.Prepared, R.Active):
                continue
            calls = {R.Granted: (book.prepare, book.lapse, book.cancel), R.Prepared: (book.begin, book.lapse)}
            for call in calls.get(held["status"], (book.finish,)):
                sender = self.random.choice((held["requester"], self.world.keeper, self.world.keeper))
                with suppress(ContractRefused):
                    call(id_, sender=sender)
                    self.done.add(f"{call.args[1]} a reservation")
                    break


def events_of(crowd: Crowd) -> list[LoggedEvent]:
    """Return what happened, with those block times alone that a replay reads."""
    chain = crowd.world.chain
    logged = [LoggedEvent(e.name, e.contract, e.arguments, e.block) for e in chain.log]
    timed = timed_blocks(logged)
    return [replace(e, timestamp=chain.timestamps[e.block]) if e.block in timed else e for e in logged]


@pytest.fixture(scope="module")
def crowds() -> list[Crowd]:
    everybody = [Crowd(seed) for seed in range(SEEDS)]
    for crowd in everybody:
        for _ in range(STEPS):
            crowd.live()
    return everybody


@pytest.mark.parametrize("seed", range(SEEDS))
def test_an_audit_follows_whatever_happens(crowds, seed):
    world = crowds[seed].world
    report = History(world, events_of(crowds[seed]), constants_of(world), {}).examine()
    assert report.holds, str(report.fault)


def test_everything_has_happened(crowds):
    assert set().union(*(crowd.done for crowd in crowds)) >= {
        "allocate in turn", "backfill", "beat", "defer", "exchange", "manage", "offer", "reserve", "screen", "submit",
        "tidy", "wait", "work", "prepare a reservation", "begin a reservation", "finish a reservation",
        "lapse a reservation", "cancel a reservation",
    }  # fmt: skip
