"""Pairs as numbers, against other ways to the same numbers."""

from math import exp, inf, isinf, log

import numpy
import pytest
from pydantic import ValidationError

from qcrs.quantum.entanglement.batch import run
from qcrs.quantum.entanglement.pairs import (
    BellDiagonal,
    Equipment,
    Fibre,
    LocalNoise,
    PairSource,
    cut_off_age,
    decay,
    dejmps,
    intercepted,
    purify,
    werner,
)
from qcrs.quantum.entanglement.program import Program
from tests.entangled import fibre, fragment, gate, measure, outcomes, pair

HALF_TURN = numpy.pi / 2


def test_decay_halves_what_exceeds_a_quarter_in_its_half_life():
    assert decay(0.97, log(2), 1.0) == pytest.approx(0.25 + 0.72 / 2)
    assert decay(0.97, 5.0, 0.0) == 0.97
    assert decay(0.97, 1e9, 1.0) == pytest.approx(0.25)


def test_cut_off_age_is_when_decay_reaches_the_least_fidelity():
    age = cut_off_age(0.97, 0.9, 600.0)
    assert decay(0.97, age, 600.0) == pytest.approx(0.9)
    assert isinf(cut_off_age(0.97, 0.25, 600.0))
    assert cut_off_age(0.97, 0.9, 0.0) == inf


@pytest.mark.parametrize(("rounds", "fidelity", "success"), [(1, 0.926, 0.876), (2, 0.989, 0.665), (3, 0.999, 0.433)])
def test_purification_gives_the_published_figures(rounds, fidelity, success):
    pair_, _, chance = purify(werner(0.9), rounds)
    assert pair_.none == pytest.approx(fidelity, abs=5e-4)
    assert chance == pytest.approx(success, abs=5e-4)
    assert sum(pair_) == pytest.approx(1)


def test_two_rounds_take_six_raw_pairs():
    assert fibre(0.9).raw_pairs(2) == pytest.approx(6.01, abs=0.01)


@pytest.mark.parametrize("bell", [werner(0.85), BellDiagonal(0.8, 0.12, 0.05, 0.03)])
def test_purification_is_what_its_circuit_does(bell):
    """Both ends turn their halves, CNOT one pair onto the other, measure it and keep the first if they agree."""

    class Source(Fibre):
        def pair(self, rounds=0):
            return bell

    turn = [gate("rx", 0, angles=(HALF_TURN,)), gate("rx", 1, angles=(HALF_TURN,))]
    back = [gate("rx", 0, angles=(-HALF_TURN,)), gate("rx", 1, angles=(-HALF_TURN,))]
    shots = 200_000

    def agreeing(basis):
        """Return the share kept, and of these the share in which the kept pair's ends agree in *basis*."""
        end = [gate("cx", 0, 1), measure(1, 0), *([gate("h", 0)] if basis == "X" else []), measure(0, 1)]
        halves = ([pair(0, 1), pair(1, 1)], [pair(0, 0), pair(1, 0)])
        fragments = [
            fragment(0, 2, 2, [*halves[0], *turn, *end], ((0, 0), (1, 1))),
            fragment(1, 2, 2, [*halves[1], *back, *end], ((0, 2), (1, 3))),
        ]
        where = Source(source=fibre().source)
        bits = outcomes(fragments, run(Program(fragments, where), shots, 11).bits)
        kept = bits[bits[:, 0] == bits[:, 2]]
        return len(kept) / shots, (kept[:, 1] == kept[:, 3]).mean()

    expected, success = dejmps(bell)
    share, z_agree = agreeing("Z")
    _, x_agree = agreeing("X")
    bound = 5 * 0.5 / (shots / 2) ** 0.5
    assert share == pytest.approx(success, abs=bound)
    assert z_agree == pytest.approx(expected.none + expected.z, abs=bound)
    assert x_agree == pytest.approx(expected.none + expected.x, abs=bound)


def test_interception_turns_a_quarter_of_bits():
    broken = intercepted(werner(1.0), 1.0)
    assert broken == pytest.approx((0.5, 0.25, 0.0, 0.25))
    some = intercepted(werner(0.97), 0.3)
    q0 = 0.02
    error_z, error_x = some.x + some.y, some.z + some.y
    assert error_z == pytest.approx(q0 + 0.3 * (0.25 - q0 / 2))
    assert error_x == pytest.approx(error_z)


def test_programs_get_pairs_that_waited():
    where = Fibre(
        source=PairSource(fidelity_ppm=970_000, rate=1000, memory_milliseconds=1000, storage_milliseconds=100),
        equipment=Equipment(delay_milliseconds=200),
    )
    assert where.pair().none == pytest.approx(0.25 + 0.72 * exp(-0.3))


def test_equipment_says_what_is_on():
    assert Equipment().label == ""
    label = Equipment(intercept_ppm=50_000, spares_guesses=True, delay_milliseconds=20).label
    assert label == "intercept-resend 50000 ppm, sparing what it takes for tests, delay 20 ms"


@pytest.mark.parametrize(
    "wrong",
    [
        {"fidelity_ppm": 250_000, "rate": 1},
        {"fidelity_ppm": 970_000, "rate": 0},
        {"fidelity_ppm": 970_000, "rate": 1, "minimum_fidelity_ppm": 980_000},
        {"fidelity_ppm": 970_000, "rate": 1, "loss_ppm": 1_000_000},
        {
            "fidelity_ppm": 970_000, "rate": 1, "minimum_fidelity_ppm": 960_000, "memory_milliseconds": 10,
            "storage_milliseconds": 20,
        },
    ],
)  # fmt: skip
def test_sources_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValidationError):
        PairSource(**wrong)


def test_noise_is_at_most_certain():
    with pytest.raises(ValidationError):
        LocalNoise(one_qubit_ppm=1_000_001)
