from fractions import Fraction

import pytest

from qcrs.quantum.faults import FAULTS, FaultyAnswers
from qcrs.quantum.ideal import total_variation_distance
from qcrs.quantum.sweep import pool, split

GHZ = {0: 2_000, 31: 1_900, 1: 100, 15: 96}
SHOTS = 4_096


def apart(claimed: dict[int, int], honest: dict[int, int]) -> float:
    return total_variation_distance(claimed, {outcome: count / SHOTS for outcome, count in honest.items()})


@pytest.mark.parametrize("kind", ["bias", "uniform", "replay"])
def test_a_fault_is_a_histogram_far_from_the_honest_one(kind: str) -> None:
    faulty = FaultyAnswers(kind, seed=1)
    for _ in range(3):
        claimed = faulty.answer(GHZ, 5, SHOTS)
        assert claimed is not None
        assert sum(claimed.values()) == SHOTS
        assert all(0 <= outcome < 32 and count > 0 for outcome, count in claimed.items())
        assert apart(claimed, GHZ) > 0.15


def test_bias_moves_a_fifth_to_one_rare_outcome() -> None:
    claimed = FaultyAnswers("bias", seed=1).answer(GHZ, 5, SHOTS)
    assert claimed is not None
    assert claimed[2] == SHOTS // 5


def test_replay_tells_the_counts_of_another_circuit() -> None:
    faulty = FaultyAnswers("replay", seed=1)
    other = {7: 4_000, 8: 96}
    faulty.answer(other, 5, SHOTS)
    claimed = faulty.answer(GHZ, 5, SHOTS)
    assert claimed is not None
    assert set(claimed) <= set(other)


def test_replay_of_the_first_bell_state_is_not_a_bell_state() -> None:
    claimed = FaultyAnswers("replay", seed=1).answer({0: 2_048, 3: 2_048}, 2, SHOTS)
    assert set(claimed or ()) == {1, 2}


def test_silence_is_no_answer() -> None:
    assert FaultyAnswers("silent", seed=1).answer(GHZ, 5, SHOTS) is None


def test_faults_are_repeatable_and_named() -> None:
    for kind in FAULTS:
        answers = [FaultyAnswers(kind, seed=4).answer(GHZ, 5, SHOTS) for _ in range(2)]
        assert answers[0] == answers[1]
    with pytest.raises(ValueError, match="expected one of"):
        FaultyAnswers("lazy", seed=0)


ROUNDS, BITS, EACH = 20, 3, 100
SWEEP = "".join(f'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[3] c;\nrx(0.{i}) q[0];\n' for i in range(20))


def honest_sweep() -> dict[int, int]:
    """Every round answers its own number, modulo the width, nine times out of ten."""
    return pool(({number % 8: 90, (number + 1) % 8: 10} for number in range(ROUNDS)), BITS)


@pytest.mark.parametrize("kind", ["bias", "uniform", "replay", "dilute", "corrupt"])
def test_falsified_sweeps_keep_the_shots_of_each_round(kind: str) -> None:
    claimed = FaultyAnswers(kind, seed=1).answer(honest_sweep(), BITS + 5, ROUNDS * EACH, SWEEP)
    assert claimed is not None
    parts = split(claimed, ROUNDS, BITS)
    assert [sum(part.values()) for part in parts] == [EACH] * ROUNDS
    assert all(count > 0 for count in claimed.values())
    assert parts != split(honest_sweep(), ROUNDS, BITS)


def corrupted_rounds(seed: int, share: str, text: str = SWEEP) -> dict[int, dict[int, int]]:
    faulty = FaultyAnswers("corrupt", seed, Fraction(share))
    claimed = faulty.answer(honest_sweep(), BITS + 5, ROUNDS * EACH, text)
    honest = split(honest_sweep(), ROUNDS, BITS)
    parts = split(claimed or {}, ROUNDS, BITS)
    return {number: part for number, part in enumerate(parts) if part != honest[number]}


def test_colluders_corrupt_the_same_rounds_alike_without_talking() -> None:
    assert corrupted_rounds(1, "1/4") == corrupted_rounds(2, "1/4")
    assert [len(corrupted_rounds(1, share)) for share in ("1/100", "1/10", "1/4", "1")] == [1, 2, 5, 20]
    other = SWEEP.replace("0.7", "0.77")
    assert set(corrupted_rounds(1, "1/4", other)) != set(corrupted_rounds(1, "1/4"))


def test_a_corrupted_circuit_has_its_bits_flipped() -> None:
    claimed = FaultyAnswers("corrupt", seed=1).answer(GHZ, 5, SHOTS, "some circuit")
    assert claimed is not None
    assert claimed != GHZ
    assert sorted(claimed.values()) == sorted(GHZ.values())


def test_dilution_leaves_half_of_the_shots() -> None:
    claimed = FaultyAnswers("dilute", seed=1).answer({7: 8_000}, 12, 8_000)
    assert claimed is not None
    assert 4_000 <= claimed[7] < 4_020
    assert sum(claimed.values()) == 8_000


def test_wide_registers_can_be_answered_uniformly() -> None:
    claimed = FaultyAnswers("uniform", seed=1).answer({0: 50}, 240, 50)
    assert len(claimed or ()) == 50
    assert max(claimed or ()) < 1 << 240


def test_a_forger_answers_honestly_and_binds_another_histogram() -> None:
    faulty = FaultyAnswers("forge", seed=1)
    assert faulty.answer(GHZ, 5, SHOTS) == GHZ
    bound = faulty.bound(GHZ)
    assert bound == faulty.bound(GHZ)
    assert bound != GHZ
    assert sorted(bound.values()) == sorted(GHZ.values())
    assert FaultyAnswers("bias", seed=1).bound(GHZ) == GHZ
