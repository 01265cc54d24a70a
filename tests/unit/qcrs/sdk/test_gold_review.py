"""A gold list seen again: replicas' scores, false answers, and whom they framed."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.story import Duty
from qcrs.quantum.gold import answer_of
from qcrs.rules.digest import keccak
from qcrs.rules.gold import RoundKind
from qcrs.sdk.gold import Document, Round
from qcrs.sdk.gold_review import Replica, document_fault, false_answers, framed_by, replica_of
from tests.unit.qcrs.quantum.test_golds import ANGLES, QUBITS, ansatz

SHOTS = 1_000
PROGRAMS = [ansatz(np.linspace(0.1 * number, 1.5, ANGLES)) for number in range(3)]
ANSWERS = [answer_of(program)[0] for program in PROGRAMS]
DOCUMENT = Document(
    (Round(RoundKind.Target), Round(RoundKind.Gold, ANSWERS[1]), Round(RoundKind.Gold, ANSWERS[2])),
    QUBITS, SHOTS, 0, 0, keccak(b"blind"),
)  # fmt: skip
STORY = SimpleNamespace(computation=7, request=SimpleNamespace(shots=3 * SHOTS))


def test_a_replica_is_scored_round_by_round():
    best = [max(answer.entries, key=lambda entry: entry[1])[0] for answer in ANSWERS]
    counts = {number << QUBITS | outcome: SHOTS for number, outcome in enumerate(best)}
    duty = Duty(0, 5, 1, AssignmentStatus.Accepted)
    right = replica_of(DOCUMENT, duty, counts)
    assert (right.golds, right.traps) == ((), ())
    worst = min(range(1 << QUBITS), key=lambda outcome: dict(ANSWERS[2].entries).get(outcome, 0))
    counts[2 << QUBITS | worst] = counts.pop(2 << QUBITS | best[2])
    wrong = replica_of(DOCUMENT, duty, counts)
    assert wrong.golds == (2,)
    assert wrong.fidelity < right.fidelity
    told = Replica(duty, missing="not there").to_json()
    assert (told["goldFailures"], told["fidelity"], told["missing"]) == (None, None, "not there")


def test_only_false_answers_are_named():
    assert false_answers(DOCUMENT, PROGRAMS) == []
    exchanged = replace(DOCUMENT, rounds=(DOCUMENT.rounds[0], DOCUMENT.rounds[2], DOCUMENT.rounds[2]))
    [false] = false_answers(exchanged, PROGRAMS)
    assert (false.round, false.kind) == (1, RoundKind.Gold)


@pytest.mark.parametrize(
    ("document", "programs", "words"),
    [
        (DOCUMENT, PROGRAMS, ""),
        (replace(DOCUMENT, gold_tolerance=1), PROGRAMS, "not the one that was opened"),
        (DOCUMENT, PROGRAMS[:2], "the payload has 2 rounds, the list 3"),
        (replace(DOCUMENT, shots=SHOTS - 1), PROGRAMS, f"{SHOTS - 1} shots a round"),
        (replace(DOCUMENT, width=QUBITS + 1), PROGRAMS, f"of {QUBITS + 1} bits"),
    ],
    ids=["sound", "another list", "fewer circuits", "other shots", "another width"],
)
def test_a_document_must_be_what_was_opened(document, programs, words):
    fault = document_fault(document, DOCUMENT.opening, STORY, programs)
    assert words in fault if words else fault == ""


def test_whoever_failed_a_false_round_was_framed():
    duties = [
        Duty(0, 5, 1, AssignmentStatus.GoldFailed),
        Duty(1, 6, 1, AssignmentStatus.Accepted),
        Duty(2, 7, 1, AssignmentStatus.TrapFailed),
    ]
    story = SimpleNamespace(with_status=lambda *statuses: [duty for duty in duties if duty.status in statuses])

    class Scored(dict):
        name = "RoundScored"

    events = [
        Scored(index=0, round=1, passed=False),
        Scored(index=0, round=2, passed=True),
        Scored(index=1, round=1, passed=False),
        Scored(index=2, round=2, passed=False),
    ]
    assert framed_by({1, 2}, events, story) == [(duties[0], (1,)), (duties[2], (2,))]
    assert framed_by({2}, events, story) == [(duties[2], (2,))]
