"""What is told of a benchmark: what was measured beside what was claimed, and why it was not enough."""

import pytest

from qcrs.model.records import Capability
from qcrs.rules.measurement import AS_CLAIMED, AS_MEASURED, AS_TESTED, NOTHING, capability_of, is_enough
from qcrs.sdk.certification import Outcome, shortfalls
from tests.certified import GOOD
from tests.scenario import capability

CLAIM = capability(2_000_000)
WORSE = GOOD.model_copy(update={"two_qubit_error_ppm": 3 * CLAIM.two_qubit_error_ppm})


def test_every_field_of_a_capability_is_measured_tested_claimed_or_a_time():
    times = {"measured_at", "expires_at"}
    assert {*AS_MEASURED, *AS_TESTED, *AS_CLAIMED, *times} == set(Capability.model_fields)


def test_what_was_measured_takes_effect_although_it_is_worse():
    assert is_enough(WORSE, CLAIM)
    effective = capability_of(WORSE, CLAIM, 1, 2)
    assert effective.two_qubit_error_ppm == WORSE.two_qubit_error_ppm
    for name in AS_CLAIMED:
        assert getattr(effective, name) == getattr(CLAIM, name)


def test_the_outcome_sets_both_side_by_side():
    outcome = Outcome.of(CLAIM, WORSE)
    assert outcome.lacks == []
    assert outcome.figures["twoQubitErrorPpm"] == (CLAIM.two_qubit_error_ppm, WORSE.two_qubit_error_ppm)
    assert "clops" not in outcome.figures
    assert outcome.to_json()["figures"]["t1Nanoseconds"] == {
        "claimed": CLAIM.t1_nanoseconds, "measured": GOOD.t1_nanoseconds,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"qubits": 0}, "not every circuit was answered"),
        ({"quantum_volume_log2": 0}, "a quantum volume of 2^5 not shown"),
        ({"heavy_outputs": 26_000}, "65.0% heavy outputs"),
        ({"noise_class": 3}, "noise class 3, claimed 1"),
        ({"mirror_ppm": 500_000}, "50.0% of the mirror blocks"),
    ],
)
def test_what_is_not_enough_is_named(changes, words):
    measured = GOOD.model_copy(update=changes)
    assert not is_enough(measured, CLAIM)
    (said,) = shortfalls(measured, CLAIM)
    assert words in said


def test_nothing_measured_lacks_everything_and_enough_lacks_nothing():
    assert len(shortfalls(NOTHING, CLAIM)) == 4
    assert is_enough(GOOD, CLAIM)
    assert not shortfalls(GOOD, CLAIM)
