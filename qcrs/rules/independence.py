"""Were two answers measured, each on its own? Twin of ``contracts/libraries/Independence.sol``.

The Solidity library states and justifies the formulas. Sketches are unpacked bucket counts.
"""

from collections.abc import Sequence
from math import isqrt

MIN_DEGREES = 32
DEVIATIONS = 5
REPLAY_BITS = 48
BUCKET_MILLIBITS = 1325


def too_close(a: Sequence[int], b: Sequence[int], rows: int, buckets: int) -> bool:
    """Return whether two sketches of equally many shots are nearer than independent answers come."""
    sums = [x + y for x, y in zip(a, b, strict=True)]
    degrees = sum(both > 0 for both in sums) - rows
    if degrees < MIN_DEGREES:
        return False
    statistic = sum(((x - y) ** 2 << 16) // both for x, y, both in zip(a, b, sums, strict=True) if both)
    shots = sum(sums) // rows
    flat = rows * (buckets - 1) * shots * shots
    shared = (rows - 1) * buckets * (buckets * sum(both * both for both in sums) - rows * shots * shots)
    independent = degrees * flat // (flat + min(shared, (rows - 1) * flat))
    if independent < MIN_DEGREES:
        return False
    return statistic << 80 < degrees * _lower_tail(independent) ** 3


def surprise_of(sketch: Sequence[int], rows: int) -> int:
    """Return bits: no distribution gives a histogram with this first row with a chance above 2^-surprise."""
    counts = [count for count in sketch[: len(sketch) // rows] if count]
    if not counts:
        return 0
    millibits = sum(BUCKET_MILLIBITS + 500 * (count.bit_length() - 1) for count in counts)
    total = BUCKET_MILLIBITS + 1 + 500 * sum(counts).bit_length()
    return max(0, millibits - total) // 1000


def _lower_tail(degrees: int) -> int:
    return (1 << 32) - (2 << 32) // (9 * degrees) - DEVIATIONS * isqrt((2 << 64) // (9 * degrees))
