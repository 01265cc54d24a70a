"""What gold rounds say of a processor, from a handful of events."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.rules.drift import EVENTS, LEAST_ROUNDS, MAX_COMPUTATIONS, GoldMemory, Shown
from qcrs.rules.gold import RoundKind

ME, OTHER = 4, 5
LIMIT = 500_000


@pytest.fixture
def memory():
    memory = GoldMemory()
    memory.learn("CertificationTermsChanged", {"terms": {"windowSeconds": 120}})
    return memory


def scored(memory, computation, fidelities, index=1, kind=RoundKind.Gold, conclude=True):
    """Let ME, at seat *index*, have rounds scored, in units of 1e-4."""
    memory.learn("ComputationSubmitted", {"computation": computation})
    seats = {0: OTHER, 1: OTHER, 2: OTHER, index: ME}
    drawn = [seats[place] for place in range(3)]
    memory.learn("ComputationAllocated", {"computation": computation, "firstIndex": 0, "processors": drawn})
    for fidelity in fidelities:
        memory.learn("RoundScored", {"computation": computation, "index": index, "kind": kind, "fidelity": fidelity})
    if conclude:
        memory.learn("ComputationConcluded", {"computation": computation})


def test_golds_that_went_badly_are_shown_in_order(memory):
    scored(memory, 9, [1_000] * 4, index=2)
    scored(memory, 3, [3_000] * 4)
    assert memory.shown(ME, LIMIT) == Shown((3, 9), (1, 2), 8, 200_000)
    assert memory.shown(OTHER, LIMIT) is None


@pytest.mark.parametrize(
    ("fidelities", "found"),
    [([1_000] * (LEAST_ROUNDS - 1), None), ([5_000] * 8, None), ([4_999] * 8, 499_900), ([-3_000] * 8, -300_000)],
)
def test_too_few_rounds_or_good_ones_show_nothing(memory, fidelities, found):
    scored(memory, 1, fidelities)
    shown = memory.shown(ME, LIMIT)
    assert (shown and shown.fidelity_ppm) == found


def test_means_are_rounded_towards_zero_computation_by_computation(memory):
    scored(memory, 1, [-1] * 2 + [0] * 6)
    assert memory.shown(ME, LIMIT).fidelity_ppm == 0  # -2 / 8 is 0, as Solidity divides


def test_traps_targets_and_what_is_not_settled_count_for_nothing(memory):
    scored(memory, 1, [0] * 8, kind=RoundKind.Trap)
    scored(memory, 2, [0] * 8, kind=RoundKind.Target)
    scored(memory, 3, [0] * 8, conclude=False)
    assert memory.shown(ME, LIMIT) is None
    memory.learn("ComputationConcluded", {"computation": 3})
    assert memory.shown(ME, LIMIT).computations == (3,)


def test_a_computation_that_failed_counts_for_nothing(memory):
    scored(memory, 1, [0] * 8, conclude=False)
    memory.learn("ComputationFailed", {"computation": 1})
    memory.learn("ComputationConcluded", {"computation": 1})
    assert memory.shown(ME, LIMIT) is None


def test_only_the_newest_computations_are_shown(memory):
    for computation in range(1, 9):
        scored(memory, computation, [0] * 8)
    for computation in range(9, 9 + MAX_COMPUTATIONS):
        scored(memory, computation, [9_000] * 8)
    assert memory.shown(ME, LIMIT) is None


def test_a_benchmark_begins_anew(memory):
    scored(memory, 1, [0] * 8)
    scored(memory, 2, [0] * 8, conclude=False)
    memory.learn("CertificationRequested", {"processor": ME, "deadlineAt": 1_120})
    memory.learn("ComputationConcluded", {"computation": 2})
    assert memory.benchmarked_at == {ME: 1_000}
    assert memory.shown(ME, LIMIT) is None
    scored(memory, 3, [0] * 8)
    assert memory.shown(ME, LIMIT).computations == (3,)


def test_golds_whose_answers_were_false_do_not_count(memory):
    scored(memory, 1, [0] * 8)
    ended = {"computation": 1, "index": 1, "processor": ME}
    memory.learn("AssignmentEnded", ended | {"fate": AssignmentStatus.GoldFailed})
    assert memory.shown(ME, LIMIT) is not None
    memory.learn("AssignmentEnded", ended | {"fate": AssignmentStatus.Vindicated})
    assert memory.shown(ME, LIMIT) is None


def test_other_events_say_nothing(memory):
    memory.learn("HeartbeatReceived", {"processor": ME})
    assert "HeartbeatReceived" not in EVENTS
