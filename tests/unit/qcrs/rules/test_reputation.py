"""Conduct, noted and taken back, on both sides."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.records import Standing
from qcrs.rules import reputation
from tests.evm import Chain
from tests.scenario import account

COUNTERS = ("accepted", "outliers", "silent", "refused", "failed")
CONDUCT = st.fixed_dictionaries({
    "accepted": st.integers(0, 60) | st.integers(reputation.HORIZON - 3, reputation.HORIZON - 1),
    "outliers": st.integers(0, 20) | st.just(2**16 - 1),
    "silent": st.integers(0, 20) | st.just(2**8 - 1),
    "refused": st.integers(0, 20) | st.just(2**16 - 1),
    "failed": st.integers(0, 5) | st.just(2**16 - 1),
})  # fmt: skip


@pytest.fixture(scope="module")
def harness():
    return Chain().deploy("ReputationHarness", sender=account("deployer"))


def standing(conduct):
    blank = dict.fromkeys(Standing.model_fields, 0) | {"bonded": False, "draining": False, "offered": False}
    return Standing(**blank | conduct).to_chain()


def conduct_of(struct):
    return {counter: struct[counter] for counter in COUNTERS}


@settings(max_examples=150, deadline=None)
@given(conduct=CONDUCT, fate=st.sampled_from(AssignmentStatus))
def test_note_and_forget_are_the_same_on_both_sides(harness, conduct, fate):
    sender = account("deployer")
    noted = harness.note(standing(conduct), fate, sender=sender).result
    assert conduct_of(noted) == conduct | reputation.noted(conduct, fate)
    forgotten = harness.forget(standing(conduct), fate, sender=sender).result
    assert conduct_of(forgotten) == reputation.forgotten(conduct, fate)


@settings(max_examples=150, deadline=None)
@given(conduct=CONDUCT)
def test_who_is_unfit_is_the_same_on_both_sides(harness, conduct):
    assert harness.isUnfit(standing(conduct)) == reputation.is_unfit(conduct)


def test_a_record_fades_with_work():
    """What was done long ago matters less than what was done lately: half as much every horizon."""
    conduct = {"accepted": 0, "outliers": 64, "silent": 0, "refused": 0, "failed": 0}
    seen = []
    for _ in range(8):
        for _ in range(reputation.HORIZON):
            conduct = reputation.noted(conduct, AssignmentStatus.Accepted)
        seen.append(conduct["outliers"])
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] == 0
    assert conduct["accepted"] >= reputation.HORIZON // 2


def test_waiting_changes_nothing():
    assert reputation.noted({"outliers": 3}, AssignmentStatus.Released) == {"outliers": 3}
