"""What shows that an answer is false, found in events and a store, and taken by the contract itself."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import ChallengeStatus, Fault
from qcrs.rules.histogram import counts_root
from qcrs.sdk.accusation import contradiction, histogram_behind, precedence_of, revealed_of
from qcrs.sdk.challenge import demands_in, penalties_in
from qcrs.sdk.court import SeatUnknown, Stakes, answered_seat, seat_of
from qcrs.sdk.result import HistogramUnavailable
from qcrs.store import Store
from tests.challenged import Accused, measured, precedence, shifted
from tests.deliveries import story_of

FEWER = dict(sorted(measured(1).items())[1:])


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path))


def accused(world, bound, store, **changes):
    """Return a settled computation whose seat 1 binds *bound*, which is in the store."""
    job = Accused.submit(world, **changes).settled(bound={1: bound})
    store.put_histogram(counts_root(bound), bound)
    return job, story_of(job)


def shown_of(story, index, store):
    duty = story.duties[index]
    return contradiction(story, duty, histogram_behind(story, duty, store))


@pytest.mark.parametrize(
    ("bound", "fault", "changes"),
    [
        (shifted(measured(1)), Fault.ForgedSketch, {}),
        (measured(1) | {0: 70_000}, Fault.MalformedHistogram, {}),
        (FEWER, Fault.MalformedHistogram, {}),
        (FEWER | {1 << 250: 1}, Fault.MalformedHistogram, {}),
        (FEWER | {5_000: 7}, Fault.MalformedHistogram, {}),
        ({0: 96, 3: 4_000}, Fault.ForgedSketch, {"outcome_bits": 2, "qubits": 2}),
    ],
    ids=[
        "forged",
        "a count too large",
        "too few shots",
        "an outcome that fits no leaf",
        "too wide an outcome",
        "forged, few bits",
    ],
)
def test_the_contract_takes_what_was_found(world, store, bound, fault, changes):
    job, story = accused(world, bound, store, **changes)
    shown = shown_of(story, 1, store)
    assert shown.fault is fault
    prove = getattr(world.challenges, shown.function)
    receipt = prove(job.id, 1, revealed_of(story.duties[1]), *shown.arguments, sender=world.stranger)
    assert receipt.event("FaultProven")["fault"] == fault
    assert job.fates[1] is AssignmentStatus.Disproven
    [penalty] = penalties_in(receipt)
    assert (penalty.index, penalty.fault, penalty.processor) == (1, fault, job.node(1).id)
    assert penalty.slashed == penalty.restitution + penalty.reward + penalty.endowment


def test_nothing_contradicts_an_honest_answer(world, store):
    job, story = accused(world, shifted(measured(1)), store)
    store.put_histogram(job.root(0), job.counts[0])
    assert shown_of(story, 0, store) is None
    with pytest.raises(HistogramUnavailable, match=f"'qcrs challenge demand {job.id} 2'"):
        shown_of(story, 2, store)


def test_what_fits_no_proof_is_to_be_demanded(world, store):
    missing = measured(1)[min(measured(1))]
    _, story = accused(world, FEWER | {1 << 250: missing}, store)
    with pytest.raises(HistogramUnavailable, match="does not fit a packed leaf, so it cannot be shown here; demand it"):
        shown_of(story, 1, store)


def test_few_bits_need_no_store(world, store):
    job = Accused.submit(world, outcome_bits=2, qubits=2).settled()
    assert histogram_behind(story_of(job), story_of(job).duties[0], store) == job.counts[0]


def test_seats_are_named_when_they_are_not_there(world):
    job = Accused.submit(world)
    with pytest.raises(SeatUnknown, match="was never allocated"):
        seat_of(story_of(job), 0)
    job.allocate()
    with pytest.raises(SeatUnknown, match="seats 0 to 2, no seat 3"):
        seat_of(story_of(job), 3)
    with pytest.raises(SeatUnknown, match="has revealed no answer"):
        answered_seat(story_of(job), 0)


def test_precedence_is_that_of_the_trail(world):
    world.enrol_until(6)
    first = Accused.submit(world).settled()
    second = Accused.submit(world).settled()
    events = world.chain.log
    found = precedence_of(events, second.id, 1, first.id)
    assert found == precedence(world, first.id, second, 1)
    assert precedence_of(events, first.id, 1, second.id) is None
    assert precedence_of(events, first.id, 1, first.id) is None


def test_demands_are_told_from_events(world):
    job = Accused.submit(world).settled(bound={1: shifted(measured(1))})
    sound, false, open_ = (job.demand(index) for index in (0, 1, 2))
    job.answer(sound, 0)
    job.answer(false, 1)
    demands = demands_in(world.chain.log)
    slash = world.policy["slash"]
    assert [demands[id_].status for id_ in (sound, false, open_)] == [
        ChallengeStatus.Answered, ChallengeStatus.Refuted, ChallengeStatus.Open
    ]  # fmt: skip
    assert (demands[sound].returned, demands[sound].compensation) == (0, slash // 2)
    assert (demands[sound].shown, demands[open_].shown) == (len(job.counts[0]), 0)
    assert (demands[false].returned, demands[open_].bond) == (slash, slash)
    assert demands[open_].to_json()["seat"] == 2


@pytest.mark.parametrize(
    ("stakes", "penalty", "reward"),
    [(Stakes(10, 50, 4), 10, 3), (Stakes(10, 6, 4), 6, 1), (Stakes(10, 50, 12), 10, 0), (Stakes(10, 0, 4), 0, 0)],
)
def test_the_requester_comes_before_the_reward(stakes, penalty, reward):
    assert (stakes.penalty, stakes.reward) == (penalty, reward)
