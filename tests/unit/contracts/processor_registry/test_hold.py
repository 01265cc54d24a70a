"""What reservations do to a processor's qubits: hold, occupy, vacate."""

import pytest

from tests.evm import refused
from tests.unit.contracts.processor_registry.conftest import BONDS, RESERVATIONS


@pytest.fixture
def held(roster):
    """A processor of twenty qubits, seventeen of which are held."""
    processor = roster.add("roster organisation")
    receipt = roster.registry.hold(processor, 17, sender=RESERVATIONS)
    assert receipt.result == (roster.registry.operatorOf(processor), roster.standing(processor).organisation)
    assert receipt.event("QubitsReserved") == {"processor": processor, "held": 17, "leased": 0}
    return processor


def qubits(roster, processor):
    standing = roster.standing(processor)
    return standing.held_qubits, standing.leased_qubits


def test_held_qubits_are_not_drawn(roster, held):
    assert roster.registry.listOf(1, 1, 0, 10) == [held]
    with refused("TooFewEligibleProcessors", noiseClass=1, qubits=4, required=1, found=0):
        roster.lease(qubits=4)
    assert roster.lease(qubits=3) == [held]
    assert roster.standing(held).entry == 0


def test_occupied_qubits_come_back_when_they_are_vacated(roster, held):
    roster.registry.occupy(held, 17, sender=RESERVATIONS)
    assert qubits(roster, held) == (0, 17)
    roster.registry.vacate(held, 0, 17, sender=RESERVATIONS)
    assert qubits(roster, held) == (0, 0)
    assert roster.registry.listOf(1, 4, 0, 10) == [held]


def test_hold_takes_what_computations_have_now_but_not_what_others_are_promised(roster):
    processor = roster.add("roster organisation")
    roster.lease(qubits=20)
    roster.registry.hold(processor, 15, sender=RESERVATIONS)
    with refused("QubitsUnavailable", processor=processor, qubits=6, free=5):
        roster.registry.hold(processor, 6, sender=RESERVATIONS)
    with refused("QubitsUnavailable", processor=processor, qubits=15, free=0):
        roster.registry.occupy(processor, 15, sender=RESERVATIONS)


def test_hold_reverts_for_a_processor_that_takes_no_work(roster):
    processor = roster.add("roster organisation")
    roster.registry.setBonded(processor, False, sender=BONDS)
    with refused("ProcessorUnavailable", processor=processor):
        roster.registry.hold(processor, 1, sender=RESERVATIONS)


@pytest.mark.parametrize("call", [("hold", 1), ("occupy", 1), ("vacate", 0, 0)], ids=lambda call: call[0])
def test_qubits_are_reserved_by_the_reservations_alone(world, call):
    function, *arguments = call
    for caller in (world.deployer, world.committee, world.nodes[0].operator):
        with refused("CallerNotReservations", account=caller):
            getattr(world.registry, function)(1, *arguments, sender=caller)
