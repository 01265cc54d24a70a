"""How shots are split and where a computation fits."""

import pytest

from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Standing
from qcrs.sdk.terms import (
    MAX_SHOTS,
    MIN_SHOTS,
    NoCapacity,
    ReplicasOutOfRange,
    ShotsOutOfRange,
    best_class,
    shots_per_replica,
)


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


@pytest.mark.parametrize("replicas", [0, 1, 2, 17])
def test_impossible_replicas_are_refused(replicas):
    with pytest.raises(ReplicasOutOfRange, match=str(replicas)):
        shots_per_replica(4096, replicas)


def _standing(organisation, noise_class=1, qubits=27, status=ProcessorStatus.Certified, bonded=True):
    return Standing(
        status=status, noise_class=noise_class, qubits=qubits, leased_qubits=0, organisation=organisation,
        last_beat_at=0, expires_at=0, bonded=bonded, accepted=0, outliers=0, silent=0, refused=0, failed=0,
    )  # fmt: skip


def test_class_with_most_organisations_wins():
    standings = [_standing(1), _standing(1), _standing(2), _standing(3, 2), _standing(4, 2), _standing(5, 2)]
    assert best_class(standings, requester=9, qubits=5, replicas=3) == 2


@pytest.mark.parametrize(
    "standings",
    [
        [_standing(1), _standing(2), _standing(2)],
        [_standing(1), _standing(2), _standing(9)],
        [_standing(1), _standing(2), _standing(3, qubits=4)],
        [_standing(1), _standing(2), _standing(3, bonded=False)],
        [_standing(1), _standing(2), _standing(3, status=ProcessorStatus.Suspended)],
        [_standing(1), _standing(2), _standing(3, noise_class=2)],
        [],
    ],
    ids=["one organisation", "the requester's own", "too small", "unbonded", "suspended", "another class", "none"],
)
def test_too_few_independent_processors_are_counted(standings):
    with pytest.raises(NoCapacity, match="3 independent processors with 5 qubits"):
        best_class(standings, requester=9, qubits=5, replicas=3)
