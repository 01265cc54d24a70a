"""Fragments of a diagonal program whose segments and gates have processors.

A copy of a qubit on another processor (cat-entangler): over a pair, ``cx`` from the qubit to its half, measure the
half, send the bit, flip the other half if it is 1. The copy is given up (cat-disentangler) by measuring it in the X
basis; the bit goes back and decides a ``z``, which waits for the end of the segment: with others it becomes one gate,
conditional on the parity of all their bits. Where the qubit is measured or reset next, nobody could tell, and nothing
is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qcrs.errors import QcrsError
from qcrs.quantum.distribution.diagonal import FLIPS, JOINT, PHASES
from qcrs.quantum.distribution.member import Member
from qcrs.quantum.distribution.relay import Ends, Pairs
from qcrs.quantum.distribution.segments import Assignment, Segments
from qcrs.quantum.fragment import Fragment, Op, require_program
from qcrs.quantum.program import Operation


class QubitsExhausted(QcrsError):
    """A processor has too few qubits for its part, even with every copy given up that can be."""


@dataclass(frozen=True)
class Split:
    """A program in fragments.

    Attributes:
        fragments: One a member, in order.
        pairs: How many pairs each two members with a link share in a shot.
        relayed: How many each two without get, for which the former are swapped and purified.
        copies, moves: What the pairs were for.
    """

    fragments: tuple[Fragment, ...]
    pairs: Mapping[Ends, int]
    relayed: Mapping[Ends, int]
    copies: int
    moves: int

    @property
    def ebits(self) -> int:
        """Pairs of all members together."""
        return sum(self.pairs.values())


def split(
    segments: Segments,
    assignment: Assignment,
    limits: Sequence[int],
    paths: Mapping[Ends, Sequence[int]] | None = None,
    rounds: Mapping[Ends, int] | None = None,
) -> Split:
    """Return the fragments of *segments* under *assignment*.

    Args:
        segments: Of the program.
        assignment: Processors by number.
        limits: How many qubits each processor has, half-pairs included.
        paths: By two members without a link, the members over which they get their pairs, both ends included.
        rounds: Of purification that these pairs get once they are swapped, by the same two; none by default.

    Raises:
        QubitsExhausted: A processor has too few qubits.
        FragmentInvalid: Its part is too long for a fragment.
    """
    return _Splitter(segments, assignment, limits, paths or {}, rounds or {}).run()


class _Splitter:
    """Goes through the program once, writing to all fragments in one order: none can wait for ever."""

    def __init__(
        self, segments: Segments, assignment: Assignment, limits: Sequence[int], paths: Mapping[Ends, Sequence[int]],
        rounds: Mapping[Ends, int],
    ):  # fmt: skip
        self._segments = segments
        self._homes, self._places = assignment.homes, assignment.places
        self._members = [Member(number, limit) for number, limit in enumerate(limits)]
        self._current = [chain[0] for chain in segments.chains]  # by qubit: its segment now
        self._slots: dict[int, int] = {}  # by qubit: where on its home
        self._copies: dict[tuple[int, int], int] = {}  # by segment and member: where
        self._corrections: dict[int, list[int]] = {}  # by segment: bits at its home that decide a z
        self._outcomes: dict[int, tuple[int, int]] = {}
        self._in_use: set[tuple[int, int]] = set()  # copies that the gate being written needs
        self._pairs = Pairs(paths, rounds, self._members, self._make_room)
        self._copied = self._moves = 0
        self._uses = _uses(segments, assignment)
        self._last = {
            qubit: step
            for step, operation in enumerate(segments.program.operations)
            for qubit in operation.qubits
            if operation.name != "barrier"
        }
        self._unwatched = _unwatched(segments)

    def run(self) -> Split:
        gates = iter(range(len(self._places)))
        for step, operation in enumerate(self._segments.program.operations):
            if operation.name == "barrier":
                for member in self._members:
                    member.write(Op.Barrier)
                continue
            if operation.name in JOINT:
                self._joint(operation, next(gates))
            else:
                self._single(operation, step)
            for qubit in operation.qubits:
                if self._last[qubit] == step and qubit in self._slots:
                    self._home(qubit).leave(self._slots.pop(qubit))
        for outcome in range(self._segments.program.bits):
            number, bit = self._outcomes.get(outcome) or (0, self._members[0].bit(unused=True))
            self._members[number].outputs.append((bit, outcome))
        fragments = tuple(member.fragment() for member in self._members)
        require_program(fragments)
        return Split(fragments, dict(self._pairs.used), dict(self._pairs.relayed), self._copied, self._moves)

    def _home(self, qubit: int) -> Member:
        return self._members[self._homes[self._current[qubit]]]

    def _slot(self, qubit: int) -> int:
        """Return where *qubit* is on its home, giving it a place if it has none yet."""
        if qubit not in self._slots:
            home = self._home(qubit)
            self._make_room(home)
            self._slots[qubit] = home.take(clean=True)
        return self._slots[qubit]

    def _single(self, operation: Operation, step: int) -> None:
        """Write a gate on one qubit, a measurement or a reset."""
        (qubit,) = operation.qubits
        segment = self._current[qubit]
        if operation.name == "reset":
            self._reset(qubit, step)
            return
        slot, home = self._slot(qubit), self._home(qubit)
        if operation.name == "measure":
            before = self._outcomes.pop(operation.bits[0], None)
            if before:
                self._members[before[0]].leave_bits(before[1])
            self._outcomes[operation.bits[0]] = (home.number, home.measure(slot))
            return
        if operation.name in FLIPS:
            for member in [member for number, member in self._copies if number == segment]:
                self._members[member].gate("x", self._copies[segment, member])
        elif operation.name not in PHASES:
            self._correct(segment)
        home.write(Op.Gate, name=operation.name, parameters=operation.parameters, qubits=(slot,))

    def _reset(self, qubit: int, step: int) -> None:
        """Write a reset, after which the qubit may live elsewhere."""
        before = self._homes[self._current[qubit]]
        chain = self._segments.chains[qubit]
        self._current[qubit] = next(number for number in chain if self._segments.segments[number].start == step)
        if qubit in self._slots and before == self._homes[self._current[qubit]]:
            self._members[before].write(Op.Reset, qubits=(self._slots[qubit],))
        elif qubit in self._slots:
            self._members[before].leave(self._slots.pop(qubit))

    def _joint(self, operation: Operation, gate: int) -> None:
        place = self._places[gate]
        pair = self._segments.gates[gate]
        for qubit, segment in zip(operation.qubits, pair, strict=True):
            if self._current[qubit] != segment:
                self._teleport(qubit, segment)
            self._slot(qubit)
        self._in_use = {(segment, place) for segment in pair}
        qubits = tuple(self._at(segment, place) for segment in pair)
        self._members[place].write(Op.Gate, name=operation.name, parameters=operation.parameters, qubits=qubits)
        self._in_use = set()
        for segment in pair:
            self._uses[segment, place].pop()
            if not self._uses[segment, place] and (segment, place) in self._copies:
                self._give_up(segment, place)

    def _at(self, segment: int, place: int) -> int:
        """Return what stands for the qubit of *segment* on *place*: itself, or a copy, made now if there is none."""
        qubit = self._segments.segments[segment].qubit
        if self._homes[segment] == place:
            return self._slot(qubit)
        if (segment, place) not in self._copies:
            home, away = self._home(qubit), self._members[place]
            near, far = self._pairs.pair(home, away)
            home.gate("cx", self._slot(qubit), near)
            sent = home.measure(near)
            home.leave(near)
            told = self._pairs.tell(home, away, sent)
            away.gate("x", far, condition=told)
            away.leave_bits(*told)
            self._copies[segment, place] = far
            self._copied += 1
        return self._copies[segment, place]

    def _give_up(self, segment: int, place: int) -> None:
        """Give up the copy of *segment* on *place*."""
        copy, away = self._copies.pop((segment, place)), self._members[place]
        if segment not in self._unwatched:
            home = self._members[self._homes[segment]]
            away.gate("h", copy)
            self._corrections.setdefault(segment, []).extend(self._pairs.tell(away, home, away.measure(copy)))
        away.leave(copy)

    def _correct(self, segment: int) -> None:
        """Write the z that the copies of *segment* have left behind."""
        bits = self._corrections.pop(segment, [])
        if bits:
            home = self._members[self._homes[segment]]
            home.gate("z", self._slots[self._segments.segments[segment].qubit], condition=bits)
            home.leave_bits(*bits)

    def _teleport(self, qubit: int, segment: int) -> None:
        """Begin *segment* of *qubit*, bringing it to the segment's home."""
        source, target = self._home(qubit), self._members[self._homes[segment]]
        if source is target or qubit not in self._slots:
            self._current[qubit] = segment
            return
        near, far = self._pairs.pair(source, target)
        slot = self._slots[qubit]
        source.gate("cx", slot, near)
        source.gate("h", slot)
        phase, flip = source.measure(slot), source.measure(near)
        source.leave(slot)
        source.leave(near)
        told = self._pairs.tell(source, target, phase, flip)
        target.gate("x", far, condition=told[1:])
        target.gate("z", far, condition=told[:1])
        target.leave_bits(*told)
        self._slots[qubit] = far
        self._moves += 1
        self._current[qubit] = segment

    def _make_room(self, member: Member) -> None:
        """Give up the copy on *member* that is needed again last, if the member has no qubit left.

        It is made anew when it is needed, over another pair.
        """
        if not member.full:
            return
        held = [copy for copy in self._copies if copy[1] == member.number and copy not in self._in_use]
        if not held:
            raise QubitsExhausted(f"processor {member.number}: its qubits are all in use, expected one more")
        self._give_up(*max(held, key=lambda copy: self._uses[copy][-1]))


def _uses(segments: Segments, assignment: Assignment) -> dict[tuple[int, int], list[int]]:
    """Return, for each segment and place, the gates that need the qubit there, the next at the end."""
    uses: dict[tuple[int, int], list[int]] = {}
    for gate in reversed(range(len(assignment.places))):
        for segment in segments.gates[gate]:
            uses.setdefault((segment, assignment.places[gate]), []).append(gate)
    return uses


def _unwatched(segments: Segments) -> set[int]:
    """Return the segments after whose gates the qubit is measured, reset or left alone before phases could show."""
    found: dict[int, bool] = {}
    silent = [True] * segments.program.qubits
    gate = len(segments.gates)
    for operation in reversed(segments.program.operations):
        if operation.name in JOINT:
            gate -= 1
            for segment, qubit in zip(segments.gates[gate], operation.qubits, strict=True):
                found.setdefault(segment, silent[qubit])
        elif operation.name not in PHASES | FLIPS | {"barrier"}:
            silent[operation.qubits[0]] = operation.name in ("measure", "reset")
    return {segment for segment, unwatched in found.items() if unwatched}
