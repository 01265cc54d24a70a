"""Circuits cut in pieces for processors without a link: expectation values from many ordinary computations.

Nothing quantum crosses a cut. In its place each piece runs in several variants, whose results are added with signs: a
cut ``cx`` multiplies the shots that a given error takes by 9, a cut wire by 16, and single outcomes are lost. So
this is the fallback, what it takes is said first, and more than two cuts need consent.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, inf, prod, sqrt
from pathlib import Path

from qiskit import QuantumCircuit, transpile
from qiskit.primitives import SamplerResult
from qiskit.quantum_info import Pauli, PauliList
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
from qiskit_addon_cutting.utils.observable_grouping import ObservableCollection

from qcrs.errors import QcrsError
from qcrs.quantum.circuit import canonical, load
from qcrs.quantum.fragment import GATES
from qcrs.quantum.request import MAX_SHOTS

FREE_CUTS = 2  # beyond them, consent is needed
MAX_CUTS = 4  # beyond them, nobody's consent makes sense of thousands of times the shots
_BASIS = sorted(GATES)
_SEED = 1  # of the search, so that one circuit is cut in one way


_Reading = list[tuple[int, int]]  # places of circuits, and by the parity of which outcome bits each is read


class CannotCut(QcrsError):
    """A circuit, or an observable, is none that can be cut, or no cuts make its pieces fit."""


class ConsentNeeded(QcrsError):
    """More than two cuts need the requester's word.

    Attributes:
        quote: What the cuts would take.
    """

    def __init__(self, quote: "CutQuote", allowed: int = FREE_CUTS):
        super().__init__(
            f"cuts: expected at most {allowed} without consent, got {quote.cuts}, which take {quote.overhead:,.0f} "
            f"times the shots and {quote.subexperiments} circuits. Consent to them (--cuts-allowed {quote.cuts}) or "
            "allow larger pieces"
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

    @property
    def fewest(self) -> int:
        """The fewest circuits that one of the observables is read from: each basis takes circuits of its own."""
        return min(
            len({place for term in terms for several in term.values() for place, _ in several}) for terms in self._read
        )

    @cached_property
    def _read(self) -> list[list[dict[Hashable, _Reading]]]:
        """What each observable is read from: by term of the sum, and by piece."""
        groups = {label: ObservableCollection(parts) for label, parts in self._parts.items()}
        readings = [
            {label: _readings(group, self._parts[label][which]) for label, group in groups.items()}
            for which in range(len(self.observables))
        ]
        return [
            [
                {
                    label: [(self._order[label][term * len(groups[label].groups) + k], mask) for k, mask in several]
                    for label, several in reading.items()
                }
                for term in range(len(self._coefficients))
            ]
            for reading in readings
        ]

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

    def errors(self, counts: Sequence[Mapping[int, int]]) -> list[float]:
        """Return the standard error of each expectation value: what the finite shots of *counts* leave open.

        A value is linear in the frequencies of each circuit, so that its variance is the sum over circuits of that of
        the derivatives by outcome. What processors' noise adds is not in it.

        Args:
            counts: As for ``expectations``.
        """
        return [self._error(read, counts) for read in self._read]

    def _error(self, terms: Sequence[Mapping[Hashable, _Reading]], counts: Sequence[Mapping[int, int]]) -> float:
        read_once = {one for term in terms for several in term.values() for one in several}
        means = {(place, mask): _mean(counts[place], mask) for place, mask in read_once}
        slopes: dict[int, dict[int, float]] = {}  # by circuit and mask
        for (coefficient, _), read in zip(self._coefficients, terms, strict=True):
            values = {label: sum(means[one] for one in several) / len(several) for label, several in read.items()}
            for label, several in read.items():
                others = prod(value for other, value in values.items() if other != label)
                for place, mask in several:
                    of_mask = slopes.setdefault(place, {})
                    of_mask[mask] = of_mask.get(mask, 0.0) + float(coefficient) * others / len(several)
        return sqrt(sum(_variance(counts[place], of_mask) for place, of_mask in slopes.items()))


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


def _readings(group: ObservableCollection, observable: Pauli) -> list[tuple[int, int]]:
    """Return in which of the *group*'s measurements *observable* is read, and by the parity of which bits."""
    found = []
    for which, place in group.lookup[observable]:
        measured = group.groups[which]
        width = max(1, len(measured.pauli_indices))  # one bit is measured even when none is needed
        found.append((which, measured.pauli_bitmasks[place] | -1 << width))  # above it, all bits of cuts count
    return found


def _sign(outcome: int, mask: int) -> int:
    return 1 - 2 * ((outcome & mask).bit_count() & 1)


def _mean(counts: Mapping[int, int], mask: int) -> float:
    return sum(times * _sign(outcome, mask) for outcome, times in counts.items()) / sum(counts.values())


def _variance(counts: Mapping[int, int], slopes: Mapping[int, float]) -> float:
    """Return the variance that the finite *counts* of one circuit give a value with these *slopes* by mask."""
    shots = sum(counts.values())
    rises = {outcome: sum(slope * _sign(outcome, mask) for mask, slope in slopes.items()) for outcome in counts}
    mean = sum(times * rises[outcome] for outcome, times in counts.items()) / shots
    return sum(times * (rises[outcome] - mean) ** 2 for outcome, times in counts.items()) / shots**2


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
