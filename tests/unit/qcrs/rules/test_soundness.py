import random
from fractions import Fraction
from itertools import combinations

import pytest

from qcrs.rules.soundness import (
    Rates,
    SoundnessUnavailable,
    corrupted_least,
    escape_probability,
    least_targets,
    number,
    plan,
    plan_single,
    rejection_probability,
    single_circuit,
)

F = Fraction
SLIPPING = Rates(slip=F(1, 1000))  # cheaters whose honest rounds fail as often as anyone's


def enumerated_escape(targets: int, golds: int, tolerance: int, deviation: Fraction) -> Fraction:
    """The escape probability by going through every choice of rounds, with detection certain."""
    rounds, least = targets + golds, corrupted_least(targets, deviation)
    best = F(0)
    for size in range(rounds + 1):
        choices = list(combinations(range(rounds), size))  # the golds are the last rounds
        escapes = sum(
            sum(number < targets for number in choice) >= least
            and sum(number >= targets for number in choice) <= tolerance
            for choice in choices
        )
        best = max(best, F(escapes, len(choices)))
    return best


@pytest.mark.parametrize("tolerance", [0, 1, 2])
@pytest.mark.parametrize(("targets", "golds"), [(1, 3), (4, 4), (6, 3), (3, 7)])
@pytest.mark.parametrize("deviation", [F(1, 10), F(1, 3), F(1)])
def test_escape_is_what_enumeration_gives(targets: int, golds: int, tolerance: int, deviation: Fraction) -> None:
    certain = Rates(detection=F(1))
    escape, _ = escape_probability(targets, golds, tolerance, deviation, certain)
    assert escape == enumerated_escape(targets, golds, tolerance, deviation)


def test_escape_is_what_playing_gives() -> None:
    targets, golds, tolerance, rates = 40, 20, 1, Rates(detection=F(9, 10), slip=F(1, 50))
    escape, size = escape_probability(targets, golds, tolerance, F(1, 10), rates)
    chance, plays, escaped = random.Random(1), 40_000, 0
    for _ in range(plays):
        hit = sum(corrupted >= targets for corrupted in chance.sample(range(targets + golds), size))
        failed = sum(chance.random() < (0.9 if gold < hit else 0.02) for gold in range(golds))
        escaped += size - hit >= 4 and failed <= tolerance
    assert abs(escaped / plays / float(escape) - 1) < 0.05


@pytest.mark.parametrize(
    ("soundness", "deviation", "targets", "golds", "tolerance"),
    [
        ("1e-3", "0.1", 252, 126, 2),
        ("1e-3", "0.1", 142, 142, 2),
        ("1e-6", "0.1", 482, 241, 3),
        ("1e-6", "0.1", 282, 282, 3),
        ("1e-6", "0.2", 382, 96, 2),
        ("1e-6", "0.2", 212, 106, 2),
        ("1e-6", "0.2", 122, 122, 2),
    ],
)
def test_the_published_table_holds(soundness: str, deviation: str, targets: int, golds: int, tolerance: int) -> None:
    escape, _ = escape_probability(targets, golds, tolerance, F(deviation), SLIPPING)
    assert F(soundness) / 2 < escape <= F(soundness)
    assert rejection_probability(golds, tolerance) <= F(1, 1000) < rejection_probability(golds, tolerance - 1)


@pytest.mark.parametrize(
    ("soundness", "deviation", "cost", "slipping", "cautious"),
    [
        # The table counts that cheaters' honest golds fail too, and its golds are a fixed multiple of the targets.
        # Fewer golds do as well, down to where rounding the least deviation up no longer helps.
        ("1e-3", "0.1", "1.5", (251, 123, 2), (251, 125, 2)),
        ("1e-3", "0.1", "2", (141, 136, 2), (141, 139, 2)),
        ("1e-6", "0.1", "1.5", (481, 239, 3), (491, 242, 3)),
        ("1e-6", "0.2", "2", (121, 119, 2), (121, 120, 2)),
    ],
)
def test_fewest_targets(soundness: str, deviation: str, cost: str, slipping: tuple, cautious: tuple) -> None:
    for rates, expected in ((SLIPPING, slipping), (Rates(), cautious)):
        found = least_targets(F(soundness), F(deviation), F(cost), rates=rates)
        assert found is not None
        assert (found.targets, found.golds, found.tolerance) == expected
        assert found.escape <= F(soundness)
        assert found.rejection <= F(1, 1000)
        assert found.cost <= F(cost)


def test_a_plan_has_no_gold_to_spare() -> None:
    found = plan(300, F("1e-3"), F("0.1"), F(2))
    assert (found.targets, found.golds, found.tolerance, found.rounds) == (300, 126, 2, 426)
    assert found.escape <= F("1e-3")
    assert escape_probability(300, found.golds - 1, 2, F("0.1"))[0] > F("1e-3")
    assert found.cost == F(426, 300)


def test_a_caution_about_cheaters_costs_little() -> None:
    cautious, _ = escape_probability(482, 241, 3, F("0.1"))
    slipping, _ = escape_probability(482, 241, 3, F("0.1"), SLIPPING)
    assert slipping < F("1e-6") < cautious < F("1.2e-6")


@pytest.mark.parametrize(
    ("targets", "max_cost", "max_rounds", "words"),
    [
        (20, "2", 1024, ["20 targets get 0.5 from 20 golds", "it takes 141 targets and 139 golds"]),
        (20, "1.01", 1024, ["no gold fits"]),
        (1000, "2", 1024, ["1000 targets get 0.297 from 24 golds", "it takes 141 targets"]),
        (100, "2", 150, ["no number of targets gets it in 150 rounds"]),
    ],
)
def test_what_cannot_be_had_is_refused_with_what_can(
    targets: int, max_cost: str, max_rounds: int, words: list[str]
) -> None:
    with pytest.raises(SoundnessUnavailable) as caught:
        plan(targets, F("1e-3"), F("0.1"), F(max_cost), max_rounds)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("golds", [1, 3, 9, 99])
def test_one_circuit_among_golds_escapes_by_a_guess(golds: int) -> None:
    assert single_circuit(golds).escape == F(1, golds + 1)
    assert single_circuit(golds).tolerance == 0


def test_one_circuit_gets_what_is_paid_for() -> None:
    assert plan_single(F("0.1"), F(10)).golds == 9
    assert plan_single(F("0.3"), F(10)).golds == 3
    with pytest.raises(SoundnessUnavailable, match=r"takes 999 golds.*A cost of 2 gives 0\.5"):
        plan_single(F("1e-3"), F(2))
    with pytest.raises(SoundnessUnavailable, match=r"A cost of 64 gives 0\.0157"):
        plan_single(F("1e-3"), F(2000), max_rounds=64)


def test_honest_replicas_are_rejected_by_chance_alone() -> None:
    assert rejection_probability(10, 10) == 0
    assert rejection_probability(2, 0, Rates(failure=F(1, 10))) == F(19, 100)
    assert rejection_probability(2, 1, Rates(failure=F(1, 10))) == F(1, 100)


def test_numbers_are_never_rounded_down() -> None:
    shown = {
        "0.0000012345": "1.24e-6",
        "0.001": "0.001",
        "0.01234": "0.0124",
        "1.98592": "1.99",
        "2": "2",
        "0.5": "0.5",
    }
    assert {value: number(F(value)) for value in shown} == shown
    assert number(F(1, 3)) == "0.334"
    assert number(F("9.999e-7")) == "10e-7"
    assert number(F(0)) == "0"
