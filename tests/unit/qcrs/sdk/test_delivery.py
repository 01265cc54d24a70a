import random

import pytest

from qcrs.model.story import Duty
from qcrs.rules.histogram import opens_run, unpack_leaf
from qcrs.sdk.delivery import evidence_of, outcomes_to_show


def test_shows_the_most_frequent_that_cover():
    pooled = {0: 500, 1: 300, 2: 150, 3: 50}
    assert outcomes_to_show(pooled, 1) == [0, 1]  # one alone has as many as all the others
    assert outcomes_to_show(pooled, 8_000) == [0, 1]
    assert outcomes_to_show(pooled, 8_001) == [0, 1, 2]
    assert outcomes_to_show(pooled, 10_000) == [0, 1, 2, 3]


def test_shows_one_outcome_that_has_the_majority():
    assert outcomes_to_show({0: 501, 1: 499}, 1) == [0]


def test_shows_all_of_what_is_flat():
    assert outcomes_to_show(dict.fromkeys(range(8), 10), 1) == list(range(8))


@pytest.mark.parametrize("seed", range(50))
def test_shows_the_fewest_that_the_contract_takes(seed):
    chance = random.Random(seed)
    pooled = {chance.randrange(64): chance.randrange(1, 1_000) for _ in range(12)}
    coverage, shots = chance.randrange(1, 10_001), sum(pooled.values())
    outcomes = outcomes_to_show(pooled, coverage)

    def suffices(chosen):
        shown = sum(pooled[outcome] for outcome in chosen)
        most = max((pooled[outcome] for outcome in chosen), default=0)
        return shown * 10_000 >= shots * coverage and most > shots - shown

    assert outcomes == sorted(outcomes)
    assert suffices(outcomes)
    assert not suffices(sorted(outcomes, key=pooled.__getitem__)[1:])


@pytest.mark.parametrize("seed", range(50))
def test_evidence_shows_each_outcome_or_where_it_would_be(seed):
    chance = random.Random(seed)
    counts = {chance.randrange(40): chance.randrange(1, 100) for _ in range(chance.randrange(1, 20))}
    outcomes = sorted(chance.sample(range(42), 6))
    _, binding, runs = evidence_of(Duty(0, 1, 1, sketch=[1]), counts, outcomes)
    places = {outcome: place for place, outcome in enumerate(sorted(counts))}
    shown = {}
    for run in runs:
        assert opens_run(binding.root, binding, run)
        for offset, leaf in enumerate(run.leaves):
            outcome, count = unpack_leaf(leaf)
            assert counts[outcome] == count
            shown[outcome] = run.first + offset
    for outcome in outcomes:
        if outcome in counts:
            assert shown[outcome] == places[outcome]
            continue
        below = [o for o in counts if o < outcome]
        above = [o for o in counts if o > outcome]
        assert not below or max(below) in shown
        assert not above or min(above) in shown
    assert len(shown) <= 2 * len(outcomes)
