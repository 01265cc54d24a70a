"""How fragments say that two members get a pair: over their link, or over the members between them if they have none.

Each member between measures its two halves in the Bell basis; the far end corrects once, by the parity of what all of
them have told it. What comes of that can be purified end to end (DEJMPS): both ends measure one pair of two, and
compare what they find. When it differs a herald has failed, and the shot is begun anew.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from qcrs.quantum.distribution.member import Member
from qcrs.quantum.fragment import Op

Ends = tuple[int, int]  # two members, the lower number first
# +-pi/2 about x: it makes faults Y, of which a comparison shows nothing, into Z, and back.
_TURNS = ("sx", "sxdg")


class Pairs:
    """Writes pairs, and the messages that go with them.

    Args:
        paths: By two members without a link, the members over which they get their pairs, both ends included.
        rounds: By the same two, rounds of purification once pairs are swapped; none by default.
        make_room: Sees to it that a member has a free qubit.

    Attributes:
        used: How many pairs each two members with a link share in a shot. relayed: How many each two without get.
    """

    def __init__(
        self, paths: Mapping[Ends, Sequence[int]], rounds: Mapping[Ends, int], members: Sequence[Member],
        make_room: Callable[[Member], None],
    ) -> None:  # fmt: skip
        self._paths, self._rounds, self._members, self._make_room = paths, rounds, members, make_room
        self.used: Counter[Ends] = Counter()
        self.relayed: Counter[Ends] = Counter()

    def pair(self, first: Member, second: Member) -> tuple[int, int]:
        """Write that two members get a pair, and return the half of each."""
        ends = _ends(first, second)
        path = self._paths.get(ends)
        if path is None:
            return self._linked(first, second)
        self.relayed[ends] += 1
        way = [self._members[number] for number in (path if path[0] == first.number else reversed(path))]
        return self._purified(way, self._rounds.get(ends, 0))

    def tell(self, sender: Member, receiver: Member, *bits: int) -> tuple[int, ...]:
        """Write that *sender* sends *bits*, which it needs no more, and return where *receiver* has them."""
        sender.write(Op.Send, bits=bits, peer=receiver.number)
        sender.leave_bits(*bits)
        told = tuple(receiver.bit() for _ in bits)
        receiver.write(Op.Receive, bits=told, peer=sender.number)
        return told

    def _linked(self, first: Member, second: Member) -> tuple[int, int]:
        halves: list[int] = []
        for member, peer in ((first, second), (second, first)):
            self._make_room(member)
            halves.append(member.take())
            member.write(Op.Pair, qubits=(halves[-1],), peer=peer.number)
        self.used[_ends(first, second)] += 1
        return halves[0], halves[1]

    def _purified(self, way: Sequence[Member], rounds: int) -> tuple[int, int]:
        """Write *rounds* of purification of pairs of the ends of *way*, and return the halves that are kept."""
        if not rounds:
            return self._swapped(way)
        kept, spent = self._purified(way, rounds - 1), self._purified(way, rounds - 1)
        ends, bits = (way[0], way[-1]), []
        for member, turn, own, other in zip(ends, _TURNS, kept, spent, strict=True):
            member.gate(turn, own)
            member.gate(turn, other)
            member.gate("cx", own, other)
            bits.append(member.measure(other))
            member.leave(other)
        for member, peer, bit in zip(ends, reversed(ends), bits, strict=True):
            member.write(Op.Herald, bits=(bit,), peer=peer.number)
            member.leave_bits(bit)
        return kept

    def _swapped(self, way: Sequence[Member]) -> tuple[int, int]:
        """Write that the ends of *way* get a pair over all hops of it."""
        near, at = self._linked(way[0], way[1])
        flips: list[int] = []
        phases: list[int] = []
        for middle, onward in pairwise(way[1:]):
            out, far = self._linked(middle, onward)
            middle.gate("cx", at, out)
            middle.gate("h", at)
            phase, flip = middle.measure(at), middle.measure(out)
            middle.leave(at)
            middle.leave(out)
            told = self.tell(middle, way[-1], phase, flip)
            phases.append(told[0])
            flips.append(told[1])
            at = far
        way[-1].gate("x", at, condition=flips)
        way[-1].gate("z", at, condition=phases)
        way[-1].leave_bits(*flips, *phases)
        return near, at


def _ends(first: Member, second: Member) -> Ends:
    return min(first.number, second.number), max(first.number, second.number)
