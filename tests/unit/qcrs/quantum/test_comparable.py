"""Circuits whose honest answers could be taken for noise, as the contracts' rule judges them."""

import numpy as np
import pytest
from qiskit import QuantumCircuit

from qcrs.quantum.circuit import canonical, load
from qcrs.quantum.comparable import AnswerIncomparable, comparable
from qcrs.quantum.ideal import ideal_distribution
from qcrs.rules.agreement import Verdict, judge
from qcrs.rules.count_sketch import sketch_of, unpack

SHOTS = 4096


def text_of(qubits, spread):
    """Return *qubits* measured, of which *spread* are uniform."""
    circuit = QuantumCircuit(qubits, qubits)
    for qubit in range(spread):
        circuit.h(qubit)
    circuit.measure(range(qubits), range(qubits))
    return canonical(circuit)


def verdict_on(text):
    """Return what three honest replicas' answers to *text* amount to."""
    circuit, chance = load(text), np.random.default_rng(3)
    ideal = ideal_distribution(circuit)
    shares = np.array(list(ideal.values()))
    sketches = []
    for _ in range(3):
        drawn = chance.multinomial(SHOTS, shares / shares.sum())
        counts = {outcome: int(times) for outcome, times in zip(ideal, drawn, strict=True) if times}
        sketches.append(unpack(sketch_of(counts, circuit.num_clbits, bytes(32)), circuit.num_clbits))
    return judge(sketches, circuit.num_clbits, SHOTS, 2).verdict


@pytest.mark.parametrize("qubits", [1, 2, 7])
def test_a_uniform_answer_gets_a_verdict_by_one_more_bit(qubits):
    text = text_of(qubits, spread=qubits)
    assert verdict_on(text) is Verdict.Inconclusive
    better = comparable(text, SHOTS)
    assert load(better).num_clbits == qubits + 1
    assert verdict_on(better) is Verdict.Accepted
    assert ideal_distribution(load(better)) == ideal_distribution(load(text))


def test_an_answer_that_stands_out_is_left_as_it_is():
    text = text_of(2, spread=1)
    assert comparable(text, SHOTS) == text
    assert verdict_on(text) is Verdict.Accepted


def test_an_answer_that_noise_would_bury_gets_the_bit_too():
    circuit = QuantumCircuit(1, 1)
    circuit.ry(np.pi / 2 - 0.1, 0)
    circuit.measure(0, 0)
    text = canonical(circuit)
    assert verdict_on(text) is Verdict.Accepted  # by the skin of its teeth, without noise
    assert load(comparable(text, SHOTS)).num_clbits == 2


def test_wide_uniform_answers_are_refused():
    with pytest.raises(AnswerIncomparable, match=r"8 outcome bits: expected an answer that 4096 shots tell from noise"):
        comparable(text_of(8, spread=8), SHOTS)


def test_answers_too_wide_to_foresee_are_told_apart():
    assert comparable(text_of(21, spread=21), SHOTS) is None
