import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import Fault
from qcrs.rules import evidence
from qcrs.rules.histogram import run_proof
from tests.challenged import BITS, Accused, measured
from tests.evm import refused

FEWER = dict(sorted(measured(1).items())[1:])


@pytest.mark.parametrize(
    ("bound", "totals"),
    [
        (FEWER, {}),
        (measured(1), {1: 4097}),
        (dict.fromkeys(range(4097), 1), {1: 4096}),
        ({}, {1: 4096}),
        ({}, {}),
    ],
    ids=["fewer shots", "another total", "more leaves than shots", "no leaves", "empty"],
)
def test_binding_alone_proves_it(world, challenges, bound, totals):
    job = Accused.submit(world).settled(bound={1: bound}, totals=totals)
    assert job.fates[1] is AssignmentStatus.Accepted
    accusation = (job.id, 1, job.revealed(1), job.binding(1), evidence.NO_RUN)
    receipt = challenges.proveMalformed(*accusation, sender=world.stranger)
    assert receipt.event("FaultProven")["fault"] == Fault.MalformedHistogram
    assert receipt.event("HistogramRefuted") == {
        "computation": job.id,
        "index": 1,
        "leafCount": len(bound),
        "shots": totals.get(1, sum(bound.values())),
        "leaf": 0,
    }
    assert job.fates[1] is AssignmentStatus.Disproven


@pytest.mark.parametrize("false", [{5000: 7}, {6: 0}], ids=["too wide", "no shots"])
def test_leaf_that_cannot_be_proves_it(world, challenges, false):
    bound = {outcome: count for outcome, count in measured(1).items() if outcome != 6} | false
    job = Accused.submit(world).settled(bound={1: bound}, totals={1: 4096})
    ((outcome, count),) = false.items()
    number = sorted(bound).index(outcome)
    accusation = (job.id, 1, job.revealed(1), job.binding(1), run_proof(bound, number, 1))
    receipt = challenges.proveMalformed(*accusation, sender=world.stranger)
    assert receipt.event("HistogramRefuted")["leaf"] == outcome << 16 | count
    assert evidence.malformed(bound, BITS, 4096)[1] == accusation[-1]


def test_reverts_for_a_sound_histogram(world, challenges, honest_job):
    counts, binding = honest_job.counts[0], honest_job.binding(0)
    assert evidence.malformed(counts, BITS, 4096) is None
    expected = {"computation": honest_job.id, "index": 0, "leafCount": len(counts), "shots": 4096}
    for run in (evidence.NO_RUN, run_proof(counts, 0, len(counts))):
        with refused("HistogramSound", **expected):
            challenges.proveMalformed(honest_job.id, 0, honest_job.revealed(0), binding, run, sender=world.stranger)


def test_reverts_for_another_binding(world, challenges, honest_job):
    false = honest_job.binding(0)._replace(shots=1)
    with refused("BindingMismatch"):
        challenges.proveMalformed(
            honest_job.id, 0, honest_job.revealed(0), false, evidence.NO_RUN, sender=world.stranger
        )
