"""Liars whose answers look right to the comparison, and challengers who are no better."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import ChallengeStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules import evidence
from tests.challenged import Accused, measured, shifted, single_shots
from tests.evm import refused


def wealth(world, *processors):
    """Return all coin that operators of *processors* have in the suite."""
    operators = {world.node(processor).operator for processor in processors}
    bonds = sum(world.bonds.bondOf(processor) for processor in processors)
    return bonds + sum(sum(world.allocator.balanceOf(operator)) for operator in operators)


def test_sketch_that_agrees_over_a_root_of_something_else(world):
    """The comparison sees sketches alone; who binds another histogram is accepted, and then loses more than it got."""
    job = Accused.submit(world).allocate()
    liar = job.node(1).id
    before = wealth(world, liar)
    job.bound = {1: shifted(measured(1))}
    job.commit_all({index: measured(index) for index in range(3)}).disclose().reveal_all().settle()
    assert job.fates[1] is AssignmentStatus.Accepted
    assert wealth(world, liar) == before + job.pay
    job.prove_forged(1)
    assert wealth(world, liar) == before + job.pay - world.policy["slash"] < before


def test_colluding_quorum_with_forged_sketches_loses_verdict_and_bonds(world):
    lie = shifted(measured(9))
    job = Accused.submit(world).settled(bound={0: lie, 1: lie})
    for index in (0, 1):
        job.prove_forged(index)
    assert job.status is ComputationStatus.Overturned
    assert job.fates == [AssignmentStatus.Disproven, AssignmentStatus.Disproven, AssignmentStatus.Accepted]


def test_root_over_fewer_shots_than_it_says(world):
    """No bucket is exceeded, and the binding says the right total: only the whole histogram shows it."""
    fewer = dict(measured(1))
    for outcome in sorted(fewer)[:5]:
        del fewer[outcome]
    job = Accused.submit(world).settled(bound={1: fewer}, totals={1: 4096})
    assert evidence.forged_sketch(fewer, evidence.sketch_of(measured(1), 12, job.seed), 12, job.seed) is None
    challenge = job.demand(1)
    job.answer(challenge, 1)
    assert job.challenge_status(challenge) is ChallengeStatus.Refuted
    assert job.fates[1] is AssignmentStatus.Disproven


def test_root_of_nothing_known_ends_in_silence(world):
    """A random root opens nowhere."""
    job = Accused.submit(world)
    job.binding = lambda index: Accused.binding(job, index)._replace(top=bytes([index] * 32))
    job.settled()
    challenge = job.demand(2)
    with refused("RunMismatch"):
        job.answer(challenge, 2)
    world.chain.warp(world.challenges.challengeOf(challenge)["deadlineAt"] + 1)
    world.challenges.enforce(challenge, sender=world.keeper)
    assert job.fates[2] is AssignmentStatus.Disproven


def test_bond_cannot_flee_before_the_window_ends(world):
    """Unbonding at once after the verdict frees the coin only when nothing can be challenged any more."""
    job = Accused.submit(world).settled(bound={1: shifted(measured(1))})
    liar = job.node(1)
    world.bonds.beginUnbonding(liar.id, sender=liar.operator)
    world.chain.warp(job.record.phase_ends_at)
    with refused("BondNotFree"):
        world.bonds.unbond(liar.id, sender=liar.operator)
    job.prove_forged(1)
    assert world.bonds.bondOf(liar.id) == world.policy["minimumBond"] - world.policy["slash"]


def test_griefing_costs_a_slash_a_seat_and_pays_the_victim(world):
    job = Accused.submit(world).settled()
    slash, before = world.policy["slash"], world.chain.balance(world.stranger)
    victims = [job.node(index).id for index in range(3)]
    rich = wealth(world, *victims)
    for index in range(3):
        challenge = job.demand(index)
        job.answer(challenge, index)
        with refused("HistogramDemandedBefore"):
            job.demand(index)
    assert before - world.chain.balance(world.stranger) == 3 * slash
    assert wealth(world, *victims) == rich + 3 * (slash // 2)
    assert job.fates == [AssignmentStatus.Accepted] * 3
    assert job.status is ComputationStatus.Accepted


def test_challenging_oneself_saves_no_slash(world):
    """A liar's friend may be the first to accuse: at most half of what is left of the slash comes back."""
    job = Accused.submit(world).allocate()
    liar, slash = job.node(1), world.policy["slash"]
    job.bound = {1: shifted(measured(1))}
    job.commit_all({index: measured(index) for index in range(3)}).disclose().reveal_all().settle()
    before = wealth(world, liar.id)
    challenge = job.demand(1, liar.operator)
    world.chain.warp(world.challenges.challengeOf(challenge)["deadlineAt"] + 1)
    world.challenges.enforce(challenge, sender=liar.operator)
    refund = slash  # the challenge bond, which came from the operator's own pocket
    assert before + refund - wealth(world, liar.id) >= job.pay + (slash - job.pay - world.bounty) // 2


def test_demanding_of_oneself_costs_half_a_slash(world):
    """To spend the one demand on a friend's behalf is no free pass: the whole histogram becomes public."""
    job = Accused.submit(world).settled()
    operator, slash = job.operator(0), world.policy["slash"]
    before = world.available(operator)
    challenge = job.demand(0, operator)
    job.answer(challenge, 0)
    assert world.available(operator) - before == slash // 2
    shown = [leaf for event in world.chain.log if event.name == "HistogramOpened" for leaf in event.arguments["leaves"]]
    assert len(shown) == len(job.counts[0])


def test_honest_answers_survive_whatever_is_tried(world):
    """Every proof there is, against every honest seat, with what the chain gives to anyone."""
    job = Accused.submit(world).settled()
    other = Accused.submit(world).settled()
    challenges, sender = world.challenges, world.stranger
    for index in range(3):
        revealed, counts = job.revealed(index), job.counts[index]
        assert evidence.forged_sketch(counts, revealed.sketch, 12, job.seed) is None
        assert evidence.malformed(counts, 12, 4096) is None
        whole = evidence.run_proofs(counts, [(0, len(counts))])
        with refused("HistogramSound"):
            challenges.proveMalformed(job.id, index, revealed, job.binding(index), whole[0], sender=sender)
        for lane in range(0, 256, 37):
            bucket = lane // 64, lane % 64, job.binding(index), whole
            with refused("SketchNotRefuted"):
                challenges.proveForgedSketch(job.id, index, revealed, *bucket, sender=sender)
        for j in range(index + 1, 3):
            with refused("AnswersIndependent"):
                challenges.proveCopy(job.id, index, revealed, j, job.revealed(j), sender=sender)
        for j in range(3):
            accusation = (job.id, index, revealed, other.id, j, other.revealed(j), evidence.Precedence())
            with refused("RootsDiffer"):
                challenges.proveReplay(*accusation, sender=sender)
        with refused("RootsDiffer" if index else "AnswerNotEarlier"):
            accusation = (job.id, index, revealed, job.id, 0, job.revealed(0), evidence.Precedence())
            challenges.proveReplay(*accusation, sender=sender)
    assert evidence.copies({index: job.sketch(index) for index in range(3)}, 12) == []


def test_late_everything(world):
    job = Accused.submit(world).settled({0: measured(7), 1: measured(7)}, bound={2: shifted(measured(2))})
    challenge = job.demand(2)
    (step,) = job.steps(2)
    deadline = world.challenges.challengeOf(challenge)["deadlineAt"]
    job.end_phase()
    assert world.chain.now > deadline
    accuser = {"sender": world.stranger}
    revealed = [job.revealed(index) for index in range(3)]
    with refused("ChallengeWindowClosed"):
        job.demand(0)
    with refused("ChallengeWindowClosed"):
        job.prove_forged(2)
    with refused("ChallengeWindowClosed"):
        world.challenges.proveCopy(job.id, 0, revealed[0], 1, revealed[1], **accuser)
    with refused("ChallengeWindowClosed"):
        world.challenges.proveMalformed(job.id, 0, revealed[0], job.binding(0), evidence.NO_RUN, **accuser)
    with refused("ChallengeWindowClosed"):
        again = (job.id, 1, revealed[1], job.id, 0, revealed[0], evidence.Precedence())
        world.challenges.proveReplay(*again, **accuser)
    with refused("DeadlinePassed"):
        world.challenges.answer(challenge, *step, **accuser)
    world.challenges.enforce(challenge, sender=world.keeper)
    assert job.fates[2] is AssignmentStatus.Disproven


@pytest.mark.parametrize("bits", [20, 240])
def test_the_largest_histogram_there_is(world, bits):
    """65,535 outcomes, each seen once: 128 steps, none near a block's gas."""
    counts = single_shots(bits=min(bits, 60))
    counts = {outcome << bits - min(bits, 60): count for outcome, count in counts.items()}
    job = Accused.submit(world, outcome_bits=bits, shots=65_535, replicas=1, replica_cap=1).settled({0: counts})
    challenge = job.demand(0)
    steps = job.steps(0)
    assert len(steps) == 128
    for step in steps:
        world.challenges.answer(challenge, *step, sender=world.keeper)
    assert job.challenge_status(challenge) is ChallengeStatus.Answered


def test_forged_sketch_of_single_shots(world):
    """The worst case: no leaf tells much, so that a proof needs a whole bucket of them."""
    counts = single_shots(16_384)
    job = Accused.submit(world, outcome_bits=20, shots=16_384, replicas=1, replica_cap=1)
    job.settled({0: shifted(counts, 1, 20)}, bound={0: counts})
    assert len(job.proof(0).runs) < 300
    job.prove_forged(0)
    assert job.fates[0] is AssignmentStatus.Disproven
