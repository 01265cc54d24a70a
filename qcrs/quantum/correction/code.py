"""The rotated surface code and its seam: which qubit is where, what it meets when, and whose it is.

Coordinates are Stim's: data at odd (x, y) from 1 to 2d - 1, checks at even ones between them; Z checks close the left
and right edges, X checks top and bottom. The logical Z runs along the top row, the logical X down the left column.

Two members hold the code, cut between two columns of data. The column of checks on the cut goes to the left member,
which has fewer data: d - 1 checks of weight four, each with two data on either side, and one of weight two on the top
or bottom edge, with one. So 2(d - 1) + 1 = **2d - 1 CNOTs cross in every round**, and each takes one shared pair.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

LEFT, RIGHT = 0, 1
MAX_DISTANCE = 15
Place = tuple[int, int]

# Where the four layers of CNOTs go from a check. The orders differ so that a fault in the middle of a check spreads
# across, not along, the logical operator of its kind (Tomita and Svore, Phys. Rev. A 90, 062320, 2014).
_X_ORDER = ((1, 1), (-1, 1), (1, -1), (-1, -1))
_Z_ORDER = ((1, 1), (1, -1), (-1, 1), (-1, -1))


class Basis(StrEnum):
    """Which logical state is kept: Z suffers from X errors, X from Z errors."""

    X = "X"
    Z = "Z"


@dataclass(frozen=True)
class Check:
    """A stabiliser: the ancilla at *place* of kind *basis*, and the data that it meets in each layer."""

    place: Place
    basis: Basis
    data: tuple[Place | None, ...]


@dataclass(frozen=True)
class Code:
    """The code of odd *distance* over two members."""

    distance: int

    def __post_init__(self) -> None:
        if self.distance < 3 or self.distance % 2 == 0 or self.distance > MAX_DISTANCE:
            raise ValueError(f"distance {self.distance}: expected odd, from 3 to {MAX_DISTANCE}")

    @cached_property
    def data(self) -> tuple[Place, ...]:
        """The data qubits, column by column."""
        odd = range(1, 2 * self.distance, 2)
        return tuple((x, y) for x in odd for y in odd)

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """The distance^2 - 1 checks, column by column."""
        even = range(0, 2 * self.distance + 1, 2)
        return tuple(check for x in even for y in even if (check := self._check(x, y)) is not None)

    def _check(self, x: int, y: int) -> Check | None:
        basis = self.kind((x, y))
        edges = (0, 2 * self.distance)
        if (x in edges and basis is Basis.X) or (y in edges and basis is Basis.Z):
            return None
        order = _X_ORDER if basis is Basis.X else _Z_ORDER
        places = [(x + right, y + down) for right, down in order]
        return Check((x, y), basis, tuple(place if place in self._inside else None for place in places))

    @staticmethod
    def kind(place: Place) -> Basis:
        """Return which kind of check is at *place*."""
        return Basis.X if (place[0] // 2 + place[1] // 2) % 2 else Basis.Z

    @cached_property
    def _inside(self) -> frozenset[Place]:
        return frozenset(self.data)

    def observable(self, basis: Basis) -> tuple[Place, ...]:
        """Return the data whose parity in *basis* is the logical outcome."""
        return tuple(place for place in self.data if place[1 if basis is Basis.Z else 0] == 1)

    def member(self, place: Place) -> int:
        """Return who holds the qubit at *place*: the checks on the cut are the left member's."""
        return LEFT if place[0] <= self.cut else RIGHT

    @property
    def cut(self) -> int:
        """The x of the cut, to the right of (distance - 1) / 2 columns of data."""
        return self.distance - 1

    def layer(self, number: int) -> Iterator[tuple[Place, Place]]:
        """Yield (control, target) of the CNOTs in layer *number*, 0 to 3: X checks control, Z checks are targets."""
        for check in self.checks:
            data = check.data[number]
            if data is not None:
                yield (check.place, data) if check.basis is Basis.X else (data, check.place)

    def crosses(self, control: Place, target: Place) -> bool:
        """Return whether a CNOT is between the members."""
        return self.member(control) != self.member(target)

    @property
    def pairs_per_round(self) -> int:
        """Shared pairs that a round takes, one a CNOT that crosses."""
        return sum(self.crosses(*gate) for number in range(4) for gate in self.layer(number))
