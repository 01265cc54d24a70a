import pytest

from qcrs.model.assignment import AssignmentStatus
from tests.evm import refused
from tests.unit.contracts.processor_registry.conftest import COUNTER_MAXIMUM

COUNTERS = {
    AssignmentStatus.Accepted: "accepted",
    AssignmentStatus.Outlier: "outliers",
    AssignmentStatus.Silent: "silent",
    AssignmentStatus.Refused: "refused",
    AssignmentStatus.Released: None,
    AssignmentStatus.GoldFailed: "failed",
    AssignmentStatus.TrapFailed: "failed",
}


@pytest.fixture
def leased(roster):
    """Three processors that lease two qubits each."""
    members = [roster.add(f"roster organisation {n}") for n in range(3)]
    roster.lease(count=3)
    return members


@pytest.mark.parametrize("fate", COUNTERS, ids=lambda fate: fate.name)
def test_release_ends_the_lease_and_counts_the_fate(roster, leased, fate):
    before = roster.standing(leased[0])
    receipt = roster.release([leased[0]], [fate])
    counted = {COUNTERS[fate]: 1} if COUNTERS[fate] else {}
    assert roster.standing(leased[0]) == before.model_copy(update={"leased_qubits": 0} | counted)
    assert receipt.result == [roster.registry.operatorOf(leased[0])]


def test_release_passes_over_zeros(roster, leased):
    fates = [AssignmentStatus.Unset, AssignmentStatus.Released]
    receipt = roster.release([0, leased[1]], fates)
    assert receipt.result == ["0x" + "00" * 20, roster.registry.operatorOf(leased[1])]
    assert [roster.standing(processor).leased_qubits for processor in leased] == [2, 0, 2]


# What was accepted never gets there: at the horizon all counters are halved.
@pytest.mark.parametrize("fate", [fate for fate, counter in COUNTERS.items() if counter not in (None, "accepted")])
def test_release_stops_counting_at_the_maximum(roster, leased, fate):
    counter = COUNTERS[fate]
    roster.set_counter(leased[0], counter, COUNTER_MAXIMUM[counter])
    roster.release([leased[0]], [fate])
    assert getattr(roster.standing(leased[0]), counter) == COUNTER_MAXIMUM[counter]


def test_release_reverts_when_nothing_is_leased(roster, leased):
    roster.release([leased[0]], [AssignmentStatus.Released])
    with refused("Panic", code=0x11):
        roster.release([leased[0]], [AssignmentStatus.Released])


def test_release_reverts_for_all_but_the_allocator(world):
    for caller in (world.deployer, world.nodes[0].operator, world.stranger):
        with refused("CallerNotAllocator", account=caller):
            world.registry.release([1], [AssignmentStatus.Released], 1, sender=caller)
