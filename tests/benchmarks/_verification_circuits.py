"""The circuits of the measurements, of kinds that users run: bundled ones and wider ones made here."""

import math
import random
from functools import cache
from pathlib import Path

from qiskit import QuantumCircuit

import qcrs
from qcrs.quantum.circuit import load

BUNDLED = Path(qcrs.__file__).parent / "circuits"
BUNDLED_CIRCUITS = ("deutsch_jozsa4", "grover3", "ghz5", "qft5", "ansatz5", "ising10")


@cache
def circuits() -> dict[str, QuantumCircuit]:
    """Return the circuits of the measurements, measured, by name."""
    made = {name: load(BUNDLED / f"{name}.qasm") for name in BUNDLED_CIRCUITS}
    made |= {
        "qpe6": _qpe(5, 0.3),
        "random6": _brickwork(6, 4, "random6"),
        "ghz8": _ghz(8),
        "vqe8": _vqe(8),
        "ghz10": _ghz(10),
        "qaoa10": _qaoa(10),
        "random10": _brickwork(10, 3, "random10"),
        "clifford10": _clifford(10),
    }
    return made


def _ghz(qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    circuit.h(0)
    for qubit in range(qubits - 1):
        circuit.cx(qubit, qubit + 1)
    return _measured(circuit)


def _qaoa(qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    circuit.h(range(qubits))
    for gamma, beta in ((0.55, 0.6), (0.9, 0.3)):
        for qubit in (*range(0, qubits - 1, 2), *range(1, qubits - 1, 2)):
            circuit.rzz(2 * gamma, qubit, qubit + 1)
        circuit.rx(2 * beta, range(qubits))
    return _measured(circuit)


def _qpe(counting: int, phase: float) -> QuantumCircuit:
    circuit = QuantumCircuit(counting + 1)
    circuit.x(counting)
    circuit.h(range(counting))
    for qubit in range(counting):
        circuit.cp(2 * math.pi * phase * 2**qubit, qubit, counting)
    for qubit in reversed(range(counting)):
        for other in range(qubit + 1, counting):
            circuit.cp(-math.pi / 2 ** (other - qubit), other, qubit)
        circuit.h(qubit)
    return _measured(circuit)


def _vqe(qubits: int) -> QuantumCircuit:
    rng, circuit = random.Random("vqe"), QuantumCircuit(qubits)
    for layer in range(3):
        for qubit in range(qubits):
            circuit.ry(rng.uniform(-1.2, 1.2), qubit)
        if layer < 2:
            for qubit in range(qubits - 1):
                circuit.cz(qubit, qubit + 1)
    return _measured(circuit)


def _brickwork(qubits: int, layers: int, seed: str) -> QuantumCircuit:
    rng, circuit = random.Random(seed), QuantumCircuit(qubits)
    for layer in range(layers + 1):
        for qubit in range(qubits):
            circuit.u(*(rng.uniform(0, 2 * math.pi) for _ in range(3)), qubit)
        for qubit in range(layer % 2, qubits - 1 if layer < layers else 0, 2):
            circuit.cx(qubit, qubit + 1)
    return _measured(circuit)


def _clifford(qubits: int) -> QuantumCircuit:
    rng, circuit = random.Random("clifford"), QuantumCircuit(qubits)
    circuit.h(rng.sample(range(qubits), 4))
    for layer in range(4):
        for qubit in range(layer % 2, qubits - 1, 2):
            circuit.cx(*rng.sample((qubit, qubit + 1), 2))
        for qubit in range(qubits):
            rng.choice((circuit.s, circuit.x, circuit.z))(qubit)
    circuit.h(rng.sample(range(qubits), 2))
    return _measured(circuit)


def _measured(circuit: QuantumCircuit) -> QuantumCircuit:
    circuit.measure_all(add_bits=True)
    return circuit
