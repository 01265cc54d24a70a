"""What each organisation was served, against what its weight entitles it to."""

from fractions import Fraction

import pytest

from qcrs.rules.replay import LoggedEvent
from qcrs.sdk.shares import entitlements, shares_of
from tests.unit.qcrs.model.test_story import REQUEST

COST = 2 * 4096 * 3 * 2  # of REQUEST


def submitted(computation, organisation, **changes):
    arguments = {
        "computation": computation, "requester": "0x", "organisation": organisation, "escrow": 1, "bucket": 0,
        "request": {**REQUEST, **changes},
    }  # fmt: skip
    return LoggedEvent("ComputationSubmitted", "ComputationAllocator", arguments, 1)


def allocated(computation, bounty=1):
    arguments = {
        "computation": computation, "attempt": 1, "firstIndex": 0, "processors": [1, 2, 3], "phaseEndsAt": 9,
        "keeper": "0x", "bounty": bounty,
    }  # fmt: skip
    return LoggedEvent("ComputationAllocated", "ComputationAllocator", arguments, 1)


def cancelled(computation):
    return LoggedEvent("ComputationCancelled", "ComputationAllocator", {"computation": computation, "refund": 1}, 1)


def test_what_was_asked_served_and_waits():
    events = [
        submitted(1, 4), submitted(2, 4), submitted(3, 5), submitted(4, 5), submitted(5, 5), allocated(1),
        allocated(1, bounty=0), allocated(3), cancelled(5),
    ]  # fmt: skip
    accounts = shares_of(events, {4: 3, 5: 1})
    assert {o: (a.asked, a.served, a.waiting) for o, a in accounts.items()} == {
        4: (2 * COST, COST, COST),
        5: (2 * COST, COST, COST),
    }
    assert accounts[4].entitled == Fraction(3, 2) * COST


def test_one_class_can_be_looked_at_alone():
    events = [submitted(1, 4), submitted(2, 5, noiseClass=2)]
    assert set(shares_of(events, {4: 1, 5: 1}, noise_class=2)) == {5}


@pytest.mark.parametrize(
    ("demands", "served", "expected"),
    [
        ({1: 100, 2: 100, 3: 100}, 70, {1: 40, 2: 20, 3: 10}),
        ({1: 10, 2: 100, 3: 100}, 70, {1: 10, 2: 40, 3: 20}),
        ({1: 10, 2: 20, 3: 30}, 60, {1: 10, 2: 20, 3: 30}),
        ({1: 0, 2: 5, 3: 0}, 3, {1: 0, 2: 3, 3: 0}),
        ({}, 0, {}),
    ],
)
def test_what_one_does_not_ask_for_is_the_others(demands, served, expected):
    assert entitlements(demands, {1: 4, 2: 2, 3: 1}, served) == expected
