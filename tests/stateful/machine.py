"""The steps of computations, in any order, by anyone, at any time, each predicted before it is taken."""

from contextlib import ExitStack

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from qcrs.chain.codec import ContractRefused
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ENDED, ComputationStatus
from qcrs.model.organisation import Priority
from tests.job import Job, honest, noise, rogue
from tests.scenario import World, replace_fields
from tests.stateful.model import Prediction, Twin


def split(index):
    """Return an answer with which no neighbour agrees."""
    return [honest, rogue, rogue][index % 3](index)


ANSWERS = [honest, honest, rogue, noise, split]
PICK = st.integers(0, 63)
ONE_IN_4 = st.sampled_from([True, False, False, False])


class ComputationMachine(RuleBasedStateMachine):
    """Requesters, processors and keepers at random, against ``Prediction``."""

    world: World
    statistics: dict[str, int]

    def __init__(self):
        super().__init__()
        self.undo = ExitStack()
        self.undo.enter_context(self.world.chain.undone())
        self.predicted = Prediction(self.world)
        self.focus: Twin | None = None

    def teardown(self):
        for twin in self.predicted.twins:
            self.count(twin.status.name)
        self.undo.close()

    def count(self, event):
        """Note that *event* happened: a campaign that reaches little proves little."""
        self.statistics[event] = self.statistics.get(event, 0) + 1

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
        """Return a computation that goes on, seldom one that does not, and more often one that is not out of turn."""
        if self.focus:
            return self.focus
        live, line = [twin for twin in self.predicted.twins if twin.status not in ENDED], self.predicted.line
        if pick % 4:
            live = [t for t in live if t.job.id not in line.buckets or line.is_first(t.job.id)] or live
        choice = live if live and pick % 8 else self.predicted.twins
        return choice[pick // 8 % len(choice)]

    def behind(self, pick):
        """Return a computation that waits behind others, where there is one; seldom any."""
        line = self.predicted.line
        waits = [t for t in self.predicted.twins if t.job.id in line.buckets and not line.is_first(t.job.id)]
        return waits[pick // 8 % len(waits)] if waits and pick % 8 and not self.focus else self.twin(pick)

    with_twins = precondition(lambda self: self.predicted.twins)

    # --- requesters ---

    @initialize(outvoted=st.booleans())
    def begin(self, outvoted):
        """Start with money and quotas; and, half the time, with a verdict that left one replica outside."""
        self.world.allocator.deposit(sender=self.world.requester, value=10**9)
        self.predicted.books.available[self.world.requester] += 10**9
        self.world.consortium.grantQuota(self.world.requesters, 2**40, 2**40, sender=self.world.committee)
        if outvoted:
            self.submit(count=1, replicas=5, steps=0, qubits=2, soon=False, cheap=False, priority=Priority.Routine)
            self.go_on(pick=1, seat=4, answer=rogue, steps=5)

    @precondition(lambda self: len(self.predicted.twins) < 8)
    @rule(
        count=st.sampled_from([1, 1, 1, 2]),
        replicas=st.sampled_from([1, 3, 3, 4, 5]),
        steps=st.integers(0, 2),
        qubits=st.integers(1, 12),
        soon=ONE_IN_4,
        cheap=st.sampled_from([True] + [False] * 11),  # who bids little holds others up
        priority=st.sampled_from([*Priority, Priority.Routine]),
    )
    def submit(self, count, replicas, steps, qubits, soon, cheap, priority):
        world, at = self.world, self.world.chain.now
        request = world.request(
            replicas=replicas,
            replica_cap=1 if replicas == 1 else replicas + 2 * steps,
            qubits=qubits,
            deadline_at=at + (100 if soon else 3_600),
            price=self.predicted.policy["pricePerQubitShot"] // (2 if cheap else 1),
            priority=priority,
        )
        # One alone, or several at once, of which the first is the smallest.
        requests = [replace_fields(request, qubits=qubits + more) for more in range(count)]
        wei = sum(map(world.quote, requests))
        if count == 1:
            first = world.allocator.submit(request.to_chain(), sender=world.requester, value=wei).result
        else:
            structs = [one.to_chain() for one in requests]
            first = world.allocator.submitMany(structs, sender=world.requester, value=wei).result
            self.count("batch")
        for more, one in enumerate(requests):
            self.predicted.submit(Job(world, first + more, one), at)

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
    @rule(pick=PICK, forgetful=ONE_IN_4)
    def backfill(self, pick, forgetful):
        twin, backfill, line = self.behind(pick), self.world.allocator.backfill, self.predicted.line
        ahead = line.ahead(twin.job.id)[forgetful:] if twin.job.id in line.buckets else []
        self.world.beat()
        allowed = self.predicted.may_backfill(twin, ahead)
        self.step(
            allowed,
            lambda: self.predicted.backfill(twin, ahead),
            lambda: backfill(twin.job.id, ahead, sender=self.world.keeper),
        )
        if allowed and ahead:
            self.count("backfilled")

    @with_twins
    @rule(pick=PICK, name=st.sampled_from(["reallocate", "expire", "defer"]), patient=ONE_IN_4)
    def enforce(self, pick, name, patient):
        twin, enforce = self.twin(pick), getattr(self.world.allocator, name)
        if patient:
            self.world.chain.warp(max(self.world.chain.now, twin.phase_ends_at + pick % 2))
        allowed = getattr(self.predicted, f"may_{name}")(twin)
        self.step(
            allowed,
            lambda: getattr(self.predicted, name)(twin),
            lambda: enforce(twin.job.id, sender=self.world.keeper),
        )
        if allowed:
            self.count(name)

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
        if allowed and twin.status is ComputationStatus.Queued:
            self.count("escalated")

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
                lambda job=job, index=index, counts=counts: job.commit(
                    index, counts, bundled=(job.id + index) % 2 == 1
                ),
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
    @rule(pick=PICK, seat=PICK, answer=st.sampled_from(ANSWERS), steps=st.integers(2, 6))
    def go_on(self, pick, seat, answer, steps):
        """Take a computation some steps further; chance alone would hardly ever settle one."""
        self.focus = self.twin(pick)
        for _ in range(steps):
            match self.focus.status:
                case ComputationStatus.Queued:
                    waits = self.predicted.line.buckets
                    if self.focus.job.id in waits and not self.predicted.line.is_first(self.focus.job.id):
                        self.backfill(pick=pick, forgetful=False)
                    else:
                        self.allocate(pick=pick)
                case ComputationStatus.Allocated:
                    self.commit(pick=pick, seat=seat, answer=answer, many=seat % 4 != 0)
                    self.commit(pick=pick, seat=seat, answer=honest, many=True)
                case ComputationStatus.Committed:
                    self.disclose(pick=pick)
                case ComputationStatus.Revealing:
                    self.reveal(pick=pick, seat=seat, many=seat % 4 != 0)
                    self.settle(pick=pick)
        self.focus = None
