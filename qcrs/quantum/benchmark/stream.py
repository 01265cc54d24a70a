"""Chance from a seed that is the same on every machine: whole numbers out of keccak, no floats, no library's stream.

Angles are whole multiples of pi / 2^23, so that their doubles, and the text of a circuit with them, are the same
everywhere: the one rounding of a product is fixed by IEEE 754.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

from qcrs.rules.digest import keccak

TURN_BITS = 24
TURN = 1 << TURN_BITS
_FRACTION_BITS = 64
_UNIT = 1 << _FRACTION_BITS
_PI = 57952155664616982739  # pi 2^64
_TERMS = 12  # up to x^23 / 23!: below 2^-58 in the first quadrant

_Item = TypeVar("_Item")


class Stream:
    """Draws in a fixed order from *seed* and a *label*; streams of other labels are independent.

    Attributes:
        seed: 32 bytes.
    """

    def __init__(self, seed: bytes, label: str):
        self._key = keccak(b"QCRS benchmark stream" + seed + label.encode())
        self._blocks = 0
        self._left = b""

    def below(self, limit: int) -> int:
        """Return a whole number below *limit*, each equally likely."""
        bits = (limit - 1).bit_length()
        while True:
            size = (bits + 7) // 8
            value = int.from_bytes(self._take(size), "big") >> (8 * size - bits)
            if value < limit:
                return value

    def pick(self, items: Sequence[_Item]) -> _Item:
        """Return one of *items*."""
        return items[self.below(len(items))]

    def order(self, items: Sequence[_Item]) -> list[_Item]:
        """Return *items* in random order."""
        mixed = list(items)
        for last in range(len(mixed) - 1, 0, -1):
            other = self.below(last + 1)
            mixed[last], mixed[other] = mixed[other], mixed[last]
        return mixed

    def accepts(self, weight: int) -> bool:
        """Return true with probability *weight* / 2^64."""
        return self.below(_UNIT) < weight

    def _take(self, size: int) -> bytes:
        while len(self._left) < size:
            self._left += keccak(self._key + self._blocks.to_bytes(8, "big"))
            self._blocks += 1
        taken, self._left = self._left[:size], self._left[size:]
        return taken


def sine(turn: int) -> int:
    """Return 2^64 times the absolute sine of *turn* / 2^24 of a full turn, by whole numbers only."""
    half = TURN // 2
    reduced = turn % half
    reduced = min(reduced, half - reduced)
    angle = _PI * reduced >> (TURN_BITS - 1)
    square = angle * angle >> _FRACTION_BITS
    term = total = angle
    for order in range(1, _TERMS):
        term = (term * square >> _FRACTION_BITS) // (2 * order * (2 * order + 1))
        total += -term if order % 2 else term
    return min(total, _UNIT)


def radians(turn: int) -> float:
    """Return the angle of *turn* / 2^24 of a full turn, between minus pi and pi."""
    centred = (turn + TURN // 2) % TURN - TURN // 2
    return centred * math.pi / (TURN // 2)
