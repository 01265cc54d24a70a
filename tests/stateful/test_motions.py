"""Any order of motions, votes, compositions and clocks: each step is predicted by the rules before it is taken."""

from contextlib import ExitStack

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from qcrs.chain.codec import ContractRefused
from qcrs.model.motion import SOURCES, MotionStatus
from qcrs.rules.replay.bodies import Body, Motion
from tests.governed import SECURITY, TEMPO, Docket
from tests.scenario import account

PEOPLE = [account(f"QuantumSecurityWorkingGroup {seat}") for seat in range(5)] + [account("sixth"), account("seventh")]
WHO = st.sampled_from(PEOPLE)
LATEST = st.integers(0, 4)
WAITS = st.sampled_from([0, 1, TEMPO.voting_seconds, TEMPO.delay_seconds, TEMPO.execution_seconds])


class MotionMachine(RuleBasedStateMachine):
    """Members, former members and strangers at random, against what ``qcrs.rules.replay`` keeps of a body."""

    docket: Docket
    statistics: dict[str, int]

    @initialize()
    def found(self):
        self.undo = ExitStack()
        self.undo.enter_context(self.docket.chain.undone())
        body = self.docket.body
        self.twin = Body(SECURITY, body.members(), body.quorum(), 1, {"delaySeconds": TEMPO.delay_seconds})
        self.calls, self.executed, self.composed = {}, 0, None

    def teardown(self):
        for motion in self.twin.motions.values():
            self.count(motion.status.name)
        self.undo.close()

    def count(self, event):
        self.statistics[event] = self.statistics.get(event, 0) + 1

    def attempt(self, allowed, call):
        """Make a call that must succeed exactly if *allowed*."""
        try:
            call()
        except ContractRefused:
            self.count("refused")
            assert not allowed
        else:
            assert allowed

    def pick(self, number):
        """Return one of the latest motions, mostly; or one that there is not."""
        return max(1, len(self.twin.motions) + 1 - number)

    @property
    def now(self):
        return self.docket.chain.now

    def open(self, id_):
        motion = self.twin.motions.get(id_)
        return motion is not None and motion.status is MotionStatus.Open

    def enter(self, id_, who, in_favour):
        """Count a vote as the rules do."""
        twin, motion = self.twin, self.twin.motions[id_]
        if in_favour:
            motion.in_favour |= twin.ballot(who)
            if motion.in_favour.bit_count() >= twin.quorum:
                motion.status = MotionStatus.Carried
                motion.executable_at = self.now + motion.delay_seconds
                motion.lapses_at = motion.executable_at + TEMPO.execution_seconds
        else:
            motion.against |= twin.ballot(who)
            if motion.against.bit_count() > len(twin.members) - twin.quorum:
                motion.status = MotionStatus.Rejected

    @rule(who=WHO, composing=st.booleans(), members=st.sets(WHO, min_size=2, max_size=6), extra=st.integers(0, 2))
    def propose(self, who, composing, members, extra):
        docket, twin = self.docket, self.twin
        listed = sorted(members)
        quorum = min(len(listed), max(2, len(listed) // 2 + 1) + extra)
        call = docket.call(SECURITY, "compose", listed, quorum) if composing else docket.counting()
        now, id_ = self.now, len(twin.motions) + 1
        arguments = (call.target, call.data, bytes(32), "")
        self.attempt(who in twin.members, lambda: docket.through(who, docket.body, "propose", *arguments))
        if who in twin.members:
            record = docket.motion(SECURITY, id_)
            digests = (record["digest"], record["callDigest"])
            motion = Motion(twin.term, who, now + TEMPO.voting_seconds, TEMPO.delay_seconds, *digests)
            twin.motions[id_] = motion
            self.calls[id_] = (call, (listed, quorum) if composing else None)
            motion.in_favour = twin.ballot(who)

    @rule(number=LATEST, who=WHO, in_favour=st.sampled_from([True, True, True, False]))
    def vote(self, number, who, in_favour):
        id_, twin, docket = self.pick(number), self.twin, self.docket
        motion = twin.motions.get(id_)
        allowed = (
            self.open(id_)
            and who in twin.members
            and motion.term == twin.term
            and self.now <= motion.voting_ends_at
            and not (motion.in_favour | motion.against) & twin.ballot(who)
        )
        digest = motion.digest if motion else bytes(32)
        if allowed:
            self.enter(id_, who, in_favour)
        self.attempt(allowed, lambda: docket.through(who, docket.body, "vote", id_, digest, in_favour))

    @rule(number=LATEST, in_favour=st.booleans())
    def settle(self, number, in_favour):
        """Have all members vote alike, so that campaigns get further than chance would."""
        id_ = self.pick(number)
        for who in list(self.twin.members):
            if self.open(id_):
                self.vote(number, who, in_favour)

    @rule(number=LATEST, who=WHO)
    def withdraw(self, number, who):
        id_, motion = self.pick(number), self.twin.motions.get(self.pick(number))
        allowed = self.open(id_) and motion.proposer == who
        self.attempt(allowed, lambda: self.docket.through(who, self.docket.body, "withdraw", id_))
        if allowed:
            motion.status = MotionStatus.Withdrawn

    @rule(number=LATEST, patient=st.booleans())
    def execute(self, number, patient):
        id_, twin, docket = self.pick(number), self.twin, self.docket
        motion = twin.motions.get(id_)
        call, composition = self.calls.get(id_, (docket.counting(), None))
        if patient and motion is not None and motion.status is MotionStatus.Carried:
            docket.chain.warp(max(self.now, motion.executable_at))
        allowed = (
            motion is not None
            and motion.status is MotionStatus.Carried
            and motion.executable_at <= self.now <= motion.lapses_at
        )
        execute = docket.body.execute
        self.attempt(allowed, lambda: execute(id_, call.target, call.data, sender=docket.stranger))
        if not allowed:
            return
        motion.status = MotionStatus.Executed
        if composition is None:
            self.executed += 1
        else:
            twin.members, twin.quorum = composition
            twin.term += 1
            self.count("composed")

    @rule(number=LATEST, patient=st.booleans())
    def expire(self, number, patient):
        id_, twin = self.pick(number), self.twin
        motion = twin.motions.get(id_)
        if patient and motion is not None:
            self.docket.chain.warp(max(self.now, max(motion.voting_ends_at, motion.lapses_at) + 1))
        to = None
        if self.open(id_):
            if motion.term != twin.term:
                to = MotionStatus.Lapsed
            elif self.now > motion.voting_ends_at:
                to = MotionStatus.Rejected
        elif motion is not None and motion.status is MotionStatus.Carried and self.now > motion.lapses_at:
            to = MotionStatus.Lapsed
        self.attempt(to is not None, lambda: self.docket.body.expire(id_, sender=self.docket.keeper))
        if to is not None:
            motion.status = to

    @rule(seconds=WAITS)
    def wait(self, seconds):
        self.docket.chain.advance(seconds)

    @invariant()
    def body_is_as_predicted(self):
        docket, twin = self.docket, self.twin
        assert docket.body.members() == twin.members
        assert (docket.body.quorum(), docket.body.term()) == (twin.quorum, twin.term)
        assert docket.target.calls() == self.executed
        assert docket.body.motionCount() == len(twin.motions)
        for id_, motion in twin.motions.items():
            assert docket.motion(SECURITY, id_) == motion.record()


def test_motions_go_as_predicted_whatever_happens():
    MotionMachine.docket, MotionMachine.statistics = Docket(), {}
    run_state_machine_as_test(
        MotionMachine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=HealthCheck.all(),
        ),
    )
    wanted = {status.name for status in SOURCES} | {"refused", "composed"}
    assert wanted <= set(MotionMachine.statistics), MotionMachine.statistics
