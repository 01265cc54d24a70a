"""Entangled pairs as numbers: purified, swapped, with the noise of the gates that it takes.

Every pair is diagonal in the Bell basis: Phi+ with an X, Y or Z on one half now and then. A half's fault counts like
the other half's, so what gates of both ends do wrong adds up on one of them.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qcrs.quantum.entanglement.pairs import MILLION, BellDiagonal, LocalNoise
from qcrs.quantum.fragment import MAX_PURIFICATION_ROUNDS

NOISELESS = LocalNoise()
# Faults as bits: 1 an X, 2 a Z, 3 a Y; of two pairs, the second pair's two bits higher.
_FAULTS = BellDiagonal(none=0, x=1, y=3, z=2)


class Purified(NamedTuple):
    """Pairs after rounds of purification.

    Attributes:
        success: How often a whole tree of 2**rounds raw pairs succeeds.
    """

    pair: BellDiagonal
    rounds: int
    success: float

    @property
    def fidelity(self) -> float:
        """With Phi+."""
        return self.pair.none

    @property
    def raw_pairs(self) -> float:
        """How many raw pairs one takes on average: a tree that failed is begun anew."""
        return 2**self.rounds / self.success


def noisy_dejmps(pair: BellDiagonal, noise: LocalNoise) -> tuple[BellDiagonal, float]:
    """Return what one round of purification makes of two pairs like *pair*, and how often it succeeds.

    As ``dejmps`` of ``entanglement.pairs``, which is this without noise: each end turns its halves by +-pi/2 about x,
    which makes faults Y into Z and back, then ``cx`` from the pair that is kept to the other, which both measure.
    """
    turned = list(pair)  # by fault, none, X, Z, Y: the last two are exchanged by the turn
    for _ in range(2):
        turned = _mixed(turned, noise.one_qubit_ppm, 4)
    joint = [0.0] * 16
    for kept, chance in enumerate(turned):
        for measured, other in enumerate(turned):
            # cx takes an X on to the measured pair and a Z back to the kept one.
            joint[(kept ^ (measured & 2)) | (measured ^ (kept & 1)) << 2] += chance * other
    for _ in range(2):
        joint = _mixed(joint, noise.two_qubit_ppm, 16)
    wrong = noise.readout_ppm / MILLION
    unequal = 2 * wrong * (1 - wrong)
    chances = [0.0] * 4
    for fault, chance in enumerate(joint):
        chances[fault & 3] += chance * (unequal if fault >> 2 & 1 else 1 - unequal)
    success = sum(chances)
    return BellDiagonal(*(chances[fault] / success for fault in _FAULTS)), success


def purify(pair: BellDiagonal, rounds: int, noise: LocalNoise = NOISELESS) -> Purified:
    """Return what *rounds* of purification make of pairs like *pair*."""
    success = 1.0
    for _ in range(rounds):
        pair, chance = noisy_dejmps(pair, noise)
        success = success**2 * chance
    return Purified(pair, rounds, success)


def purifications(pair: BellDiagonal, noise: LocalNoise = NOISELESS) -> Iterator[Purified]:
    """Yield no purification, one round, and so on up to as many as a fragment may ask for."""
    for rounds in range(MAX_PURIFICATION_ROUNDS + 1):
        yield purify(pair, rounds, noise)


def swapped(first: BellDiagonal, second: BellDiagonal, noise: LocalNoise = NOISELESS) -> BellDiagonal:
    """Return the pair of the outer ends once the node between them has measured its halves in the Bell basis.

    Faults of both pairs end on the new one. So do those of the node's ``cx`` and ``h``, each of whose two readouts
    decides on an X or a Z, and those of these two gates of the far end.
    """
    chances = [0.0] * 4
    for fault, chance in zip(_FAULTS, first, strict=True):
        for other, more in zip(_FAULTS, second, strict=True):
            chances[fault ^ other] += chance * more
    chances = _mixed(chances, noise.two_qubit_ppm, 16)
    for _ in range(2):
        chances = _mixed(chances, noise.one_qubit_ppm, 4)
    wrong = noise.readout_ppm / MILLION
    # Two of the three faults after the h flip what is read.
    for bit, flip in ((1, wrong), (2, wrong), (2, noise.one_qubit_ppm / MILLION * 2 / 3)):
        chances = [(1 - flip) * chance + flip * chances[fault ^ bit] for fault, chance in enumerate(chances)]
    return BellDiagonal(*(chances[fault] for fault in _FAULTS))


def _mixed(chances: Sequence[float], error_ppm: int, faults: int) -> list[float]:
    """Return *chances* by fault after a gate that is followed by one of its faults, of as many with none, by chance.

    A gate on two qubits has 16. Where fewer are told apart, all stay equally likely.
    """
    share = error_ppm / MILLION * faults / (faults - 1)
    mean = sum(chances) / len(chances)
    return [(1 - share) * chance + share * mean for chance in chances]
