"""The trail in words."""

from qcrs.model.decision import Decision
from qcrs.rules.replay import narrate
from tests.unit.qcrs.audit.stories import (
    CLEARED,
    DISPROVEN,
    EXPIRED,
    FAILED,
    FRAMED,
    HONEST,
    LATE,
    NOISY,
    REFUSED,
    ROGUE,
    SILENT,
    UNREVEALED,
)


def words(history, computation):
    return [e.words for e in narrate(history.events) if e.computation == computation]


def processors(history, computation, *indices):
    drawn = history.event("ComputationAllocated", computation=computation)["processors"]
    return ", ".join(str(drawn[i]) for i in indices)


def test_every_entry_is_told(history):
    entries = narrate(history.events)
    assert [entry.index for entry in entries] == list(range(len(entries)))
    # For those of bodies, see test_bodies.
    assert {entry.decision for entry in entries} == {d for d in Decision if Decision.Unset < d < Decision.MotionCarried}
    assert not [entry for entry in entries if "does not say" in entry.words]


def test_the_last_head_is_the_contract_s(history):
    last = narrate(history.events)[-1]
    assert (last.head, last.index + 1) == history.view("AuditTrail", "head")


def test_an_accepted_computation(history):
    drawn = processors(history, HONEST, 0, 1, 2)
    assert words(history, HONEST) == [
        f"computation {HONEST}: round 1, drew processors {drawn}",
        f"computation {HONEST}: verdict Accepted; accepted: {drawn}",
    ]


def test_an_outlier_is_named(history):
    accepted, outlier = processors(history, ROGUE, 0, 2), processors(history, ROGUE, 1)
    assert words(history, ROGUE)[-1] == (
        f"computation {ROGUE}: verdict Accepted; accepted: {accepted}; outlier: {outlier}"
    )


def test_the_silent_and_those_who_refuse_are_named(history):
    assert words(history, SILENT)[1] == (
        f"computation {SILENT}: back in the queue for round 1; silent: {processors(history, SILENT, 1)}"
    )
    assert words(history, REFUSED)[1].endswith(f"; refused: {processors(history, REFUSED, 0)}")
    assert "back in the queue for round 2; silent: " in words(history, UNREVEALED)[1]


def test_other_endings(history):
    assert "verdict Inconclusive; released: " in words(history, NOISY)[-1]
    assert words(history, LATE) == [f"computation {LATE}: failed and refunded, DeadlinePassed"]
    assert "failed and refunded, PayloadRefused; excused: " in words(history, FAILED)[-1]


def test_members_processors_and_policy(history):
    told = "\n".join(entry.words for entry in narrate(history.events))
    assert "organisation 1 admitted: requester, weight 1\n" in told
    assert "expelled\n" in told
    assert "processor 2 suspended, reason 0x0707" in told
    told_of = "processor 4 certified for noise class 1, capability version 2, approved without a measurement\n"
    assert told_of in told
    assert ", measured, evidence 0x" in told
    assert "policy changed: pricePerQubitShot 2000000000, commitSeconds 120" in told


def test_an_entry_without_its_facts_is_listed_all_the_same(history):
    position = history.position("ComputationSettled", computation=HONEST)
    told = [e.words for e in narrate(history.without(position)) if e.computation == HONEST]
    assert told[-1] == f"computation {HONEST}: the log does not say"
    assert len(told) == 2


def test_json(history):
    entry = narrate(history.events)[0].to_json()
    assert entry["decision"] == "OrganisationAdmitted"
    assert entry["digest"] == "0x" + history.event("EntryAppended")["digest"].hex()


def test_escalations_and_rulings_are_told(history):
    assert words(history, EXPIRED)[1] == (f"computation {EXPIRED}: inconclusive, so that there are to be 5 replicas")
    false = processors(history, DISPROVEN, 2)
    assert words(history, DISPROVEN)[-2:] == [
        f"computation {DISPROVEN}: the answer of processor {false} is disproven; the verdict is overturned",
        f"computation {DISPROVEN}: dispute 3 upheld",
    ]
    assert words(history, CLEARED)[-1] == f"computation {CLEARED}: dispute 4 dismissed"
    assert f"processor {processors(history, FRAMED, 1)} is vindicated; " in words(history, FRAMED)[-2]
