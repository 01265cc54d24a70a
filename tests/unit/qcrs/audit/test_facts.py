"""Decisions after, or instead of, a verdict: their entries are proven with their facts, and followed by the watch."""

import asyncio

import pytest

from qcrs.model.decision import Decision
from qcrs.model.dispute import DisputeKind
from qcrs.rules import count_sketch
from qcrs.rules.replay.fact_words import UNKNOWN
from qcrs.sdk.inspection import Reason
from qcrs.sdk.proof import make_proof
from tests.job import honest, noise, rogue
from tests.unit.qcrs.audit.live import LiveNode, world_of
from tests.unit.qcrs.audit.test_watch import Seat

EVIDENCE, REASON = b"\x11" * 32, b"\x22" * 32
SPLIT = {0: rogue(0), 1: rogue(1)}
NOISY = {index: noise(index) for index in range(3)}
WIDE = {"outcome_bits": 10, "qubits": 10}


def proven(world):
    """Return the words of every entry so far; each must be proven with its facts."""
    node, words = LiveNode(world), []
    for index in range(world.trail.head()[1]):
        proof = asyncio.run(make_proof(node, index=index))
        assert proof.fault(world.trail.root()) is None
        assert UNKNOWN not in proof.words, proof.words
        words.append(proof.words)
    return words


@pytest.fixture
def world():
    return world_of(9)


def told(words, decision):
    (one,) = [word for word in words if word.startswith(decision.name)]
    return one


@pytest.mark.parametrize(("answers", "verdict"), [(SPLIT, "Rejected"), (NOISY, "Inconclusive")])
def test_facts_of_an_escalation_are_found(world, answers, verdict):
    job = world.submit(replica_cap=5)
    job.to_settled(answers)
    words = told(proven(world), Decision.ComputationEscalated)
    assert words.startswith(f"ComputationEscalated, computation {job.id}: verdict {verdict}, fates by seat [Unset, ")
    assert words.count("0x") == 4  # a new commitment of each of three seats, and the beacon


def test_facts_of_an_escalation_with_a_silent_seat_are_found(world):
    job = world.submit(replica_cap=5).to_revealing(SPLIT)
    job.reveal_all(2)
    job.end_phase()
    job.settle()
    words = told(proven(world), Decision.ComputationEscalated)
    assert "fates by seat [Unset, Unset, Silent]" in words


def test_facts_of_a_settlement_after_an_escalation_are_found(world):
    job = world.submit(replica_cap=5)
    job.to_settled(SPLIT)
    job.allocate()
    job.commit_all()
    job.disclose()
    job.reveal_all().settle()
    words = told(proven(world), Decision.ComputationSettled)
    assert "status Accepted, fates by seat [Outlier, Outlier, Accepted, Accepted, Accepted]" in words


def test_facts_of_a_settlement_after_a_refusal_are_found(world):
    job = world.submit().allocate()
    job.refuse(0)
    job.to_settled()
    assert "fates by seat [Unset, Accepted, Accepted, Accepted]" in told(proven(world), Decision.ComputationSettled)


@pytest.mark.parametrize(("replicas", "overturned"), [(3, True), (5, False)])
def test_facts_of_an_answer_disproven_are_found(world, replicas, overturned):
    job = world.submit(replicas=replicas)
    job.to_settled({1: rogue(1)})
    slash = world.policy["slash"]
    world.disputes.open(job.id, 0, DisputeKind.WrongAnswer, EVIDENCE, sender=world.stranger, value=slash)
    world.disputes.rule(1, True, REASON, sender=world.council)
    words = proven(world)
    assert told(words, Decision.AnswerDisproven).endswith(f"processor {job.node(0).id}, overturned {overturned}")
    ruled = told(words, Decision.DisputeRuled)
    assert ruled.startswith(f"DisputeRuled, computation {job.id}: dispute 1, seat 0, upheld True, reason 0x2222")


def test_facts_of_a_fault_vindicated_are_found(world):
    job = world.submit()
    job.to_settled({1: rogue(1)})
    slash = world.policy["slash"]
    operator = job.operator(1)
    world.disputes.open(job.id, 1, DisputeKind.WrongFault, EVIDENCE, sender=operator, value=slash)
    world.disputes.rule(1, True, REASON, sender=world.council)
    words = told(proven(world), Decision.FaultVindicated)
    assert words.startswith(f"FaultVindicated, computation {job.id}: seat 1, processor {job.node(1).id}, paid wei ")


def test_a_sketch_forged_in_a_later_round_only_is_found(tmp_path):
    """After an escalation all reveal the same roots again, with sketches of another seed."""
    seat = Seat(tmp_path, processors=9)
    job = seat.world.submit(replica_cap=5, **WIDE)
    job.to_revealing({index: rogue(index, 10) for index in range(2)})
    seat.keep(job)
    job.reveal_all().settle()
    assert seat.look().histograms == 3
    job.allocate()
    job.commit_all()
    job.disclose()
    seat.keep(job)
    seed, true = seat.world.records.seedOf(job.id), job.sketch
    forged = count_sketch.sketch_of(honest(3, 10), 10, seed)
    job.sketch = lambda index: forged if index == 0 else true(index)
    job.reveal_all().settle()
    assert seat.look().histograms == 7
    assert seat.evidence == [(job.id, 0, Reason.Sketch)]
