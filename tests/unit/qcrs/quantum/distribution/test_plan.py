from collections import Counter

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.random import random_circuit
from qiskit.synthesis import synth_qft_full

from qcrs.quantum.circuit import canonical
from qcrs.quantum.distribution.diagonal import diagonal
from qcrs.quantum.distribution.partition import CapacityExceeded, at_an_end, partitions
from qcrs.quantum.distribution.plan import ProcessorsOutOfRange, distribute
from qcrs.quantum.distribution.segments import Assignment, Segments
from qcrs.quantum.distribution.split import QubitsExhausted
from qcrs.quantum.entanglement.batch import run
from qcrs.quantum.entanglement.program import Program
from qcrs.quantum.fragment import Fragment, Op
from qcrs.quantum.ideal import ideal_distribution, total_variation_distance
from tests.circuits import SMALL, small
from tests.entangled import fibre, outcomes
from tests.fragments import distribution


@pytest.mark.parametrize("processors", [2, 3])
@pytest.mark.parametrize("name", SMALL)
def test_distributed_circuit_has_the_distribution_of_the_original(name, processors):
    circuit = small(name)
    found = distribute(canonical(circuit), [10] * processors)
    assert distribution(found.fragments) == pytest.approx(ideal_distribution(circuit), abs=1e-9)
    assert len(found.fragments) == processors
    assert found.ebits <= found.crossing


@pytest.mark.parametrize(("name", "engine"), [("ghz", "stim"), ("w", "aer")])
def test_link_runs_the_fragments(name, engine):
    """Up to what drawing 20,000 shots makes of it; exactly, the fragments are compared above."""
    found = distribute(small(name), [5, 5])
    outcome = run(Program(found.fragments, fibre()), 20_000, seed=3)
    words = outcomes(found.fragments, outcome.bits) @ (1 << np.arange(found.bits))
    counts = Counter(words.tolist())
    assert outcome.engine == engine
    assert total_variation_distance(counts, ideal_distribution(small(name))) < 0.03


@pytest.mark.parametrize("seed", range(20))
def test_random_circuit_on_processors_with_few_qubits_has_its_distribution(seed):
    qubits, processors = 4 + seed % 2, 2 + seed % 3
    circuit = QuantumCircuit(qubits, qubits)
    circuit.compose(random_circuit(qubits, 4, max_operands=3, seed=seed), range(qubits), inplace=True)
    circuit.measure(range(qubits), range(qubits))
    found = distribute(circuit, [-(-qubits // processors) + 2] * processors)
    assert distribution(found.fragments) == pytest.approx(ideal_distribution(circuit), abs=1e-9)
    assert max(found.qubits) <= -(-qubits // processors) + 2


def test_same_circuit_gives_the_same_fragments():
    first, second = (distribute(small("ansatz"), [6, 6]) for _ in range(2))
    assert [one.to_json() for one in first.fragments] == [one.to_json() for one in second.fragments]


def test_fragments_survive_their_text():
    for fragment in distribute(small("grover"), [6, 6]).fragments:
        assert Fragment.from_json(fragment.to_json()) == fragment


def test_qubits_are_shared_out_in_proportion():
    found = distribute(small("ising"), [12, 8])
    assert sorted(found.homes) == [0] * 6 + [1] * 4


def test_every_processor_has_its_share_even_where_one_would_do():
    assert sorted(distribute(small("ghz"), [20, 20, 20, 20, 20]).homes) == [0, 1, 2, 3, 4]


def test_capacities_bound_homes():
    found = distribute(small("ising"), [12, 12, 12], capacities=[2, 4, 4])
    assert [found.homes.count(processor) for processor in range(3)] == [2, 4, 4]


def test_teleports_a_qubit_that_gates_would_need_again_and_again():
    """Each turn ends the segment, so that each gate would take a pair: one for moving the qubit is cheaper."""
    circuit = QuantumCircuit(5, 5)
    for round_ in range(4):
        circuit.ry(0.3 + round_, 0)
        circuit.cz(0, 1)
        circuit.cz(0, 2)
        circuit.ry(0.2 + round_, [1, 2])
        circuit.cz(1, 2)
    for round_ in range(4):
        circuit.ry(0.7 + round_, 0)
        circuit.cz(0, 3)
        circuit.cz(0, 4)
        circuit.ry(0.1 + round_, [3, 4])
        circuit.cz(3, 4)
    circuit.measure(range(5), range(5))
    for capacities in (None, [3, 3]):
        found = distribute(circuit, [6, 6], capacities)
        assert (found.ebits, found.moves) == (1, 1)
        assert distribution(found.fragments) == pytest.approx(ideal_distribution(circuit), abs=1e-9)
    assert distribute(circuit, [6, 6], [3, 2]).ebits > 1


def test_rounds_of_purification_are_asked_of_the_right_peers():
    found = distribute(small("qaoa"), [6, 6, 6]).with_rounds({(0, 1): 2, (1, 2): 1})
    asked = {(one.member, step.peer, step.rounds) for one in found.fragments for step in one.instructions
             if step.op is Op.Pair}  # fmt: skip
    assert asked >= {(0, 1, 2), (1, 0, 2)}
    assert {rounds for member, peer, rounds in asked if {member, peer} == {0, 2}} <= {0}


def test_circuit_that_needs_no_pairs_takes_none():
    circuit = QuantumCircuit(4, 4)
    circuit.h([0, 2])
    circuit.cx([0, 2], [1, 3])
    circuit.measure(range(4), range(4))
    found = distribute(circuit, [2, 2])
    assert (found.ebits, found.messages, found.pairs) == (0, 0, {})


@pytest.mark.parametrize("processors", [1, 9])
def test_one_processor_or_nine_are_refused(processors):
    with pytest.raises(ProcessorsOutOfRange, match=f"expected 2 to 8, got {processors}"):
        distribute(small("ghz"), [5] * processors)


def test_circuit_with_more_qubits_than_all_processors_is_refused():
    with pytest.raises(CapacityExceeded, match="expected at least 5, got 4"):
        distribute(small("ghz"), [2, 2])


def test_circuit_with_more_qubits_than_capacities_is_refused():
    with pytest.raises(CapacityExceeded, match=r"expected at least 5, got \[2, 2\]"):
        distribute(small("ghz"), [8, 8], capacities=[2, 2])


def test_processors_without_a_qubit_for_pairs_are_refused():
    with pytest.raises(QubitsExhausted):
        distribute(small("ghz"), [3, 2])


def test_gates_at_an_end_take_a_minimum_vertex_cover():
    """Copies of two qubits of one side serve all gates, whoever controls them."""
    circuit = QuantumCircuit(6, 6)
    circuit.h(range(6))
    for near in (0, 1):
        for far in (3, 4, 5):
            circuit.cz(far, near)
    segments = Segments(diagonal(circuit))
    homes = [segment.qubit // 3 for segment in segments.segments]
    found = at_an_end(segments, Assignment(homes, [0] * len(segments.gates)))
    assert Assignment(homes, [0] * 6).pairs(segments) == 3
    assert found.pairs(segments) == 2


def test_partitions_keep_capacities_and_know_what_they_cost():
    segments = Segments(diagonal(small("ansatz")))
    for assignment in partitions(segments, [2, 2, 2]):
        assert max(assignment.peaks(segments, 3)) <= 2
        assert assignment.pairs(segments) <= 4 * len(segments.segments)


@pytest.mark.parametrize(("processors", "most"), [(2, 8), (4, 20)])
def test_fourier_transform_takes_few_pairs(processors, most):
    found = distribute(synth_qft_full(16), [40] * processors, capacities=[16 // processors] * processors)
    assert found.ebits <= most
    assert found.crossing == {2: 64, 4: 96}[processors]
