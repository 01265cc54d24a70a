"""A shared pair as a mixture of the four Bell states, and what purification makes of two of them.

A pair is Phi+ with a Pauli error on one half: X gives Psi+, Y Psi-, Z Phi-. A link is tested for how often the ends
disagree; that its pairs are Werner pairs, X, Y and Z equally likely, is assumed.
"""

from dataclasses import dataclass
from typing import Self


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
    """Return what *rounds* of DEJMPS with perfect local gates make of 2^rounds pairs like *pair*.

    Deutsch et al., Phys. Rev. Lett. 77, 2818 (1996): for weights a, b, c, d of Phi+, Psi-, Psi+, Phi- a step succeeds
    with N = (a + b)^2 + (c + d)^2 and leaves (a^2 + b^2, 2cd, c^2 + d^2, 2ab) / N.
    """
    success = 1.0
    for _ in range(rounds):
        a, b, c, d = 1 - pair.infidelity, pair.y, pair.x, pair.z
        passed = (a + b) ** 2 + (c + d) ** 2
        pair = Pair(x=(c * c + d * d) / passed, y=2 * c * d / passed, z=2 * a * b / passed)
        success = success**2 * passed  # both halves of the tree, then this step
    return Purified(pair, rounds, success)
