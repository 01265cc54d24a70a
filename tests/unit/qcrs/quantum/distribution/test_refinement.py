import random

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.random import random_circuit

from qcrs.quantum.distribution.diagonal import diagonal
from qcrs.quantum.distribution.partition import at_an_end, partitions
from qcrs.quantum.distribution.refinement import Refinement
from qcrs.quantum.distribution.segments import Assignment, Segments, crossing
from tests import circuits


def case(seed):
    chance = random.Random(seed)
    qubits = 6
    circuit = QuantumCircuit(qubits)
    for part in range(2):
        circuit.compose(random_circuit(qubits, 5, max_operands=2, seed=2 * seed + part), inplace=True)
        circuit.reset(chance.randrange(qubits))
    segments = Segments(diagonal(circuit))
    capacities = [2, 3, 3] if seed % 2 else [2, 2, 2]
    seats = [0, 0, 1, 1, 2, 2]
    chance.shuffle(seats)
    homes = [seats[segment.qubit] for segment in segments.segments]
    return segments, Assignment(homes, [chance.randrange(3) for _ in segments.gates]), capacities


@pytest.mark.parametrize("seed", range(12))
def test_refinement_never_costs_more_and_keeps_capacities(seed):
    segments, start, capacities = case(seed)
    refinement = Refinement(segments, start, capacities)
    best = refinement.run()
    assert best.pairs(segments) <= min(start.pairs(segments), refinement.assignment.pairs(segments))
    assert all(peak <= room for peak, room in zip(best.peaks(segments, 3), capacities, strict=True))


def test_refinement_saves_most_of_the_pairs_of_gates_placed_by_chance():
    costs = [(start.pairs(segments), Refinement(segments, start, capacities).run().pairs(segments))
             for segments, start, capacities in map(case, range(12))]  # fmt: skip
    assert sum(after for _, after in costs) < 0.6 * sum(before for before, _ in costs)


@pytest.mark.parametrize("seed", range(12))
def test_gates_at_an_end_cost_no_more_than_a_pair_each(seed):
    segments, start, _ = case(seed)
    found = at_an_end(segments, start)
    moves = len(start.moves(segments))
    assert found.pairs(segments) - moves <= crossing(segments, start.homes)
    for gate, pair in enumerate(segments.gates):
        assert found.places[gate] in {start.homes[segment] for segment in pair}


@pytest.mark.parametrize(("make", "bounds"), [
    (circuits.su2_24_full, {2: 12, 4: 28}),
    (lambda: circuits.qaoa_32(3), {2: 6, 4: 18}),
])  # fmt: skip
@pytest.mark.parametrize("processors", [2, 4])
def test_large_circuits_take_few_pairs(make, bounds, processors):
    circuit = make()
    segments = Segments(diagonal(circuit))
    best, *_ = partitions(segments, [circuit.num_qubits // processors] * processors)
    assert best.pairs(segments) <= bounds[processors]
