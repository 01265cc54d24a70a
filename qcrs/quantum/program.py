"""A circuit as plain data: what the scanner reads and what the canonical text is written from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from qcrs.quantum.profile import LAYER_NANOSECONDS

# As in contracts/lifecycle/Computation.sol, whose depth class is a byte.
LAYERS_OF_CLASS = 64
MAX_DEPTH_CLASS = 255


class Operation(NamedTuple):
    """One gate, ``measure``, ``reset``, ``barrier`` or ``delay`` (whose parameter is nanoseconds) on flat numbers."""

    name: str
    parameters: tuple[float, ...]
    qubits: tuple[int, ...]
    bits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CircuitFacts:
    """A circuit's size.

    Attributes:
        outcome_bits: Declared classical bits; outcomes are integers below ``2**outcome_bits``.
        operations: Everything but barriers.
        depth: Layers of operations that share no qubit or bit; barriers take none, a delay one a microsecond.
        two_qubit_operations: Gates on two qubits or more.
    """

    qubits: int
    outcome_bits: int
    operations: int
    depth: int
    two_qubit_operations: int


@dataclass(frozen=True, slots=True)
class Program:
    """A flat circuit on one qubit and one bit register.

    Bit 0 is the least significant bit of an outcome. Where a text declares several registers, they
    are laid end to end in the order of declaration.
    """

    qubits: int
    bits: int
    operations: tuple[Operation, ...]

    def text(self) -> str:
        """Return the canonical OpenQASM 3 text, whose digest identifies the circuit.

        The program must use only gates of ``stdgates.inc``. Parameters are written with ``repr``,
        the shortest text that reads back as the same double.
        """
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        yield "OPENQASM 3.0;"
        yield 'include "stdgates.inc";'
        yield f"qubit[{self.qubits}] q;"
        yield f"bit[{self.bits}] c;"
        for name, parameters, qubits, bits in self.operations:
            operands = ", ".join(f"q[{qubit}]" for qubit in qubits)
            if name == "measure":
                yield f"c[{bits[0]}] = measure {operands};"
            elif name == "delay":
                yield f"delay[{int(parameters[0])}ns] {operands};"
            elif parameters:
                # Adding zero turns -0.0 into 0.0: equal angles must have equal digests.
                angles = ", ".join(repr(float(value) + 0.0) for value in parameters)
                yield f"{name}({angles}) {operands};"
            else:
                yield f"{name} {operands};"

    def facts(self) -> CircuitFacts:
        """Measure the circuit."""
        layer: dict[int, int] = {}
        operations = two_qubit = 0
        for name, parameters, qubits, bits in self.operations:
            wires = [*qubits, *(-1 - bit for bit in bits)]
            level = max((layer.get(wire, 0) for wire in wires), default=0)
            if name != "barrier":
                level += -(-int(parameters[0]) // LAYER_NANOSECONDS) if name == "delay" else 1
                operations += 1
                two_qubit += len(qubits) > 1
            # A barrier aligns the wires it spans without taking a layer of its own.
            layer.update(dict.fromkeys(wires, level))
        depth = max(layer.values(), default=0)
        return CircuitFacts(self.qubits, self.bits, operations, depth, two_qubit)


def depth_class(programs: Iterable[Program]) -> int:
    """Return the depth class of a circuit, or of a sweep's rounds, each of whose shots runs one of *programs*.

    It is the depth of the deepest (``CircuitFacts.depth``) in units of ``LAYERS_OF_CLASS``, rounded up, and 1 at least.
    What a shot costs is charged by it, so requesters declare it and processors refuse what is deeper. It may exceed
    ``MAX_DEPTH_CLASS``: no request can declare that.
    """
    deepest = max(program.facts().depth for program in programs)
    return max(1, -(-deepest // LAYERS_OF_CLASS))
