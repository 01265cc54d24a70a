"""Teleportation as changes of a Qiskit circuit: gates over pairs (telegate), qubits over pairs (teledata).

What comes back is an ordinary dynamic circuit on the same qubits and bits, and on registers ``pair`` and ``told`` more;
it does exactly what the circuit did. A pair is made where it is needed, by ``h`` and ``cx``: where processors are
apart, a link makes it. ``distribute`` in ``plan`` splits whole circuits and chooses by itself.
"""

from collections.abc import Sequence

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CircuitInstruction, Clbit, Gate, Qubit
from qiskit.quantum_info import Operator

from qcrs.errors import QcrsError

_EXACT = 1e-10


class CannotTeleport(QcrsError):
    """The instructions chosen do not allow the protocol."""


def telegate(circuit: QuantumCircuit, qubit: int, gates: Sequence[int]) -> QuantumCircuit:
    """Return *circuit* with some of its gates carried out over one pair, as if *qubit* were on another processor.

    A copy of the qubit, that agrees with it in the Z basis, is made on the far half before the first of the gates
    (cat-entangler) and given up after the last (cat-disentangler).

    Args:
        circuit: Any.
        qubit: Number of the qubit that all of the gates share, such as their control.
        gates: Places in ``circuit.data``; at least one.

    Raises:
        CannotTeleport: One of the gates, or what else touches the qubit between them, is not diagonal in it.
    """
    first, last = min(gates), max(gates)
    _require_diagonal(circuit, qubit, gates)
    changed = circuit.copy_empty_like()
    (near, far), told = _with_registers(changed, 2, 2)
    own = changed.qubits[qubit]
    for place, instruction in enumerate(circuit.data):
        if place == first:
            _make_pair(changed, near, far)
            changed.cx(own, near)
            changed.measure(near, told[0])
            with changed.if_test((told[0], 1)):
                changed.x(far)
        if place in gates:
            changed.append(instruction.operation, [far if used == own else used for used in instruction.qubits])
        else:
            changed.append(instruction)
        if place == last:
            changed.h(far)
            changed.measure(far, told[1])
            with changed.if_test((told[1], 1)):
                changed.z(own)
    return changed


def teledata(circuit: QuantumCircuit, qubit: int, start: int, stop: int | None = None) -> QuantumCircuit:
    """Return *circuit* with *qubit* on another processor from its instruction *start* on, and until before *stop*.

    Takes one pair, and another for the way back if there is a *stop*.

    Raises:
        CannotTeleport: *start* and *stop* are not places in the circuit, in this order.
    """
    end = len(circuit.data) if stop is None else stop
    if not 0 <= start <= end <= len(circuit.data):
        raise CannotTeleport(f"stretch: expected 0 <= start <= stop <= {len(circuit.data)}, got {start} and {stop}")
    changed = circuit.copy_empty_like()
    (near, far, back), told = _with_registers(changed, 3, 4)
    own = changed.qubits[qubit]
    for place in range(len(circuit.data) + 1):
        if place == start:
            _teleport(changed, own, near, far, told[:2])
        if place == stop:
            _teleport(changed, far, back, own, told[2:])
        if place < len(circuit.data):
            instruction = circuit.data[place]
            here = far if start <= place < end else own
            qubits = [here if used == own else used for used in instruction.qubits]
            changed.append(instruction.operation, qubits, instruction.clbits)
    return changed


def _require_diagonal(circuit: QuantumCircuit, qubit: int, gates: Sequence[int]) -> None:
    """Check that *gates* act on *qubit*, and that from first to last everything on it is diagonal in it."""
    for place in range(min(gates), max(gates) + 1):
        instruction = circuit.data[place]
        concerned = circuit.qubits[qubit] in instruction.qubits
        if (place in gates and not concerned) or (concerned and not _is_diagonal(instruction, circuit.qubits[qubit])):
            raise CannotTeleport(
                f"instruction {place} ({instruction.operation.name}): expected a gate diagonal in qubit {qubit}"
            )


def _is_diagonal(instruction: CircuitInstruction, qubit: Qubit) -> bool:
    """Return whether *instruction* is a gate that never flips *qubit*."""
    operation = instruction.operation
    if operation.name == "barrier":
        return True
    if not isinstance(operation, Gate):
        return False
    matrix = Operator(operation).data
    ones = np.arange(len(matrix)) >> instruction.qubits.index(qubit) & 1
    return bool(np.all(np.abs(matrix[ones[:, None] != ones[None, :]]) < _EXACT))


def _with_registers(circuit: QuantumCircuit, qubits: int, bits: int) -> tuple[list[Qubit], list[Clbit]]:
    """Add registers for pairs, and for what is told, to *circuit*."""
    number = sum(register.name.startswith("pair") for register in circuit.qregs)
    suffix = str(number) if number else ""
    pair, told = QuantumRegister(qubits, f"pair{suffix}"), ClassicalRegister(bits, f"told{suffix}")
    circuit.add_register(pair, told)
    return list(pair), list(told)


def _make_pair(circuit: QuantumCircuit, near: Qubit, far: Qubit) -> None:
    for half in (near, far):
        circuit.reset(half)
    circuit.h(near)
    circuit.cx(near, far)


def _teleport(circuit: QuantumCircuit, qubit: Qubit, near: Qubit, far: Qubit, told: Sequence[Clbit]) -> None:
    """Bring *qubit*, beside which *near* is, to *far*."""
    _make_pair(circuit, near, far)
    circuit.cx(qubit, near)
    circuit.h(qubit)
    circuit.measure(near, told[0])
    circuit.measure(qubit, told[1])
    with circuit.if_test((told[0], 1)):
        circuit.x(far)
    with circuit.if_test((told[1], 1)):
        circuit.z(far)
