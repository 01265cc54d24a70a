"""Pairs that wait in the memories of two ends, and are measured half by half: what channels are tested with.

Measurements lie in the plane of Z and X. A pair is entangled until one half is measured; the other then is a state of
its own, an arrow in that plane. That describes such measurements on pairs diagonal in the Bell basis exactly, and on
those that an eavesdropper has broken.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy

from qcrs.quantum.entanglement.errors import OutOfReach, PairTooOld, PairUsed
from qcrs.quantum.entanglement.pairs import MILLION, Fibre

Z_ANGLE, X_ANGLE = 0.0, numpy.pi / 2
WORD_BYTES = 32
# How many pairs are drawn for each that is wanted, before giving up.
_PATIENCE = 4
# Settings of CHSH by end and choice: together they reach 2 sqrt 2.
CHSH_ANGLES = ((0.0, numpy.pi / 2), (numpy.pi / 4, -numpy.pi / 4))


class Arrivals(NamedTuple):
    """When the pairs that were kept came, in seconds from the first try, and what it took.

    Attributes:
        tries: Of the source. discarded: Pairs that reached the cut-off age before the last had come.
    """

    times: numpy.ndarray
    tries: int
    discarded: int


def arrivals(fibre: Fibre, count: int, random: numpy.random.Generator) -> Arrivals:
    """Draw when pairs come until *count* are alive at once.

    Raises:
        OutOfReach: The source is too slow for the cut-off age.
    """
    source = fibre.source
    gaps = random.geometric(1 - source.loss_ppm / MILLION, _PATIENCE * count)
    times = numpy.cumsum(gaps) / source.rate
    spans = times[count - 1 :] - times[: len(times) - count + 1]
    enough = numpy.flatnonzero(spans < source.cut_off_seconds)
    if not len(enough):
        raise OutOfReach(
            f"{count} pairs at {source.heralded_rate:.4g} a second, discarded after {source.cut_off_seconds:.4g} s: "
            f"expected at most {int(source.heralded_rate * source.cut_off_seconds)} at once"
        )
    first = int(enough[0])
    return Arrivals(times[first : first + count], int(gaps[: first + count].sum()), first)


class Held:
    """Pairs in memory.

    Args:
        created: When each came, in seconds of the clock that *now* is told by.

    Attributes:
        intercepted: How many an eavesdropper has measured.
    """

    def __init__(self, fibre: Fibre, created: numpy.ndarray, random: numpy.random.Generator) -> None:
        count = len(created)
        self.created, self._fibre, self._random = created, fibre, random
        self._entangled = numpy.ones(count, dtype=bool)
        # What an X on one half turns is the sign of ZZ; a Z turns that of XX. Columns: x, z.
        fault = random.choice(4, count, p=fibre.fresh())
        self._signs = numpy.stack([numpy.where(fault >= 2, -1, 1), numpy.where((fault == 1) | (fault == 2), -1, 1)], 1)
        self._arrows = numpy.zeros((2, count, 2))
        self._used = numpy.zeros((2, count), dtype=bool)
        self.intercepted = self._intercept()

    def __len__(self) -> int:
        return len(self.created)

    def measure(
        self, end: int, positions: numpy.ndarray, angles: numpy.ndarray, now: float, readout_ppm: int = 0
    ) -> numpy.ndarray:
        """Return what *end* (0 or 1) finds at *positions*, measuring each at its own of *angles* from Z towards X.

        Raises:
            PairUsed: It measured some of them before.
            PairTooOld: Some were discarded.
        """
        used = int(self._used[end, positions].sum())
        if used:
            raise PairUsed(f"{used} of {len(positions)} halves were measured before")
        ages = now - self.created[positions]
        late = int((ages > self._fibre.source.cut_off_seconds).sum())
        if late:
            raise PairTooOld(
                f"{late} of {len(positions)} pairs were discarded: {ages.max():.3g} s old, expected at most "
                f"{self._fibre.source.cut_off_seconds:.3g} s"
            )
        self._used[end, positions] = True
        self._decay(end, positions, ages + self._fibre.equipment.delay_milliseconds / 1e3)
        found = self._collapse(end, positions, angles)
        return found ^ (self._random.random(len(positions)) < readout_ppm / MILLION)

    def _decay(self, end: int, positions: numpy.ndarray, ages: numpy.ndarray) -> None:
        memory = self._fibre.source.memory_milliseconds / 1e3
        if not memory:
            return
        # Each half on its own, with T of both together: F(t) of ``decay`` is what comes of two.
        lost = positions[self._random.random(len(positions)) < 1 - numpy.exp(-ages / (2 * memory))]
        # One of I, X, Y, Z: each a pair of signs.
        turned = self._random.choice([-1, 1], (len(lost), 2))
        self._signs[lost] *= turned
        self._arrows[end, lost] *= turned

    def _collapse(self, end: int, positions: numpy.ndarray, angles: numpy.ndarray) -> numpy.ndarray:
        directions = numpy.stack([numpy.sin(angles), numpy.cos(angles)], 1)
        # Of an entangled pair one half alone is no arrow at all: length 0, both outcomes as likely.
        along = (self._arrows[end, positions] * directions).sum(1)
        values = numpy.where(self._random.random(len(positions)) < (1 + along) / 2, 1, -1)
        whole = self._entangled[positions]
        broken = positions[whole]
        self._arrows[1 - end, broken] = (values[:, None] * self._signs[positions] * directions)[whole]
        self._entangled[broken] = False
        return values < 0

    def _intercept(self) -> int:
        equipment = self._fibre.equipment
        if not equipment.intercept_ppm:
            return 0
        count = len(self)
        chosen = self._random.random(count) < equipment.intercept_ppm / MILLION
        if equipment.spares_guesses:
            chosen &= self._random.random(count) < 0.5
        positions = numpy.flatnonzero(chosen)
        angles = numpy.where(self._random.random(len(positions)) < 0.5, Z_ANGLE, X_ANGLE)
        found = self._collapse(1, positions, angles)
        sent = numpy.where(found, -1, 1)
        self._arrows[1, positions] = sent[:, None] * numpy.stack([numpy.sin(angles), numpy.cos(angles)], 1)
        return len(positions)


def chsh(settings: Sequence[numpy.ndarray], found: Sequence[numpy.ndarray]) -> tuple[float, float]:
    """Return S and its standard error from both ends' *settings* (choices) and outcomes.

    Above 2 it shows that the outcomes did not come of shared randomness, unless somebody told one end what the other
    chose: a conformance test for third parties, and no proof to anybody who does not trust both ends.
    """
    total, variance = 0.0, 0.0
    equal = found[0] == found[1]
    for first in (0, 1):
        for second in (0, 1):
            chosen = equal[(settings[0] == first) & (settings[1] == second)]
            correlation = 2 * chosen.mean() - 1
            total += -correlation if first and second else correlation
            variance += (1 - correlation**2) / len(chosen)
    return float(total), float(variance**0.5)


def to_words(bits: numpy.ndarray) -> list[int]:
    """Return *bits* as words of 256, the first the lowest of the first word."""
    packed = numpy.packbits(bits, bitorder="little").tobytes()
    return [int.from_bytes(packed[start : start + WORD_BYTES], "little") for start in range(0, len(packed), WORD_BYTES)]


def to_bits(words: Sequence[int], count: int) -> numpy.ndarray:
    """Return the first *count* bits of *words*."""
    packed = b"".join(word.to_bytes(WORD_BYTES, "little") for word in words)
    return numpy.unpackbits(numpy.frombuffer(packed, dtype=numpy.uint8), count=count, bitorder="little").view(bool)
