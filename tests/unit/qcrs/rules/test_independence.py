"""How near two answers may be by chance, and how rich one must be not to come about twice."""

import random
from math import comb, log2

import pytest

from qcrs.rules import count_sketch
from qcrs.rules.independence import surprise_of, too_close

BITS, SHOTS, SEED = 10, 4_096, b"independence".ljust(32, b"\0")


def shape(rng, outcomes):
    return [rng.expovariate(1) for _ in range(outcomes)]


def sample(weights, shots, rng):
    counts = {}
    for outcome in rng.choices(range(len(weights)), weights, k=shots):
        counts[outcome] = counts.get(outcome, 0) + 1
    return counts


def table(counts, bits=BITS):
    return count_sketch.unpack(count_sketch.sketch_of(counts, bits, SEED), bits)


@pytest.mark.parametrize("bits", [6, 8, 10])
def test_independent_answers_are_not_too_close(bits):
    rng = random.Random(bits)
    for _ in range(60):
        weights = shape(rng, 1 << bits)
        a, b = (table(sample(weights, SHOTS, rng), bits) for _ in range(2))
        assert not too_close(a, b, *count_sketch.dimensions(bits))
        assert too_close(a, a, *count_sketch.dimensions(bits))


def test_independent_answers_of_few_outcomes_are_not_too_close():
    """A dozen outcomes fill a dozen buckets in each of four rows that say the same four times."""
    rng = random.Random("few")
    for _ in range(200):
        weights = [0.0] * (1 << BITS)
        for outcome in rng.sample(range(1 << BITS), 12):
            weights[outcome] = rng.random() + 0.1
        a, b = (table(sample(weights, SHOTS, rng)) for _ in range(2))
        assert not too_close(a, b, 4, 64)


@pytest.mark.parametrize("bits", [1, 5])
def test_too_few_outcomes_prove_no_copy(bits):
    a = table(dict.fromkeys(range(1 << bits), SHOTS >> bits), bits)
    assert not too_close(a, a, *count_sketch.dimensions(bits))


def test_closeness_does_not_depend_on_the_order():
    rng = random.Random("order")
    for _ in range(30):
        weights = shape(rng, 1 << BITS)
        a = sample(weights, SHOTS, rng)
        b = sample([a.get(outcome, 0) for outcome in range(1 << BITS)], SHOTS, rng)
        assert too_close(table(a), table(b), 4, 64) == too_close(table(b), table(a), 4, 64)


def likelihood(counts):
    """Return the chance of *counts* under the distribution that makes them likeliest: their own shares."""
    shots, left, chance = sum(counts), sum(counts), 1
    for count in counts:
        chance *= comb(left, count)
        left -= count
    return log2(chance) + sum(count * log2(count / shots) for count in counts if count)


@pytest.mark.parametrize("outcomes", [1, 2, 3, 8, 60, 256])
@pytest.mark.parametrize("shots", [1, 7, 100, 4_096])
def test_no_distribution_makes_a_histogram_likelier_than_its_surprise(outcomes, shots):
    rng = random.Random(f"{outcomes} {shots}")
    for _ in range(10):
        counts = sample(shape(rng, outcomes), shots, rng)
        counts = [counts.get(outcome, 0) for outcome in range(256)]
        assert surprise_of(counts, 1) <= max(0, -likelihood(counts)) + 1e-6


def test_surprise_is_near_the_likelihood_of_large_counts():
    counts = [64] * 64
    assert surprise_of(counts, 1) >= -likelihood(counts) - 4


def test_two_honest_runs_repeat_no_oftener_than_their_surprise():
    """Of all pairs of runs, those that are equal and surprising by so many bits are rarer than 2^-bits."""
    rng = random.Random("repeats")
    seen, surprising = {}, {1: 0, 3: 0, 5: 0}
    runs = 3_000
    for _ in range(runs):
        counts = sample([4, 2, 1, 1], 24, rng)
        key = tuple(counts.get(outcome, 0) for outcome in range(4))
        for bits in surprising:
            surprising[bits] += seen.get(key, 0) if surprise_of(key, 1) >= bits else 0
        seen[key] = seen.get(key, 0) + 1
    pairs = runs * (runs - 1) / 2
    assert any(surprising.values()), "no pair was equal: the test tells nothing"
    assert all(equal / pairs <= 2**-bits for bits, equal in surprising.items())


def test_only_the_first_row_surprises():
    counts = dict.fromkeys(range(1 << BITS), 4)
    sketch = table(counts)
    assert surprise_of(sketch, 4) == surprise_of(sketch[:64], 1) > 48
    assert surprise_of([0] * 256, 4) == 0


def test_example_by_hand():
    # Three buckets of 8, 4 and 2: 3 * 1.325 + (3 + 2 + 1) / 2 bits, less 1.326 + 4 / 2 for 14 shots.
    assert surprise_of([8, 4, 2], 1) == int(3 * 1.325 + 3 - 1.326 - 2)
