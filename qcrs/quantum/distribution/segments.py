"""Which gates of a circuit can share a pair, and what an assignment of them to processors costs.

A segment is a stretch of one qubit's life in which nothing but diagonal gates and flips touches it: one pair, used to
make a copy of the qubit that agrees with it (a cat state), serves all of its gates on another processor. A qubit may
change its processor between segments, by teleportation over one pair, or over none while it is 0. So an assignment is a
processor for each segment and one for each joint gate, and its cost the pairs it consumes.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from qcrs.quantum.distribution.diagonal import FLIPS, JOINT, PHASES
from qcrs.quantum.program import Program


@dataclass(slots=True)
class Segment:
    """A stretch of *qubit*'s life, from step *start* of the program until its next segment starts.

    Attributes:
        fresh: Whether the qubit is 0 when the segment starts, so that it can start anywhere.
        gates: Numbers of the joint gates in it.
    """

    qubit: int
    start: int
    fresh: bool
    gates: list[int] = field(default_factory=list)


class Segments:
    """The segments and joint gates of a diagonal program.

    Attributes:
        segments: Those of a qubit follow one another.
        gates: For each joint gate, its two segments. step_of: And its step in the program.
        chains: For each qubit, the numbers of its segments.
    """

    def __init__(self, program: Program):
        self.program = program
        self.step_of: list[int] = []
        lives: list[list[Segment]] = [[Segment(qubit, 0, True)] for qubit in range(program.qubits)]
        closed = [False] * program.qubits
        pairs: list[tuple[Segment, Segment]] = []
        for step, operation in enumerate(program.operations):
            for qubit in operation.qubits:
                if operation.name == "reset" or (operation.name in JOINT and closed[qubit]):
                    lives[qubit].append(Segment(qubit, step, operation.name == "reset"))
                    closed[qubit] = False
                elif operation.name not in JOINT | PHASES | FLIPS | {"barrier"}:
                    # A segment without gates need not end: nothing shares pairs in it.
                    closed[qubit] = bool(lives[qubit][-1].gates)
            if operation.name in JOINT:
                first, second = (lives[qubit][-1] for qubit in operation.qubits)
                first.gates.append(len(pairs))
                second.gates.append(len(pairs))
                pairs.append((first, second))
                self.step_of.append(step)
        self.segments = [segment for life in lives for segment in life]
        numbers = {id(segment): number for number, segment in enumerate(self.segments)}
        self.chains = [[numbers[id(segment)] for segment in life] for life in lives]
        self.gates = [(numbers[id(first)], numbers[id(second)]) for first, second in pairs]

    @cached_property
    def ends(self) -> list[int]:
        """The step before which each segment has ended."""
        ends = [len(self.program.operations)] * len(self.segments)
        for chain in self.chains:
            for number, following in itertools.pairwise(chain):
                ends[number] = self.segments[following].start
        return ends


@dataclass
class Assignment:
    """A processor for each segment (*homes*) and for each joint gate (*places*)."""

    homes: list[int]
    places: list[int]

    def pairs(self, segments: Segments) -> int:
        """Return how many pairs it consumes if no copy has to be given up for lack of qubits."""
        copies = sum(
            len({self.places[gate] for gate in segment.gates} - {home})
            for segment, home in zip(segments.segments, self.homes, strict=True)
        )
        return copies + len(self.moves(segments))

    def moves(self, segments: Segments) -> list[int]:
        """Return the segments at whose start a qubit is teleported."""
        return [
            following
            for chain in segments.chains
            for number, following in itertools.pairwise(chain)
            if self.homes[number] != self.homes[following] and not segments.segments[following].fresh
        ]

    def peaks(self, segments: Segments, processors: int) -> list[int]:
        """Return how many qubits each processor is home to at most at once."""
        changes: list[dict[int, int]] = [{} for _ in range(processors)]
        for number, (segment, home) in enumerate(zip(segments.segments, self.homes, strict=True)):
            changes[home][segment.start] = changes[home].get(segment.start, 0) + 1
            end = segments.ends[number]
            changes[home][end] = changes[home].get(end, 0) - 1
        return [_peak(change) for change in changes]


def _peak(changes: dict[int, int]) -> int:
    level = highest = 0
    for step in sorted(changes):
        level += changes[step]
        highest = max(highest, level)
    return highest


def crossing(segments: Segments, homes: Sequence[int]) -> int:
    """Return how many joint gates join qubits of different processors: the pairs that one a gate would take."""
    return sum(homes[first] != homes[second] for first, second in segments.gates)
