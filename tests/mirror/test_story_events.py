"""What is told by events alone is what the chain knows, and the step it calls due is one the chain takes."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ENDED, ComputationStatus
from qcrs.model.story import Stories
from qcrs.rules.keeping import Step, arguments_of, step_due
from tests.situations import SITUATIONS, attempts, drive, succeeding

KNOWN = [situation for situation in SITUATIONS if situation != "Unset"]
TIMED = {ComputationStatus.Allocated, ComputationStatus.Committed, ComputationStatus.Revealing}
PERMISSIONLESS = {step.value[1] for step in Step}


def story_of(job):
    stories = Stories()
    for event in job.world.chain.log:
        stories.apply(event.name, event.arguments, event.block)
    return stories.by_id[job.id]


@pytest.mark.parametrize("situation", KNOWN)
def test_story_is_what_the_chain_keeps(world, situation):
    job = drive(world, situation, overdue=False)
    story, record = story_of(job), job.record
    assert story.request == job.request
    assert (story.requester, story.organisation) == (job.request_account, record.organisation)
    assert (story.status, story.attempt, story.escrow) == (record.status, record.attempt, job.escrow)
    assert [(duty.processor, duty.status) for duty in story.duties] == [
        (a.processor, a.status) for a in job.assignments
    ]
    assert len(story.on_duty()) == record.active
    assert story.withheld == record.secret_withheld
    assert story.ended == (record.status in ENDED)
    if record.status in TIMED:
        assert story.phase_ends_at == record.phase_ends_at
    if record.status is ComputationStatus.Revealing:
        assert story.seed == world.records.seedOf(job.id)


@pytest.mark.parametrize("situation", KNOWN)
@pytest.mark.parametrize("overdue", [False, True], ids=["in time", "overdue"])
def test_step_due_is_the_one_the_chain_takes(world, situation, overdue):
    job = drive(world, situation, overdue)
    possible = succeeding(world, attempts(job)) & PERMISSIONLESS
    step = step_due(story_of(job), world.chain.now)
    assert possible == ({step.value[1]} if step else set())


def test_settlement_of_a_story_is_accepted(world):
    job = drive(world, "Revealing, all revealed", overdue=False)
    arguments = arguments_of(Step.Settle, story_of(job))
    assert arguments == (job.id, *job.settlement())
    world.verifier.settle(*arguments, sender=world.keeper)
    assert set(job.fates) == {AssignmentStatus.Accepted}


@pytest.mark.parametrize(
    "step", [s for s in Step if s not in (Step.Settle, Step.Backfill, Step.Exchange)], ids=lambda s: s.name
)
def test_other_steps_need_the_computation_only(world, step):
    assert arguments_of(step, story_of(world.submit())) == (1,)


def test_steps_of_a_queue_name_the_others_too(world):
    story = story_of(world.submit())
    assert arguments_of(Step.Backfill, story) == (1, [])
    assert arguments_of(Step.Backfill, story, (2, 3)) == (1, [2, 3])
    assert arguments_of(Step.Exchange, story, (2,)) == (1, 2)
