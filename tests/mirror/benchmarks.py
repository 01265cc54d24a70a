"""Cases for the rules of certification: at random, and on either side of each limit."""

import random
from collections.abc import Callable, Iterator
from math import isqrt
from typing import Any

from qcrs.rules import benchmark
from tests.mirror.sketches import Arguments


def heavy_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield shares near where a volume passes, for a few and for 2^64 shots."""
    while True:
        shots = rng.choice([rng.randint(1, 100_000), rng.getrandbits(63) + 1])
        circuits = rng.choice([1, 100, rng.randint(1, 2_000)])
        # Where (3h - 2)^2 nc = 36 h (1 - h), by bisection in whole shots.
        low, high = 2 * shots // 3, shots
        while high - low > 1:
            middle = (low + high) // 2
            passes = middle <= shots and circuits <= shots and benchmark.heavy_passes(middle, shots, circuits)
            low, high = (low, middle) if passes else (middle, high)
        yield rng.choice([low, high, rng.randint(0, shots), max(0, low - isqrt(shots))]), shots, circuits
        yield shots + 1, shots, circuits


def distances_of(rng: random.Random) -> list[int]:
    """Return shots by distance: honest, uniform, or anything of 64 bits."""
    qubits = rng.choice([1, 2, 4, 8, rng.randint(1, benchmark.MAX_MIRROR_QUBITS), benchmark.MAX_MIRROR_QUBITS])
    if rng.random() < 0.2:
        return [rng.choice([0, 2**64 - 1, rng.getrandbits(64)]) for _ in range(qubits + 1)]
    right = rng.random()
    distances = [0] * (qubits + 1)
    for _ in range(rng.randint(1, 300)):
        wrong = rng.choice([0, 1]) if rng.random() < right else rng.getrandbits(qubits).bit_count()
        distances[min(wrong, qubits)] += 1
    return distances


def power_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        yield (distances_of(rng),)


def polarisation_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield thresholds on either side of what the shots have, and shapes that are refused."""
    while True:
        distances = distances_of(rng)
        if not sum(distances):
            yield distances, 0
            continue
        low, high = 0, benchmark.PPM
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if benchmark.polarisation_passes(distances, middle) else (low, middle)
        yield distances, rng.choice([low, high, rng.randint(0, benchmark.PPM)])
        yield distances, rng.choice([low, high])
        yield rng.choice([[], [1], [1] * 50, distances]), benchmark.PPM + 1


def pair_cases(rule: Callable[[int, int], bool], rising: bool) -> Callable[[random.Random], Iterator[Arguments]]:
    """Return a maker of measured and claimed figures, most of them on either side of *rule*'s limit."""

    def cases(rng: random.Random) -> Iterator[Arguments]:
        while True:
            claimed = rng.choice([0, rng.randint(0, benchmark.PPM), rng.getrandbits(60)])
            low, high = 0, 2**63
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if rule(middle, claimed) is rising else (middle, high)
            yield rng.choice([low, high]), claimed
            yield rng.getrandbits(64), claimed

    return cases


def class_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        bound = rng.choice(benchmark.CLASS_BOUNDS_PPM)
        yield (rng.choice([bound - 1, bound, bound + 1, 0, rng.randint(0, benchmark.PPM)]),)


def median_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        size = rng.choice([0, 2, 3, 3, 4, 5, 7, 16, 17])
        centre = rng.choice([0, 1, 900_000, rng.getrandbits(63)])
        scores = [max(0, centre + rng.randint(-centre // 50 - 1, centre // 50 + 1)) for _ in range(size)]
        if size and rng.random() < 0.5:
            scores[rng.randrange(size)] = rng.choice([0, 2**64 - 1])
        yield scores, rng.choice([0, 10_000, 20_000, benchmark.PPM, benchmark.PPM + 1])


def valid(
    cases: Callable[[random.Random], Iterator[Arguments]], rule: Callable[..., Any]
) -> Callable[[random.Random], Iterator[Arguments]]:
    """Return those of *cases* that *rule* does not refuse."""

    def chosen(rng: random.Random) -> Iterator[Arguments]:
        for case in cases(rng):
            if is_valid(rule, case):
                yield case

    return chosen


def is_valid(rule: Callable[..., Any], arguments: Arguments) -> bool:
    """Return whether *rule* answers at all."""
    try:
        rule(*arguments)
    except benchmark.BenchmarkInvalid:
        return False
    return True
