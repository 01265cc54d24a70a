"""How shots are split, and what a circuit's depth counts for."""

import pytest

from qcrs.quantum.program import Operation, Program, depth_class
from qcrs.sdk.terms import MAX_SHOTS, MIN_SHOTS, Circuit, ReplicasOutOfRange, ShotsOutOfRange, shots_per_replica


@pytest.mark.parametrize(
    ("shots", "replicas", "each"),
    [(1, 3, MIN_SHOTS), (12288, 3, 4096), (12289, 3, 4097), (MAX_SHOTS * 5, 5, MAX_SHOTS), (20000, 16, MIN_SHOTS)],
)
def test_replicas_share_the_shots_above_the_floor(shots, replicas, each):
    assert shots_per_replica(shots, replicas) == each


@pytest.mark.parametrize("shots", [0, -1, MAX_SHOTS * 3 + 1, 10**9])
def test_impossible_shots_are_refused(shots):
    with pytest.raises(ShotsOutOfRange, match=str(shots)):
        shots_per_replica(shots, 3)


@pytest.mark.parametrize("replicas", [0, 2, 17])
def test_impossible_replicas_are_refused(replicas):
    with pytest.raises(ReplicasOutOfRange, match=str(replicas)):
        shots_per_replica(4096, replicas)


@pytest.mark.parametrize(("layers", "expected"), [(1, 1), (64, 1), (65, 2), (128, 2), (129, 3)])
def test_depth_class_counts_layers_in_sixty_fours(layers, expected):
    gates = tuple(Operation("x", (), (0,)) for _ in range(layers - 1))
    deep = Program(2, 1, (*gates, Operation("barrier", (), (0, 1)), Operation("measure", (), (0,), (0,))))
    shallow = Program(2, 1, (Operation("measure", (), (0,), (0,)),))
    assert depth_class([deep]) == expected
    assert depth_class([shallow, deep]) == expected  # of a sweep the deepest round counts
    assert Circuit.of("text", [shallow, deep]) == Circuit("text", 2, 2, expected)
