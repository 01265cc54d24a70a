import random

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.random import random_circuit

from qcrs.quantum.distribution.diagonal import diagonal
from qcrs.quantum.distribution.member import Member
from qcrs.quantum.distribution.segments import Assignment, Segments
from qcrs.quantum.distribution.split import QubitsExhausted, split
from qcrs.quantum.fragment import MAX_BITS, FragmentInvalid, Op
from qcrs.quantum.ideal import ideal_distribution
from tests.fragments import distribution, steps_of

WIDE = 64


def measured(gates, qubits):
    circuit = QuantumCircuit(qubits, qubits)
    gates(circuit)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def random_case(seed):
    """Return a random circuit with a measurement and a reset in it, and its segments and processors by chance."""
    chance = random.Random(seed)
    qubits, processors = chance.randint(2, 5), chance.randint(2, 4)
    circuit = QuantumCircuit(qubits, qubits)
    for part in range(2):
        circuit.compose(random_circuit(qubits, 3, max_operands=3, seed=2 * seed + part), range(qubits), inplace=True)
        if not part:
            circuit.measure(chance.randrange(qubits), chance.randrange(qubits))
            circuit.reset(chance.randrange(qubits))
    circuit.measure(range(qubits), range(qubits))
    segments = Segments(diagonal(circuit))
    steady = chance.random() < 0.5  # else qubits change their processor from segment to segment
    first = [chance.randrange(processors) for _ in range(qubits)]
    homes = [first[s.qubit] if steady else chance.randrange(processors) for s in segments.segments]
    places = [chance.randrange(processors) for _ in segments.gates]
    return circuit, segments, Assignment(homes, places), processors


@pytest.mark.parametrize("seed", range(30))
def test_random_assignment_of_a_random_circuit_has_its_distribution(seed):
    circuit, segments, assignment, processors = random_case(seed)
    found = split(segments, assignment, [WIDE] * processors)
    assert distribution(found.fragments) == pytest.approx(ideal_distribution(circuit), abs=1e-9)
    assert found.ebits == assignment.pairs(segments)
    assert found.moves == len(assignment.moves(segments))
    assert found.copies + found.moves == found.ebits


@pytest.mark.parametrize("seed", range(30))
def test_scarce_qubits_cost_pairs_but_change_nothing(seed):
    circuit, segments, assignment, processors = random_case(seed)
    plenty = split(segments, assignment, [WIDE] * processors)
    needed = max(fragment.qubits for fragment in plenty.fragments)
    scarce = plenty
    for limit in range(needed - 1, 0, -1):
        try:
            scarce = split(segments, assignment, [limit] * processors)
        except QubitsExhausted:
            break
        assert all(fragment.qubits <= limit for fragment in scarce.fragments)
    assert scarce.ebits >= plenty.ebits
    assert distribution(scarce.fragments) == pytest.approx(ideal_distribution(circuit), abs=1e-9)


def two_processors(circuit, homes, places):
    segments = Segments(diagonal(circuit))
    by_segment = [homes[segment.qubit] for segment in segments.segments]
    return split(segments, Assignment(by_segment, places), [WIDE, WIDE])


def fan(circuit):
    circuit.h(0)
    for target in (1, 2, 3):
        circuit.cx(0, target)
        circuit.t(0)


def test_gates_of_one_segment_share_a_pair():
    found = two_processors(measured(fan, 4), (0, 1, 1, 1), [1, 1, 1])
    assert (found.ebits, found.copies, found.moves) == (1, 1, 0)


def test_flip_of_the_qubit_is_done_to_its_copies_too():
    def gates(circuit):
        circuit.h(0)
        circuit.cx(0, 1)
        circuit.x(0)
        circuit.cx(0, 2)

    circuit = measured(gates, 3)
    found = two_processors(circuit, (0, 1, 1), [1, 1])
    assert found.ebits == 1
    assert distribution(found.fragments) == pytest.approx(ideal_distribution(circuit))


def test_copy_of_a_qubit_that_is_measured_next_is_dropped_without_a_word():
    found = two_processors(measured(fan, 4), (0, 1, 1, 1), [1, 1, 1])
    assert sum(step.op is Op.Send for step in found.fragments[1].instructions) == 0
    assert sum(step.op is Op.Send for step in found.fragments[0].instructions) == 1


def test_corrections_of_a_segment_are_one_gate_on_a_parity():
    def gates(circuit):
        circuit.h(0)
        circuit.cx(0, 1)
        circuit.cx(0, 2)
        circuit.h(0)

    segments = Segments(diagonal(measured(gates, 3)))
    homes = [(0, 1, 2)[segment.qubit] for segment in segments.segments]
    found = split(segments, Assignment(homes, [1, 2]), [WIDE] * 3)
    conditions = [step.condition for step in found.fragments[0].instructions if step.name == "z" and step.condition]
    assert [len(condition) for condition in conditions] == [2]


def test_qubit_moves_over_one_pair():
    def gates(circuit):
        circuit.h(0)
        circuit.cx(0, 1)
        circuit.h(0)
        circuit.cx(0, 2)

    circuit = measured(gates, 3)
    segments = Segments(diagonal(circuit))
    homes = [0, 1, 0, 1]  # the first qubit's two segments, and the others'
    assert [segment.qubit for segment in segments.segments] == [0, 0, 1, 2]
    found = split(segments, Assignment(homes, [0, 1]), [WIDE, WIDE])
    assert (found.ebits, found.moves) == (1, 1)
    assert distribution(found.fragments) == pytest.approx(ideal_distribution(circuit))


def test_qubit_that_was_reset_begins_anywhere_for_nothing():
    def gates(circuit):
        circuit.h(0)
        circuit.cx(0, 1)
        circuit.reset(0)
        circuit.h(0)
        circuit.cx(0, 2)

    circuit = measured(gates, 3)
    segments = Segments(diagonal(circuit))
    found = split(segments, Assignment([0, 1, 0, 1], [0, 1]), [WIDE, WIDE])
    assert found.ebits == 0
    assert distribution(found.fragments) == pytest.approx(ideal_distribution(circuit))


def test_gate_on_a_third_processor_takes_two_copies():
    circuit = measured(lambda circuit: (circuit.h(0), circuit.cx(0, 1)), 2)
    segments = Segments(diagonal(circuit))
    found = split(segments, Assignment([0, 1], [2]), [WIDE] * 3)
    assert found.pairs == {(0, 2): 1, (1, 2): 1}
    assert distribution(found.fragments) == pytest.approx({0b00: 0.5, 0b11: 0.5})


def test_members_without_a_link_get_pairs_over_those_between():
    circuit = measured(lambda circuit: (circuit.h(0), circuit.cx(0, 1)), 2)
    segments = Segments(diagonal(circuit))
    path = (0, 2, 3, 1)
    found = split(segments, Assignment([0, 1], [1]), [WIDE] * 4, paths={(0, 1): path})
    assert found.pairs == {(0, 2): 1, (2, 3): 1, (1, 3): 1}
    assert found.copies == 1
    assert distribution(found.fragments) == pytest.approx({0b00: 0.5, 0b11: 0.5})


@pytest.mark.parametrize("rounds", [1, 2])
def test_pairs_of_members_without_a_link_are_purified_end_to_end(rounds):
    circuit = measured(lambda circuit: (circuit.h(0), circuit.cx(0, 1)), 2)
    segments = Segments(diagonal(circuit))
    found = split(segments, Assignment([0, 1], [1]), [WIDE] * 3, {(0, 1): (0, 2, 1)}, {(0, 1): rounds})
    assert found.pairs == {(0, 2): 1 << rounds, (1, 2): 1 << rounds}
    assert found.relayed == {(0, 1): 1}
    heralds = [sum(step.op is Op.Herald for step in one.instructions) for one in found.fragments]
    assert heralds == [(1 << rounds) - 1, (1 << rounds) - 1, 0]
    assert distribution(found.fragments) == pytest.approx({0b00: 0.5, 0b11: 0.5})


def test_processor_with_too_few_qubits_is_named():
    segments = Segments(diagonal(measured(fan, 4)))
    homes = [(0, 1, 1, 1)[segment.qubit] for segment in segments.segments]
    with pytest.raises(QubitsExhausted, match="processor 1: its qubits are all in use"):
        split(segments, Assignment(homes, [1, 1, 1]), [2, 3])


def test_outcome_bit_that_nothing_is_measured_into_is_0():
    circuit = QuantumCircuit(2, 3)
    circuit.x(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 2])
    found = two_processors(circuit, (0, 1), [1])
    assert distribution(found.fragments) == pytest.approx({0b101: 1.0})


def test_last_measurement_into_a_bit_counts_whoever_makes_it():
    circuit = QuantumCircuit(2, 1)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.x(1)
    circuit.measure(0, 0)
    circuit.reset(1)
    circuit.x(1)
    circuit.measure(1, 0)
    assert distribution(two_processors(circuit, (0, 1), [1]).fragments) == pytest.approx({1: 1.0})


def test_barrier_holds_every_member():
    circuit = QuantumCircuit(3, 1)
    circuit.h(0)
    circuit.barrier()
    circuit.cx(0, 1)
    circuit.measure(1, 0)
    found = two_processors(circuit, (0, 1, 1), [1])
    assert [sum(step.op is Op.Barrier for step in one.instructions) for one in found.fragments] == [1, 1]


def test_steps_of_all_members_can_happen_in_one_order():
    _, segments, assignment, processors = random_case(7)
    found = split(segments, assignment, [WIDE] * processors)
    assert len([step for step in steps_of(found.fragments) if step.op is Op.Pair]) == found.ebits


def test_part_that_is_too_long_for_a_fragment_is_refused():
    member = Member(3, WIDE)
    for _ in range(MAX_BITS + 1):
        member.bit()
    with pytest.raises(FragmentInvalid, match="member 3"):
        member.fragment()
