"""What a daemon decides, over stories written down as literals."""

from dataclasses import replace

import pytest

from qcrs.daemon.duties import KEEPER_DELAY_SECONDS, Answer, Beat, Drain, Keep, Reveal, Tend, View, decide
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.booking import Booking
from qcrs.model.computation import ComputationStatus
from qcrs.model.records import Request
from qcrs.model.reservation import ReservationStatus
from qcrs.model.story import Duty, Story
from qcrs.rules.keeping import MAX_PASSES, Step, step_due
from qcrs.rules.reserving import ReservationStep

NOW = 1_000_000.0
REQUEST = Request(
    circuit_digest=bytes(32), secret_commitment=bytes(24), deadline_at=int(NOW) + 1000, shots=4096, replicas=3,
    noise_class=1, qubits=2, outcome_bits=2, replica_cap=3, gold=False, trust=0, priority=0, depth_class=1, profile=1,
    quantum_volume_log2=0, two_qubit_error_ppm=0, price=1, max_fee=1, payload=b"",
)  # fmt: skip
MINE = 1


def _story(status, *duties, **changes):
    story = Story(computation=5, requester="0x", organisation=1, escrow=1, request=REQUEST, replicas=3, attempt=1)
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
        last = turn + KEEPER_DELAY_SECONDS
        assert decide(_view(story, since=changed, rank=rank, now=last, last_beat_at=last)) == due


def test_keepers_of_one_rank_draw_different_turns():
    story, changed = _story(ComputationStatus.Queued), {5: NOW}
    halfway = NOW + 1.5 * KEEPER_DELAY_SECONDS
    acting = [
        bool(decide(_view(story, since=changed, now=halfway, last_beat_at=halfway, seed=bytes([number]))))
        for number in range(64)
    ]
    assert 16 < sum(acting) < 48


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


def _line(*places, **changes):
    """Return waiting stories by id, at (id, bucket)."""
    stories = {}
    for number, bucket in places:
        story = _story(ComputationStatus.Queued, bucket=bucket, **changes)
        story.computation = number
        story.request = REQUEST.model_copy(update={"qubits": number})  # no two ask for the same
        stories[number] = story
    return stories


def _waiting_view(stories, **changes):
    view = _view(_story(ComputationStatus.Cancelled), stories=stories, since=dict.fromkeys(stories, NOW - 1000))
    return replace(view, **changes)


def test_queue_is_served_in_the_order_of_buckets_and_ids():
    stories = _line((3, 11), (4, 10), (7, 10))
    assert decide(_waiting_view(stories)) == [Keep(4, Step.Allocate)]
    assert decide(_waiting_view(stories, unplaced={4})) == [Keep(7, Step.Allocate)]
    assert decide(_waiting_view(stories, unplaced={4, 7})) == [Keep(3, Step.Backfill, (4, 7))]


def test_head_is_deferred_only_when_nobody_can_be_placed_and_somebody_waits_behind():
    stories = _line((3, 11), (4, 10))
    assert decide(_waiting_view(stories, unplaced={3, 4})) == [Keep(4, Step.Defer)]
    assert decide(_waiting_view(_line((3, 10), (4, 10)), unplaced={3, 4})) == []


def test_no_more_are_passed_than_the_contract_allows():
    stories = _line(*((number, 10 + number) for number in range(1, 7)))
    assert decide(_waiting_view(stories, unplaced={1, 2, 3})) == [Keep(4, Step.Backfill, (1, 2, 3))]
    assert decide(_waiting_view(stories, unplaced={1, 2, 3, 4})) == [Keep(1, Step.Defer)]


def test_what_is_asked_for_alike_is_not_tried_again_in_vain():
    stories = _line((3, 10), (4, 10), (5, 10))
    stories[4].request = stories[3].request
    assert decide(_waiting_view(stories, unplaced={3})) == [Keep(5, Step.Allocate)]


def test_one_past_its_deadline_is_expired_and_still_stands_ahead():
    stories = _line((3, 10), (4, 11))
    stories[3].request = REQUEST.model_copy(update={"deadline_at": int(NOW) - 100})
    assert decide(_waiting_view(stories)) == [Keep(3, Step.Expire), Keep(4, Step.Backfill, (3,))]


def test_whoever_allocated_last_goes_on_at_once_and_the_others_wait_anew():
    stories = _line((3, 10))
    just = {1: NOW}
    assert decide(_waiting_view(stories, moved=just)) == []
    assert decide(_waiting_view(stories, moved=just, leading={1}, rank=9)) == [Keep(3, Step.Allocate)]
    assert decide(_waiting_view(stories, freed_at=NOW)) == []


def test_shorter_ones_are_exchanged_by_their_own_organisation_when_there_is_a_wait():
    stories = _line((3, 11), (5, 10))
    view = _waiting_view(stories, unplaced={5}, organisation=1, shortest_first=True)
    assert decide(view) == [Keep(3, Step.Exchange, (5,))]
    assert decide(replace(view, unplaced=frozenset())) == [Keep(5, Step.Allocate)]
    assert decide(replace(view, organisation=2)) == [Keep(3, Step.Backfill, (5,))]
    stories[5].passed = MAX_PASSES
    assert decide(view) == [Keep(3, Step.Backfill, (5,))]


def test_one_that_lost_processors_is_in_turn_but_not_tried_in_vain():
    story = _story(ComputationStatus.Queued, (2, ASSIGNED), (3, AssignmentStatus.Refused))
    assert decide(_view(story)) == [Keep(5, Step.Allocate)]
    assert decide(_view(story, unplaced={5})) == []


BOOKING = Booking(9, "0x", 1, (MINE, 4), 5, int(NOW) + 1000, int(NOW) + 2000, 1)
ROUND = 300


@pytest.mark.parametrize(
    ("status", "at", "step"),
    [
        (ReservationStatus.Granted, 600, None),
        (ReservationStatus.Granted, 710, ReservationStep.Prepare),
        (ReservationStatus.Granted, 1310, ReservationStep.Lapse),
        (ReservationStatus.Prepared, 900, None),
        (ReservationStatus.Prepared, 1010, ReservationStep.Begin),
        (ReservationStatus.Prepared, 1310, ReservationStep.Lapse),
        (ReservationStatus.Active, 1990, None),
        (ReservationStatus.Active, 2010, ReservationStep.Finish),
    ],
)
def test_reservation_is_tended_by_its_processors(status, at, step):
    idle = _story(ComputationStatus.Cancelled)
    booked = replace(BOOKING, status=status)
    view = _view(idle, bookings=[booked], round_seconds=ROUND, now=NOW + at, last_beat_at=NOW + at)
    assert decide(view) == ([] if step is None else [Tend(9, step)])
    second = replace(booked, processors=(4, MINE))
    soon = replace(view, bookings=[second], now=NOW + at - 9)
    assert step is ReservationStep.Lapse or decide(soon) == []


def test_processor_drains_when_told_and_only_then():
    idle = _story(ComputationStatus.Cancelled)
    assert decide(_view(idle)) == []
    assert decide(_view(idle, draining=True)) == []  # its operator told the chain: that stays
    assert decide(_view(idle, to_drain=True)) == [Drain(True)]
    assert decide(_view(idle, to_drain=True, draining=True)) == []
    assert decide(_view(idle, to_drain=False, draining=True)) == [Drain(False)]
