from itertools import product

import numpy as np
import pytest
import stim
from scipy.stats import binomtest

from qcrs.quantum.correction.pair import Pair, purify
from qcrs.quantum.correction.rate import clopper_pearson, infidelity_of_test, per_experiment, per_round


@pytest.mark.parametrize(
    ("rounds", "fidelity", "success"), [(0, 0.9, 1), (1, 0.926, 0.876), (2, 0.989, 0.665), (3, 0.999, 0.433)]
)
def test_purification_has_the_published_figures(rounds: int, fidelity: float, success: float) -> None:
    found = purify(Pair.werner(0.1), rounds)
    assert 1 - found.pair.infidelity == pytest.approx(fidelity, abs=5e-4)
    assert found.success == pytest.approx(success, abs=5e-4)
    assert found.raw_pairs == pytest.approx(2**rounds / success, rel=2e-3)


@pytest.mark.parametrize("pair", [Pair.werner(0.1), Pair.werner(0.3), Pair(0.02, 0.01, 0.12)])
def test_a_step_is_what_stim_makes_of_it(pair: Pair) -> None:
    weights = {"I": 1 - pair.infidelity, "X": pair.x, "Y": pair.y, "Z": pair.z}
    kept = dict.fromkeys("IXYZ", 0.0)
    for first, second in product(weights, repeat=2):
        simulator = stim.TableauSimulator()
        simulator.h(0, 2)
        simulator.cx(0, 1, 2, 3)
        for pauli, qubit in ((first, 1), (second, 3)):
            simulator.do(stim.PauliString(qubit) + stim.PauliString(pauli))
        simulator.sqrt_x(0, 2)
        simulator.sqrt_x_dag(1, 3)
        simulator.cx(0, 2, 1, 3)
        if simulator.peek_observable_expectation(stim.PauliString("__ZZ")) == 1:
            signs = [simulator.peek_observable_expectation(stim.PauliString(each)) for each in ("XX", "ZZ")]
            end = {(1, 1): "I", (1, -1): "X", (-1, -1): "Y", (-1, 1): "Z"}[tuple(signs)]
            kept[end] += weights[first] * weights[second]
    success = sum(kept.values())
    found = purify(pair, 1)
    assert found.success == pytest.approx(success)
    assert (found.pair.x, found.pair.y, found.pair.z) == pytest.approx([kept[p] / success for p in "XYZ"])


def test_an_intervals_rate_is_three_halves_of_what_disagreed() -> None:
    found = infidelity_of_test(30, 1_500)
    interval = binomtest(30, 1_500).proportion_ci(method="exact")
    assert found.value == pytest.approx(0.03)
    assert (found.low, found.high) == pytest.approx((1.5 * interval.low, 1.5 * interval.high))
    assert infidelity_of_test(900, 1_000).high == 1


@pytest.mark.parametrize(("errors", "shots"), [(0, 10), (10, 10), (3, 1_000), (500, 1_000)])
def test_intervals_are_clopper_and_pearsons(errors: int, shots: int) -> None:
    found, expected = clopper_pearson(errors, shots), binomtest(errors, shots).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize(("errors", "shots"), [(1, 0), (3, 2), (-1, 2)])
def test_counts_that_are_none_are_refused(errors: int, shots: int) -> None:
    with pytest.raises(ValueError, match="errors among"):
        clopper_pearson(errors, shots)


def test_rates_a_round_and_an_experiment_are_each_others_inverse() -> None:
    for rate in np.linspace(0, 0.4, 9):
        assert per_experiment(per_round(rate, 7), 7) == pytest.approx(rate)
    assert per_round(0.01, 5) == pytest.approx(0.002, rel=0.02)


@pytest.mark.parametrize("weights", [(-0.1, 0, 0), (0.5, 0.3, 0.3)])
def test_a_pair_has_probabilities(weights: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="expected probabilities"):
        Pair(*weights)
