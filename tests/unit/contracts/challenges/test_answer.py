import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import ChallengeStatus, Fault
from qcrs.rules import evidence
from qcrs.rules.digest import keccak
from qcrs.rules.histogram import Binding, pack_leaf
from tests.challenged import BITS, Accused, measured, shifted
from tests.evm import refused
from tests.scenario import NOBODY


def test_answer_in_one_step_costs_the_challenger_its_bond(world, challenges, honest_job):
    slash = world.policy["slash"]
    challenge = honest_job.demand(1)
    purse, burned = world.estate(), world.chain.balance(NOBODY)
    receipt = honest_job.answer(challenge, 1)
    assert receipt.names == ["HistogramOpened", "ChallengeEnded", "Deposited"]
    assert receipt.event("ChallengeEnded") == {
        "challenge": challenge,
        "status": ChallengeStatus.Answered,
        "returned": 0,
        "compensation": slash // 2,
    }
    assert purse.gains() == {honest_job.operator(1): slash // 2}
    assert world.chain.balance(NOBODY) - burned == slash - slash // 2
    assert honest_job.cases(1) == 0
    assert honest_job.fates[1] is AssignmentStatus.Accepted


def test_answer_can_be_given_in_parts_by_several_people(world, challenges, honest_job):
    challenge = honest_job.demand(0)
    steps = honest_job.steps(0, size=64)
    assert len(steps) > 2
    opened = []
    for step, sender in zip(steps, [world.keeper, world.stranger, *[world.requester] * len(steps)], strict=False):
        assert honest_job.challenge_status(challenge) is ChallengeStatus.Open
        event = challenges.answer(challenge, *step, sender=sender).event("HistogramOpened")
        assert event["first"] == len(opened)
        opened += event["leaves"]
    assert opened == [pack_leaf(outcome, count) for outcome, count in sorted(honest_job.counts[0].items())]
    assert honest_job.challenge_status(challenge) is ChallengeStatus.Answered


def test_each_part_gets_its_own_time(world, challenges, honest_job):
    challenge = honest_job.demand(0)
    for step in honest_job.steps(0, size=64)[:-1]:
        world.chain.warp(challenges.challengeOf(challenge)["deadlineAt"])
        event = challenges.answer(challenge, *step, sender=world.keeper).event("HistogramOpened")
        deadline = world.chain.now - 1 + world.policy["responseSeconds"]
        assert challenges.challengeOf(challenge)["deadlineAt"] == event["deadlineAt"] == deadline


def test_answer_outlasts_the_challenge_window(world, challenges, honest_job):
    world.chain.warp(honest_job.record.phase_ends_at)
    challenge = honest_job.demand(0)
    world.chain.advance(world.policy["responseSeconds"] - 1)
    honest_job.answer(challenge, 0, size=64)
    assert honest_job.challenge_status(challenge) is ChallengeStatus.Answered


@pytest.mark.parametrize("bits", [1, 4, 6, 8, 9, 20])
def test_answer_of_any_width(world, challenges, bits):
    job = Accused.submit(world, outcome_bits=bits)
    job.settled({index: measured(index, bits, outcomes=300) for index in range(3)})
    challenge = job.demand(2)
    job.answer(challenge, 2, size=100)
    assert job.challenge_status(challenge) is ChallengeStatus.Answered


# --- what is not an answer ---


def test_answer_reverts_after_the_deadline(world, challenges, honest_job):
    challenge = honest_job.demand(0)
    deadline = challenges.challengeOf(challenge)["deadlineAt"]
    world.chain.warp(deadline + 1)
    with refused("DeadlinePassed", computation=honest_job.id, deadlineAt=deadline, timestamp=deadline + 1):
        honest_job.answer(challenge, 0)


def test_answer_reverts_once_ended(world, challenges, honest_job):
    challenge = honest_job.demand(0)
    honest_job.answer(challenge, 0)
    expected = {"id": challenge, "actual": ChallengeStatus.Answered, "allowed": 1 << ChallengeStatus.Open}
    with refused("UnexpectedChallengeStatus", **expected):
        challenges.answer(challenge, *honest_job.steps(0)[0], sender=world.keeper)


def test_answer_reverts_for_a_demand_that_never_was(world, challenges, honest_job):
    with refused("UnexpectedChallengeStatus"):
        challenges.answer(1, *honest_job.steps(0)[0], sender=world.keeper)


def test_parts_come_in_order(world, challenges, honest_job):
    challenge = honest_job.demand(0)
    first, second, *_ = honest_job.steps(0, size=64)
    with refused(
        "ProgressMismatch", challenge=challenge, expected=first.progress.digest, actual=second.progress.digest
    ):
        challenges.answer(challenge, *second, sender=world.keeper)
    with refused("RunMismatch"):
        challenges.answer(challenge, first.progress, *second[1:], sender=world.keeper)
    challenges.answer(challenge, *first, sender=world.keeper)
    with refused("ProgressMismatch"):
        challenges.answer(challenge, *first, sender=world.keeper)


def test_parts_do_not_overlap(world, challenges, honest_job):
    challenge = honest_job.demand(0)
    first, second, *_ = honest_job.steps(0, size=64)
    challenges.answer(challenge, *first, sender=world.keeper)
    overlapping = honest_job.steps(0, start=32, size=64)[0]
    with refused("SiblingsUnused", needed=2, actual=3):
        challenges.answer(challenge, second.progress, *overlapping[1:], sender=world.keeper)


def test_progress_cannot_be_made_up(world, challenges, honest_job):
    challenge = honest_job.demand(0)
    (step,) = honest_job.steps(0)
    for false in (
        step.progress._replace(shots=1),
        step.progress._replace(sketch_digest=bytes(32)),
        step.progress._replace(sketch=[0] * 15 + [1]),
        step.progress._replace(sketch=[0] * 15),
    ):
        with refused("ProgressMismatch"):
            challenges.answer(challenge, false, *step[1:], sender=world.keeper)


@pytest.mark.parametrize("size", [63, 513])
def test_parts_are_bounded(world, challenges, size):
    assert (challenges.MIN_LEAVES(), challenges.MAX_LEAVES()) == (evidence.MIN_LEAVES, evidence.MAX_LEAVES)
    job = Accused.submit(world, outcome_bits=16)
    job.settled({index: measured(index, 16, outcomes=700) for index in range(3)})
    challenge = job.demand(0)
    with refused("LeavesOutOfRange", challenge=challenge, actual=size, minimum=64, maximum=512):
        challenges.answer(challenge, *job.steps(0, size=size)[0], sender=world.keeper)


# --- what the answer shows ---


def test_forged_sketch_is_refuted_at_the_end(world, challenges):
    job = Accused.submit(world).settled(bound={1: shifted(measured(1))})
    challenge = job.demand(1)
    slash, purse = world.policy["slash"], world.estate()
    receipt = job.answer(challenge, 1)
    assert job.challenge_status(challenge) is ChallengeStatus.Refuted
    assert job.fates[1] is AssignmentStatus.Disproven
    assert receipt.event("FaultProven") == {
        "computation": job.id,
        "index": 1,
        "processor": job.node(1).id,
        "fault": Fault.ForgedSketch,
        "challenger": world.stranger,
    }
    reward = (slash - job.pay) // 2
    assert purse.gains() == {
        world.requester: job.pay,
        world.stranger: slash + reward,
        "treasury": slash - job.pay - reward,
        job.operator(1): -slash,
    }
    assert job.cases(1) == 0
    assert world.bonds.bondOf(job.node(1).id) == world.policy["minimumBond"] - slash


def test_too_many_shots_are_refuted_at_once(world, challenges):
    """Leaves of twice the shots, under a root that says otherwise: no lane overflows before it shows."""
    big = dict.fromkeys(range(128), 65_535)
    job = Accused.submit(world, shots=65_535)
    job.settled(bound={2: big}, totals={2: 65_535})
    challenge = job.demand(2)
    job.answer(challenge, 2, size=64)
    assert job.challenge_status(challenge) is ChallengeStatus.Refuted


def test_too_few_shots_are_refuted_at_the_end(world, challenges):
    fewer = measured(1)
    outcome = max(fewer, key=fewer.get)
    fewer = fewer | {outcome: fewer[outcome] - 1}
    job = Accused.submit(world).settled(bound={1: fewer}, totals={1: sum(fewer.values()) + 1})
    challenge = job.demand(1)
    *steps, last = job.steps(1, size=64)
    for step in steps:
        challenges.answer(challenge, *step, sender=world.keeper)
        assert job.challenge_status(challenge) is ChallengeStatus.Open
    challenges.answer(challenge, *last, sender=world.keeper)
    assert job.challenge_status(challenge) is ChallengeStatus.Refuted


@pytest.mark.parametrize("false", [{5: 0}, {1 << BITS: 1}], ids=["no shots", "too wide"])
def test_leaf_that_cannot_be_is_refuted_at_once(world, challenges, false):
    job = Accused.submit(world).settled(bound={1: measured(1) | false}, totals={1: 4096})
    challenge = job.demand(1)
    job.answer(challenge, 1)
    assert job.challenge_status(challenge) is ChallengeStatus.Refuted


def test_outcomes_that_do_not_ascend_cannot_be_shown(world, challenges):
    """Each part ascends, but the second begins before the first: whoever bound such a tree stays silent."""
    outcomes = [*range(100, 164), *range(64)]
    leaves = [keccak(b"\x00" + x.to_bytes(32, "big") + (32).to_bytes(32, "big")) for x in outcomes]
    while len(leaves) > 64:
        leaves = [keccak(b"\x01" + a + b) for a, b in zip(leaves[::2], leaves[1::2], strict=True)]
    halves = []
    for half in (leaves[:32], leaves[32:]):
        level = half
        while len(level) > 1:
            level = [keccak(b"\x01" + a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
        halves.append(level[0])
    binding = Binding(128, 4096, keccak(b"\x01" + halves[0] + halves[1]))
    job = Accused.submit(world)
    job.binding = lambda index: binding if index == 0 else Accused.binding(job, index)
    job.settled()
    challenge = job.demand(0)
    digest = evidence.sketch_digest(job.sketch(0))
    shown = dict.fromkeys(outcomes[:64], 32)
    (step,) = evidence.answer_steps(shown, digest, BITS, job.seed)
    start = step.progress._replace(counts_root=binding.root)
    challenges.answer(challenge, start, binding, step.leaves, [halves[1]], sender=world.keeper)
    table = evidence.sketch_of(shown, BITS, job.seed)
    then = start._replace(next=64, shots=64 * 32, last=step.leaves[-1], sketch=table)
    rest = [pack_leaf(x, 32) for x in outcomes[64:]]
    with refused("OutcomesNotAscending", position=64):
        challenges.answer(challenge, then, binding, rest, [halves[0]], sender=world.keeper)
