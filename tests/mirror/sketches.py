"""Sketches as circuits give them, as cheats give them, and as near to the limit as there are shots."""

import random
from typing import Any

from qcrs.rules import agreement, count_sketch, independence

Arguments = tuple[Any, ...]
WIDTHS = [*range(1, 17), 20, 32, 64, 255]


def shots_of(rng: random.Random) -> int:
    """Return a number of shots, the extremes often."""
    return rng.choice([4_096, 65_535, 10_000, rng.randint(4_096, 65_535)])


def spread(rng: random.Random, weights: list[float], shots: int, sigmas: float) -> list[int]:
    """Return buckets in proportion to *weights* that add up to *shots*, with shot noise."""
    total = sum(weights)
    means = [shots * weight / total for weight in weights]
    counts = [max(0, round(mean + rng.gauss(0, sigmas) * mean**0.5)) for mean in means]
    excess = sum(counts) - shots
    for i in sorted(range(len(counts)), key=lambda i: -counts[i]):
        taken = min(counts[i], excess) if excess > 0 else excess
        counts[i] -= taken
        excess -= taken
    return counts


def shape(rng: random.Random, buckets: int) -> list[float]:
    """Return the weights of a distribution: point, pair, flat, exponential or few peaks."""
    kind = rng.randrange(5)
    if kind == 2:
        return [1.0] * buckets
    if kind == 3:
        return [rng.expovariate(1) for _ in range(buckets)]
    weights = [0.0] * buckets
    for peak in rng.sample(range(buckets), min(buckets, (1, 2, 0, 0, 5)[kind])):
        weights[peak] = rng.random() + 0.1
    return weights


def table(rng: random.Random, shapes: list[list[float]], shots: int, sigmas: float) -> list[int]:
    """Return an unpacked sketch with one row for each shape."""
    return [count for weights in shapes for count in spread(rng, weights, shots, sigmas)]


def shapes_of(rng: random.Random, outcome_bits: int) -> list[list[float]]:
    """Return a distribution for each row."""
    rows, buckets = count_sketch.dimensions(outcome_bits)
    return [shape(rng, buckets) for _ in range(rows)]


def pair(rng: random.Random) -> tuple[int, int, list[int], list[int]]:
    """Return width, shots and two unpacked sketches: of one distribution, near it, or of two."""
    bits, shots = rng.choice(WIDTHS), shots_of(rng)
    first = shapes_of(rng, bits)
    kind = rng.randrange(3)
    second = shapes_of(rng, bits) if kind == 2 else first
    a, b = table(rng, first, shots, 1), table(rng, second, shots, 1)
    if kind == 1:
        b = at_the_threshold(rng, a, bits, shots)
    return bits, shots, a, b


def at_the_threshold(rng: random.Random, a: list[int], bits: int, shots: int) -> list[int]:
    """Return *a* with just so many shots moved that it does, or does not quite, disagree."""
    rows, buckets = count_sketch.dimensions(bits)
    sources = [max(range(buckets), key=lambda i: a[row * buckets + i]) for row in range(rows)]
    steps = [rng.randrange(1, buckets) for _ in range(rows)]

    def moved(shots_moved: int) -> list[int]:
        b = list(a)
        for row, (source, step) in enumerate(zip(sources, steps, strict=True)):
            at, to = row * buckets + source, row * buckets + (source + step) % buckets
            taken = min(shots_moved, b[at])
            b[at] -= taken
            b[to] += taken
        return b

    low, high = 0, shots
    while high - low > 1:
        middle = (low + high) // 2
        if disagree(a, moved(middle), bits, shots):
            high = middle
        else:
            low = middle
    return moved(rng.choice([low, high]))


def disagree(a: list[int], b: list[int], bits: int, shots: int) -> bool:
    """Return whether two unpacked sketches disagree."""
    frame = agreement.Frame.of(bits, shots)
    first, second = agreement.signal_of(frame, a), agreement.signal_of(frame, b)
    _, far = agreement.gram_rule(frame, first, second, count_sketch.dot(a, b))
    return far or agreement.bucket_rule(frame, first, second)


def near_copy(rng: random.Random, a: list[int], bits: int) -> list[int]:
    """Return *a* with just so many single shots moved that it is, or is no longer, too close."""
    rows, buckets = count_sketch.dimensions(bits)
    steps = [(rng.randrange(rows), rng.randrange(buckets), rng.randrange(buckets)) for _ in range(4_096)]

    def moved(count: int) -> list[int]:
        b = list(a)
        for row, source, to in steps[:count]:
            taken = min(7, b[row * buckets + source])
            b[row * buckets + source] -= taken
            b[row * buckets + to] += taken
        return b

    low, high = 0, len(steps)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if independence.too_close(a, moved(middle), rows, buckets) else (low, middle)
    return moved(rng.choice([low, high]))


def buckets_of(words: list[int]) -> list[int]:
    """Return all lanes of wire words, used or not."""
    return [word >> shift & 0xFFFF for word in words for shift in range(0, 256, 16)]
