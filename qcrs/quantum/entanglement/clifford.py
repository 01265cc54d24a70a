"""A woven program as one Stim circuit: Clifford gates, Pauli noise, Paulis that measurements decide on."""

from collections.abc import Callable
from math import pi

import numpy
import stim

from qcrs.quantum.entanglement.order import Ledger, Step
from qcrs.quantum.entanglement.program import Program
from qcrs.quantum.fragment import Instruction, Op

_NAMES = {
    "id": "I", "x": "X", "y": "Y", "z": "Z", "h": "H", "s": "S", "sdg": "S_DAG", "sx": "SQRT_X", "sxdg": "SQRT_X_DAG",
    "cx": "CX", "cy": "CY", "cz": "CZ", "swap": "SWAP",
}  # fmt: skip
# Rotations by 0 to 3 quarter turns; cp and rzz by halves and quarters of what their angle says.
_TURNS = {
    **dict.fromkeys(("rz", "p"), ("I", "S", "Z", "S_DAG")),
    "rx": ("I", "SQRT_X", "X", "SQRT_X_DAG"),
    "ry": ("I", "SQRT_Y", "Y", "SQRT_Y_DAG"),
}
_PAULIS = {"I": None, "X": "CX", "Y": "CY", "Z": "CZ"}
_EXACT = 1e-12
# Draws all measurements of so many shots, one row a shot.
Draw = Callable[[int], numpy.ndarray]


class NotClifford(Exception):
    """A step that Stim cannot do."""


def clifford(instruction: Instruction) -> str:
    """Return Stim's name of a gate.

    Raises:
        NotClifford: It is none of Stim's gates.
    """
    name, parameters = instruction.name, instruction.parameters
    if name in _NAMES:
        return _NAMES[name]
    if name in _TURNS:
        turns = parameters[0] / (pi / 2)
        if abs(turns - round(turns)) < _EXACT:
            return _TURNS[name][round(turns) % 4]
    if name == "cp" and abs(parameters[0] / pi - round(parameters[0] / pi)) < _EXACT:
        return "CZ" if round(parameters[0] / pi) % 2 else "I"
    raise NotClifford(name)


def compile_clifford(program: Program) -> tuple[stim.Circuit, Ledger]:
    """Return the circuit of *program*, and which of its measurements each bit holds in the end.

    Raises:
        NotClifford: A gate is not Clifford, or one that is decided on by bits is not a Pauli.
    """
    ledger = Ledger([fragment.bits for fragment in program.fragments])
    lines: list[str] = []
    for step in program.steps:
        lines += _lines(program, ledger, step)
        ledger.note(step)
    return stim.Circuit("\n".join(lines)), ledger


def sampler(circuit: stim.Circuit, seed: int) -> Draw:
    """Return what draws all measurements of some shots."""
    return circuit.compile_sampler(seed=seed).sample


def pair_lines(program: Program, first: int, second: int, rounds: int) -> list[str]:
    """Return how two qubits become a pair."""
    _, x, y, z = program.fibre.pair(rounds)
    return [f"R {first} {second}", f"H {first}", f"CX {first} {second}", f"PAULI_CHANNEL_1({x},{y},{z}) {second}"]


def _lines(program: Program, ledger: Ledger, step: Step) -> list[str]:
    member, instruction, partner = step
    qubits = [program.qubit(member, qubit) for qubit in instruction.qubits]
    noise = program.noises[member]
    if instruction.op is Op.Gate:
        return [*_gate(ledger, step, qubits), *_after_gate(noise.one_qubit_ppm, noise.two_qubit_ppm, qubits)]
    if instruction.op is Op.Measure:
        return [f"M({noise.readout_ppm / 1e6}) {qubits[0]}"]
    if instruction.op is Op.Reset:
        return [f"R {qubits[0]}"]
    if instruction.op is Op.Pair and partner is not None:
        other = program.qubit(instruction.peer, partner.qubits[0])
        return pair_lines(program, qubits[0], other, instruction.rounds)
    return []


def _gate(ledger: Ledger, step: Step, qubits: list[int]) -> list[str]:
    name = clifford(step.instruction)
    if not step.instruction.condition:
        targets = qubits if name != "I" else qubits[:1]
        return [f"{name} {' '.join(map(str, targets))}"]
    if name not in _PAULIS:
        raise NotClifford(f"{name} under a condition")
    controlled = _PAULIS[name]
    if controlled is None:
        return []
    return [f"{controlled} rec[{number - ledger.count}] {qubits[0]}" for number in ledger.condition(step)]


def _after_gate(one_ppm: int, two_ppm: int, qubits: list[int]) -> list[str]:
    ppm = (one_ppm, two_ppm)[len(qubits) - 1]
    return [f"DEPOLARIZE{len(qubits)}({ppm / 1e6}) {' '.join(map(str, qubits))}"] if ppm else []
