"""From a circuit to fragments for several processors: the one door of this package that splits circuits.

The fragments have the circuit's distribution exactly if pairs are perfect; ``quote`` says what they have otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qiskit import QuantumCircuit

from qcrs.errors import QcrsError
from qcrs.quantum.distribution.diagonal import diagonal
from qcrs.quantum.distribution.partition import CapacityExceeded, at_an_end, partitions
from qcrs.quantum.distribution.segments import Assignment, Segments, crossing
from qcrs.quantum.distribution.split import Ends, QubitsExhausted, Split, split
from qcrs.quantum.fragment import MAX_QUBITS, Fragment, Op
from qcrs.quantum.program import Program

MIN_PROCESSORS, MAX_PROCESSORS = 2, 8


class ProcessorsOutOfRange(QcrsError):
    """A circuit can be distributed over 2 to 8 processors."""


@dataclass(frozen=True)
class Distribution:
    """A circuit in fragments, and what they consume in one shot.

    Attributes:
        program: The circuit in diagonal gates, which the fragments carry out.
        fragments: One a processor, in the order in which the processors were given.
        pairs: Pairs that each two processors share. copies, moves: What for (telegate, teledata).
        joint_gates: Gates on two qubits. crossing: How many of them join qubits that start on different processors:
            the pairs that one a gate would take.
        homes: On which processor each qubit starts.
    """

    program: Program
    fragments: tuple[Fragment, ...]
    pairs: Mapping[Ends, int]
    copies: int
    moves: int
    joint_gates: int
    crossing: int
    homes: tuple[int, ...]

    def with_rounds(self, rounds: Mapping[Ends, int]) -> "Distribution":
        """Return the same with each pair asked for with as many *rounds* of purification as its two ends say."""
        return replace(self, fragments=tuple(_with_rounds(fragment, rounds) for fragment in self.fragments))

    @property
    def bits(self) -> int:
        """Outcome bits."""
        return self.program.bits

    @property
    def ebits(self) -> int:
        """Pairs of all processors together."""
        return sum(self.pairs.values())

    @property
    def qubits(self) -> tuple[int, ...]:
        """Qubits that each processor needs, half-pairs included."""
        return tuple(fragment.qubits for fragment in self.fragments)

    @property
    def messages(self) -> int:
        """Classical messages."""
        return sum(step.op is Op.Send for fragment in self.fragments for step in fragment.instructions)


def distribute(
    source: str | Path | QuantumCircuit,
    qubits: Sequence[int],
    capacities: Sequence[int] | None = None,
    paths: Mapping[Ends, Sequence[int]] | None = None,
) -> Distribution:
    """Split *source* so that few pairs are consumed. The same arguments give the same fragments.

    Args:
        source: As ``qcrs.quantum.circuit.load`` takes it.
        qubits: How many each processor has; half-pairs and copies need some beside the circuit's own.
        capacities: How many of the circuit's qubits each processor may be home to. Left out, everyone has a share in
            proportion to *qubits*.
        paths: By two processors without a link (the lower number first), the processors over which they get pairs,
            both ends included, where pairs are swapped.

    Raises:
        ProcessorsOutOfRange: Fewer than 2 or more than 8.
        CircuitRefused: The circuit is outside the profile.
        CapacityExceeded: It has more qubits than there is room for.
        QubitsExhausted: It would fit, but leaves no qubits for pairs.
    """
    if not MIN_PROCESSORS <= len(qubits) <= MAX_PROCESSORS:
        raise ProcessorsOutOfRange(f"processors: expected {MIN_PROCESSORS} to {MAX_PROCESSORS}, got {len(qubits)}")
    program = diagonal(source)
    limits = [min(MAX_QUBITS, limit) for limit in qubits]
    segments = Segments(program)
    room = list(capacities) if capacities is not None else _shares(program.qubits, limits)
    best, assignment = _best(segments, room, limits, paths or {})
    homes = [assignment.homes[chain[0]] for chain in segments.chains]
    return Distribution(
        program,
        best.fragments,
        best.pairs,
        best.copies,
        best.moves,
        joint_gates=len(segments.gates),
        crossing=crossing(segments, [homes[segment.qubit] for segment in segments.segments]),
        homes=tuple(homes),
    )


def _best(
    segments: Segments, room: Sequence[int], limits: Sequence[int], paths: Mapping[Ends, Sequence[int]]
) -> tuple[Split, Assignment]:
    """Return the fragments that consume fewest pairs, qubits being as scarce as they are, and their assignment."""
    found: list[tuple[Split, Assignment]] = []
    failure = QubitsExhausted("processors: expected an assignment, found none")
    for assignment in partitions(segments, room):
        for candidate in (assignment, at_an_end(segments, assignment)):
            try:
                found.append((split(segments, candidate, limits, paths), candidate))
            except QubitsExhausted as error:
                failure = error
    if not found:
        raise failure
    return min(found, key=lambda one: (one[0].ebits, max(fragment.qubits for fragment in one[0].fragments)))


def _with_rounds(fragment: Fragment, rounds: Mapping[Ends, int]) -> Fragment:
    def asked(peer: int) -> int:
        return rounds.get((min(fragment.member, peer), max(fragment.member, peer)), 0)

    steps = (
        step.model_copy(update={"rounds": asked(step.peer)}) if step.op is Op.Pair else step
        for step in fragment.instructions
    )
    return Fragment.model_validate(fragment.model_dump() | {"instructions": tuple(steps)})


def _shares(qubits: int, limits: Sequence[int]) -> list[int]:
    """Return how many of *qubits* each processor is home to, in proportion to how many it has."""
    total = sum(limits)
    if total < qubits:
        raise CapacityExceeded(f"qubits of all processors: expected at least {qubits}, got {total}")
    shares = [qubits * limit // total for limit in limits]
    by_remainder = sorted(range(len(limits)), key=lambda number: -(qubits * limits[number] % total))
    for number in by_remainder[: qubits - sum(shares)]:
        shares[number] += 1
    return shares
