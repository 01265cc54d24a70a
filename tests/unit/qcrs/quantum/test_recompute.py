"""False answers are named, true ones are not: whatever the requester changed."""

from dataclasses import replace

import numpy as np
import pytest

from qcrs.quantum.gold import answer_of, make_traps
from qcrs.quantum.program import Operation, Program
from qcrs.quantum.recompute import falsehood
from qcrs.rules.gold import MAX_ENTRIES, Answer, RoundKind
from tests.unit.qcrs.quantum.test_golds import ANGLES, ansatz, chance, spsa

GOLD, TRAP = RoundKind.Gold, RoundKind.Trap
PROGRAM = ansatz(np.linspace(0.2, 1.4, ANGLES))
ANSWER = answer_of(PROGRAM)[0]


def changed(answer: Answer, at: int, weight: int) -> Answer:
    """Return *answer* with another weight of one entry, or without it."""
    entries = list(answer.entries)
    entries[at : at + 1] = [(entries[at][0], weight)] if weight else []
    return replace(answer, entries=tuple(entries))


HEAVIEST = max(range(len(ANSWER.entries)), key=lambda at: ANSWER.entries[at][1])


def test_true_answers_are_true() -> None:
    for program in [PROGRAM, *spsa(4)]:
        assert falsehood(program, GOLD, answer_of(program)[0]) is None
    for program, answer in make_traps([PROGRAM], 4, chance()):
        assert falsehood(program, TRAP, answer) is None
    assert falsehood(PROGRAM, RoundKind.Target, None) is None


def test_another_machines_rounding_is_tolerated() -> None:
    _, weight = ANSWER.entries[0]
    assert falsehood(PROGRAM, GOLD, changed(ANSWER, 0, weight + 1)) is None
    assert falsehood(PROGRAM, GOLD, replace(ANSWER, ideal=ANSWER.ideal + 1)) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (changed(ANSWER, HEAVIEST, ANSWER.entries[HEAVIEST][1] - 1_000), "weighs"),
        (changed(ANSWER, HEAVIEST, 0), "weighs 0, expected"),
        (replace(ANSWER, ideal=ANSWER.ideal + ANSWER.ideal // 1_000), "ideal is"),
        (replace(ANSWER, uniform=ANSWER.uniform // 2), "uniform is"),
        (None, "a gold without an answer"),
    ],
    ids=["weight", "left out", "ideal", "uniform", "none"],
)
def test_a_false_gold_is_named(answer: Answer | None, words: str) -> None:
    assert words in str(falsehood(PROGRAM, GOLD, answer))


def test_the_answer_of_another_circuit_is_false() -> None:
    assert falsehood(PROGRAM, GOLD, answer_of(spsa(1)[0])[0]) is not None
    assert falsehood(PROGRAM, RoundKind.Target, ANSWER) == "a target with an answer"
    assert falsehood(PROGRAM, TRAP, ANSWER) is not None


def test_a_trap_that_forbids_a_possible_outcome_is_false() -> None:
    [(program, answer)] = make_traps([PROGRAM], 1, chance())
    assert len(answer.entries) > 1
    assert "possible outcomes" in str(falsehood(program, TRAP, changed(answer, 0, 0)))
    assert "possible outcomes" in str(falsehood(program, TRAP, changed(answer, 0, 2)))
    assert "ideal is" in str(falsehood(program, TRAP, replace(answer, ideal=answer.ideal + 100)))


def test_any_choice_among_the_lightest_entries_is_true() -> None:
    """Of 4,096 outcomes 1,024 are entries; which of the equally heavy is a matter of rounding."""
    qubits = 12
    turns = [Operation("ry", (1.2,), (qubit,)) for qubit in range(qubits)]
    measures = [Operation("measure", (), (qubit,), (qubit,)) for qubit in range(qubits)]
    program = Program(qubits, qubits, (*turns, *measures))
    answer = answer_of(program)[0]
    assert len(answer.entries) == MAX_ENTRIES
    chosen = dict(answer.entries)
    least = min(chosen.values())
    swapped = next(outcome for outcome, weight in answer.entries if weight <= least + 2)
    weight_of_swapped = chosen.pop(swapped)
    ones = swapped.bit_count()
    twin = next(x for x in range(1 << qubits) if x not in chosen and x != swapped and x.bit_count() == ones)
    chosen[twin] = weight_of_swapped
    other = replace(answer, entries=tuple(sorted(chosen.items())))
    assert falsehood(program, GOLD, other) is None
    heavy = max(chosen, key=chosen.__getitem__)
    del chosen[heavy]
    assert falsehood(program, GOLD, replace(answer, entries=tuple(sorted(chosen.items())))) is not None
