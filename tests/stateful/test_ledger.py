"""Any order of steps, by anyone, at any time: the books balance and the chain does as predicted."""

from contextlib import ExitStack

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from qcrs.chain.codec import ContractRefused
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ENDED, ComputationStatus
from tests.job import honest, noise, rogue
from tests.scenario import World, account
from tests.stateful.model import Prediction


def split(index):
    """Return an answer with which no neighbour agrees."""
    return [honest, rogue, rogue][index % 3](index)


ANSWERS = [honest, honest, rogue, noise, split]
PICK = st.integers(0, 63)


class LedgerMachine(RuleBasedStateMachine):
    """Requesters, processors, keepers and the committee at random, against ``Prediction``."""

    world: World
    statistics: dict[str, int]

    def __init__(self):
        super().__init__()
        self.undo = ExitStack()
        self.undo.enter_context(self.world.chain.undone())
        self.predicted = Prediction(self.world)

    def teardown(self):
        for twin in self.predicted.twins:
            self.statistics[twin.status.name] = self.statistics.get(twin.status.name, 0) + 1
        self.undo.close()

    def step(self, allowed, predict, call):
        """Make a call that must succeed exactly if *allowed*, and do as *predict* says."""
        if allowed:
            predict()
        refused_as = None
        try:
            call()
        except ContractRefused as refusal:
            refused_as = refusal.name
        assert (refused_as is None) == allowed, refused_as or "should have been refused"
        assert refused_as not in ("Panic", "Revert", "Unknown")

    def twin(self, pick):
        """Return a computation that goes on, or sometimes one that does not."""
        live = [twin for twin in self.predicted.twins if twin.status not in ENDED]
        choice = live if live and pick % 8 else self.predicted.twins
        return choice[pick // 8 % len(choice)]

    with_twins = precondition(lambda self: self.predicted.twins)

    # --- requesters ---

    @initialize()
    def fund(self):
        self.world.allocator.deposit(sender=self.world.requester, value=10**9)

    @precondition(lambda self: len(self.predicted.twins) < 6)
    @rule(replicas=st.integers(3, 5), qubits=st.integers(1, 12), soon=st.booleans())
    def submit(self, replicas, qubits, soon):
        at = self.world.chain.now
        deadline = at + (100 if soon else 3_600)
        job = self.world.submit(replicas=replicas, qubits=qubits, deadline_at=deadline)
        self.predicted.submit(job, at)

    @with_twins
    @rule(pick=PICK)
    def cancel(self, pick):
        if pick % 4:
            return
        twin, cancel = self.twin(pick), self.world.allocator.cancel
        self.step(
            self.predicted.may_cancel(twin),
            lambda: self.predicted.cancel(twin),
            lambda: cancel(twin.job.id, sender=self.world.requester),
        )

    @with_twins
    @rule(pick=PICK)
    def disclose(self, pick):
        twin, disclose = self.twin(pick), self.world.verifier.disclose
        secret = twin.job.secrets[min(twin.attempt, 3) - 1]
        self.step(
            self.predicted.may_disclose(twin),
            lambda: self.predicted.open_reveals(twin, withheld=False),
            lambda: disclose(twin.job.id, secret, sender=self.world.requester),
        )

    # --- keepers ---

    @with_twins
    @rule(pick=PICK)
    def allocate(self, pick):
        twin, allocate = self.twin(pick), self.world.allocator.allocate
        self.world.beat()
        self.step(
            self.predicted.may_allocate(twin),
            lambda: self.predicted.allocate(twin),
            lambda: allocate(twin.job.id, sender=self.world.keeper),
        )

    @with_twins
    @rule(pick=PICK, name=st.sampled_from(["reallocate", "expire"]))
    def enforce(self, pick, name):
        twin, enforce = self.twin(pick), getattr(self.world.allocator, name)
        self.step(
            getattr(self.predicted, f"may_{name}")(twin),
            lambda: getattr(self.predicted, name)(twin),
            lambda: enforce(twin.job.id, sender=self.world.keeper),
        )

    @with_twins
    @rule(pick=PICK)
    def substitute(self, pick):
        twin, substitute = self.twin(pick), self.world.verifier.substituteSecret
        self.step(
            self.predicted.may_substitute(twin),
            lambda: self.predicted.open_reveals(twin, withheld=True),
            lambda: substitute(twin.job.id, sender=self.world.keeper),
        )

    @with_twins
    @rule(pick=PICK)
    def settle(self, pick):
        twin, settle = self.twin(pick), self.world.verifier.settle
        allowed = self.predicted.may_settle(twin)
        settlement = twin.job.settlement() if allowed else ([], [], [])
        sketches = {i: twin.job.sketch(i) for i in twin.indices(AssignmentStatus.Revealed)}
        self.step(
            allowed and twin.revealed > 0,
            lambda: self.predicted.settle(twin, sketches),
            lambda: settle(twin.job.id, *settlement, sender=self.world.keeper),
        )

    # --- processors ---

    @with_twins
    @rule(pick=PICK, seat=PICK, answer=st.sampled_from(ANSWERS), many=st.booleans())
    def commit(self, pick, seat, answer, many):
        twin = self.twin(pick)
        due = twin.indices(AssignmentStatus.Assigned)
        if not twin.seats or not due:
            return
        for index in due if many else [due[seat % len(due)]]:
            job, counts = twin.job, answer(index)
            self.step(
                True,
                lambda twin=twin, index=index: self.predicted.commit(twin, index),
                lambda job=job, index=index, counts=counts: job.commit(index, counts),
            )

    @with_twins
    @rule(pick=PICK, seat=PICK)
    def refuse(self, pick, seat):
        twin = self.twin(pick)
        if not twin.seats:
            return
        index = seat % len(twin.seats)
        self.step(
            self.predicted.may_refuse(twin, index),
            lambda: self.predicted.refuse(twin, index),
            lambda: twin.job.refuse(index),
        )

    @with_twins
    @rule(pick=PICK, seat=PICK, many=st.booleans())
    def reveal(self, pick, seat, many):
        twin = self.twin(pick)
        known = [index for index in range(len(twin.seats)) if index in twin.job.counts]
        if not known:
            return
        for index in known if many else [known[seat % len(known)]]:
            self.step(
                self.predicted.may_reveal(twin, index),
                lambda index=index: twin.seat(index, AssignmentStatus.Revealed),
                lambda index=index: twin.job.reveal(index),
            )

    # --- what usually comes next ---

    @with_twins
    @rule(pick=PICK, seat=PICK, answer=st.sampled_from(ANSWERS), steps=st.integers(1, 5))
    def go_on(self, pick, seat, answer, steps):
        """Take a computation some steps further; chance alone would hardly ever settle one."""
        for _ in range(steps):
            match self.twin(pick).status:
                case ComputationStatus.Queued:
                    self.allocate(pick=pick)
                case ComputationStatus.Allocated:
                    self.commit(pick=pick, seat=seat, answer=answer, many=seat % 4 != 0)
                    self.commit(pick=pick, seat=seat, answer=honest, many=True)
                case ComputationStatus.Committed:
                    self.disclose(pick=pick)
                case ComputationStatus.Revealing:
                    self.reveal(pick=pick, seat=seat, many=seat % 4 != 0)
                    self.settle(pick=pick)

    # --- money and time ---

    @rule(pick=PICK, wei=st.integers(1, 10**18))
    def bond(self, pick, wei):
        node = self.world.nodes[pick % len(self.world.nodes)]
        self.predicted.bonds[node.id] += wei
        self.world.allocator.bond(node.id, wei, sender=node.operator, value=wei)

    @rule(pick=PICK)
    def unbond(self, pick):
        if pick % 4:  # a ledger without bonds is soon idle
            return
        node, unbond = self.world.nodes[pick % len(self.world.nodes)], self.world.allocator.unbond
        self.step(
            self.predicted.leased[node.id] == 0,
            lambda: self.predicted.bonds.update({node.id: 0}),
            lambda: unbond(node.id, sender=node.operator),
        )

    @rule(pick=PICK, more=st.integers(0, 1))
    def withdraw(self, pick, more):
        holder = sorted(self.world.holders)[pick % len(self.world.holders)]
        available, withdraw = self.world.available(holder), self.world.allocator.withdraw
        self.step(more == 0, lambda: None, lambda: withdraw(available + more, sender=holder))

    @rule(more=st.integers(0, 1))
    def disburse(self, more):
        treasury, disburse = self.world.allocator.treasury(), self.world.allocator.disburse
        self.step(
            more == 0,
            lambda: None,
            lambda: disburse(account("fund"), treasury + more, sender=self.world.committee),
        )

    @rule(seconds=st.sampled_from([30, 61, 121, 300]))
    def wait(self, seconds):
        self.world.chain.advance(seconds)

    # --- always ---

    @invariant()
    def books_balance(self):
        self.world.require_balanced()
        self.world.require_leases()

    @invariant()
    def computations_are_as_predicted(self):
        for twin in self.predicted.twins:
            record = twin.job.record
            assert (record.status, record.attempt) == (twin.status, twin.attempt)
            assert record.phase_ends_at == twin.phase_ends_at
            assert (record.active, record.refused) == (twin.active, twin.refused)
            assert [(a.processor, a.status) for a in twin.job.assignments] == twin.seats
            assert (record.escrow == 0) == (twin.status in ENDED)

    @invariant()
    def queue_is_as_predicted(self):
        waiting = [twin.job.id for twin in self.predicted.queue]
        assert self.world.allocator.queueOf(1, 10) == waiting

    @invariant()
    def processors_are_as_predicted(self):
        minimum = self.predicted.policy["minimumBond"]
        for node in self.world.nodes:
            standing, bond = self.world.standing(node.id), self.predicted.bonds[node.id]
            assert standing.leased_qubits == self.predicted.leased[node.id]
            assert self.world.bonds.bondOf(node.id) == bond
            assert standing.bonded == (bond >= minimum)


def test_any_order_of_steps_keeps_the_books_and_the_predictions(world):
    world.enrol_until(8)
    machine = type("Machine", (LedgerMachine,), {"world": world, "statistics": {}})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=50,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=HealthCheck.all(),
        ),
    )
    assert set(machine.statistics) >= {status.name for status in ENDED}, machine.statistics
