"""Certifications under any order of steps: the coin is always what is owed, and every end is one that was earned."""

from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qcrs.chain.codec import ContractRefused
from qcrs.model.certification import ENDED, SOURCES, CertificationStatus
from qcrs.model.processor import ProcessorStatus
from qcrs.rules.measurement import NOTHING
from tests.certified import DAY, GOOD, Trial, Trials
from tests.scenario import World

S = CertificationStatus
SCORES = (GOOD, GOOD, GOOD, NOTHING, GOOD.model_copy(update={"two_qubit_error_ppm": 100}))
SEATS = st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True)
_BUILT: list[World] = []


class Certifying(RuleBasedStateMachine):
    """Two applicants and a certified processor, seven certifiers, and everybody who may do anything."""

    @initialize()
    def begin(self):
        """Start from a consortium that is built once."""
        if not _BUILT:
            world = World(processors=7, heartbeat_seconds=30 * DAY)
            trials = Trials(world)
            trials.enlist(*world.nodes)
            terms = trials.terms | {"surprisePpm": 1_000_000}
            trials.contract.setTerms(tuple(terms.values()), sender=world.certifier)
            self.applied = [trials.applicant("first"), trials.applicant("second")]
            _BUILT.append(world)
            Certifying.built = (trials, self.applied)
        self.trials, self.applied = Certifying.built
        self.world = self.trials.world
        self._undone = self.world.chain.undone()
        self._undone.__enter__()
        self.open: list[Trial] = []
        self.seen: dict[int, CertificationStatus] = {}
        self.told: dict[tuple[int, int, int], object] = {}

    def teardown(self):
        """Undo everything."""
        if hasattr(self, "_undone"):
            self._undone.__exit__(None, None, None)

    def attempt(self, step):
        """Do *step*, or have it refused."""
        try:
            return step()
        except ContractRefused:
            return None

    @rule(which=st.integers(0, 1))
    def request(self, which):
        node, version = self.applied[which]
        trial = self.attempt(lambda: self.trials.request(node, version))
        if trial is not None:
            self.open.append(trial)

    @rule(which=st.integers(0, 8))
    def surprise(self, which):
        nodes = [node for node, _ in self.applied] + self.world.nodes[:7]
        self.attempt(lambda: self.trials.contract.openEpoch(sender=self.world.keeper))
        price = 3 * self.trials.terms["fee"] + 5 * self.world.bounty
        value = max(0, price - self.trials.contract.reserveOf(nodes[which].id))
        trial = self.attempt(lambda: self.trials.surprise(nodes[which], value=value))
        if trial is not None:
            self.open.append(trial)

    @rule(seconds=st.sampled_from([1, 100, 300, 900, DAY]))
    def wait(self, seconds):
        self.world.chain.advance(seconds)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 3))
    def convene(self, which):
        trial = self.open[which % len(self.open)]
        self.attempt(lambda: trial.contract.convene(trial.id, sender=self.world.keeper))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 3), seats=SEATS)
    def reveal_salts(self, which, seats):
        trial = self.open[which % len(self.open)]
        if trial.status is S.Convened:
            for seat in seats:
                self.attempt(lambda s=seat: trial.reveal_salt(s))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 3))
    def answer(self, which):
        trial = self.open[which % len(self.open)]
        self.attempt(trial.answer)

    @precondition(lambda self: self.open)
    @rule(
        which=st.integers(0, 3),
        seats=SEATS,
        score=st.sampled_from(SCORES),
    )
    def commit(self, which, seats, score):
        trial = self.open[which % len(self.open)]
        if trial.status is S.Answered:
            for seat in seats:
                if self.attempt(lambda s=seat: trial.commit(s, score)) is not None:
                    self.told[trial.id, trial.record.round, seat] = score

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 3), seats=SEATS)
    def reveal(self, which, seats):
        trial = self.open[which % len(self.open)]
        if trial.status is S.Scoring:
            round_ = trial.record.round
            for seat in seats:
                score = self.told[trial.id, round_, seat]
                self.attempt(lambda s=seat, m=score: trial.reveal(s, m))

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 3))
    def carry_on(self, which):
        """Let everybody do what is due of one, so that many come to their end."""
        trial = self.open[which % len(self.open)]
        status, round_ = trial.status, trial.record.round
        if status is S.Requested:
            self.attempt(trial.convene)
        elif status is S.Convened:
            self.reveal_salts(which, [0, 1, 2])
        elif status is S.Challenged:
            self.attempt(trial.answer)
        elif status is S.Answered:
            self.commit(which, [0, 1, 2], GOOD)
        elif status is S.Scoring and (trial.id, round_, 0) in self.told:
            self.reveal(which, [0, 1, 2])

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 3))
    def enforce(self, which):
        trial = self.open[which % len(self.open)]
        self.attempt(trial.enforce)

    @rule(which=st.integers(0, 6), leaves=st.booleans())
    def change_the_pool(self, which, leaves):
        node = self.world.nodes[which]
        step = (lambda: self.trials.contract.delist(node.id, sender=node.operator)) if leaves else None
        self.attempt(step or (lambda: self.trials.enlist(node)))

    @invariant()
    def the_coin_is_what_is_owed(self):
        if hasattr(self, "trials"):
            self.trials.require_balanced()

    @invariant()
    def moves_are_edges_and_ends_are_earned(self):
        for trial in getattr(self, "open", []):
            status, before = trial.status, self.seen.get(trial.id, S.Unset)
            assert status == before or self._is_reachable(before, status)
            assert status not in ENDED or trial.record.escrow == 0
            if status is S.Certified and before is not S.Certified:
                assert self.world.status(trial.node.id) is ProcessorStatus.Certified
                round_ = trial.record.round
                assert [self.told[trial.id, round_, seat] for seat in range(3)] == [GOOD] * 3
            self.seen[trial.id] = status
            event(status.name)

    def _is_reachable(self, start, end):
        reached, frontier = set(), {start}
        while frontier:
            frontier = {to for to, sources in SOURCES.items() if sources & frontier} - reached
            reached |= frontier
        return end in reached


TestCertifying = Certifying.TestCase
TestCertifying.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
