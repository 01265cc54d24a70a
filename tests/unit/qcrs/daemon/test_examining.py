"""What a daemon owes to benchmarks, from a handful of literals."""

import pytest

from qcrs.chain.deployment import DEFAULT_CERTIFICATION_TERMS as TERMS
from qcrs.daemon.examining import TURN_SECONDS, Drifted, Due, Step, Trial, View, decide
from qcrs.model.certification import CertificationCause, CertificationStatus
from qcrs.model.records import Certification
from qcrs.rules.certifying import is_surprised
from qcrs.rules.drift import Shown

S = CertificationStatus
DEADLINE = 1_000_000.0
ME, OTHER, APPLICANT = 1, 2, 9


def trial(status, done=0, seats=(OTHER, ME, 3), processor=APPLICANT):
    record = Certification(
        status=status, cause=CertificationCause.Request, round=2, done=done, version=1, processor=processor,
        deadline_at=int(DEADLINE), escrow=0, seed=bytes(32), answer=bytes(32), fee=0,
    )  # fmt: skip
    return Trial(7, record, tuple(seats))


def view(*trials, now=DEADLINE, **changes):
    facts = {
        "processor": ME, "rank": 0, "now": now, "terms": TERMS.model_copy(update={"surprise_ppm": 0}),
        "trials": trials, "epoch_entropy": None, "keeper": False,
    }  # fmt: skip
    return View(**facts | changes)


@pytest.mark.parametrize(
    ("status", "step"),
    [(S.Convened, Step.RevealSalt), (S.Answered, Step.CommitScores), (S.Scoring, Step.RevealScores)],
)
def test_a_seat_does_its_part_once_and_in_time(status, step):
    assert decide(view(trial(status))) == [Due(step, 7, 2, 1)]
    assert decide(view(trial(status, done=0b010))) == []
    assert decide(view(trial(status, done=0b101))) == [Due(step, 7, 2, 1)]
    assert decide(view(trial(status), now=DEADLINE + 1)) == []
    assert decide(view(trial(status, seats=(OTHER, 3, 4)))) == []


def test_the_processor_answers_its_own_challenge():
    assert decide(view(trial(S.Challenged, processor=ME))) == [Due(Step.Answer, 7, 2)]
    assert decide(view(trial(S.Challenged))) == []
    assert decide(view(trial(S.Challenged, processor=ME), now=DEADLINE + 1)) == []


@pytest.mark.parametrize("status", [S.Convened, S.Challenged, S.Answered, S.Scoring])
def test_keepers_enforce_in_turn(status):
    due = [Due(Step.Enforce, 7, 2)]
    late = view(trial(status), now=DEADLINE + 1, keeper=True)
    assert decide(late) == due
    assert decide(view(trial(status), now=DEADLINE + 1, keeper=True, rank=1)) == []
    assert decide(view(trial(status), now=DEADLINE + TURN_SECONDS + 1, keeper=True, rank=1)) == due
    assert decide(view(trial(status), now=DEADLINE + 1)) == []


def test_keepers_try_the_draw_in_turn_and_give_it_up_at_last():
    begun = DEADLINE - TERMS.window_seconds
    draw = [Due(Step.Convene, 7, 2)]
    assert decide(view(trial(S.Requested), now=begun + 1, keeper=True)) == draw
    assert decide(view(trial(S.Requested), now=begun + 1, keeper=True, rank=1)) == []
    assert decide(view(trial(S.Requested), now=begun + TURN_SECONDS + 1, keeper=True, rank=1)) == draw
    given_up = DEADLINE + TERMS.window_seconds + 1
    assert decide(view(trial(S.Requested), now=given_up, keeper=True)) == [Due(Step.Enforce, 7, 2)]


def test_keepers_open_epochs_and_surprise_whom_they_draw():
    now = 20_000 * TERMS.cadence_seconds + 1.0
    facts = {"terms": TERMS, "now": now, "keeper": True}
    assert decide(view(**facts)) == [Due(Step.OpenEpoch, 20_000)]
    assert decide(view(**facts, rank=1)) == []
    entropy = b"\5" * 32
    everybody = range(1, 200)
    drawn = [p for p in everybody if is_surprised(entropy, p, TERMS.surprise_ppm)]
    assert 0 < len(drawn) < len(everybody) / 5
    found = decide(view(**facts, epoch_entropy=entropy, surprisable=everybody))
    assert found == [Due(Step.Surprise, p, 20_000) for p in drawn]
    assert decide(view(**facts | {"keeper": False}, epoch_entropy=entropy, surprisable=everybody)) == []


def test_keepers_suspend_whose_conduct_does():
    assert decide(view(keeper=True, unfit=(4, 5))) == [Due(Step.Suspend, 4), Due(Step.Suspend, 5)]
    assert decide(view(unfit=(4, 5))) == []


def drifted(since, benchmarked_at=0.0):
    return {6: Drifted(Shown((3,), (1,), 8, 100_000), benchmarked_at, since)}


def test_keepers_have_whoever_drifted_benchmarked_in_turn():
    epoch = int(DEADLINE) // TERMS.cadence_seconds
    due = [Due(Step.Recheck, 6, epoch)]
    assert decide(view(keeper=True, drifted=drifted(DEADLINE))) == due
    assert decide(view(drifted=drifted(DEADLINE))) == []
    assert decide(view(keeper=True, drifted=drifted(DEADLINE), rank=1)) == []
    assert decide(view(keeper=True, drifted=drifted(DEADLINE - TURN_SECONDS), rank=1)) == due


def test_keepers_wait_for_the_epoch_after_the_last_benchmark():
    begun = float(int(DEADLINE) // TERMS.cadence_seconds * TERMS.cadence_seconds)
    assert decide(view(keeper=True, drifted=drifted(begun - 9, begun))) == []
    assert decide(view(keeper=True, drifted=drifted(begun - 9, begun - 1), now=begun + 1)) != []
    # All have known for long: the turns are taken from the beginning of the epoch.
    assert decide(view(keeper=True, drifted=drifted(begun - 9, begun - 1), now=begun + 1, rank=1)) == []
