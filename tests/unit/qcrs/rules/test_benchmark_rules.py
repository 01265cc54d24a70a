"""The rules in whole numbers against the formulas they stand for, in floats."""

import math
import random

import pytest

from qcrs.rules import benchmark
from qcrs.rules.benchmark import BenchmarkInvalid, heavy_passes, median_within, polarisation_passes, polarisation_power


def test_heavy_rule_is_two_deviations_above_two_thirds():
    rng = random.Random(1)
    passed = 0
    for _ in range(20_000):
        shots = rng.randint(100, 100_000)
        circuits = rng.randint(1, 100)
        heavy = rng.randint(shots // 2, shots)
        share = heavy / shots
        margin = share - 2 * math.sqrt(share * (1 - share) / circuits) - 2 / 3
        if abs(margin) > 1e-9:
            assert heavy_passes(heavy, shots, circuits) is (margin > 0)
            passed += margin > 0
    assert 2_000 < passed < 18_000


def test_heavy_rule_needs_more_than_two_thirds_even_of_many_circuits():
    assert not heavy_passes(2_000, 3_000, 3_000)
    assert not heavy_passes(2_001, 3_000, 100)
    assert heavy_passes(3_000, 3_000, 100)


@pytest.mark.parametrize("case", [(4, 3, 1), (1, 3, 4), (1, 3, 0), (-1, 3, 1), (1, 2**64, 1)])
def test_heavy_rule_refuses_counts_that_cannot_be(case):
    with pytest.raises(BenchmarkInvalid):
        heavy_passes(*case)


def test_polarisation_rule_is_the_published_formula():
    rng = random.Random(2)
    passed = 0
    for _ in range(5_000):
        qubits = rng.randint(1, 12)
        distances = [rng.randint(0, 200) if rng.random() < 0.7 else 0 for _ in range(qubits + 1)]
        distances[0] += rng.randint(1, 2_000)
        threshold = rng.randint(0, 10**6)
        shots = sum(distances)
        mean = sum((-0.5) ** k * count / shots for k, count in enumerate(distances))
        polarisation = (4**qubits * mean - 1) / (4**qubits - 1)
        if abs(polarisation - threshold / 1e6) > 1e-9:
            assert polarisation_passes(distances, threshold) is (polarisation > threshold / 1e6)
            passed += polarisation > threshold / 1e6
        assert math.isclose(polarisation_power(distances) / 2**qubits / shots, mean, abs_tol=1e-12)
    assert 500 < passed < 4_500


def test_polarisation_of_a_perfect_answer_is_1_and_of_noise_0():
    assert polarisation_passes([100, 0, 0, 0, 0], 10**6)
    noise = [math.comb(4, k) for k in range(5)]
    assert polarisation_passes(noise, 0)
    assert not polarisation_passes(noise, 1)


@pytest.mark.parametrize("case", [([], 0), ([5], 0), ([0, 0], 0), ([1] * 50, 0), ([1, -1], 0), ([1, 1], 10**6 + 1)])
def test_polarisation_refuses_what_is_no_benchmark(case):
    with pytest.raises(BenchmarkInvalid):
        polarisation_passes(*case)


def test_claims_fall_at_a_quarter_beyond_and_not_before():
    assert not benchmark.error_refuted(13_500, 10_000)
    assert benchmark.error_refuted(13_501, 10_000)
    assert not benchmark.error_refuted(1_000, 0)
    assert benchmark.error_refuted(1_001, 0)
    assert not benchmark.time_refuted(80_000, 100_000)
    assert benchmark.time_refuted(79_999, 100_000)


def test_median_holds_while_most_certifiers_are_near():
    assert median_within([100, 101, 5_000], 10_000) == (101, True)
    assert median_within([1, 100, 5_000], 10_000) == (100, False)
    assert median_within([7, 7, 9, 9], 0) == (7, False)
    assert median_within([7, 7, 7, 9], 0) == (7, True)


@pytest.mark.parametrize("case", [([1, 2], 0), ([1] * 17, 0), ([1, 2, 3], 10**6 + 1), ([1, 2, 2**64], 0)])
def test_median_refuses_too_few_too_many_and_too_large(case):
    with pytest.raises(BenchmarkInvalid):
        median_within(*case)
