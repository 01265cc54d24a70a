import math
import random
from collections import Counter

import numpy as np
import pytest

from qcrs.quantum.angles import (
    GENERATORS,
    Chance,
    Family,
    Template,
    angles_of,
    crossed,
    gaussian,
    ranked,
    resampled,
    scattered,
    template_of,
)
from qcrs.quantum.circuit import build
from qcrs.quantum.gold import GoldUnavailable, answer_of, make_golds, make_traps, mix
from qcrs.quantum.ideal import ideal_distribution
from qcrs.quantum.program import Operation, Program
from qcrs.quantum.scan import scan
from qcrs.quantum.telltale import area, classifier_auc, telltale_auc
from qcrs.rules.gold import EXPECTATION_UNIT, RoundKind, score

QUBITS = 4
ANGLES = 3 * QUBITS


def chance(seed: int = 1) -> Chance:
    return Chance(random.Random(seed).randbytes)


def ansatz(angles: np.ndarray, last: str = "ry") -> Program:
    """Return two layers of rotations around a ladder, and a third after it."""
    values = iter(angles.tolist())
    operations = []
    for gate in ("ry", "rz"):
        operations += [Operation(gate, (next(values),), (qubit,)) for qubit in range(QUBITS)]
    operations += [Operation("cx", (), (qubit, qubit + 1)) for qubit in range(QUBITS - 1)]
    operations += [Operation(last, (next(values),), (qubit,)) for qubit in range(QUBITS)]
    operations += [Operation("measure", (), (qubit,), (qubit,)) for qubit in range(QUBITS)]
    return Program(QUBITS, QUBITS, tuple(operations))


def spsa(count: int, seed: int = 1) -> list[Program]:
    rng = np.random.default_rng(seed)
    centre = rng.uniform(-np.pi, np.pi, ANGLES)
    return [ansatz(centre + 0.1 * rng.choice([-1, 1], ANGLES)) for _ in range(count)]


def family_of(angles: np.ndarray) -> Family:
    steps = tuple(("rx", 1, (0,), ()) for _ in range(angles.shape[1]))
    return Family.of(Template(1, 1, steps), angles)


def test_a_template_and_angles_are_the_circuit() -> None:
    program = scan(
        'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; U(0.1, 0.2, 0.3) q[0]; cp(1.5) q[0], q[1]; '
        "barrier q; reset q[1]; c = measure q;"
    )
    assert angles_of(program).tolist() == [0.1, 0.2, 0.3, 1.5]
    assert template_of(program).program(angles_of(program)) == program


def test_relations_between_angles_hold_in_new_rows() -> None:
    rng = np.random.default_rng(2)
    free = rng.normal(size=(40, 2))
    angles = np.column_stack([free[:, 0], -2 * free[:, 0], free[:, 1], np.full(40, 0.7), free[:, 0], 1 - free[:, 1]])
    family = family_of(angles)
    assert family.free == (0, 2)
    for generator in (gaussian, ranked):
        rows = family.draw(generator, 30, chance())
        assert rows is not None
        assert np.array_equal(rows[:, 1], -2 * rows[:, 0])
        assert np.array_equal(rows[:, 4], rows[:, 0])
        assert set(rows[:, 3]) == {0.7}
        assert np.allclose(rows[:, 5], 1 - rows[:, 2])


def test_new_rows_are_written_with_the_digits_of_the_old() -> None:
    family = family_of(np.round(np.random.default_rng(1).normal(size=(30, 5)), 2))
    rows = family.draw(gaussian, 50, chance())
    assert rows is not None
    assert all(len(repr(angle).partition(".")[2]) <= 2 for angle in rows.ravel().tolist())


@pytest.mark.parametrize("generator", GENERATORS)
def test_new_rows_are_new(generator) -> None:
    angles = np.random.default_rng(1).choice([0.1, 0.2, 0.3], size=(20, 9))
    rows = family_of(angles).draw(generator, 60, chance())
    assert rows is not None
    everyone = [tuple(row) for row in [*angles, *rows]]
    assert len(set(map(tuple, rows))) == 60
    assert not set(everyone[:20]) & set(everyone[20:])


def test_there_may_be_no_new_rows() -> None:
    assert family_of(np.array([[0.1, 0.2], [0.2, 0.1]])).draw(resampled, 3, chance()) is None


def test_normal_numbers_are_normal() -> None:
    drawn = chance().normal(20_000)
    assert abs(drawn.mean()) < 0.03
    assert abs(drawn.std() - 1) < 0.02
    assert abs((drawn > 1).mean() - 0.1587) < 0.01


RNG = np.random.default_rng(4)
CENTRE = RNG.uniform(-1, 1, 12)
SIGNS = RNG.choice([-1, 1], (60, 12))
SCATTER = RNG.normal(size=(120, 12))


@pytest.mark.parametrize(
    ("members", "generator", "told"),
    [
        (CENTRE + 0.1 * RNG.choice([-1, 1], (120, 12)), resampled, False),
        (CENTRE + 0.3 * SCATTER, gaussian, False),
        (RNG.uniform(-3, 3, (120, 12)), ranked, False),
        # What gives golds away: the middle of two, shared angles, another spread, a missing mirror image.
        (CENTRE + 0.3 * SCATTER, resampled, True),
        (CENTRE + 0.3 * SCATTER, crossed, True),
        (CENTRE + 0.1 * RNG.choice([-1, 1], (120, 12)), gaussian, True),
        (np.concatenate([CENTRE + 0.1 * SIGNS, CENTRE - 0.1 * SIGNS]), resampled, True),
    ],
)
def test_the_classifier_finds_what_gives_golds_away(members: np.ndarray, generator, told: bool) -> None:
    family = family_of(members)
    areas = []
    for seed in range(4):
        rows = family.draw(generator, 120, chance(seed))
        assert rows is not None
        areas.append(telltale_auc(family.columns, rows[:, list(family.free)], chance(seed)))
    assert (np.mean(areas) > 0.8) if told else (np.mean(areas) < 0.56)


def test_golds_added_up_from_targets_are_found() -> None:
    """No feature of one angle shows them, yet the sums of rows coincide."""
    a, b, c = SCATTER, SCATTER[chance().order(120)], SCATTER[chance(2).order(120)]
    assert telltale_auc(SCATTER, a + b - c, chance()) > 0.95


def test_digits_are_found() -> None:
    assert telltale_auc(np.round(SCATTER, 3), SCATTER[::-1] * 1.01, chance()) > 0.95


def test_an_area_is_a_probability() -> None:
    assert area(np.array([1.0, 2.0]), np.array([0.0, 1.0])) == 0.875
    assert area(np.array([1.0]), np.array([1.0])) == 0.5
    assert classifier_auc(np.ones((20, 2)), np.arange(20) < 10, chance()) == 0.5


def test_the_golds_of_a_sweep_have_its_template_and_exact_answers() -> None:
    targets = spsa(30)
    golds = make_golds(targets, 20, 230, chance())
    assert golds.generators == ("resampled",)
    assert golds.auc is not None
    assert 0.5 <= golds.auc <= 0.6
    texts = {program.text() for program, _ in golds.rounds}
    assert len(texts) == 20
    assert not texts & {target.text() for target in targets}
    for program, answer in golds.rounds:
        assert template_of(program) == template_of(targets[0])
        exact = ideal_distribution(build(program))
        counts = {outcome: round(1e6 * share) for outcome, share in exact.items()}
        passed, fidelity = score(counts, sum(counts.values()), answer)
        assert passed
        assert abs(fidelity - 10_000) < 10
        noise = dict.fromkeys(range(16), 1_000)
        assert abs(score(noise, 16_000, answer)[1]) < 10


def test_rounds_that_pass_for_each_other_are_counted() -> None:
    near = make_golds(spsa(30), 12, 230, chance())
    far = [ansatz(angles) for angles in np.random.default_rng(1).uniform(-np.pi, np.pi, (40, ANGLES))]
    assert near.alike > 0.9
    assert make_golds(far, 12, 1_000, chance()).alike < 0.4


def test_templates_have_golds_in_proportion() -> None:
    angles = np.random.default_rng(1).normal(0.4, 0.3, (48, ANGLES))
    targets = [ansatz(row, "ry" if number % 3 else "rx") for number, row in enumerate(angles)]
    golds = make_golds(targets, 24, 230, chance())
    assert Counter(template_of(program) for program, _ in golds.rounds) == {
        template_of(targets[0]): 8,
        template_of(targets[1]): 16,
    }


def test_one_circuit_is_not_in_the_middle_of_its_golds() -> None:
    program = ansatz(np.random.default_rng(3).uniform(0.2, 1.2, ANGLES))
    golds = make_golds([program], 40, 4_096, chance())
    assert golds.auc is None
    rows = np.array([angles_of(gold) for gold, _ in golds.rounds])
    centre = rows.mean(axis=0)
    own = np.linalg.norm(angles_of(program) - centre)
    others = np.linalg.norm(rows - centre, axis=1)
    assert 0.4 < own / others.mean() < 1.9


def test_multiples_of_a_sixteenth_of_pi_belong_to_the_template_of_one_circuit() -> None:
    family = Family.of(Template(1, 1, ()), np.array([[math.pi / 2, 0.3, -0.3, 3 * math.pi / 16, 0.4]]))
    rows = family.draw(scattered, 5, chance())
    assert rows is not None
    assert set(rows[:, 0]) == {math.pi / 2}
    assert set(rows[:, 3]) == {3 * math.pi / 16}
    assert np.array_equal(rows[:, 1], -rows[:, 2])
    assert len(set(rows[:, 4])) == 5


@pytest.mark.parametrize(
    ("targets", "words"),
    [
        (spsa(3), "3 of 3 circuits share a template"),
        ([spsa(1)[0]] * 20, "no angle that golds could vary"),
        ([ansatz(np.full(ANGLES, math.pi / 2))], "no angle that golds could vary"),
        ([ansatz(1 + np.eye(ANGLES)[number % ANGLES] * (1 - number // ANGLES * 2)) for number in range(24)], "AUC"),
        ([ansatz(row) for row in np.random.default_rng(1).normal(math.pi / 2, 0.001, (30, ANGLES))], "even"),
    ],
)
def test_golds_that_would_promise_too_much_are_refused(targets: list[Program], words: str) -> None:
    with pytest.raises(GoldUnavailable, match=words):
        make_golds(targets, 30, 100, chance())


def test_wide_circuits_have_no_golds() -> None:
    measured = Operation("measure", (), (0,), (0,))
    wide = [Operation("ry", (0.3,), (qubit,)) for qubit in range(21)]
    with pytest.raises(GoldUnavailable, match="at most 20 qubits"):
        answer_of(Program(21, 21, (*wide, measured)))


def test_circuits_with_delays_have_no_golds() -> None:
    target = spsa(1)[0]
    waiting = Program(target.qubits, target.bits, (Operation("delay", (100,), (0,)), *target.operations))
    with pytest.raises(GoldUnavailable, match="delays"):
        make_golds([waiting], 10, 1_000, chance())
    with pytest.raises(GoldUnavailable, match="delay"):
        make_traps([waiting], 10, chance())


def test_an_even_circuit_has_no_answer() -> None:
    flat = [Operation("h", (), (qubit,)) for qubit in range(3)]
    measured = [Operation("measure", (), (qubit,), (qubit,)) for qubit in range(3)]
    with pytest.raises(GoldUnavailable, match="even as noise"):
        answer_of(Program(3, 3, (*flat, *measured)))


def test_noise_is_even_over_measured_bits_only() -> None:
    peaked = Program(2, 10, (Operation("ry", (0.3,), (0,)), Operation("measure", (), (0,), (4,))))
    answer, _ = answer_of(peaked)
    assert [outcome for outcome, _ in answer.entries] == [0, 16]
    assert answer.uniform == round(EXPECTATION_UNIT * sum(weight for _, weight in answer.entries) / 2)


def test_the_heaviest_outcomes_make_the_answer() -> None:
    rotations = [Operation("ry", (0.3 + qubit / 9,), (qubit,)) for qubit in range(12)]
    measured = [Operation("measure", (), (qubit,), (qubit,)) for qubit in range(12)]
    program = Program(12, 12, (*rotations, *measured))
    answer, _ = answer_of(program)
    exact = ideal_distribution(build(program))
    heaviest = sorted(exact, key=exact.__getitem__, reverse=True)[:1_024]
    assert len(answer.entries) <= 1_024
    assert {outcome for outcome, _ in answer.entries} <= set(heaviest)
    assert max(dict(answer.entries), key=dict(answer.entries).__getitem__) == heaviest[0]


def test_a_trap_leaves_half_of_the_outcomes_out_and_fails_on_them() -> None:
    targets = spsa(10)
    for program, answer in make_traps(targets, 12, chance()):
        assert template_of(program) == template_of(targets[0])
        assert all(abs(angle % (math.pi / 2)) < 1e-9 for angle in angles_of(program))
        possible = {outcome for outcome, _ in answer.entries}
        assert len(possible) <= 8
        exact = ideal_distribution(build(program))
        assert possible == set(exact)
        assert score(dict.fromkeys(possible, 60), 60 * len(possible), answer) == (True, 10_000)
        impossible = set(range(16)) - possible
        assert not score(dict.fromkeys(impossible, 60), 60 * len(impossible), answer)[0]


def test_gates_that_no_angle_makes_clifford_have_no_trap() -> None:
    with pytest.raises(GoldUnavailable, match="'t'"):
        make_traps([Program(1, 1, (Operation("t", (), (0,)), Operation("rx", (0.3,), (0,))))], 1, chance())


def test_rounds_are_mixed_at_random_and_none_is_lost() -> None:
    rounds = mix(spsa(20), 15, 5, chance())
    assert Counter(kind for kind, _ in rounds) == {RoundKind.Target: 20, RoundKind.Gold: 15, RoundKind.Trap: 5}
    assert len(set(rounds)) == 40
    assert rounds != mix(spsa(20), 15, 5, chance(2))
    first_half = Counter(kind for seed in range(50) for kind, _ in mix(spsa(20), 15, 5, chance(seed))[:20])
    assert abs(first_half[RoundKind.Target] - 500) < 60
