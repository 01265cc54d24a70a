"""How long a daemon remembers what it answered, and what it is asked to show."""

import pytest

from qcrs.daemon.docket import MARGIN_SECONDS, Demand, Docket
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import VERDICTS, ComputationStatus
from qcrs.model.story import Duty, Story

MINE = 1
ENDS_AT = 1_000


def story(status=ComputationStatus.Accepted, processor=MINE, root=bytes(32)):
    known = Story(computation=5, requester="0x", organisation=1, escrow=1, request=None, replicas=3)
    known.status, known.phase_ends_at = status, ENDS_AT
    known.duties = [Duty(0, processor, 1, AssignmentStatus.Accepted, counts_root=root)]
    return known


def demanded(processor=MINE, challenge=7):
    return {
        "challenge": challenge,
        "computation": 5,
        "index": 0,
        "processor": processor,
        "challenger": "0x",
        "bond": 1,
        "deadlineAt": ENDS_AT + 300,
    }


def opened(first, count, deadline):
    return {"challenge": 7, "first": first, "leaves": [1] * count, "deadlineAt": deadline}


@pytest.fixture
def docket():
    docket = Docket()
    assert docket.keep(story(), MINE)
    return docket


@pytest.mark.parametrize("status", VERDICTS, ids=lambda status: status.name)
def test_every_verdict_on_an_own_answer_is_kept(status):
    assert Docket().keep(story(status), MINE)


@pytest.mark.parametrize(
    "other",
    [story(ComputationStatus.Failed), story(ComputationStatus.Cancelled), story(processor=2), story(root=b"")],
    ids=["failed", "cancelled", "of others", "never revealed"],
)
def test_what_cannot_be_challenged_is_not_kept(other):
    docket = Docket()
    assert not docket.keep(other, MINE)
    assert docket.stories == {}


def test_verdict_is_let_go_a_while_after_its_window(docket):
    assert docket.release(ENDS_AT + MARGIN_SECONDS) == []
    assert docket.release(ENDS_AT + MARGIN_SECONDS + 1) == [5]
    assert docket.release(ENDS_AT + MARGIN_SECONDS + 1) == []


def test_demand_is_followed_to_its_end(docket):
    assert docket.apply("HistogramDemanded", demanded(), MINE)
    assert docket.demands[7] == Demand(7, 5, 0, 0, ENDS_AT + 300)
    assert docket.apply("HistogramOpened", opened(0, 512, ENDS_AT + 400), MINE)
    assert docket.apply("HistogramOpened", opened(512, 100, ENDS_AT + 500), MINE)
    assert docket.demands[7] == Demand(7, 5, 0, 612, ENDS_AT + 500)
    assert docket.apply("ChallengeEnded", {"challenge": 7, "status": 2}, MINE)
    assert docket.demands == {}


def test_demands_on_others_are_none_of_its_business(docket):
    assert not docket.apply("HistogramDemanded", demanded(processor=2), MINE)
    assert not docket.apply("HistogramOpened", opened(0, 1, ENDS_AT), MINE)
    assert not docket.apply("ChallengeEnded", {"challenge": 7}, MINE)
    assert docket.demands == {}


def test_demand_about_what_was_never_seen_is_no_reason_to_fall_over():
    docket = Docket()
    assert not docket.apply("HistogramDemanded", demanded(), MINE)
    assert docket.demands == {}


def test_verdict_is_kept_while_a_demand_is_open(docket):
    docket.apply("HistogramDemanded", demanded(), MINE)
    assert docket.release(ENDS_AT + MARGIN_SECONDS + 100) == []
    docket.apply("ChallengeEnded", {"challenge": 7}, MINE)
    assert docket.release(ENDS_AT + MARGIN_SECONDS + 100) == [5]


def test_demand_that_nobody_ends_is_let_go_in_the_end(docket):
    docket.apply("HistogramDemanded", demanded(), MINE)
    assert docket.release(ENDS_AT + 300 + MARGIN_SECONDS) == []
    assert docket.release(ENDS_AT + 300 + MARGIN_SECONDS + 1) == [5]
    assert docket.demands == {}
