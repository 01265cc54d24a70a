"""A memory split in two: what each node does, and which of its bits is which outcome.

Crossing CNOTs are teleported gates without their corrections: their outcomes are handed in with the syndromes, and
whoever decodes follows the corrections into the detectors (``circuit.spelt``). A node never waits for the other's bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from qcrs.quantum.correction.code import LEFT, RIGHT, Basis, Place
from qcrs.quantum.correction.memory import Gate, Memory, Outcome, walk
from qcrs.quantum.fragment import Fragment, Instruction, Op


@dataclass(frozen=True)
class Halves:
    """What each member does and hands in.

    Attributes:
        qubits: Of each member, with one for its half of one pair after the other.
        outputs: For each member the outcome bits, in the order of its own: bit i of the whole program is outcome i of
            ``circuit.spelt``.
        ends: For each member where in its own bits each round ends; the last are those of the data.
        instructions: For each member its program.
    """

    qubits: tuple[int, ...]
    outputs: tuple[list[int], list[int]]
    ends: tuple[list[int], list[int]]
    instructions: tuple[list[Instruction], list[Instruction]]

    @classmethod
    def of(cls, memory: Memory, purification_rounds: int) -> Self:
        """Return the halves of *memory*."""
        splitter = _Splitter(memory, purification_rounds)
        walk(memory, splitter)
        qubits = tuple(len(own) + 1 for own in splitter.qubits)
        return cls(qubits, splitter.outputs, splitter.ends, splitter.instructions)

    def bits(self, member: int) -> int:
        """Return how many bits a member hands in for each shot."""
        return len(self.outputs[member])

    def fragment(self, member: int) -> Fragment:
        """Return the program of a member."""
        return Fragment(
            member=member,
            qubits=self.qubits[member],
            bits=self.bits(member),
            instructions=tuple(self.instructions[member]),
            outputs=tuple(enumerate(self.outputs[member])),
        )


def _own_places(memory: Memory, member: int) -> list[Place]:
    places = [*memory.code.data, *(check.place for check in memory.code.checks)]
    return sorted(place for place in places if memory.code.member(place) == member)


@dataclass
class _Splitter:
    """Hands that write down, for each member, what it does."""

    memory: Memory
    purification_rounds: int
    outputs: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    ends: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))
    instructions: tuple[list[Instruction], list[Instruction]] = field(default_factory=lambda: ([], []))
    outcomes: int = 0

    def __post_init__(self) -> None:
        # Each member's last qubit takes its half of one pair after the other.
        self.qubits = [
            {place: qubit for qubit, place in enumerate(_own_places(self.memory, member))} for member in (LEFT, RIGHT)
        ]

    def reset(self, places: Sequence[Place], basis: Basis) -> None:
        for place in places:
            self._do(place, Op.Reset)
        if basis is Basis.X:
            self.turn(places)

    def rest(self, places: Sequence[Place]) -> None:
        for member in (LEFT, RIGHT):
            self.instructions[member].append(Instruction(op=Op.Barrier))

    def turn(self, places: Sequence[Place]) -> None:
        for place in places:
            self._do(place, Op.Gate, name="h")

    def cnots(self, inside: Sequence[Gate], across: Sequence[Gate]) -> None:
        for control, target in inside:
            self._do(control, Op.Gate, target, name="cx")
        for control, target in across:
            self._telegate(control, target)

    def measure(self, number: int, places: Sequence[Place], basis: Basis) -> None:
        if basis is Basis.X:
            self.turn(places)
        for place in places:
            self._measure(self._member(place), self.qubits[self._member(place)][place])
        for member in (LEFT, RIGHT):
            self.ends[member].append(len(self.outputs[member]))

    def detector(self, outcomes: Sequence[Outcome], place: Place, number: int) -> None:
        """Detectors are for who decodes."""

    def observable(self, outcomes: Sequence[Outcome]) -> None:
        """So is the logical outcome."""

    def _telegate(self, control: Place, target: Place) -> None:
        sides = (self._member(control), self._member(target))
        halves = [len(self.qubits[side]) for side in sides]
        c, t = self.qubits[sides[0]][control], self.qubits[sides[1]][target]
        for side, half, peer in zip(sides, halves, reversed(sides), strict=True):
            step = Instruction(op=Op.Pair, qubits=(half,), peer=peer, rounds=self.purification_rounds)
            self.instructions[side].append(step)
        self.instructions[sides[0]].append(Instruction(op=Op.Gate, name="cx", qubits=(c, halves[0])))
        self._measure(sides[0], halves[0])
        self.instructions[sides[1]].append(Instruction(op=Op.Gate, name="cx", qubits=(halves[1], t)))
        self.instructions[sides[1]].append(Instruction(op=Op.Gate, name="h", qubits=(halves[1],)))
        self._measure(sides[1], halves[1])

    def _measure(self, member: int, qubit: int) -> None:
        bit = len(self.outputs[member])
        self.instructions[member].append(Instruction(op=Op.Measure, qubits=(qubit,), bits=(bit,)))
        self.outputs[member].append(self.outcomes)
        self.outcomes += 1

    def _do(self, place: Place, op: Op, *others: Place, name: str = "") -> None:
        own = self.qubits[self._member(place)]
        qubits = tuple(own[each] for each in (place, *others))
        self.instructions[self._member(place)].append(Instruction(op=op, name=name, qubits=qubits))

    def _member(self, place: Place) -> int:
        return self.memory.code.member(place)
