import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qcrs.quantum.circuit import canonical, load
from qcrs.quantum.comparable import comparable
from qcrs.quantum.distribution.cutting import CannotCut, ConsentNeeded, CutQuote, cut, shots_each
from qcrs.quantum.ideal import ideal_distribution
from qcrs.quantum.request import MAX_SHOTS
from tests.circuits import woven

OBSERVABLES = ("ZIIIIZ", "IZZIII", "IIZZII", "IIIIIZ")


def chain(qubits=6):
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits):
        circuit.ry(0.3 + 0.2 * qubit, qubit)
    for qubit in range(qubits - 1):
        circuit.cx(qubit, qubit + 1)
    for qubit in range(qubits):
        circuit.rx(0.4 + 0.1 * qubit, qubit)
    return circuit


def exact(circuit, observables=OBSERVABLES):
    state = Statevector(circuit)
    return [float(state.expectation_value(SparsePauliOp(one)).real) for one in observables]


def ideal_counts(pieces):
    return [ideal_distribution(load(one.text)) for one in pieces.subexperiments]


def drawn(ideal, shots, chance):
    counts = []
    for distribution in ideal:
        shares = np.array(list(distribution.values()))
        times = chance.multinomial(shots, shares / shares.sum())
        counts.append({outcome: int(one) for outcome, one in zip(distribution, times, strict=True) if one})
    return counts


@pytest.mark.parametrize(("circuit", "cuts"), [(chain(), 1), (woven(2), 2)])
def test_exact_counts_give_exact_expectations(circuit, cuts):
    pieces = cut(circuit, OBSERVABLES, 3)
    assert (pieces.quote.cuts, pieces.quote.overhead) == (cuts, 9**cuts)
    assert max(pieces.quote.qubits) <= 3
    assert pieces.expectations(ideal_counts(pieces)) == pytest.approx(exact(circuit), abs=1e-9)


def test_drawn_counts_come_close():
    circuit = woven(2)
    pieces = cut(circuit, OBSERVABLES, 3)
    found = pieces.expectations(drawn(ideal_counts(pieces), shots_each(pieces, 200_000), np.random.default_rng(7)))
    assert found == pytest.approx(exact(circuit), abs=0.05)
    assert found != pytest.approx(exact(circuit), abs=1e-9)


@pytest.mark.parametrize(
    ("circuit", "observables", "size"),
    [(chain(), OBSERVABLES, 3), (woven(2), OBSERVABLES, 3), (chain(4), ("XIIX", "IYYI", "ZXIY", "IIIZ"), 2)],
    ids=["one cut", "two cuts", "several bases"],
)
def test_standard_errors_are_the_spread_of_values(circuit, observables, size):
    pieces, chance = cut(circuit, observables, size), np.random.default_rng(11)
    ideal = ideal_counts(pieces)
    values = np.array([pieces.expectations(drawn(ideal, 4096, chance)) for _ in range(300)])
    said = pieces.errors(drawn(ideal, 4096, chance))
    # 300 draws know their own spread to 4 %.
    assert said == pytest.approx(values.std(axis=0), rel=0.2)
    assert max(said) < pieces.quote.error(4096 * pieces.fewest)


def test_each_basis_takes_circuits_of_its_own():
    assert cut(chain(4), ("ZIIZ",), 2).fewest == len(cut(chain(4), ("ZIIZ",), 2).subexperiments)
    several = cut(chain(4), ("XIIX", "IYYI", "ZXIY", "IIIZ"), 2)
    assert several.fewest < len(several.subexperiments)


def test_standard_errors_shrink_with_the_square_root_of_shots():
    pieces = cut(chain(4), ("ZIIZ",), 2)
    few = [{outcome: 1000 * share for outcome, share in one.items()} for one in ideal_counts(pieces)]
    many = [{outcome: 100 * times for outcome, times in one.items()} for one in few]
    assert pieces.errors(few)[0] == pytest.approx(10 * pieces.errors(many)[0])


def test_a_spare_bit_changes_no_value():
    circuit = QuantumCircuit(4)
    circuit.h(0)
    circuit.cx([0, 1, 2], [1, 2, 3])
    observables = ("ZZZZ", "XXXX", "ZIIZ")
    pieces = cut(circuit, observables, 2)
    texts = [comparable(one.text, 4096) for one in pieces.subexperiments]
    assert texts != [one.text for one in pieces.subexperiments]
    counts = [ideal_distribution(load(text)) for text in texts]
    assert pieces.expectations(counts) == pytest.approx(exact(circuit, observables), abs=1e-9)


def test_observables_other_than_z_strings():
    circuit, observables = chain(4), ("XIIX", "IYYI", "ZXIY")
    pieces = cut(circuit, observables, 2)
    assert pieces.expectations(ideal_counts(pieces)) == pytest.approx(exact(circuit, observables), abs=1e-9)


def test_subexperiments_are_ordinary_computations_and_all_different():
    pieces = cut(chain(), OBSERVABLES, 3)
    texts = [one.text for one in pieces.subexperiments]
    assert all(canonical(load(text)) == text for text in texts)
    assert len(set(pieces.subexperiments)) == pieces.quote.subexperiments == len(texts)


def test_wires_are_cut_where_that_takes_fewer_shots():
    circuit = QuantumCircuit(5)
    for qubit in (0, 1, 3, 4):
        for _ in range(2):
            circuit.rx(0.3 + 0.2 * qubit, qubit)
            circuit.cx(qubit, 2)
            circuit.ry(0.7, 2)
    pieces = cut(circuit, ("ZIZIZ",), 3)
    assert (pieces.quote.gates, pieces.quote.wires, pieces.quote.overhead) == (0, 1, 16)
    assert pieces.expectations(ideal_counts(pieces)) == pytest.approx(exact(circuit, ("ZIZIZ",)), abs=1e-9)


def test_three_cuts_are_refused_with_their_quote_and_done_with_consent():
    circuit = woven(3)
    with pytest.raises(
        ConsentNeeded, match=r"at most 2 without consent, got 3, which take 729 times the shots"
    ) as refused:
        cut(circuit, OBSERVABLES, 3)
    pieces = cut(circuit, OBSERVABLES, 3, consent=True)
    assert pieces.quote == refused.value.quote
    assert pieces.quote.overhead == 729


def test_more_than_four_cuts_are_refused_whatever_is_consented_to():
    with pytest.raises(CannotCut, match="by at most 4 cuts, got pieces of up to 3 by 5"):
        cut(woven(5), OBSERVABLES, 3, consent=True)


def test_circuit_in_two_parts_takes_no_cut():
    circuit = QuantumCircuit(4)
    circuit.ry(0.4, [0, 2])
    circuit.cx([0, 2], [1, 3])
    pieces = cut(circuit, ("ZZZZ",), 2)
    assert (pieces.quote.cuts, pieces.quote.overhead) == (0, 1)
    assert pieces.expectations(ideal_counts(pieces)) == pytest.approx(exact(circuit, ("ZZZZ",)), abs=1e-9)


def test_qubits_without_gates_are_pieces_of_their_own():
    circuit = chain(4)
    wide = QuantumCircuit(5)
    wide.compose(circuit, range(4), inplace=True)
    pieces = cut(wide, ("ZZIIZ", "XIIII"), 2)
    assert pieces.quote.cuts == 1
    assert pieces.expectations(ideal_counts(pieces)) == pytest.approx(exact(wide, ("ZZIIZ", "XIIII")), abs=1e-9)


def test_size_of_no_qubit_is_refused():
    with pytest.raises(CannotCut, match="expected pieces of 0"):
        cut(chain(2), ("ZZ",), 0)


def test_final_measurements_are_left_out():
    circuit = chain(4)
    measured = circuit.copy()
    measured.measure_all()
    observables = ("ZZII",)
    assert cut(measured, observables, 2).subexperiments == cut(circuit, observables, 2).subexperiments


def test_measurement_in_mid_circuit_is_refused():
    circuit = QuantumCircuit(2, 2)
    circuit.measure(0, 0)
    circuit.cx(0, 1)
    circuit.measure(1, 1)
    with pytest.raises(CannotCut, match=r"expected gates and then measurements, got cx on qubits \[0, 1\]"):
        cut(circuit, ("ZZ",), 1)


@pytest.mark.parametrize("observable", ["ZZZ", "ZQ"])
def test_observable_that_does_not_match_is_refused(observable):
    with pytest.raises(CannotCut, match="expected 2 letters of I, X, Y and Z"):
        cut(chain(2), (observable,), 1)


def test_no_observables_are_refused():
    with pytest.raises(CannotCut, match="expected one at least"):
        cut(chain(2), (), 1)


def test_counts_of_the_wrong_number_of_circuits_are_refused():
    with pytest.raises(CannotCut, match="expected those of"):
        cut(chain(2), ("ZZ",), 1).expectations([{0: 1}])


def test_quote_says_error_and_shots():
    quote = CutQuote(gates=2, wires=0, overhead=81.0, subexperiments=50, qubits=(3, 3))
    assert quote.error(810_000) == pytest.approx(0.01)
    assert quote.shots(0.01) == 16_200


def test_no_circuit_gets_more_shots_than_a_computation_may_have():
    assert shots_each(cut(chain(2), ("ZZ",), 1), 10**9) == MAX_SHOTS
