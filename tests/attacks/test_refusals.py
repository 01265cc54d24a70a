"""What a requester can do to processors that must refuse it, and what a processor can do by refusing."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.refusal import RefusalCode
from qcrs.rules.reputation import FULL_WEIGHT, UNFIT_FAULTS, weight_of
from tests.evm import refused

Excused, Refused = AssignmentStatus.Excused, AssignmentStatus.Refused


def conduct(world):
    counters = ("accepted", "outliers", "silent", "refused", "failed")
    return {node.id: [getattr(world.standing(node.id), name) for name in counters] for node in world.nodes}


def refusing_all(world, code, jobs):
    """Let a requester have *jobs* computations refused by whoever is drawn, at no cost to itself but gas."""
    for _ in range(jobs):
        job = world.submit().allocate()
        job.refuse(0, code)
        job.refuse(1, code)
        assert job.status is ComputationStatus.Failed
        world.beat()


@pytest.mark.parametrize("code", [RefusalCode.PayloadSealed, RefusalCode.EnvelopeInvalid, RefusalCode.SyntaxInvalid])
def test_a_requester_whose_circuits_nobody_can_run_harms_nobody_s_record(world, code):
    """It lets nobody in, or sends what is no circuit, often enough to have anybody suspended by rule."""
    before = conduct(world)
    refusing_all(world, code, 3 * UNFIT_FAULTS)
    assert conduct(world) == before
    for node in world.nodes:
        with refused("ConductBearable"):
            world.registry.suspendByRule(node.id, sender=world.stranger)


def test_a_requester_that_lets_all_in_but_one_does_not_harm_that_one(world):
    """A quorum would have run it: only the code says that it could not."""
    victim = world.nodes[0]
    for _ in range(UNFIT_FAULTS + 1):
        job = world.submit(replicas=5).allocate()
        (seat,) = (i for i, a in enumerate(job.assignments) if a.processor == victim.id)
        job.refuse(seat, RefusalCode.PayloadSealed)
        assert job.fates[seat] is Excused
        world.beat()
    standing = world.standing(victim.id)
    assert (standing.refused, standing.accepted) == (0, 0)
    assert weight(world, victim) == FULL_WEIGHT


def test_who_alone_calls_a_circuit_invalid_has_it_on_record(world):
    """Whose circuit the others run: what a quorum does not refuse was no reason to refuse."""
    job = world.submit(replicas=5).allocate()
    processor = job.node(0)
    job.refuse(0, RefusalCode.SyntaxInvalid)
    world.enrol()
    job.to_settled()
    assert job.status is ComputationStatus.Accepted
    assert job.fates[0] is Refused
    assert world.standing(processor.id).refused == 1
    assert weight(world, processor) < FULL_WEIGHT


def test_a_processor_that_says_falsely_that_it_has_no_key_gets_away_with_it(world):
    """A limit, and the price of the tests above: nobody else can tell whether it was given one. It earns nothing."""
    job = world.submit(replicas=5).allocate()
    processor, purse = job.node(0), world.estate()
    job.refuse(0, RefusalCode.PayloadSealed)
    assert weight(world, processor) == FULL_WEIGHT
    assert purse.gains().get(processor.operator, 0) == 0


def weight(world, node):
    s = world.standing(node.id)
    return weight_of(s.accepted, s.outliers, s.silent, s.refused, s.failed)
