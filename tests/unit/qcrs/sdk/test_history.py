"""A processor's history is what the chain has of it."""

import pytest

from qcrs.chain.codec import Event
from qcrs.model.assignment import AssignmentStatus
from qcrs.rules import reputation
from qcrs.rules.measurement import NOTHING
from qcrs.sdk.history import _TOLD, fold
from tests.certified import Trials
from tests.job import Job, rogue
from tests.scenario import World, hardware_of

COUNTERS = ("accepted", "outliers", "silent", "refused", "failed")


def lines_of(world: World, processor: int):
    return fold([event for event in world.chain.log if event.name in _TOLD], processor)


def conduct(world: World, processor: int) -> dict[str, int]:
    standing = world.standing(processor)
    return {counter: getattr(standing, counter) for counter in COUNTERS}


def require_same(world: World, processor: int) -> None:
    last = lines_of(world, processor)[-1]
    assert {counter: last.conduct.get(counter, 0) for counter in COUNTERS} == conduct(world, processor)
    assert last.weight == reputation.weight_of(**conduct(world, processor))


def worked(world: World) -> Job:
    job = world.submit()
    job.to_settled({1: rogue(1)})
    return job


def test_history_tells_each_fate_and_what_it_weighs(world):
    job = worked(world)
    for index, assignment in enumerate(job.assignments):
        lines = lines_of(world, assignment.processor)
        assert lines[0].what.startswith("registered for organisation")
        assert lines[-1].what == (AssignmentStatus.Outlier if index == 1 else AssignmentStatus.Accepted).name
        assert lines[-1].computation == job.id
        require_same(world, assignment.processor)


def test_history_tells_of_a_fate_that_was_corrected(world):
    job = worked(world)
    operator, bond = job.operator(1), world.policy["slash"]
    dispute = world.disputes.open(job.id, 1, 2, bytes(32), sender=operator, value=bond).result
    world.disputes.rule(dispute, True, bytes(32), sender=world.council)
    processor = job.assignments[1].processor
    assert lines_of(world, processor)[-1].what == "Outlier, now Vindicated"
    require_same(world, processor)


def test_history_tells_of_benchmarks_and_of_what_was_taken_over(world):
    trials = Trials(world)
    trials.enlist(*world.nodes)
    node, version = trials.applicant()
    trials.request(node, version).finish(NOTHING, NOTHING, NOTHING)
    trials.request(node, version).finish()
    told = [line.what for line in lines_of(world, node.id)]
    assert "benchmark 1 ended: Failed" in told
    assert "benchmark 2 ended: Certified" in told
    assert any(what.startswith("certified, version 2 (measured, evidence 0x") for what in told)
    world.registry.retire(node.id, sender=node.operator)
    again = world.register(node.operator, "another daemon", hardware_of("applicant daemon"))
    assert lines_of(world, again)[-1].what == f"conduct of processor {node.id} taken over"
    require_same(world, again)


@pytest.mark.parametrize(
    ("reason", "told"), [(b"conduct".ljust(32, b"\0"), "conduct"), (b"\xff" * 32, "0x" + "ff" * 32)]
)
def test_reasons_are_told_as_text_where_they_are(world, reason, told):
    world.registry.suspend(1, reason, sender=world.security)
    assert lines_of(world, 1)[-1].what == f"suspended: {told}"
    assert all(isinstance(event, Event) for event in world.chain.log)
