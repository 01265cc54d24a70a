"""Sarmenta's credibility against PoCo's published figures, and what conduct is worth."""

from fractions import Fraction

import pytest

from qcrs.rules.credibility import MAX_MEMBERS, MAX_WEIGHT, is_credible, score_of, weight_of


@pytest.mark.parametrize(
    ("score", "weight"), [(0, 2), (11, 2), (12, 3), (14, 3), (15, 4), (30, 9), (12_288, 4_095), (2**25, MAX_WEIGHT)]
)
def test_weight_is_that_of_poco_up_to_its_cap(score, weight):
    assert weight_of(score) == weight


@pytest.mark.parametrize(("trust", "fresh"), [(2, 1), (4, 2), (5, 3), (16, 4), (17, 5), (100, 7)])
def test_fresh_workers_needed_are_those_of_poco(trust, fresh):
    """Without opponents 2^n > (1 + 2^n)(1 - 1 / trust), that is 2^n >= trust: 99 % takes seven."""
    everybody = [0] * fresh
    assert is_credible(everybody, (1 << fresh) - 1, trust)
    assert not is_credible(everybody[1:], (1 << fresh - 1) - 1, trust)


def test_opponents_lower_credibility():
    scores = [30, 30, 30, 0, 0]
    assert is_credible(scores, 0b00111, 100)
    assert not is_credible(scores, 0b00111, 150)
    assert is_credible(scores[:3], 0b111, 150)


def test_no_trust_asks_for_nothing():
    assert is_credible([0, 0, 0], 0, 0)
    assert is_credible([0, 0, 0], 0, 1)
    assert not is_credible([0, 0, 0], 0, 2)


def test_a_committee_of_the_best_stays_within_a_word():
    scores = [2**256 - 1] * MAX_MEMBERS
    assert MAX_WEIGHT**MAX_MEMBERS * 2**32 < 2**256
    assert is_credible(scores, (1 << MAX_MEMBERS) - 1, 2**32)


def poco(accepted, faults, last):
    """PoCo's score of evenly spread faults, or of all of them *last*, without its rounding."""
    score = Fraction(0)
    for _ in range(faults):
        score = (score + Fraction(0 if last else accepted, faults)) * Fraction(2, 3)
    return Fraction(accepted) * Fraction(2, 3) ** faults if last else score


@pytest.mark.parametrize("faults", range(1, 20))
def test_score_lies_between_poco_s_with_faults_last_and_with_faults_spread(faults):
    accepted = 9_000
    score = score_of(accepted, faults, 0, 0)
    assert poco(accepted, faults, last=True) - 1 <= score <= poco(accepted, faults, last=False)


def test_one_fault_costs_a_third_and_a_proven_one_two():
    assert score_of(900, 0, 0, 0) == 900
    assert score_of(900, 1, 0, 0) == score_of(900, 0, 1, 0) == 600
    assert score_of(900, 0, 0, 1) == 300


def test_score_grows_with_what_is_accepted_and_falls_with_each_fault():
    for accepted in (0, 1, 10, 1_000):
        for faults in range(5):
            assert score_of(accepted + 3 + faults, faults, 0, 0) > score_of(accepted, faults, 0, 0)
            assert score_of(accepted, faults + 1, 0, 0) <= score_of(accepted, faults, 0, 0)
