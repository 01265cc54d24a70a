"""Circuits in parts: the same distribution as the whole, at any width."""

import numpy as np
from qiskit import QuantumCircuit

from qcrs.quantum import simulate as module
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.device import Device
from qcrs.quantum.parts import active_qubits, combine, parts_of
from qcrs.quantum.request import RunRequest
from qcrs.quantum.simulate import simulate

PAIRS = """OPENQASM 3.0; include "stdgates.inc"; qubit[7] q; bit[7] c;
h q[0]; cx q[0], q[1]; barrier q; ry(0.7) q[2]; h q[5]; cx q[5], q[6]; x q[3]; delay[20us] q[3]; c = measure q;"""


def test_parts_are_what_gates_and_bits_connect() -> None:
    circuit = QuantumCircuit(6, 3)
    circuit.cx(0, 1)
    circuit.x(2)
    circuit.barrier()
    circuit.cx(1, 3)
    circuit.measure(2, 0)
    circuit.measure(4, 0)  # the same bit: whichever is last counts
    circuit.measure(5, 1)
    parts = parts_of(circuit)
    found = {frozenset(part.find_bit(q).index for each in part.data for q in each.qubits) for part in parts}
    assert found == {frozenset({0, 1, 3}), frozenset({2, 4}), frozenset({5})}
    assert sum(len(part.data) for part in parts) == len(circuit.data) - 1
    assert active_qubits(circuit) == 6


def test_counts_of_parts_are_those_of_the_whole(monkeypatch) -> None:
    device = Device(Calibration.bundled("oslo"))
    request = RunRequest(PAIRS, 60_000, 5, 7, 7, pinned=True)
    divided, _ = simulate(device, request)
    monkeypatch.setattr(module, "_WHOLE_QUBITS", 7)
    whole, _ = simulate(device, request)
    assert divided != whole, "the second run was not of one piece"
    # Outcomes that are expected at least 40 times, by a chi-square of two samples; the rest is one cell.
    common = [outcome for outcome in whole if whole[outcome] + divided.get(outcome, 0) >= 80]
    cells = [(whole[outcome], divided.get(outcome, 0)) for outcome in common]
    cells.append((60_000 - sum(a for a, _ in cells), 60_000 - sum(b for _, b in cells)))
    statistic = sum((a - b) ** 2 / (a + b) for a, b in cells)
    freedom = len(cells) - 1
    assert freedom > 20
    assert statistic < freedom + 4 * np.sqrt(2 * freedom)


def test_parts_meet_independently_and_keep_their_own_counts() -> None:
    first, second = {0: 5_000, 1: 5_000}, {0b00: 2_500, 0b10: 7_500}
    whole = combine([first, second], 2, 9)
    assert sum(whole.values()) == 10_000
    assert whole[1] + whole[3] == 5_000
    assert whole[2] + whole[3] == 7_500
    assert abs(whole[3] - 3_750) < 5 * 22  # 22 is one deviation
    assert combine([first, second], 2, 9) == whole


def test_outcomes_may_be_wider_than_a_machine_word() -> None:
    whole = combine([{1 << 200: 3, 0: 1}, {1: 4}], 201, 1)
    assert whole == {(1 << 200) | 1: 3, 1: 1}


def test_a_device_is_benchmarked_at_once_however_wide() -> None:
    device = Device(Calibration.bundled("brisbane"))
    text = 'OPENQASM 3.0; include "stdgates.inc"; qubit[127] q; bit[127] c; x q; c = measure q;'
    counts, _ = simulate(device, RunRequest(text, 200, 1, 127, 127, pinned=True))
    ones = sum(outcome.bit_count() * count for outcome, count in counts.items()) / (200 * 127)
    assert 0.9 < ones < 1
