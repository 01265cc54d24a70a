"""Any order of steps, by anyone, at any time: the books balance and the chain does as predicted."""

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from qcrs.model.computation import ENDED, VERDICTS
from qcrs.model.dispute import DisputeKind
from tests.job import MINIMUM_SHOTS
from tests.scenario import NOBODY, account
from tests.stateful.docket import RULING_SECONDS
from tests.stateful.machine import ONE_IN_4, PICK, ComputationMachine
from tests.stateful.model import Offer

EVIDENCE = bytes(32)


class LedgerMachine(ComputationMachine):
    """Operators, plaintiffs, the council and the committee as well."""

    def __init__(self):
        super().__init__()
        self.burned_before = self.world.chain.balance(NOBODY)

    # --- bonds ---

    @rule(pick=PICK, wei=st.integers(1, 10**18))
    def bond(self, pick, wei):
        node = self.node(pick)
        bond = self.predicted.books.bonds[node.id]
        bond.wei, bond.free_at = bond.wei + wei, 0
        self.world.bonds.bond(node.id, sender=node.operator, value=wei)

    @rule(pick=PICK)
    def begin_unbonding(self, pick):
        if pick % 4:  # a ledger without bonds is soon idle
            return
        node, begin = self.node(pick // 4), self.world.bonds.beginUnbonding
        bond, free_at = (
            self.predicted.books.bonds[node.id],
            self.world.chain.now + self.world.policy["challengeSeconds"],
        )
        self.step(
            self.predicted.leased[node.id] == 0,
            lambda: setattr(bond, "free_at", free_at),
            lambda: begin(node.id, sender=node.operator),
        )

    @rule(pick=PICK, patient=ONE_IN_4)
    def unbond(self, pick, patient):
        unbonding = [number for number, bond in self.predicted.books.bonds.items() if bond.free_at]
        node = self.world.node(unbonding[pick % len(unbonding)]) if unbonding else self.node(pick)
        bond, unbond = self.predicted.books.bonds[node.id], self.world.bonds.unbond
        if patient and bond.free_at:
            self.world.chain.warp(max(self.world.chain.now, bond.free_at + pick % 2))
        allowed = 0 < bond.free_at < self.world.chain.now and bond.cases == 0
        self.step(
            allowed,
            lambda: setattr(bond, "wei", 0),
            lambda: unbond(node.id, sender=node.operator),
        )
        if allowed:
            self.count("unbonded")

    # --- what processors are willing to do ---

    @rule(
        pick=PICK,
        kind=st.sampled_from(["drain", "resume", "offer", "withdrawOffer"]),
        share=st.sampled_from([1, 2, 3, 4, 4, 5]),
        dear=ONE_IN_4,
        soon=ONE_IN_4,
    )
    def be_willing(self, pick, kind, share, dear, soon):
        node, registry = self.node(pick), self.world.registry
        if kind in ("drain", "resume"):
            self.drain(node, kind == "drain" and not self.predicted.draining)
        elif kind == "offer" and len(self.predicted.offers) < 3:
            # A quarter of the policy's price or more, and sometimes more than a small computation pays.
            price = self.predicted.policy["pricePerQubitShot"] * share // 4
            minimum = 5 * MINIMUM_SHOTS * price if dear else 0
            offer = Offer(price, minimum, self.world.chain.now + (60 if soon else 10**7))
            registry.offer(node.id, price, minimum, offer.expires_at, sender=node.operator)
            self.predicted.offers[node.id] = offer
        elif kind == "withdrawOffer":
            registry.withdrawOffer(node.id, sender=node.operator)
            self.predicted.offers.pop(node.id, None)

    def drain(self, node, draining):
        drained = self.predicted.draining
        self.world.registry.drain(node.id, draining, sender=node.daemon)
        drained.add(node.id) if draining else drained.discard(node.id)

    def node(self, pick):
        """Return a processor."""
        return self.world.nodes[pick % len(self.world.nodes)]

    # --- disputes ---

    @precondition(lambda self: any(twin.status in VERDICTS for twin in self.predicted.twins))
    @rule(pick=PICK, seat=PICK, many=st.booleans())
    def complain(self, pick, seat, many):
        judged = [t for t in self.predicted.twins if t.status in VERDICTS]
        twin = judged[pick % len(judged)]
        for index in range(len(twin.seats)) if many else [seat % len(twin.seats)]:
            self.complain_of(twin, index)

    def complain_of(self, twin, index):
        docket = self.predicted.docket
        kind, processor = docket.kind_of(twin, index), twin.seats[index][0]
        accused = kind is DisputeKind.WrongAnswer
        opener = self.world.stranger if accused else self.world.node(processor).operator
        wei, open_ = self.world.policy["slash"], self.world.disputes.open
        self.step(
            docket.may_open(twin, index),
            lambda: docket.open(twin, index, opener),
            lambda: open_(twin.job.id, index, kind, EVIDENCE, sender=opener, value=wei),
        )

    with_cases = precondition(lambda self: self.predicted.docket.cases)

    @with_cases
    @rule(pick=PICK, upheld=st.booleans(), many=st.booleans())
    def decide(self, pick, upheld, many):
        cases = self.predicted.docket.cases
        for case in list(cases) if many else [cases[-1 - pick % len(cases)]]:
            self.decide_on(case, upheld)

    def decide_on(self, case, upheld):
        docket, rule_ = self.predicted.docket, self.world.disputes.rule
        allowed = docket.may_rule(case)
        self.step(
            allowed,
            lambda: docket.rule(case, upheld),
            lambda: rule_(case.id, upheld, EVIDENCE, sender=self.world.council),
        )
        if allowed:
            self.count(f"{case.kind.name} {case.status.name}")

    @with_cases
    @rule(pick=PICK, patient=ONE_IN_4)
    def lapse(self, pick, patient):
        docket, lapse = self.predicted.docket, self.world.disputes.lapse
        case = docket.cases[pick % len(docket.cases)]
        if patient:
            self.world.chain.advance(RULING_SECONDS + pick % 2)
        allowed = docket.may_lapse(case)
        self.step(
            allowed,
            lambda: docket.lapse(case),
            lambda: lapse(case.id, sender=self.world.stranger),
        )
        if allowed:
            self.count("lapsed")

    # --- money and time ---

    @rule(pick=PICK, more=st.integers(0, 1))
    def withdraw(self, pick, more):
        holder = sorted(self.world.holders)[pick % len(self.world.holders)]
        books, withdraw = self.predicted.books, self.world.allocator.withdraw
        available = books.available[holder]
        self.step(
            more == 0,
            lambda: books.available.update({holder: -available}),
            lambda: withdraw(available + more, sender=holder),
        )

    @rule(more=st.integers(0, 1), share=st.integers(0, 3))
    def disburse(self, more, share):
        books, disburse = self.predicted.books, self.world.allocator.disburse
        wei = books.treasury + more if more else books.treasury * share // 3
        self.step(
            more == 0,
            lambda: setattr(books, "treasury", books.treasury - wei),
            lambda: disburse(account("fund"), wei, sender=self.world.committee),
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
    def money_is_where_predicted(self):
        books, allocator = self.predicted.books, self.world.allocator
        for holder in self.world.holders:
            assert tuple(allocator.balanceOf(holder)) == (books.available[holder], books.locked[holder])
        assert allocator.treasury() == books.treasury
        assert self.world.chain.balance(self.world.disputes.address) == self.predicted.docket.held
        assert self.world.chain.balance(NOBODY) - self.burned_before == books.burned

    @invariant()
    def computations_are_as_predicted(self):
        for twin in self.predicted.twins:
            record = twin.job.record
            assert (record.status, record.attempt) == (twin.status, twin.attempt)
            assert record.phase_ends_at == twin.phase_ends_at
            assert (record.active, record.refused) == (twin.active, twin.refused)
            assert (record.replicas, record.escrow) == (twin.replicas, twin.escrow.wei)
            assert [(a.processor, a.status) for a in twin.job.assignments] == twin.seats

    @invariant()
    def queue_is_as_predicted(self):
        line = self.predicted.line
        assert self.world.allocator.queueOf(1) == (line.first, len(line.buckets), line.stalled_since)
        for twin in self.predicted.twins:
            if twin.job.id in line.buckets:
                assert twin.job.record.place == line.buckets[twin.job.id]

    @invariant()
    def processors_are_as_predicted(self):
        for node in self.world.nodes:
            standing, bond = self.world.standing(node.id), self.predicted.books.bonds[node.id]
            assert standing.leased_qubits == self.predicted.leased[node.id]
            assert self.world.bonds.bondOf(node.id) == bond.wei
            assert tuple(self.world.bonds.unbondingOf(node.id)) == (bond.free_at, bond.cases)
            assert standing.bonded == self.predicted.books.may_be_drawn(node.id)
            assert standing.draining == (node.id in self.predicted.draining)
            assert standing.offered == (node.id in self.predicted.offers)
            assert standing.entry >> 20 == self.predicted.entry_level(node.id, standing.qubits)


def test_any_order_of_steps_keeps_the_books_and_the_predictions(world):
    world.enrol_until(9)
    machine = type("Machine", (LedgerMachine,), {"world": world, "statistics": {}})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=80,
            stateful_step_count=50,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=HealthCheck.all(),
        ),
    )
    rulings = {"WrongAnswer Upheld", "WrongAnswer Dismissed", "WrongFault Upheld", "WrongFault Dismissed"}
    steps = {"batch", "backfilled", "defer", "expire", "reallocate", "escalated", "unbonded", "lapsed"}
    expected = {status.name for status in ENDED} | rulings | steps
    assert set(machine.statistics) >= expected, machine.statistics
