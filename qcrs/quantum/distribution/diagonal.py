"""A circuit whose only gates on two qubits are diagonal: the form in which gates can share entangled pairs.

A diagonal gate does not care whether it meets a qubit or another that has been entangled to always agree with it. Any
gate on two qubits is such gates between gates on one; a swap is no gate at all, since qubits may be renamed.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache, reduce
from itertools import chain, product

import numpy as np
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.synthesis import OneQubitEulerDecomposer

from qcrs.quantum.circuit import load
from qcrs.quantum.fragment import GATES
from qcrs.quantum.program import Operation, Program

JOINT = frozenset(("cz", "cp", "crz", "rzz"))
PHASES = frozenset(("z", "s", "sdg", "t", "tdg", "p", "rz"))  # diagonal
FLIPS = frozenset(("x", "y"))  # what they do to a qubit, x does to one that agrees with it, but for a phase
_SINGLES = frozenset(name for name, (qubits, _) in GATES.items() if qubits == 1)

# A gate that is diagonal but for a change of frame of its last qubit (of both, for rxx): the diagonal gate, the gates
# before and those after. Its own angles go to the diagonal gate.
_Frame = tuple[tuple[str, tuple[float, ...]], ...]
_FRAMED: dict[str, tuple[str, _Frame, _Frame]] = {
    "cx": ("cz", (("h", ()),), (("h", ()),)),
    "cy": ("cz", (("sdg", ()), ("h", ())), (("h", ()), ("s", ()))),
    "ch": ("cz", (("ry", (-math.pi / 4,)),), (("ry", (math.pi / 4,)),)),
    "crx": ("crz", (("h", ()),), (("h", ()),)),
    "cry": ("crz", (("sdg", ()), ("h", ())), (("h", ()), ("s", ()))),
    "rxx": ("rzz", (("h", ()),), (("h", ()),)),
}
_BASIS = sorted(_SINGLES | JOINT | _FRAMED.keys() | {"swap"})
_EXACT = 1e-10
_GATES = get_standard_gate_name_mapping()


def diagonal(source: str | QuantumCircuit) -> Program:
    """Return *source* in gates on one qubit and the gates ``JOINT``, measurements, resets and barriers.

    Counts are the same; the global phase, delays and barriers that span some qubits only are dropped, since neither
    is a gate. Qubits are renamed where the circuit swaps them.

    Args:
        source: As ``qcrs.quantum.circuit.load`` takes it.

    Raises:
        CircuitRefused: the circuit is outside the profile.
    """
    circuit = load(source)
    flat = transpile(circuit, basis_gates=_BASIS, optimization_level=0)
    operations = _merged(list(_framed(flat)))
    operations = _merged(_paired(operations))
    return Program(circuit.num_qubits, circuit.num_clbits, tuple(operations))


def _framed(circuit: QuantumCircuit) -> Iterator[Operation]:
    """Yield the operations of *circuit*, framed gates taken apart and swaps carried out by name."""
    wires = list(range(circuit.num_qubits))
    for instruction in circuit.data:
        name, parameters = instruction.operation.name, tuple(map(float, instruction.operation.params))
        numbers = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        qubits = tuple(wires[number] for number in numbers)
        if name == "swap":
            wires[numbers[0]], wires[numbers[1]] = wires[numbers[1]], wires[numbers[0]]
        elif name == "barrier":
            if len(qubits) == circuit.num_qubits:
                yield Operation("barrier", (), qubits)
        elif name in _FRAMED:
            inner, before, after = _FRAMED[name]
            targets = qubits if name == "rxx" else qubits[1:]
            yield from (Operation(*gate, (target,)) for target in targets for gate in before)
            yield Operation(inner, parameters, qubits)
            yield from (Operation(*gate, (target,)) for target in targets for gate in after)
        elif name != "delay":
            bits = tuple(circuit.find_bit(bit).index for bit in instruction.clbits)
            yield Operation(name, () if bits else parameters, qubits, bits)


def _merged(operations: Sequence[Operation]) -> list[Operation]:
    """Return *operations* with each run of gates on one qubit as short as it gets, Clifford gates by name."""
    merged: list[Operation] = []
    runs: dict[int, list[Operation]] = {}
    for operation in operations:
        if operation.name in _SINGLES:
            runs.setdefault(operation.qubits[0], []).append(operation)
            continue
        for qubit in operation.qubits:
            merged += _shortened(runs.pop(qubit, []))
        merged.append(operation)
    for run in runs.values():
        merged += _shortened(run)
    return merged


def _paired(operations: Sequence[Operation]) -> list[Operation]:
    """Return *operations* with ``cz``, a turn about x of one of its qubits and ``cz`` again made one framed ``rzz``.

    Written in stdgates.inc, an ``rzz`` comes so. As two gates it could share pairs from one of its ends only.
    """
    found = [(operation,) for operation in operations]
    trails: dict[int, list[int]] = {}  # by qubit: the places of what acts on it, in order
    for place, operation in enumerate(operations):
        if operation.name == "cz":
            for near, far in (operation.qubits, operation.qubits[::-1]):
                if _pair(found, trails.get(near, []), trails.get(far, []), place, (near, far)):
                    break
        for qubit in operation.qubits:
            trails.setdefault(qubit, []).append(place)
    return list(chain.from_iterable(found))


def _pair(
    found: list[tuple[Operation, ...]], near: Sequence[int], far: Sequence[int], place: int, qubits: tuple[int, int]
) -> bool:
    """Join the ``cz`` at *place* with an earlier one if only a turn about x of the second of *qubits* lies between."""
    if len(far) < 2:
        return False
    first, middle = far[-2:]
    earlier, turn = found[first], found[middle]
    if [step.name for step in earlier] != ["cz"] or set(earlier[0].qubits) != set(qubits):
        return False
    if len(turn) != 1 or turn[0].name not in _SINGLES or (angle := _turn_about_x(turn[0])) is None:
        return False
    if any(step.name not in PHASES | JOINT for at in near if at > first for step in found[at]):
        return False
    frame = Operation("h", (), qubits[1:])
    found[first], found[middle] = (), (frame,)
    found[place] = (Operation("rzz", (angle,), qubits), frame)
    return True


def _matrix(operation: Operation) -> np.ndarray:
    return _GATES[operation.name].base_class(*operation.parameters).to_matrix()


def _turn_about_x(operation: Operation) -> float | None:
    """Return the angle of *operation* if it is a rotation about x, but for a phase."""
    matrix = _matrix(operation)
    if abs(matrix[0, 0] - matrix[1, 1]) > _EXACT or abs(matrix[0, 1] - matrix[1, 0]) > _EXACT:
        return None
    # cos(a/2) and -i sin(a/2) times a common phase: their sum and difference are e^(-ia/2) and e^(ia/2).
    return float(np.angle((matrix[0, 0] - matrix[0, 1]) / (matrix[0, 0] + matrix[0, 1])))


def _shortened(run: Sequence[Operation]) -> tuple[Operation, ...]:
    """Return gates that do what *run*, on one qubit, does, but for a phase."""
    if not run:
        return ()
    matrix = reduce(lambda product_, step: _matrix(step) @ product_, run, np.eye(2))
    word = _clifford_words().get(_key(matrix))
    if word is not None:
        return tuple(Operation(name, (), run[0].qubits) for name in word)
    if len(run) == 1:
        return tuple(run)
    qubits = run[0].qubits
    if abs(matrix[0, 1]) < _EXACT:
        return (Operation("p", (float(np.angle(matrix[1, 1] / matrix[0, 0])),), qubits),)
    if abs(matrix[0, 0]) < _EXACT:
        turn = float(np.angle(matrix[1, 0] / matrix[0, 1]))
        return Operation("x", (), qubits), Operation("p", (turn,), qubits)
    return (Operation("u", tuple(map(float, OneQubitEulerDecomposer("U").angles(matrix))), qubits),)


@cache
def _clifford_words() -> dict[tuple[complex, ...], tuple[str, ...]]:
    """Return, by matrix, the shortest words of the 24 Clifford gates: simulators that know no others run them fast."""
    words: dict[tuple[complex, ...], tuple[str, ...]] = {}
    for length in range(4):
        for word in product(("z", "s", "sdg", "x", "y", "h", "sx", "sxdg"), repeat=length):
            matrix = reduce(lambda product_, name: _matrix(Operation(name, (), (0,))) @ product_, word, np.eye(2))
            words.setdefault(_key(matrix), word)
    return words


def _key(matrix: np.ndarray) -> tuple[complex, ...]:
    """Return the entries of *matrix* without its phase, rounded to compare."""
    leading = next(entry for entry in matrix.ravel() if abs(entry) > 0.1)
    rounded = np.round(matrix.ravel() * (abs(leading) / leading), 8) + 0.0
    return tuple(complex(entry.real + 0.0, entry.imag + 0.0) for entry in rounded)
