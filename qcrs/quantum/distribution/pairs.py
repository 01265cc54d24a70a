"""Entangled pairs as numbers: purified, swapped, with the noise of the gates that it takes.

Every pair is diagonal in the Bell basis: Phi+ with an X, Y or Z on one half now and then. A half's fault counts like
the other half's, so what gates of both ends do wrong adds up on one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from qcrs.quantum.fragment import MAX_PURIFICATION_ROUNDS

# Faults as bits: 1 an X, 2 a Z, 3 a Y; of two pairs, the second pair's two bits higher.
_FAULTS = {"none": 0, "x": 1, "y": 3, "z": 2}


class BellDiagonal(NamedTuple):
    """Chances that a pair is Phi+ with nothing, X, Y or Z on one half."""

    none: float
    x: float
    y: float
    z: float

    @property
    def fidelity(self) -> float:
        """With Phi+."""
        return self.none


@dataclass(frozen=True, slots=True)
class LocalNoise:
    """Of the ends' own devices: how often a gate on two qubits is followed by one of the 15 faults, a readout wrong."""

    two_qubit: float = 0.0
    readout: float = 0.0


NOISELESS = LocalNoise()


class Purified(NamedTuple):
    """Pairs after rounds of purification.

    Attributes:
        success: How often a whole tree of 2**rounds raw pairs succeeds.
    """

    pair: BellDiagonal
    rounds: int
    success: float

    @property
    def raw_pairs(self) -> float:
        """How many raw pairs one takes on average: a tree that failed is begun anew."""
        return 2**self.rounds / self.success


def werner(fidelity: float) -> BellDiagonal:
    """Return the Werner pair of *fidelity*: the three faults are equally likely."""
    fault = (1 - fidelity) / 3
    return BellDiagonal(fidelity, fault, fault, fault)


def dejmps(pair: BellDiagonal, noise: LocalNoise = NOISELESS) -> tuple[BellDiagonal, float]:
    """Return what one round of purification makes of two pairs like *pair*, and how often it succeeds.

    Each end turns its halves by +-pi/2 about x, which makes faults Y into Z and back, then ``cx`` from the pair that is
    kept to the other, which both measure: equal bits are a success. Deutsch et al., Phys. Rev. Lett. 77, 2818 (1996).
    """
    turned = BellDiagonal(pair.none, pair.x, pair.z, pair.y)
    joint = [0.0] * 16
    for kept, chance in _by_fault(turned):
        for measured, other in _by_fault(turned):
            # cx takes an X on to the measured pair and a Z back to the kept one.
            joint[(kept ^ (measured & 2)) | (measured ^ (kept & 1)) << 2] += chance * other
    for _ in range(2):
        joint = _depolarised(joint, noise.two_qubit)
    unequal = 2 * noise.readout * (1 - noise.readout)
    passed = [unequal if fault >> 2 & 1 else 1 - unequal for fault in range(16)]
    chances = [sum(joint[kept | measured << 2] * passed[kept | measured << 2] for measured in range(4))
               for kept in range(4)]  # fmt: skip
    success = sum(chances)
    return BellDiagonal(*(chances[fault] / success for fault in _FAULTS.values())), success


def purify(pair: BellDiagonal, rounds: int, noise: LocalNoise = NOISELESS) -> Purified:
    """Return what *rounds* of purification make of pairs like *pair*."""
    success = 1.0
    for _ in range(rounds):
        pair, chance = dejmps(pair, noise)
        success = success**2 * chance
    return Purified(pair, rounds, success)


def purifications(pair: BellDiagonal, noise: LocalNoise = NOISELESS) -> Iterator[Purified]:
    """Yield no purification, one round, and so on up to as many as a fragment may ask for."""
    for rounds in range(MAX_PURIFICATION_ROUNDS + 1):
        yield purify(pair, rounds, noise)


def swapped(first: BellDiagonal, second: BellDiagonal, noise: LocalNoise = NOISELESS) -> BellDiagonal:
    """Return the pair of the outer ends once the node between them has measured its halves in the Bell basis.

    Faults of both pairs end on the new one; so do those of the node's ``cx``, and each of its two readouts decides on
    an X or a Z.
    """
    chances = [0.0] * 4
    for fault, chance in _by_fault(first):
        for other, more in _by_fault(second):
            chances[fault ^ other] += chance * more
    # A fault after the cx shows in what is read of the two qubits: Z of one (X of the pair), X of the other (Z).
    mixed = sum(chances) / 4
    share = noise.two_qubit * 16 / 15
    chances = [(1 - share) * chance + share * mixed for chance in chances]
    for bit in (1, 2):
        chances = [
            (1 - noise.readout) * chance + noise.readout * chances[fault ^ bit] for fault, chance in enumerate(chances)
        ]
    return BellDiagonal(*(chances[fault] for fault in _FAULTS.values()))


def _by_fault(pair: BellDiagonal) -> Iterator[tuple[int, float]]:
    return zip(_FAULTS.values(), pair, strict=True)


def _depolarised(joint: list[float], error: float) -> list[float]:
    """Return the chances of faults of two pairs after one more of the 15, by chance, with *error*."""
    share = error * 16 / 15  # of a fault that is one of 16, nothing among them
    mixed = sum(joint) / 16
    return [(1 - share) * chance + share * mixed for chance in joint]
