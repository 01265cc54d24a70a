"""What a perfect processor would answer, and how far counts are from it."""

from collections.abc import Mapping
from itertools import count

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Instruction
from qiskit.circuit.library import CXGate
from qiskit.quantum_info import Statevector

from qcrs.errors import QcrsError

# Below this, a probability is the rounding of a double rather than an outcome.
_NEGLIGIBLE = 1e-12


class CircuitTooWide(QcrsError):
    """An exact answer would need more simulated qubits than allowed."""


def ideal_distribution(circuit: QuantumCircuit, limit: int = 20) -> dict[int, float]:
    """Return the exact probability of each outcome of *circuit*.

    Bit 0 of an outcome is ``c[0]``. Measurements and resets in mid-circuit are deferred: each
    moves to a qubit of its own, which counts towards *limit*.

    Raises:
        CircuitTooWide: more than *limit* qubits would have to be simulated.
    """
    outcomes, probabilities, _ = exact_outcomes(circuit, limit)
    distribution: dict[int, float] = {}
    for outcome, probability in zip(outcomes, probabilities, strict=True):
        distribution[int(outcome)] = distribution.get(int(outcome), 0.0) + float(probability)
    return distribution


def exact_outcomes(circuit: QuantumCircuit, limit: int = 20) -> tuple[np.ndarray, np.ndarray, int]:
    """Return outcomes of *circuit*, some perhaps repeated, the probability of each, and how many bits are measured.

    Raises:
        CircuitTooWide: more than *limit* qubits would have to be simulated.
    """
    deferred, holders = _deferred(circuit)
    if deferred.num_qubits > limit:
        raise CircuitTooWide(
            f"exact answer of a circuit: expected at most {limit} qubits, "
            f"got {deferred.num_qubits} with deferred measurements"
        )
    probabilities = Statevector(deferred).probabilities()
    (indices,) = np.nonzero(probabilities > _NEGLIGIBLE)
    # Objects hold outcomes of any width; 62 bits fit a machine word, which is tens of times as fast.
    kind = object if max(holders, default=0) > 61 else np.int64
    outcomes = np.zeros(len(indices), dtype=kind)
    for bit, qubit in holders.items():
        outcomes += ((indices >> qubit) & 1).astype(kind) << bit
    return outcomes, probabilities[indices], len(holders)


def total_variation_distance(counts: Mapping[int, int], distribution: Mapping[int, float]) -> float:
    """Return half the L1 distance between the frequencies of *counts* and *distribution*."""
    total = sum(counts.values())
    outcomes = counts.keys() | distribution.keys()
    return 0.5 * sum(abs(counts.get(outcome, 0) / total - distribution.get(outcome, 0.0)) for outcome in outcomes)


def _deferred(circuit: QuantumCircuit) -> tuple[QuantumCircuit, dict[int, int]]:
    """Return *circuit* without measurements and resets, and which qubit holds each bit.

    Qubits that nothing acts on are left out.
    """
    gates: list[tuple[Instruction, list[int]]] = []
    wires: dict[int, int] = {}  # where each qubit of the circuit lives now
    holders: dict[int, int] = {}
    fresh = count()
    for instruction in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        operation = instruction.operation
        if operation.name in ("barrier", "delay"):
            continue
        if operation.name == "reset":
            wires.pop(qubits[0], None)  # the next touch finds a new qubit in |0>
            continue
        for qubit in qubits:
            if qubit not in wires:
                wires[qubit] = next(fresh)
        targets = [wires[qubit] for qubit in qubits]
        if operation.name == "measure":
            holders[circuit.find_bit(instruction.clbits[0]).index] = targets[0]
            continue
        for bit, holder in holders.items():
            if holder in targets:  # measured before this gate: keep the record on a copy
                holders[bit] = next(fresh)
                gates.append((CXGate(), [holder, holders[bit]]))
        gates.append((operation, targets))
    deferred = QuantumCircuit(next(fresh))
    for operation, targets in gates:
        deferred.append(operation, targets)
    return deferred, holders
