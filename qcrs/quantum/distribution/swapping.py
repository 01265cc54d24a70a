"""Entangled pairs of two nodes without a link, as numbers: made of the pairs of two hops by the node between them."""

from qcrs.quantum.entanglement.pairs import MILLION, NOISELESS, BellDiagonal, LocalNoise, depolarised

# Faults as bits: 1 an X, 2 a Z, 3 a Y.
_FAULTS = BellDiagonal(none=0, x=1, y=3, z=2)


def swapped(first: BellDiagonal, second: BellDiagonal, noise: LocalNoise = NOISELESS) -> BellDiagonal:
    """Return the pair of the outer ends once the node between them has measured its halves in the Bell basis.

    Faults of both pairs end on the new one. So do those of the node's ``cx`` and ``h``, each of whose two readouts
    decides on an X or a Z, and those of these two gates of the far end.
    """
    chances = [0.0] * 4
    for fault, chance in zip(_FAULTS, first, strict=True):
        for other, more in zip(_FAULTS, second, strict=True):
            chances[fault ^ other] += chance * more
    chances = depolarised(chances, noise.two_qubit_ppm, 16)
    for _ in range(2):
        chances = depolarised(chances, noise.one_qubit_ppm, 4)
    wrong = noise.readout_ppm / MILLION
    # Two of the three faults after the h flip what is read.
    for bit, flip in ((1, wrong), (2, wrong), (2, noise.one_qubit_ppm / MILLION * 2 / 3)):
        chances = [(1 - flip) * chance + flip * chances[fault ^ bit] for fault, chance in enumerate(chances)]
    return BellDiagonal(*(chances[fault] for fault in _FAULTS))
