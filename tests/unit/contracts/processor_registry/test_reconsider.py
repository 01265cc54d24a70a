import pytest

from qcrs.model.assignment import AssignmentStatus
from tests.evm import refused
from tests.unit.contracts.processor_registry.conftest import COUNTER_MAXIMUM

Accepted, Outlier, Released = AssignmentStatus.Accepted, AssignmentStatus.Outlier, AssignmentStatus.Released
GoldFailed, Disproven = AssignmentStatus.GoldFailed, AssignmentStatus.Disproven
Vindicated, Silent = AssignmentStatus.Vindicated, AssignmentStatus.Silent

# How it ended, how it ends now, and what that takes from and adds to the conduct.
CHANGES = [
    (Accepted, Disproven, "accepted", "outliers"),
    (Released, Disproven, None, "outliers"),
    (Outlier, Vindicated, "outliers", "accepted"),
    (GoldFailed, Vindicated, "failed", "accepted"),
    (AssignmentStatus.TrapFailed, Vindicated, "failed", "accepted"),
    (AssignmentStatus.Refused, AssignmentStatus.Excused, "refused", None),
]


def ended(roster, was):
    """Return a processor whose only assignment ended as *was*."""
    processor = roster.add("roster organisation")
    roster.lease()
    roster.release([processor], [was])
    return processor


@pytest.mark.parametrize(("was", "fate", "less", "more"), CHANGES)
def test_reconsider_moves_one_assignment_from_one_counter_to_another(roster, was, fate, less, more):
    processor = ended(roster, was)
    before = roster.standing(processor)
    receipt = roster.reconsider(processor, was, fate)
    changed = ({more: 1} if more else {}) | ({less: 0} if less else {})
    assert roster.standing(processor) == before.model_copy(update=changed)
    assert receipt.result == roster.registry.operatorOf(processor)
    assert receipt.names == []


@pytest.mark.parametrize(("was", "fate", "less", "more"), [change for change in CHANGES if change[2]])
def test_reconsider_takes_nothing_from_an_empty_counter(roster, was, fate, less, more):
    """A counter that stopped at its maximum may have forgotten the assignment."""
    processor = roster.add("roster organisation")
    roster.reconsider(processor, was, fate)
    standing = roster.standing(processor)
    assert getattr(standing, less) == 0
    assert more is None or getattr(standing, more) == 1


@pytest.mark.parametrize(("was", "fate", "less", "more"), [change for change in CHANGES if change[3] == "outliers"])
def test_reconsider_stops_counting_at_the_maximum(roster, was, fate, less, more):
    processor = ended(roster, was)
    roster.set_counter(processor, more, COUNTER_MAXIMUM[more])
    roster.reconsider(processor, was, fate)
    assert getattr(roster.standing(processor), more) == COUNTER_MAXIMUM[more]


def test_reconsider_touches_neither_lease_nor_status(roster):
    processor = ended(roster, Accepted)
    roster.lease(qubits=7)
    roster.reconsider(processor, Accepted, Disproven)
    assert roster.standing(processor).leased_qubits == 7


def test_reconsider_leaves_silence_alone(roster):
    processor = ended(roster, Silent)
    roster.reconsider(processor, Released, Disproven)
    assert roster.standing(processor).silent == 1


def test_reconsider_reverts_for_all_but_the_allocator(world):
    for caller in (world.deployer, world.council, world.nodes[0].operator):
        with refused("CallerNotAllocator", account=caller):
            world.registry.reconsider(1, Accepted, Disproven, sender=caller)
