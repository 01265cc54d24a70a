"""From a circuit to fragments for several processors: the one door of this package that splits circuits.

The fragments have the circuit's distribution exactly if pairs are perfect; ``quote`` says what they have otherwise.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
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
_FOR_PAIRS = 2  # qubits that visitors leave free


class ProcessorsOutOfRange(QcrsError):
    """A circuit can be distributed over 2 to 8 processors."""


@dataclass(frozen=True)
class Distribution:
    """A circuit in fragments, and what they consume in one shot.

    Attributes:
        program: The circuit in diagonal gates, which the fragments carry out.
        fragments: One a processor, in the order in which the processors were given.
        pairs: Pairs that each two processors with a link share. copies, moves: What for (telegate, teledata).
        relayed: Pairs that each two without a link get. paths: Over whom, ends included. after: How many rounds of
            purification they get once they are swapped; the pairs that all this takes are among *pairs*.
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
    relayed: Mapping[Ends, int] = field(default_factory=dict)
    paths: Mapping[Ends, tuple[int, ...]] = field(default_factory=dict)
    after: Mapping[Ends, int] = field(default_factory=dict)

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
    losses: Mapping[Ends, float] | None = None,
) -> Distribution:
    """Split *source* so that few pairs are consumed. The same arguments give the same fragments.

    Args:
        source: As ``qcrs.quantum.circuit.load`` takes it.
        qubits: How many each processor has; half-pairs and copies need some beside the circuit's own.
        capacities: How many of the circuit's qubits each processor may be home to. Left out, everyone has a share in
            proportion to *qubits*, and may take in others for a stretch while that leaves it some for pairs.
        paths: By two processors without a link, the lower number first, those over which they get pairs, ends included.
        losses: What a pair of two processors costs: parts that share most pairs go to those who share them best.

    Raises:
        ProcessorsOutOfRange: Fewer than 2 or more than 8.
        CircuitRefused: The circuit is outside the profile.
        CapacityExceeded: It has more qubits than there is room for.
        QubitsExhausted: It would fit, but leaves no qubits for pairs.
        FragmentInvalid: A processor's part is too long for a fragment.
    """
    return next(distributions(source, qubits, capacities, paths, losses, (0,)))


def distributions(
    source: str | Path | QuantumCircuit, qubits: Sequence[int], capacities: Sequence[int] | None,
    paths: Mapping[Ends, Sequence[int]] | None, losses: Mapping[Ends, float] | None, after: Iterable[int],
) -> Iterator[Distribution]:  # fmt: skip
    """Yield what ``distribute`` returns, with swapped pairs purified end to end in each of *after* rounds.

    Raises:
        QubitsExhausted: Also when there are no qubits to purify with.
    """
    if not MIN_PROCESSORS <= len(qubits) <= MAX_PROCESSORS:
        raise ProcessorsOutOfRange(f"processors: expected {MIN_PROCESSORS} to {MAX_PROCESSORS}, got {len(qubits)}")
    segments = Segments(diagonal(source))
    limits = [min(MAX_QUBITS, limit) for limit in qubits]
    room = list(capacities) if capacities is not None else _shares(segments.program.qubits, limits)
    spare = [max(0, limit - share - _FOR_PAIRS) for limit, share in zip(limits, room, strict=True)]
    assignments = partitions(segments, room, spare if capacities is None else ())
    best, assignment = _best(segments, assignments, limits)
    if paths or losses:
        assignment = _seated(assignment, best.pairs, list(zip(room, limits, strict=True)), losses or {})
    for rounds in after:
        if paths or losses:
            best = split(segments, assignment, limits, paths, dict.fromkeys(paths or (), rounds))
        yield replace(
            _described(segments, assignment, best),
            paths={ends: tuple((paths or {})[ends]) for ends in best.relayed},
            after=dict.fromkeys(best.relayed, rounds),
        )


def _described(segments: Segments, assignment: Assignment, best: Split) -> Distribution:
    homes = [assignment.homes[chain[0]] for chain in segments.chains]
    return Distribution(
        segments.program,
        best.fragments,
        best.pairs,
        best.copies,
        best.moves,
        joint_gates=len(segments.gates),
        crossing=crossing(segments, [homes[segment.qubit] for segment in segments.segments]),
        homes=tuple(homes),
        relayed=best.relayed,
    )


def _best(segments: Segments, assignments: Sequence[Assignment], limits: Sequence[int]) -> tuple[Split, Assignment]:
    """Return the fragments that consume fewest pairs, qubits being as scarce as they are, and their assignment."""
    found: list[tuple[Split, Assignment]] = []
    failure = QubitsExhausted("processors: expected an assignment, found none")
    for assignment in assignments:
        for candidate in (assignment, at_an_end(segments, assignment)):
            try:
                found.append((split(segments, candidate, limits), candidate))
            except QubitsExhausted as error:
                failure = error
    if not found:
        raise failure
    return min(found, key=lambda one: (one[0].ebits, max(fragment.qubits for fragment in one[0].fragments)))


def _seated(
    assignment: Assignment, pairs: Mapping[Ends, int], kinds: Sequence[tuple[int, int]], losses: Mapping[Ends, float]
) -> Assignment:
    """Return *assignment* with its parts exchanged between processors of one kind while that lessens the losses."""
    seats = list(range(len(kinds)))

    def loss() -> float:
        ends = (tuple(sorted((seats[one], seats[other]))) for one, other in pairs)
        return sum(losses.get(two, 0.0) * count for two, count in zip(ends, pairs.values(), strict=True))

    least, better = loss(), True
    while better:
        better = False
        for one, other in combinations(range(len(seats)), 2):
            if kinds[seats[one]] != kinds[seats[other]]:
                continue
            seats[one], seats[other] = seats[other], seats[one]
            if loss() < least - 1e-12:
                least, better = loss(), True
            else:
                seats[one], seats[other] = seats[other], seats[one]
    return Assignment([seats[home] for home in assignment.homes], [seats[place] for place in assignment.places])


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
