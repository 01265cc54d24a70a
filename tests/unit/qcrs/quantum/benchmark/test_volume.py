"""Volume circuits against matrices and against Qiskit's own sampler."""

import numpy as np
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Operator, random_unitary
from scipy.linalg import expm
from scipy.stats import ks_2samp

from qcrs.quantum.benchmark import volume
from qcrs.quantum.benchmark.stream import TURN, Stream
from qcrs.quantum.benchmark.volume import heavy_shots, volume_circuit
from qcrs.quantum.circuit import build
from qcrs.quantum.ideal import ideal_distribution
from qcrs.quantum.program import Operation, Program
from qcrs.quantum.scan import scan

X, Y, Z = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.array([[1, 0], [0, -1]])


def matrix_of(operations):
    return Operator(build(Program(2, 1, tuple(operations)))).data


def phase_free(matrix):
    return matrix / np.linalg.det(matrix) ** 0.25


def test_middle_of_a_gate_is_the_exponential_it_stands_for(monkeypatch):
    turns = 1_234_567, 7_654_321, 3_333_333
    monkeypatch.setattr(volume, "_content", lambda stream: turns)
    middle = volume._gate(0, 1, Stream(bytes(32), "x"))[2:-2]
    a, b, c = (2 * np.pi * turn / TURN for turn in turns)
    exponential = expm(0.5j * (a * np.kron(X, X) + b * np.kron(Y, Y) + c * np.kron(Z, Z)))
    ratio = phase_free(matrix_of(middle)) @ np.linalg.inv(phase_free(exponential))
    assert np.allclose(ratio, ratio[0, 0] * np.eye(4), atol=1e-9)
    assert np.isclose(abs(ratio[0, 0]), 1)


def invariant(matrix):
    """Return Makhlin's first invariant, which local gates leave alone: real and imaginary part."""
    magic = np.array([[1, 0, 0, 1j], [0, 1j, 1, 0], [0, 1j, -1, 0], [1, 0, 0, -1j]]) / np.sqrt(2)
    turned = magic.conj().T @ phase_free(matrix) @ magic
    trace = np.trace(turned.T @ turned) ** 2 / 16
    return trace.real, abs(trace.imag)


def test_gates_entangle_as_those_of_haar_measure():
    stream = Stream(bytes(32), "haar")
    ours = np.array([invariant(matrix_of(volume._gate(0, 1, stream))) for _ in range(1_500)])
    haar = np.array([invariant(random_unitary(4, seed=seed).data) for seed in range(1_500)])
    for column in range(2):
        assert ks_2samp(ours[:, column], haar[:, column]).pvalue > 0.001


def test_one_qubit_gates_are_those_of_haar_measure():
    stream = Stream(bytes(32), "local")
    places = []
    for _ in range(1_500):
        (theta, phi, _) = volume._local(0, stream).parameters
        places.append((np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)))
    even = np.random.default_rng(5).uniform(-1, 1, 4_000)  # each coordinate of a point on a sphere is uniform
    for column in np.array(places).T:
        assert ks_2samp(column, even).pvalue > 0.001


def test_circuits_are_square_and_read_back():
    program = volume_circuit(5, Stream(bytes(32), "square"))
    assert sum(operation.name == "cx" for operation in program.operations) == 5 * 2 * 3
    assert scan(program.text()) == program


def test_exact_shots_are_heavy_as_often_as_asymptotically_known():
    stream = Stream(bytes(32), "heavy")
    shares = []
    for _ in range(40):
        program = volume_circuit(6, stream)
        exact = ideal_distribution(build(program))
        counts = {outcome: round(share * 1e6) for outcome, share in exact.items()}
        shares.append(heavy_shots(program, counts) / sum(counts.values()))
    assert abs(np.mean(shares) - (1 + np.log(2)) / 2) < 0.03
    assert heavy_shots(program, dict.fromkeys(range(64), 1)) == 32


def test_heavy_outcomes_are_those_above_the_median():
    turned = [Operation("ry", (0.5,), (0,)), Operation("ry", (1.0,), (1,))]
    measured = [Operation("measure", (), (qubit,), (qubit,)) for qubit in range(2)]
    program = Program(2, 2, (*turned, *measured))
    assert heavy_shots(program, {0b00: 5, 0b10: 7, 0b01: 11, 0b11: 13}) == 12


def test_unitary_gate_of_qiskit_agrees_on_conventions():
    """The comparison above is by matrix: both sides put qubit 0 last."""
    gate = UnitaryGate(np.kron(X, np.eye(2)))
    circuit = build(Program(2, 1, (Operation("x", (), (1,)),)))
    assert np.allclose(Operator(circuit).data, gate.to_matrix())
