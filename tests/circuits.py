"""Circuits to distribute: ten small ones, whose outcomes are compared, and four large ones, whose pairs are counted."""

import math
import random

import networkx
import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import random_clifford
from qiskit.synthesis import synth_qft_full


def bell(circuit):
    circuit.h(0)
    circuit.cx(0, 1)


def ghz(circuit):
    circuit.h(0)
    for target in range(1, circuit.num_qubits):
        circuit.cx(0, target)


def fourier(circuit):
    circuit.x(1)
    circuit.ry(0.4, 3)
    circuit.compose(synth_qft_full(circuit.num_qubits), inplace=True)


def grover(circuit):
    circuit.h(range(3))
    for _ in range(2):
        circuit.h(2)
        circuit.ccx(0, 1, 2)  # marks 111
        circuit.h(2)
        circuit.h(range(3))
        circuit.x(range(3))
        circuit.h(2)
        circuit.ccx(0, 1, 2)
        circuit.h(2)
        circuit.x(range(3))
        circuit.h(range(3))


def ansatz(circuit):
    form = efficient_su2(circuit.num_qubits, reps=2, entanglement="full")
    angles = [0.1 + 0.7 * number % 3 for number in range(form.num_parameters)]
    circuit.compose(form.assign_parameters(angles), inplace=True)


def w_state(circuit):
    count = circuit.num_qubits
    circuit.x(0)
    for qubit in range(count - 1):
        circuit.cry(2 * math.acos(math.sqrt(1 / (count - qubit))), qubit, qubit + 1)
        circuit.cx(qubit + 1, qubit)


def qaoa(circuit):
    count = circuit.num_qubits
    circuit.h(range(count))
    for layer in range(2):
        for qubit in range(count):
            circuit.rzz(0.5 + 0.2 * layer, qubit, (qubit + 1) % count)
        circuit.rx(0.9 - 0.3 * layer, range(count))


def ising(circuit):
    for _ in range(2):
        circuit.rx(0.6, range(circuit.num_qubits))
        for qubit in range(circuit.num_qubits - 1):
            circuit.cx(qubit, qubit + 1)
            circuit.rz(0.5, qubit + 1)
            circuit.cx(qubit, qubit + 1)


def adder(circuit):
    """Two 2-bit numbers in superposition, their sum in place of the second (Cuccaro et al.), 6 qubits."""
    carry, first, second, out = 0, (1, 3), (2, 4), 5
    circuit.h(first)
    circuit.x(second[0])
    chain = ((carry, second[0], first[0]), (first[0], second[1], first[1]))
    for low, middle, high in chain:
        circuit.cx(high, middle)
        circuit.cx(high, low)
        circuit.ccx(low, middle, high)
    circuit.cx(first[1], out)
    for low, middle, high in reversed(chain):
        circuit.ccx(low, middle, high)
        circuit.cx(high, low)
        circuit.cx(low, middle)


def clifford_and_t(circuit):
    for seed in range(3):
        circuit.compose(random_clifford(6, seed=seed).to_circuit(), inplace=True)
        circuit.t(range(6))
    circuit.h(range(6))


SMALL = {
    "bell": (bell, 2),
    "ghz": (ghz, 5),
    "fourier": (fourier, 5),
    "grover": (grover, 3),
    "ansatz": (ansatz, 5),
    "w": (w_state, 5),
    "qaoa": (qaoa, 6),
    "ising": (ising, 10),
    "adder": (adder, 6),
    "clifford_and_t": (clifford_and_t, 6),
}


def small(name):
    """Return a circuit of at most ten qubits that is worth distributing, all of them measured."""
    gates, qubits = SMALL[name]
    circuit = QuantumCircuit(qubits, qubits)
    gates(circuit)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def qft_16():
    """Every controlled phase kept, swaps at the end."""
    return synth_qft_full(16)


def su2_24_full():
    """One layer of ``cx`` from every qubit to every later one, between two of ``ry`` and ``rz``; angles by seed 1."""
    form = efficient_su2(24, reps=1, entanglement="full")
    return form.assign_parameters(np.random.default_rng(1).uniform(0, 2 * np.pi, form.num_parameters))


def qaoa_32(seed):
    """Two layers for the maximum cut of a random graph of 32 vertices with three edges each."""
    graph = networkx.random_regular_graph(3, 32, seed=seed)
    circuit = QuantumCircuit(32)
    circuit.h(range(32))
    for layer in range(2):
        for low, high in graph.edges:
            circuit.rzz(0.3 + 0.1 * layer, low, high)
        circuit.rx(0.5 + 0.1 * layer, range(32))
    return circuit


def cz_random_32(seed):
    """Forty layers: an ``h`` on each qubit with chance 0.3, then qubits paired at random, half the pairs by ``cz``."""
    chance = random.Random(seed)
    circuit = QuantumCircuit(32)
    for _ in range(40):
        for qubit in range(32):
            if chance.random() < 0.3:
                circuit.h(qubit)
        order = list(range(32))
        chance.shuffle(order)
        for low, high in zip(order[::2], order[1::2], strict=True):
            if chance.random() < 0.5:
                circuit.cz(low, high)
    return circuit


def woven(links):
    """Two triangles of qubits, and *links* gates between them that no cut of a wire saves."""
    circuit = QuantumCircuit(6)
    for qubit in range(6):
        circuit.ry(0.5 + 0.3 * qubit, qubit)
    for link in range(links):
        for low in (0, 3):
            circuit.cx(low, low + 1)
            circuit.cx(low + 1, low + 2)
            circuit.cx(low + 2, low)
        circuit.cz(link % 3, 3 + (link + 1) % 3)
        for qubit in range(6):
            circuit.rx(0.4 + 0.2 * qubit + link, qubit)
    return circuit
