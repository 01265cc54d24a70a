"""Count sketches: twin of ``contracts/libraries/CountSketch.sol``, and the hash that fills them.

Up to 8 outcome bits a sketch is the full histogram. Beyond that each of 4 rows sends an outcome x of n bits through
three rounds of a permutation of [0, 2^n), then keeps the top 6 bits as its bucket:

    x = (a x + c) mod 2^n, a odd;    x = x xor (x >> ceil(n / 2))

with a and c drawn for each row and round from ``keccak256(seed ++ row ++ round)`` (one byte each), first 16 bytes for
a and last 16 for c, repeated to reach 256 bits. A permutation keeps buckets equally large, which centring needs; a
linear hash over GF(2) would miss cheats on affine subspaces.
"""

from collections.abc import Mapping, Sequence

from qcrs.rules.digest import keccak

ROWS = 4
BUCKETS = 64
BUCKET_BITS = 6
MAX_HISTOGRAM_BITS = 8
ROUNDS = 3
LANES = 16
LANE_BITS = 16


def dimensions(outcome_bits: int) -> tuple[int, int]:
    """Return rows and buckets of a sketch of outcomes *outcome_bits* wide."""
    return (1, 1 << outcome_bits) if outcome_bits <= MAX_HISTOGRAM_BITS else (ROWS, BUCKETS)


def words_of(outcome_bits: int) -> int:
    """Return the number of 256-bit words in the wire form."""
    rows, buckets = dimensions(outcome_bits)
    return -(-rows * buckets // LANES)


def bucket_of(seed: bytes, row: int, outcome: int, outcome_bits: int) -> int:
    """Return the bucket of *row* into which *outcome* falls."""
    return _bucket(_parameters(seed, row, outcome_bits), outcome, outcome_bits)


def sketch_of(counts: Mapping[int, int], outcome_bits: int, seed: bytes) -> list[int]:
    """Return the wire form of the sketch of *counts* under the 32-byte *seed*."""
    rows, buckets = dimensions(outcome_bits)
    table = [0] * (rows * buckets)
    if outcome_bits <= MAX_HISTOGRAM_BITS:
        for outcome, count in counts.items():
            table[outcome] += count
    else:
        for row in range(rows):
            parameters = _parameters(seed, row, outcome_bits)
            for outcome, count in counts.items():
                table[row * buckets + _bucket(parameters, outcome, outcome_bits)] += count
    return pack(table)


def pack(buckets: Sequence[int]) -> list[int]:
    """Return row-major bucket counts as words, 16 buckets each, bucket 0 lowest."""
    return [
        sum(count << (LANE_BITS * lane) for lane, count in enumerate(buckets[start : start + LANES]))
        for start in range(0, len(buckets), LANES)
    ]


def unpack(words: Sequence[int], outcome_bits: int) -> list[int]:
    """Return the row-major bucket counts of a wire sketch."""
    rows, buckets = dimensions(outcome_bits)
    lanes = [(word >> (LANE_BITS * lane)) & 0xFFFF for word in words for lane in range(LANES)]
    return lanes[: rows * buckets]


def has_totals(words: Sequence[int], outcome_bits: int, shots: int) -> bool:
    """Return whether a wire sketch has the right length, no stray lanes, and rows that add up to *shots*."""
    rows, buckets = dimensions(outcome_bits)
    if len(words) != words_of(outcome_bits) or pack(unpack(words, outcome_bits)) != list(words):
        return False
    table = unpack(words, outcome_bits)
    return all(sum(table[row * buckets : (row + 1) * buckets]) == shots for row in range(rows))


def dot(a: Sequence[int], b: Sequence[int]) -> int:
    """Return the inner product of two unpacked sketches."""
    return sum(x * y for x, y in zip(a, b, strict=True))


def _parameters(seed: bytes, row: int, outcome_bits: int) -> list[tuple[int, int]]:
    mask = (1 << outcome_bits) - 1
    parameters = []
    for round_ in range(ROUNDS):
        digest = keccak(seed + bytes([row, round_]))
        a = int.from_bytes(digest[:16] * 2, "big")
        c = int.from_bytes(digest[16:] * 2, "big")
        parameters.append(((a & mask) | 1, c & mask))
    return parameters


def _bucket(parameters: Sequence[tuple[int, int]], outcome: int, outcome_bits: int) -> int:
    mask = (1 << outcome_bits) - 1
    half = (outcome_bits + 1) // 2
    for a, c in parameters:
        outcome = (a * outcome + c) & mask
        outcome ^= outcome >> half
    return outcome >> (outcome_bits - BUCKET_BITS)
