"""Circuits on the client's side: read them, size them, write the text that is submitted."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Barrier, CircuitInstruction, ControlFlowOp, Delay, Instruction, Measure, Reset
from qiskit.circuit.library import MCXGate, get_standard_gate_name_mapping

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.profile import GATES_3, LIMITS, NANOSECONDS
from qcrs.quantum.program import CircuitFacts, Operation, Program
from qcrs.quantum.scan import scan

_GATE_CLASSES = {name: gate.base_class for name, gate in get_standard_gate_name_mapping().items()}
_GATE_CLASSES["U"] = _GATE_CLASSES["u"]
_CANONICAL_NAMES = {_GATE_CLASSES[shape.name]: shape.name for shape in GATES_3.values()} | {
    Measure: "measure",
    Reset: "reset",
    Barrier: "barrier",
    Delay: "delay",
}

# An instruction and the qubits and bits of the whole circuit that it acts on.
_Placed = tuple[CircuitInstruction, tuple[int, ...], tuple[int, ...]]


def load(source: str | Path | QuantumCircuit) -> QuantumCircuit:
    """Return *source* as a circuit on one register ``q`` and one register ``c``.

    Args:
        source: A file, or a text (anything with a line break or a semicolon), of OpenQASM 3 or 2
            in the flat profile; or a circuit.

    Raises:
        CircuitRefused: the circuit is outside the profile.
        OSError: the file cannot be read.
    """
    if isinstance(source, QuantumCircuit):
        return build(_flattened(source))
    if isinstance(source, str) and ("\n" in source or ";" in source):
        return build(scan(source))
    with Path(source).open("rb") as file:
        # One byte more than allowed is enough to be refused, however long the file is.
        return build(scan(file.read(LIMITS.text_bytes + 1)))


def canonical(circuit: QuantumCircuit) -> str:
    """Return the one text of *circuit*: flat OpenQASM 3, whose digest is the circuit's identity.

    ``canonical(load(canonical(circuit)))`` is ``canonical(circuit)``. Gates outside
    ``stdgates.inc`` are replaced by their definitions; the global phase, which no count can show,
    is dropped.

    Raises:
        CircuitRefused: the circuit is outside the profile, or too large once written.
    """
    text = _flattened(circuit).text()
    scan(text)
    return text


def facts(circuit: QuantumCircuit) -> CircuitFacts:
    """Measure *circuit* as it will be submitted."""
    return _flattened(circuit).facts()


def build(program: Program) -> QuantumCircuit:
    """Return *program* as a Qiskit circuit."""
    qubits, bits = QuantumRegister(program.qubits, "q"), ClassicalRegister(program.bits, "c")
    circuit = QuantumCircuit(qubits, bits)
    for name, parameters, targets, targeted in program.operations:
        if name == "measure":
            circuit.measure(targets[0], targeted[0])
        elif name == "reset":
            circuit.reset(targets[0])
        elif name == "barrier":
            circuit.barrier(targets)
        elif name == "delay":
            circuit.delay(int(parameters[0]), targets[0], unit="ns")
        elif name == "mcx":  # the one gate whose width is not in its name
            circuit.append(MCXGate(len(targets) - 1), targets)
        else:
            circuit.append(_GATE_CLASSES[name](*parameters), targets)
    return circuit


def _flattened(circuit: QuantumCircuit) -> Program:
    """Return *circuit* in gates of ``stdgates.inc``, in order."""
    operations: list[Operation] = []
    # Definitions are expanded depth first; a stack keeps the order without recursion.
    pending: list[_Placed] = [
        (
            instruction,
            tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits),
            tuple(circuit.find_bit(bit).index for bit in instruction.clbits),
        )
        for instruction in reversed(circuit.data)
    ]
    while pending:
        instruction, qubits, bits = pending.pop()
        operation = instruction.operation
        # By class, not by name: anyone may call a gate of their own "cx".
        name = _CANONICAL_NAMES.get(operation.base_class)
        if name is None:
            pending.extend(_expanded(operation, qubits, bits))
            continue
        operations.append(Operation(name, _parameters(operation), qubits, bits))
        if len(operations) > LIMITS.operations:
            raise CircuitRefused(
                RefusalCode.TooManyOperations,
                "circuit",
                f"at most {LIMITS.operations} operations",
                "more",
            )
    return Program(circuit.num_qubits, circuit.num_clbits, tuple(operations))


def _parameters(operation: Instruction) -> tuple[float, ...]:
    if isinstance(operation, Barrier):
        return ()
    if isinstance(operation, Delay):
        return (_nanoseconds(operation),)
    try:
        return tuple(float(parameter) for parameter in operation.params)
    except (TypeError, ValueError):
        raise CircuitRefused(RefusalCode.ParameterInvalid, operation.name, "bound numbers", operation.params) from None


def _nanoseconds(delay: Delay) -> int:
    try:
        duration = Fraction(str(delay.duration)) * {**NANOSECONDS, "s": 10**9}[delay.unit]
    except (KeyError, ValueError):
        duration = Fraction(1, 2)
    if duration.denominator != 1:
        raise CircuitRefused(
            RefusalCode.ForbiddenStatement,
            "delay",
            "a whole number of nanoseconds",
            f"{delay.duration} {delay.unit}",
        )
    return int(duration)


def _expanded(operation: Instruction, qubits: tuple[int, ...], bits: tuple[int, ...]) -> Iterator[_Placed]:
    """Yield the instructions of *operation*'s definition, last first."""
    if isinstance(operation, ControlFlowOp) or operation.name == "store":
        raise CircuitRefused(RefusalCode.FeedForwardUnsupported, "instruction", "a flat circuit", operation.name)
    definition = operation.definition
    if definition is None:
        raise CircuitRefused(
            RefusalCode.ForbiddenStatement,
            "instruction",
            "a gate, measure, barrier or reset",
            operation.name,
        )
    for instruction in reversed(definition.data):
        yield (
            instruction,
            tuple(qubits[definition.find_bit(qubit).index] for qubit in instruction.qubits),
            tuple(bits[definition.find_bit(bit).index] for bit in instruction.clbits),
        )
