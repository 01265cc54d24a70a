"""A distributed program that can be run: its fragments woven into one order, each member's noise, the fibre between."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate

from qcrs.quantum.entanglement.order import Step, weave
from qcrs.quantum.entanglement.pairs import Fibre, LocalNoise
from qcrs.quantum.fragment import Fragment, FragmentInvalid, Op


class Program:
    """What the members of a session run together.

    Args:
        fragments: One a member, in order.
        noises: Of each member's own device; none by default.

    Raises:
        FragmentInvalid, Deadlock, PairMismatch: As ``weave`` says.
    """

    def __init__(self, fragments: Sequence[Fragment], fibre: Fibre, noises: Sequence[LocalNoise] = ()) -> None:
        self.steps: list[Step] = weave(fragments)
        if noises and len(noises) != len(fragments):
            raise FragmentInvalid(f"noise of {len(noises)} members, expected {len(fragments)}")
        self.fragments, self.fibre = tuple(fragments), fibre
        self.noises = tuple(noises) or (LocalNoise(),) * len(fragments)
        self._first = list(accumulate((fragment.qubits for fragment in fragments), initial=0))

    @property
    def qubits(self) -> int:
        """How many there are in all."""
        return self._first[-1]

    def qubit(self, member: int, own: int) -> int:
        """Return the number among all of *member*'s *own*-th qubit."""
        return self._first[member] + own

    @cached_property
    def measurements(self) -> int:
        """How many measurements a shot has."""
        return sum(step.instruction.op is Op.Measure for step in self.steps)

    @cached_property
    def pairs(self) -> int:
        """How many pairs a shot takes."""
        return sum(step.instruction.op is Op.Pair and step.partner is not None for step in self.steps)

    @cached_property
    def raw_pairs(self) -> float:
        """How many raw pairs a shot takes on average, with what purification uses up."""
        return sum(raw_between(self.fragments, self.fibre).values())


def raw_between(fragments: Sequence[Fragment], fibre: Fibre) -> dict[tuple[int, int], float]:
    """Return how many raw pairs a shot takes on average, by two members, the lower number first.

    Each pair is asked for by both: what the lower one asks for is counted.
    """
    asked = Counter(
        (fragment.member, step.peer, step.rounds)
        for fragment in fragments
        for step in fragment.instructions
        if step.op is Op.Pair and fragment.member < step.peer
    )
    found: dict[tuple[int, int], float] = defaultdict(float)
    for (member, peer, rounds), count in asked.items():
        found[member, peer] += count * fibre.raw_pairs(rounds)
    return dict(found)
