"""Circuits cut in pieces for processors without a link: expectation values from many ordinary computations.

Nothing quantum crosses a cut. In its place each piece runs in several variants, whose results are added with signs: a
cut ``cx`` multiplies the shots that a given error takes by 9, a cut wire by 16, and single outcomes are lost. So
this is the fallback, what it takes is said first, and more than two cuts need consent.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf, sqrt
from pathlib import Path

from qiskit import QuantumCircuit, transpile
from qiskit.primitives import SamplerResult
from qiskit.quantum_info import PauliList
from qiskit_addon_cutting import (
    DeviceConstraints,
    OptimizationParameters,
    PartitionedCuttingProblem,
    cut_wires,
    expand_observables,
    find_cuts,
    generate_cutting_experiments,
    partition_problem,
)
from qiskit_addon_cutting import reconstruct_expectation_values as reconstruct

from qcrs.errors import QcrsError
from qcrs.quantum.circuit import canonical, load
from qcrs.quantum.fragment import GATES
from qcrs.quantum.request import MAX_SHOTS

FREE_CUTS = 2  # beyond them, consent is needed
MAX_CUTS = 4  # beyond them, nobody's consent makes sense of thousands of times the shots
_BASIS = sorted(GATES)
_SEED = 1  # of the search, so that one circuit is cut in one way


class CannotCut(QcrsError):
    """A circuit, or an observable, is none that can be cut, or no cuts make its pieces fit."""


class ConsentNeeded(QcrsError):
    """More than two cuts need the requester's word.

    Attributes:
        quote: What the cuts would take.
    """

    def __init__(self, quote: "CutQuote"):
        super().__init__(
            f"cuts: expected at most {FREE_CUTS} without consent, got {quote.cuts}, which take {quote.overhead:,.0f} "
            f"times the shots and {quote.subexperiments} circuits"
        )
        self.quote = quote


@dataclass(frozen=True)
class CutQuote:
    """What cuts take, said before anything runs.

    Attributes:
        gates, wires: How many of each are cut. overhead: What the shots for a given error are multiplied by.
        subexperiments: Circuits to run, all different. qubits: Of each piece.
    """

    gates: int
    wires: int
    overhead: float
    subexperiments: int
    qubits: tuple[int, ...]

    @property
    def cuts(self) -> int:
        """Gates and wires."""
        return self.gates + self.wires

    def error(self, shots: int) -> float:
        """Return about what standard error an expectation value has after *shots* of all circuits together."""
        return sqrt(self.overhead / shots)

    def shots(self, error: float) -> int:
        """Return how many shots of each circuit about that standard *error* takes."""
        return ceil(self.overhead / error**2 / self.subexperiments)


@dataclass(frozen=True)
class Subexperiment:
    """One circuit to run: *text* is an ordinary computation's; *piece* says for which of the pieces."""

    piece: int
    text: str


class CutCircuit:
    """A circuit in pieces.

    Attributes:
        observables: Whose expectation values are wanted. quote: What it takes.
        subexperiments: What to run, each once or more.
    """

    def __init__(self, problem: PartitionedCuttingProblem, observables: Sequence[str], gates: int, wires: int):
        self.observables = tuple(observables)
        self._parts = problem.subobservables or {}
        circuits, self._coefficients = generate_cutting_experiments(problem.subcircuits, self._parts, inf)
        labels = sorted(circuits, key=str)
        found: dict[Subexperiment, int] = {}
        # Pieces that a cut does not touch come once for each of its variants: they are run once.
        self._order: dict[Hashable, list[int]] = {
            label: [
                found.setdefault(Subexperiment(piece, canonical(circuit)), len(found)) for circuit in circuits[label]
            ]
            for piece, label in enumerate(labels)
        }
        self.subexperiments = tuple(found)
        overhead = 1.0
        for basis in problem.bases:
            overhead *= float(basis.overhead)
        qubits = tuple(problem.subcircuits[label].num_qubits for label in labels)
        self.quote = CutQuote(gates, wires, overhead, len(self.subexperiments), qubits)

    def expectations(self, counts: Sequence[Mapping[int, int]]) -> list[float]:
        """Return the expectation value of each observable.

        Args:
            counts: Of each of the subexperiments, in their order.

        Raises:
            CannotCut: They are not as many.
        """
        if len(counts) != len(self.subexperiments) or not all(counts):
            raise CannotCut(f"counts: expected those of {len(self.subexperiments)} circuits, got {len(counts)}")
        shares = [{outcome: times / sum(one.values()) for outcome, times in one.items()} for one in counts]
        results = {
            label: SamplerResult([shares[place] for place in order], [{} for _ in order])
            for label, order in self._order.items()
        }
        return [float(value) for value in reconstruct(results, self._coefficients, self._parts)]


def cut(
    source: str | Path | QuantumCircuit, observables: Sequence[str], qubits: int, consent: bool = False
) -> CutCircuit:
    """Cut *source* into pieces of at most *qubits* qubits, in the way found that takes fewest shots.

    Args:
        source: As ``qcrs.quantum.circuit.load`` takes it. Measurements in the end are left out: what is measured is
            the observables.
        observables: Pauli strings such as ``"ZIZ"``, the last letter for ``q[0]``.
        consent: To more than two cuts.

    Raises:
        CircuitRefused: The circuit is outside the profile.
        CannotCut: It measures or resets in mid-circuit, an observable does not match it, or no cuts make it fit.
        ConsentNeeded: It takes more than two cuts; the error says what they would take.
    """
    circuit = _unmeasured(load(source))
    problem, gates, wires = _pieces(circuit, _paulis(observables, circuit.num_qubits), qubits)
    largest = max(piece.num_qubits for piece in problem.subcircuits.values())
    if gates + wires > MAX_CUTS or largest > qubits:
        raise CannotCut(
            f"circuit of {circuit.num_qubits} qubits: expected pieces of {qubits} by at most {MAX_CUTS} cuts, got "
            f"pieces of up to {largest} by {gates + wires}"
        )
    pieces = CutCircuit(problem, observables, gates, wires)
    if pieces.quote.cuts > FREE_CUTS and not consent:
        raise ConsentNeeded(pieces.quote)
    return pieces


def shots_each(pieces: CutCircuit, shots: int) -> int:
    """Return how many shots each circuit gets of *shots* in all, as many as one computation may have at most."""
    return max(1, min(MAX_SHOTS, shots // len(pieces.subexperiments)))


def _unmeasured(circuit: QuantumCircuit) -> QuantumCircuit:
    """Return the gates of *circuit*, on two qubits at most."""
    gates = QuantumCircuit(circuit.num_qubits)
    measured: set[int] = set()
    for instruction in transpile(circuit, basis_gates=_BASIS, optimization_level=0).data:
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        name = instruction.operation.name
        if name in ("barrier", "delay"):
            continue
        if name == "reset" or (measured & set(qubits)):
            raise CannotCut(f"circuit: expected gates and then measurements, got {name} on qubits {qubits}")
        if name == "measure":
            measured |= set(qubits)
        else:
            gates.append(instruction.operation, qubits)
    for qubit in range(circuit.num_qubits):
        gates.id(qubit)  # a qubit without any gate would belong to no piece
    return gates


def _paulis(observables: Sequence[str], qubits: int) -> PauliList:
    for observable in observables:
        if len(observable) != qubits or set(observable) - set("IXYZ"):
            raise CannotCut(f"observable {observable!r}: expected {qubits} letters of I, X, Y and Z")
    if not observables:
        raise CannotCut("observables: expected one at least, got none")
    return PauliList(list(observables))


def _pieces(circuit: QuantumCircuit, paulis: PauliList, qubits: int) -> tuple[PartitionedCuttingProblem, int, int]:
    """Return *circuit* cut into pieces of at most *qubits* qubits, and how many gates and wires that cuts."""
    try:
        marked, found = find_cuts(circuit, OptimizationParameters(seed=_SEED), DeviceConstraints(qubits))
    except ValueError as error:  # so it says that a size is too small for any cut
        raise CannotCut(f"circuit of {circuit.num_qubits} qubits: expected pieces of {qubits}, {error}") from error
    whole = cut_wires(marked)
    problem = partition_problem(whole, observables=expand_observables(paulis, circuit, whole))
    wires = sum("Wire" in kind for kind, _ in found["cuts"])
    return problem, len(found["cuts"]) - wires, wires
