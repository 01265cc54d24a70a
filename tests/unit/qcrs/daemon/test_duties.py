"""What a daemon decides, over stories written down as literals."""

from dataclasses import replace

import pytest

from qcrs.daemon.duties import KEEPER_DELAY_SECONDS, Answer, Beat, Keep, Reveal, View, decide
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.records import Request
from qcrs.model.story import Duty, Story
from qcrs.rules.keeping import Step, step_due

NOW = 1_000_000.0
REQUEST = Request(
    circuit_digest=bytes(32), secret_commitment=bytes(24), deadline_at=int(NOW) + 1000, shots=4096, replicas=3,
    noise_class=1, qubits=2, outcome_bits=2, replica_cap=3, gold=False, trust=0, max_fee=1, payload=b"", payload_uri="",
)  # fmt: skip
MINE = 1


def _story(status, *duties, **changes):
    story = Story(computation=5, requester="0x", organisation=1, escrow=1, request=REQUEST, replicas=3)
    story.status = status
    story.phase_ends_at = int(NOW) + 100
    story.duties = [Duty(i, processor, 1, status) for i, (processor, status) in enumerate(duties)]
    for name, value in changes.items():
        setattr(story, name, value)
    return story


def _view(story, **changes):
    view = View(
        processor=MINE, rank=0, now=NOW, last_beat_at=NOW, heartbeat_seconds=30,
        stories={story.computation: story}, since={story.computation: NOW - 1000},
    )  # fmt: skip
    return replace(view, **changes)


ASSIGNED, COMMITTED, REVEALED = (
    AssignmentStatus.Assigned,
    AssignmentStatus.Committed,
    AssignmentStatus.Revealed,
)


def test_assigned_circuit_is_answered():
    story = _story(ComputationStatus.Allocated, (MINE, ASSIGNED), (2, ASSIGNED), (3, ASSIGNED))
    assert decide(_view(story)) == [Answer(5, 0, 1)]


def test_commitment_is_opened_only_once_the_seed_is_fixed():
    story = _story(ComputationStatus.Revealing, (MINE, COMMITTED), (2, COMMITTED), (3, COMMITTED))
    assert decide(_view(story)) == []
    story.seed = bytes(32)
    assert decide(_view(story)) == [Reveal(5, 0, 1)]


def test_nothing_is_answered_for_others():
    story = _story(ComputationStatus.Allocated, (2, ASSIGNED), (3, ASSIGNED), (4, ASSIGNED))
    assert decide(_view(story)) == []


def test_commit_is_due_while_a_replacement_for_another_is_sought():
    story = _story(ComputationStatus.Queued, (MINE, ASSIGNED), (2, AssignmentStatus.Refused))
    assert Answer(5, 0, 1) in decide(_view(story))


def test_heartbeat_comes_at_a_third_of_the_interval():
    story = _story(ComputationStatus.Cancelled)
    assert decide(_view(story, last_beat_at=NOW - 9.9)) == []
    assert decide(_view(story, last_beat_at=NOW - 10)) == [Beat()]


@pytest.mark.parametrize(
    ("status", "duties", "seed", "overdue", "step"),
    [
        (ComputationStatus.Queued, [], None, False, Step.Allocate),
        (ComputationStatus.Allocated, [ASSIGNED, COMMITTED, COMMITTED], None, True, Step.Reallocate),
        (ComputationStatus.Committed, [COMMITTED] * 3, None, True, Step.Substitute),
        (ComputationStatus.Revealing, [REVEALED] * 3, bytes(32), False, Step.Settle),
        (ComputationStatus.Revealing, [REVEALED, REVEALED, COMMITTED], bytes(32), True, Step.Settle),
        (ComputationStatus.Revealing, [REVEALED, COMMITTED, COMMITTED], bytes(32), True, Step.Reallocate),
        (ComputationStatus.Allocated, [ASSIGNED] * 3, None, False, None),
        (ComputationStatus.Committed, [COMMITTED] * 3, None, False, None),
        (ComputationStatus.Revealing, [REVEALED, REVEALED, COMMITTED], bytes(32), False, None),
    ],
)
def test_keeper_takes_the_step_that_is_due(status, duties, seed, overdue, step):
    story = _story(status, *((processor, s) for processor, s in enumerate(duties, start=2)), seed=seed)
    story.phase_ends_at = int(NOW) + (-100 if overdue else 100)
    assert decide(_view(story)) == ([] if step is None else [Keep(5, step)])
    assert decide(_view(story, keeper=False)) == []


def test_computation_that_waited_too_long_is_expired():
    story = _story(ComputationStatus.Queued)
    late = NOW + 1000 + KEEPER_DELAY_SECONDS + 1
    assert decide(_view(story, now=late, last_beat_at=late)) == [Keep(5, Step.Expire)]


def test_keepers_wait_their_turn():
    story = _story(ComputationStatus.Queued)
    due = [Keep(5, Step.Allocate)]
    changed = {5: NOW}
    assert decide(_view(story, since=changed)) == []
    for rank in range(3):
        turn = NOW + KEEPER_DELAY_SECONDS * (rank + 1)
        assert decide(_view(story, since=changed, rank=rank, now=turn - 0.1, last_beat_at=turn)) == []
        assert decide(_view(story, since=changed, rank=rank, now=turn, last_beat_at=turn)) == due


def test_an_answer_is_revealed_again_after_an_escalation():
    told = _story(ComputationStatus.Revealing, (MINE, AssignmentStatus.Committed), seed=bytes(32))
    first = [action for action in decide(_view(told)) if isinstance(action, Reveal)]
    told.attempt = 2
    again = [action for action in decide(_view(told)) if isinstance(action, Reveal)]
    assert first == [Reveal(5, 0, 1)]
    assert again == [Reveal(5, 0, 2)]  # another action: what was done once is not passed over


def test_a_settlement_waits_for_the_requesters_gold_rounds():
    told = _story(ComputationStatus.Revealing, *((n, AssignmentStatus.Revealed) for n in (7, 8, 9)), seed=bytes(32))
    told.request = REQUEST.model_copy(update={"gold": True})
    assert step_due(told, NOW, 60) is None
    assert step_due(told, told.phase_ends_at + 60, 60) is None
    assert step_due(told, told.phase_ends_at + 61, 60) is Step.Settle
    told.gold_closed = True
    assert step_due(told, NOW, 60) is Step.Settle
    told.gold_closed, told.withheld = False, True
    assert step_due(told, NOW, 60) is Step.Settle
