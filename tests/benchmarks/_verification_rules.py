"""The contract's rules for thousands of pairs at once: ``qcrs.rules.agreement`` and ``independence`` in numpy.

Counts and their products are exact in doubles here (below 2^53); only the last comparison of a rule is rounded, by a
part in 10^16. The measurement compares a sample of these answers with the twins', and the twins with the contracts.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcrs.rules import agreement, independence
from qcrs.rules.agreement import Frame
from qcrs.rules.count_sketch import BUCKET_BITS, BUCKETS, MAX_HISTOGRAM_BITS, ROWS, _parameters

Array = np.ndarray


def bucket_tables(bits: int, seed: bytes) -> list[Array]:
    """Return for each row the bucket of every outcome."""
    outcomes, half = np.arange(1 << bits, dtype=np.uint64), np.uint64((bits + 1) // 2)
    mask = np.uint64((1 << bits) - 1)
    tables = []
    for row in range(ROWS):
        found = outcomes.copy()
        for a, c in _parameters(seed, row, bits):
            found = (np.uint64(a) * found + np.uint64(c)) & mask
            found ^= found >> half
        tables.append((found >> np.uint64(bits - BUCKET_BITS)).astype(np.int64))
    return tables


def sketches_of(counts: Array, seed: bytes | None = None) -> Array:
    """Return the sketches, row after row, of histograms, one in each row of *counts*, under one seed."""
    bits = counts.shape[1].bit_length() - 1
    if bits <= MAX_HISTOGRAM_BITS:
        return counts.astype(np.float64)
    parts = []
    for table in bucket_tables(bits, seed or secrets.token_bytes(32)):
        fold = np.zeros((counts.shape[1], BUCKETS))
        fold[np.arange(counts.shape[1]), table] = 1
        parts.append(counts @ fold)
    return np.concatenate(parts, axis=1)


@dataclass(frozen=True)
class Signals:
    """Sketches, one in each row, with their powers and amplitudes."""

    sketches: Array
    powers: Array
    amplitudes: Array

    @classmethod
    def of(cls, frame: Frame, sketches: Array) -> "Signals":
        """Return *sketches* as the rules see them."""
        norms = np.einsum("ij,ij->i", sketches, sketches)
        powers = frame.buckets * norms - frame.rows * frame.shots * (frame.shots + frame.buckets - 1)
        scaled = np.maximum(powers, 0) * 65_536 // (frame.rows * frame.buckets)
        return cls(sketches, powers, np.floor(np.sqrt(scaled)))

    def take(self, indices: Sequence[int]) -> "Signals":
        """Return those at *indices*."""
        chosen = np.asarray(indices)
        return Signals(self.sketches[chosen], self.powers[chosen], self.amplitudes[chosen])


def gram_far(frame: Frame, a: Signals, b: Signals) -> Array:
    """Return for each pair whether the Gram rule parts it."""
    scale, square = agreement.MAX_SCALE, frame.shots * frame.shots
    product = np.einsum("ij,ij->i", a.sketches, b.sketches)
    low, high = np.minimum(a.powers, b.powers), np.maximum(a.powers, b.powers)
    alike = (low > 0) & (100 * high <= scale * scale * low)
    matched = 20 * scale * np.floor(frame.rows * frame.buckets * a.amplitudes * b.amplitudes / 65_536)
    own = np.where(alike, matched, scale * scale * low + 100 * high)
    cross = frame.buckets * product - frame.rows * square
    x = (20_000 - frame.spread) * own - 400_000.0 * scale * cross
    variance = 4.0 * frame.rows * (low + high + 2 * (frame.buckets - 1) * frame.rows * frame.shots)
    variance = np.maximum(variance, 0) + 8 * frame.rows * square
    return (x > 0) & (x * x > 1e12 * scale * scale * frame.buckets * variance)


def bucket_far(frame: Frame, a: Signals, b: Signals) -> Array:
    """Return for each pair whether the bucket rule parts it."""
    smaller = np.minimum(a.amplitudes, b.amplitudes)
    allowance = frame.shots * agreement.BUCKET_TOLERANCE + np.floor(frame.share * smaller / 256)
    both = a.sketches + b.sketches
    excess = 10_000 * np.abs(a.sketches - b.sketches) - agreement.BUCKET_SHARE * both - allowance[:, None]
    return ((excess > 0) & (excess * excess > 9e8 * (both + 1))).any(axis=1)


def disagree(frame: Frame, a: Signals, b: Signals) -> Array:
    """Return for each pair whether the contract would part it."""
    return gram_far(frame, a, b) | bucket_far(frame, a, b)


def too_close(rows: int, buckets: int, a: Array, b: Array, deviations: float = independence.DEVIATIONS) -> Array:
    """Return for each pair of sketches whether they are nearer than independent answers come."""
    both, gaps = a + b, np.abs(a - b)
    statistic = np.floor(gaps * gaps * 65_536 / np.maximum(both, 1)).sum(axis=1)
    degrees = (both > 0).sum(axis=1) - rows
    shots = both.sum(axis=1) / rows
    flat = rows * (buckets - 1) * shots * shots
    shared = (rows - 1) * buckets * (buckets * (both * both).sum(axis=1) - rows * shots * shots)
    independent = np.floor(degrees * flat / (flat + np.minimum(shared, (rows - 1) * flat)))
    usable = (degrees >= independence.MIN_DEGREES) & (independent >= independence.MIN_DEGREES)
    ninth = 2 / (9 * np.maximum(independent, 1))
    tail = 1 - ninth - deviations * np.sqrt(ninth)
    return usable & (statistic / 65_536 < degrees * tail**3)
