"""Who is drawn how often. Seeds are fixed: these tests always find the same."""

import math
from collections import Counter
from itertools import combinations

import pytest

from .conftest import asked, seeds

# Chi-squared above these with a chance of one in ten thousand, by degrees of freedom.
LIMIT = {4: 23.5, 9: 33.7, 19: 50.8}


def chi_squared(found, expected):
    """Return the statistic of counts against what they should be."""
    return sum((found[key] - mean) ** 2 / mean for key, mean in expected.items())


def test_first_is_drawn_in_proportion_to_its_weight(field_):
    """The worst conduct halves the chance."""
    conduct = {
        1: {},
        2: {"accepted": 4, "outliers": 2},
        3: {"accepted": 0, "refused": 9},
        4: {"accepted": 50, "silent": 1},
        5: {"failed": 200},
    }
    for processor, counters in conduct.items():
        field_.put(processor, **counters)
    names = ("accepted", "outliers", "silent", "refused", "failed")
    weights = {
        processor: field_.contract.weightOf(*(counters.get(name, 0) for name in names))
        for processor, counters in conduct.items()
    }
    assert weights == {1: 100, 2: 75, 3: 55, 4: 96, 5: 50}
    draws = 3_000
    found = Counter(field_.peek(seed)[0] for seed in seeds(draws))
    expected = {p: draws * weight / sum(weights.values()) for p, weight in weights.items()}
    assert chi_squared(found, expected) < LIMIT[4]
    uniform = dict.fromkeys(weights, draws / 5)
    assert chi_squared(found, uniform) > LIMIT[4], "the test would not notice a draw without weights"


def test_all_sets_of_equals_are_drawn_alike(field_):
    for processor in range(1, 7):
        field_.put(processor)
    draws = 2_000
    found = Counter(frozenset(field_.peek(seed, count=3)) for seed in seeds(draws))
    expected = {frozenset(chosen): draws / math.comb(6, 3) for chosen in combinations(range(1, 7), 3)}
    assert set(found) <= set(expected)
    assert chi_squared(found, expected) < LIMIT[19]


def test_all_places_and_lists_are_drawn_alike(field_):
    """However many qubits each has free, and in which list and slot it therefore is."""
    for processor in range(1, 11):
        field_.put(processor, qubits=[2, 2, 3, 5, 9, 17, 33, 65, 129, 255][processor - 1])
    draws = 2_000
    found = Counter(field_.peek(seed, word=asked(qubits=2))[0] for seed in seeds(draws))
    assert chi_squared(found, dict.fromkeys(range(1, 11), draws / 10)) < LIMIT[9]


def test_organisation_with_many_processors_gets_one_seat(field_):
    """And is drawn more often, for it has more to offer; but a second seat it never gets."""
    for processor in range(1, 31):
        field_.put(processor, organisation=7 if processor > 10 else processor + 100)
    for seed in seeds(200):
        drawn = field_.peek(seed, count=3)
        assert sum(processor > 10 for processor in drawn) <= 1


@pytest.mark.parametrize(
    ("conduct", "weight"),
    [
        ((0, 0, 0, 0, 0), 100),
        ((10**6, 0, 0, 0, 0), 100),
        ((0, 1, 0, 0, 0), 75),
        ((0, 0, 1, 0, 0), 75),
        ((0, 0, 0, 1, 0), 75),
        ((0, 0, 0, 0, 1), 60),
        ((96, 1, 0, 0, 0), 98),
        ((0, 65_535, 255, 65_535, 65_535), 50),
        ((2**24 - 1, 65_535, 255, 65_535, 65_535), 95),
    ],
)
def test_weight_of_conduct(field_, conduct, weight):
    accepted, outliers, silent, refused, failed = conduct
    faults = outliers + silent + refused + 4 * failed
    assert weight == 50 + 50 * (accepted + 4) // (accepted + 4 + 4 * faults)
    assert field_.contract.weightOf(*conduct) == weight


def test_weight_never_rises_with_a_fault(field_):
    conduct = [10, 3, 1, 2, 1]
    before = field_.contract.weightOf(*conduct)
    for place in range(1, 5):
        worse = conduct.copy()
        worse[place] += 1
        assert field_.contract.weightOf(*worse) <= before, "rounded down"
        worse[place] += 9
        assert field_.contract.weightOf(*worse) < before
    conduct[0] += 20
    assert field_.contract.weightOf(*conduct) > before
