"""A shared pair as noise: the errors that a memory is planned and decoded with, by name.

A pair is Phi+ with a Pauli error on one half: X gives Psi+, Y Psi-, Z Phi-. A link is tested for how often the ends
disagree; that its pairs are Werner pairs, X, Y and Z equally likely, is assumed.
"""

from dataclasses import dataclass
from typing import Self

from qcrs.quantum.entanglement import pairs
from qcrs.quantum.entanglement.pairs import BellDiagonal, Purified


@dataclass(frozen=True)
class Pair:
    """Probabilities that a pair has an X, Y or Z error: a ``BellDiagonal`` without the rest, and checked.

    Jobs come from elsewhere, so what they say of their pairs may be no probabilities.
    """

    x: float
    y: float
    z: float

    def __post_init__(self) -> None:
        if min(self.x, self.y, self.z) < 0 or self.infidelity > 1:
            raise ValueError(f"errors {self.x}, {self.y}, {self.z}: expected probabilities with a sum of at most 1")

    @classmethod
    def werner(cls, infidelity: float) -> Self:
        """Return the Werner pair of fidelity 1 - *infidelity*."""
        return cls(infidelity / 3, infidelity / 3, infidelity / 3)

    @classmethod
    def of(cls, pair: BellDiagonal) -> Self:
        """Return the errors of *pair*."""
        return cls(pair.x, pair.y, pair.z)

    @property
    def infidelity(self) -> float:
        """Probability of any error."""
        return self.x + self.y + self.z


PERFECT = Pair(0, 0, 0)


def purify(pair: Pair, rounds: int) -> Purified:
    """Return what *rounds* of purification by a link, whose gates are perfect, make of pairs like *pair*."""
    return pairs.purify(BellDiagonal(1 - pair.infidelity, pair.x, pair.y, pair.z), rounds)
