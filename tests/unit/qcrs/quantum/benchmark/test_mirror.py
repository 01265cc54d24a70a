from dataclasses import replace
from itertools import pairwise

import pytest

from qcrs.quantum.benchmark.claim import Claim, ClaimInvalid
from qcrs.quantum.benchmark.mirror import blocks_of, mirror
from qcrs.quantum.benchmark.stream import Stream
from qcrs.quantum.benchmark.suite import deepest_halves
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.circuit import build
from qcrs.quantum.device import Device
from qcrs.quantum.ideal import ideal_distribution

OSLO = Claim.of(Calibration.bundled("oslo"))
BRISBANE = Claim.of(Calibration.bundled("brisbane"))


@pytest.mark.parametrize("width", [1, 2, 3, 7])
@pytest.mark.parametrize("halves", [1, 4])
def test_answer_is_the_only_outcome_of_a_perfect_processor(width, halves):
    stream = Stream(bytes(32), f"{width} {halves}")
    answers = set()
    for _ in range(5):
        made = mirror(OSLO, blocks_of(OSLO, width, stream), halves, 7, stream)
        assert ideal_distribution(build(made.program)) == pytest.approx({made.answer: 1.0})
        answers.add(made.answer)
    assert len(answers) > 1


def test_blocks_are_connected_and_hold_every_qubit_once():
    blocks = blocks_of(BRISBANE, 8, Stream(bytes(32), "blocks"))
    assert sorted(qubit for block in blocks for qubit in block) == list(BRISBANE.qubits)
    for block in blocks:
        reached, waiting = set(), [block[0]]
        while waiting:
            qubit = waiting.pop()
            reached.add(qubit)
            waiting += set(BRISBANE.neighbours[qubit]) & set(block) - reached
        assert reached == set(block)
        assert len(block) <= 8
    assert sum(len(block) == 8 for block in blocks) > len(blocks) / 3


def test_layers_hold_every_coupling_once_and_no_qubit_twice():
    assert sorted(pair for layer in BRISBANE.layers for pair in layer) == list(BRISBANE.couplings)
    for layer in BRISBANE.layers:
        qubits = [qubit for pair in layer for qubit in pair]
        assert len(set(qubits)) == len(qubits)
    assert len(BRISBANE.layers) <= 5


def test_compilation_keeps_every_two_qubit_gate():
    device = Device(Calibration.bundled("oslo"))
    stream = Stream(bytes(32), "kept")
    made = mirror(OSLO, blocks_of(OSLO, 7, stream), 3, 7, stream)
    written = sum(operation.name == "cx" for operation in made.program.operations)
    assert written > 6
    assert device.transpile(build(made.program), pinned=True).count_ops()["cx"] == written


def test_distances_are_counted_in_each_block():
    stream = Stream(bytes(32), "distances")
    made = mirror(OSLO, [(0, 1, 2), (5, 6)], 2, 5, stream)
    counts = {made.answer: 10, made.answer ^ 0b00101: 3, made.answer ^ 0b11000: 2, made.answer ^ 0b10010: 1}
    assert made.distances(counts) == [[12, 1, 3, 0], [13, 1, 2]]


def test_worse_claims_are_held_to_shallower_circuits():
    better, worse = (Claim.of(Calibration.bundled(name)) for name in ("kolkata", "perth"))
    assert better.facts.two_qubit_error_ppm < worse.facts.two_qubit_error_ppm
    assert deepest_halves(better, 4) > deepest_halves(worse, 4)
    assert deepest_halves(OSLO, 8) <= deepest_halves(OSLO, 4)


def test_chain_of_a_claim_is_in_line():
    for claim in (OSLO, BRISBANE):
        assert all((min(pair), max(pair)) in claim.couplings for pair in pairwise(claim.chain))


@pytest.mark.parametrize(
    ("facts", "chain", "message"),
    [
        ({"qubits": 256}, None, "qubits"),
        ({"qubits": 3}, None, "beyond 3 qubits"),
        ({"coupling_map": b"\0\1\0\0"}, None, "lower qubit first"),
        ({"coupling_map": b"\0\1\0\2\0\0\0\1"}, None, "sorted"),
        ({"coupling_map": b"\0"}, None, "4 bytes"),
        ({"quantum_volume_log2": 8}, None, "quantum volume"),
        ({}, (0, 6), "in line"),
        ({}, (0, 1, 0), "in line"),
        ({}, (), "in line"),
        ({"coupling_map": b"\0\0\0\1"}, (5,), "coupled qubits"),
    ],
)
def test_contradictory_claims_are_refused(facts, chain, message):
    with pytest.raises(ClaimInvalid, match=message):
        Claim(replace(OSLO.facts, **facts), OSLO.chain if chain is None else chain)
