import pytest

from qcrs.quantum.circuit import load
from qcrs.quantum.ideal import CircuitTooWide, ideal_distribution, total_variation_distance

HEAD = 'OPENQASM 3.0; include "stdgates.inc";'


def test_bit_zero_is_least_significant() -> None:
    text = HEAD + "qubit[2] q; bit[3] c; x q[1]; c[2] = measure q[1]; c[0] = measure q[0];"
    assert ideal_distribution(load(text)) == {0b100: 1.0}


def test_measurement_before_a_gate_keeps_what_it_saw() -> None:
    text = HEAD + "qubit q; bit[2] c; x q; c[0] = measure q; x q; c[1] = measure q;"
    assert ideal_distribution(load(text)) == {0b01: 1.0}


def test_measurement_collapses_what_it_saw() -> None:
    text = HEAD + "qubit q; bit[2] c; h q; c[0] = measure q; h q; c[1] = measure q;"
    assert ideal_distribution(load(text)) == pytest.approx(dict.fromkeys(range(4), 0.25))


def test_reset_forgets() -> None:
    text = HEAD + "qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; reset q[0]; c = measure q;"
    assert ideal_distribution(load(text)) == pytest.approx({0b00: 0.5, 0b10: 0.5})


def test_idle_qubits_cost_nothing() -> None:
    text = HEAD + "qubit[200] q; bit c; x q[199]; c = measure q[199];"
    assert ideal_distribution(load(text)) == {1: 1.0}


def test_too_many_qubits_are_refused() -> None:
    text = HEAD + "qubit[21] q; bit[21] c; h q; c = measure q;"
    with pytest.raises(CircuitTooWide):
        ideal_distribution(load(text))


def test_total_variation_distance() -> None:
    assert total_variation_distance({0: 5, 1: 5}, {0: 0.5, 1: 0.5}) == 0
    assert total_variation_distance({0: 10}, {1: 1.0}) == 1
    assert total_variation_distance({0: 3, 1: 1}, {0: 0.5, 1: 0.5}) == pytest.approx(0.25)
