"""A shared pair as a mixture of the four Bell states, and what purification makes of two of them.

A pair is Phi+ with a Pauli error on one half: X gives Psi+, Y Psi-, Z Phi-. A link is tested for how often the ends
disagree; that its pairs are Werner pairs, X, Y and Z equally likely, is assumed.
"""

from dataclasses import dataclass
from typing import Self

from qcrs.quantum.entanglement import pairs as entanglement
from qcrs.quantum.entanglement.pairs import BellDiagonal


@dataclass(frozen=True)
class Pair:
    """Probabilities that a pair has an X, Y or Z error."""

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

    @property
    def infidelity(self) -> float:
        """Probability of any error."""
        return self.x + self.y + self.z


PERFECT = Pair(0, 0, 0)


@dataclass(frozen=True)
class Purified:
    """A pair after *rounds* of purification.

    Attributes:
        success: Probability that all of the tree's steps succeed.
        raw_pairs: Expected pairs consumed for one, when a tree with a failed step is given up as a whole: the
            cautious figure, since winners need not be kept.
    """

    pair: Pair
    rounds: int
    success: float

    @property
    def raw_pairs(self) -> float:
        """Expected raw pairs for one purified pair."""
        return 2**self.rounds / self.success


def purify(pair: Pair, rounds: int) -> Purified:
    """Return what *rounds* of purification (DEJMPS, perfect local gates) make of 2^rounds pairs like *pair*."""
    raw = BellDiagonal(none=1 - pair.infidelity, x=pair.x, y=pair.y, z=pair.z)
    kept, success = entanglement.purify(raw, rounds)
    return Purified(Pair(kept.x, kept.y, kept.z), rounds, success)
