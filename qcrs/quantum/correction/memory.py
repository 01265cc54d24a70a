"""A logical qubit kept in a surface code over two processors: what is done to which qubit, in which order.

``walk`` tells the schedule once; circuits (``circuit``) and the two nodes' programs (``job``) are what different hands
make of it. Nothing here needs Stim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from qcrs.quantum.correction.code import Basis, Code, Place

MAX_ROUNDS = 1_000
Gate = tuple[Place, Place]
Outcome = tuple[int, Place]  # of a round and a place; the data's last outcomes count as a round of their own


@dataclass(frozen=True)
class Memory:
    """*rounds* rounds of syndromes of a code of *distance*, between preparing and measuring all data in *basis*."""

    distance: int
    rounds: int
    basis: Basis

    def __post_init__(self) -> None:
        if not 1 <= self.rounds <= MAX_ROUNDS:
            raise ValueError(f"{self.rounds} rounds: expected 1 to {MAX_ROUNDS}")
        _ = self.code

    @cached_property
    def code(self) -> Code:
        """The code."""
        return Code(self.distance)

    @property
    def pairs(self) -> int:
        """Shared pairs that one experiment takes."""
        return self.rounds * self.code.pairs_per_round


class Hands(Protocol):
    """Whoever carries a schedule out."""

    def reset(self, places: Sequence[Place], basis: Basis) -> None:
        """Prepare 0 or +."""

    def rest(self, places: Sequence[Place]) -> None:
        """Let the data wait at the start of a round."""

    def turn(self, places: Sequence[Place]) -> None:
        """Do H."""

    def cnots(self, inside: Sequence[Gate], across: Sequence[Gate]) -> None:
        """Do a layer of CNOTs (control, target), within members and across the seam; they share no qubit."""

    def measure(self, number: int, places: Sequence[Place], basis: Basis) -> None:
        """Measure, as outcomes of round *number*."""

    def detector(self, outcomes: Sequence[Outcome], place: Place, number: int) -> None:
        """Say that *outcomes* have even parity without noise."""

    def observable(self, outcomes: Sequence[Outcome]) -> None:
        """Say that the parity of *outcomes* is the logical outcome."""


def walk(memory: Memory, hands: Hands) -> None:
    """Have *hands* carry out the schedule of *memory*."""
    code, basis, last = memory.code, memory.basis, memory.rounds
    places = [check.place for check in code.checks]
    hands.reset(code.data, basis)
    hands.reset(places, Basis.Z)
    for number in range(memory.rounds):
        _round(memory, hands, number)
    hands.measure(last, code.data, basis)
    for check in code.checks:
        if check.basis is basis:
            data = [(last, place) for place in check.data if place is not None]
            hands.detector([*data, (last - 1, check.place)], check.place, last)
    hands.observable([(last, place) for place in code.observable(basis)])


def _round(memory: Memory, hands: Hands, number: int) -> None:
    code = memory.code
    places = [check.place for check in code.checks]
    turned = [check.place for check in code.checks if check.basis is Basis.X]
    hands.rest(code.data)
    hands.turn(turned)
    for layer in range(4):
        gates = list(code.layer(layer))
        hands.cnots(
            [gate for gate in gates if not code.crosses(*gate)], [gate for gate in gates if code.crosses(*gate)]
        )
    hands.turn(turned)
    hands.measure(number, places, Basis.Z)
    hands.reset(places, Basis.Z)
    for check in code.checks:
        if number:
            hands.detector([(number, check.place), (number - 1, check.place)], check.place, number)
        elif check.basis is memory.basis:
            hands.detector([(number, check.place)], check.place, number)
