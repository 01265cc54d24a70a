"""Medians, tolerance and verdicts of a benchmark, on both sides."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcrs.model.records import Capability, Measured
from qcrs.rules import measurement
from tests.certified import GOOD
from tests.evm import Chain
from tests.scenario import account, capability

WIDTHS = (16, 8, 8, 32, 32, 32, 64, 64, 32, 64, 64, 32)


def _field(width):
    """Return any value of a field, and often a small one, so that scores come near each other."""
    return st.integers(0, 2**width - 1) | st.integers(0, min(2_000, 2**width - 1))


SCORES = st.lists(st.tuples(*map(_field, WIDTHS)), min_size=3, max_size=3)


@pytest.fixture(scope="module")
def harness():
    return Chain().deploy("MeasurementHarness", sender=account("deployer"))


def measured(values):
    return Measured(**dict(zip(Measured.model_fields, values, strict=True)))


@settings(max_examples=200, deadline=None)
@given(scores=SCORES, tolerance=st.integers(0, 10**6))
def test_median_is_the_same_on_both_sides(harness, scores, tolerance):
    median, outliers = harness.medianOf(scores, tolerance)
    assert (Measured.from_chain(median), outliers) == measurement.median_of(list(map(measured, scores)), tolerance)


@settings(max_examples=200, deadline=None)
@given(
    circuits=st.integers(0, 400),
    shots=st.integers(0, 2**64 - 1) | st.integers(0, 100_000),
    share=st.integers(600_000, 760_000),
)
def test_heavy_outputs_are_the_same_on_both_sides(harness, circuits, shots, share):
    heavy = shots * share // 10**6
    assert harness.isHeavy(circuits, shots, heavy) == measurement.is_heavy(circuits, shots, heavy)


def test_heavy_outputs_pass_where_the_formula_says():
    """h - 2 sqrt(h (1 - h) / n) > 2 / 3, here in floating point, away from the edge."""
    for circuits in (100, 200, 400):
        for heavy in range(60_000, 90_000, 500):
            share = heavy / 100_000
            margin = share - 2 * (share * (1 - share) / circuits) ** 0.5 - 2 / 3
            if abs(margin) > 1e-6:
                assert measurement.is_heavy(circuits, 100_000, heavy) == (margin > 0)


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"qubits": 19}, {"quantum_volume_log2": 4}, {"quantum_volume_log2": 6}, {"noise_class": 2},
        {"mirror_ppm": 500_000}, {"heavy_outputs": 20_000}, {"circuits": 99},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("volume", [0, 1, 2, 5])
def test_what_is_enough_is_the_same_on_both_sides(harness, changes, volume):
    claim = capability(2_000_000_000, quantum_volume_log2=volume)
    found = GOOD.model_copy(update=changes)
    assert harness.isEnough(found.to_chain(), claim.to_chain()) == measurement.is_enough(found, claim)


def test_what_is_not_measured_stays_as_claimed():
    claim = Capability.model_validate(capability(2_000_000_000).model_dump())
    certified = measurement.capability_of(GOOD, claim, 5, 9)
    assert (certified.clops, certified.profile, certified.coupling_map_digest) == (
        claim.clops, claim.profile, claim.coupling_map_digest,
    )  # fmt: skip
    assert (certified.measured_at, certified.expires_at) == (5, 9)
    assert certified.two_qubit_error_ppm == GOOD.two_qubit_error_ppm
