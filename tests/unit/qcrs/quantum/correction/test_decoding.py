import pytest

from qcrs.quantum.correction import planning
from qcrs.quantum.correction.code import Basis
from qcrs.quantum.correction.decoding import Budget, logical_error, worst_basis
from qcrs.quantum.correction.errors import LogicalErrorUnreachable, SeamTooNoisy
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise, SeamModel
from qcrs.quantum.correction.pair import Pair
from qcrs.quantum.correction.planning import Limits, Wish, plan
from qcrs.quantum.correction.rate import infidelity_of_test

SIX = Noise(0.001, Pair.werner(0.06))


def test_a_larger_code_keeps_a_qubit_better_over_a_link_of_94_percent() -> None:
    rates = [worst_basis(d, d, SIX, Budget(20_000, 300), seed=1)[1] for d in (3, 5, 7)]
    assert rates[0].low > rates[1].high > rates[1].low > rates[2].high


def test_the_seam_hurts_the_logical_operator_beside_it_more() -> None:
    basis, rate = worst_basis(5, 5, SIX, Budget(20_000, 300), seed=2)
    other = logical_error(Memory(5, 5, Basis.X), SIX, Budget(20_000, 300), seed=2)
    assert basis is Basis.Z
    assert rate.low > other.high


def test_a_decoder_that_knows_the_seam_is_better_than_a_blind_one() -> None:
    noise = Noise(0.001, Pair.werner(0.1))
    aware, blind = (
        logical_error(Memory(5, 5, Basis.Z), noise, Budget(20_000, 10**6), seed=3, assumed=assumed)
        for assumed in (None, noise.blind())
    )
    assert aware.high < blind.low


def test_any_error_at_the_seam_is_worse_than_those_of_a_teleported_gate() -> None:
    noise = Noise(0.001, Pair.werner(0.15), SeamModel.Depolarising)
    structured = Noise(0.001, Pair.werner(0.15))
    _, worse = worst_basis(5, 5, noise, Budget(10_000, 10**6), seed=4)
    _, better = worst_basis(5, 5, structured, Budget(10_000, 10**6), seed=4)
    assert worse.low > better.high


def test_sampling_stops_at_what_was_budgeted() -> None:
    assert logical_error(Memory(3, 3, Basis.Z), SIX, Budget(12_345, 10**9), seed=1).shots == 12_345
    early = logical_error(Memory(3, 3, Basis.Z), SIX, Budget(10**9, 10), seed=1)
    assert early.errors >= 10
    assert early.shots == 5_000


def test_without_noise_nothing_is_lost() -> None:
    assert logical_error(Memory(3, 3, Basis.X), Noise(0.0), Budget(100), seed=1).errors == 0


def test_a_plan_keeps_what_was_wished_with_fewest_raw_pairs() -> None:
    found = plan(Wish(2e-2), 0.001, infidelity_of_test(30, 1_500), 1_000.0, seed=1)
    assert (found.distance, found.purified.rounds, found.rounds) == (3, 0, 3)
    assert planning.per_round(found.sampled.high, 3) <= 2e-2
    assert found.pairs_per_round == found.raw_pairs_per_round == 5
    assert found.seconds_per_round == pytest.approx(0.005)
    assert found.raw_pairs == 15


def test_a_bad_link_is_purified() -> None:
    found = plan(Wish(0.05, rounds=10), 0.001, infidelity_of_test(130, 1_500), 1_000.0, seed=1)
    assert found.purified.rounds == 2
    assert found.rounds == 10
    assert found.sampled.high <= 0.05
    assert found.raw_pairs_per_round == pytest.approx((2 * found.distance - 1) * found.purified.raw_pairs)
    assert found.noise(0.001).pair.infidelity < 0.1


def test_a_link_that_purification_does_not_save_is_refused() -> None:
    with pytest.raises(SeamTooNoisy, match=r"infidelity is up to .* a seam bears at most 0\.1"):
        plan(Wish(1e-2), 0.001, infidelity_of_test(500, 1_500), 1_000.0)
    with pytest.raises(SeamTooNoisy, match="after 0 rounds of purification"):
        plan(Wish(1e-2), 0.001, infidelity_of_test(130, 1_500), 1_000.0, Limits(purification_rounds=0))


def test_a_link_counts_as_bad_as_its_test_leaves_possible() -> None:
    with pytest.raises(SeamTooNoisy):
        plan(Wish(0.1), 0.001, infidelity_of_test(6, 100), 1_000.0, Limits(purification_rounds=0))  # 9 %, up to 19 %
    assert plan(Wish(0.1), 0.001, infidelity_of_test(600, 10_000), 1_000.0, Limits(purification_rounds=0), seed=1)


def test_a_wish_that_no_plan_keeps_is_refused_with_the_best_there_is() -> None:
    with pytest.raises(LogicalErrorUnreachable, match=r"at most 1\.00e-09 a round: the best within distance 3"):
        plan(Wish(1e-9), 0.001, infidelity_of_test(30, 1_500), 1_000.0, Limits(3, 1, 10_000), seed=1)
    with pytest.raises(LogicalErrorUnreachable, match="an experiment"):
        plan(Wish(1e-9, rounds=3), 0.001, infidelity_of_test(30, 1_500), 1_000.0, Limits(3, 0, 5_000), seed=1)
