import pytest

from qcrs.quantum.faults import FAULTS, FaultyAnswers
from qcrs.quantum.ideal import total_variation_distance

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
