"""Pairs in memory: errors, decay, cut-off, eavesdroppers, CHSH."""

import numpy
import pytest

from qcrs.quantum.entanglement.errors import OutOfReach, PairTooOld, PairUsed
from qcrs.quantum.entanglement.held import (
    CHSH_ANGLES,
    X_ANGLE,
    Z_ANGLE,
    Held,
    arrivals,
    chsh,
    to_bits,
    to_words,
)
from qcrs.quantum.entanglement.pairs import Equipment, decay
from tests.entangled import fibre

COUNT = 40_000


def held(where, seed=1, count=COUNT):
    return Held(where, numpy.zeros(count), numpy.random.default_rng(seed))


def disagreement(pairs, angle=None, ages=(0.0, 0.0)):
    """Return the share of pairs on which both ends disagree, measured in one basis or in a random one each."""
    positions = numpy.arange(len(pairs))
    angles = numpy.full(len(pairs), angle) if angle is not None else numpy.random.default_rng(9).choice(
        [Z_ANGLE, X_ANGLE], len(pairs)
    )  # fmt: skip
    found = [pairs.measure(end, positions, angles, ages[end]) for end in (0, 1)]
    assert all(abs(one.mean() - 0.5) < 0.02 for one in found)
    return (found[0] != found[1]).mean()


def within(expected):
    return pytest.approx(expected, abs=5 * (max(expected, 1e-4) / COUNT) ** 0.5)


@pytest.mark.parametrize("angle", [Z_ANGLE, X_ANGLE, 0.7, -2.0])
def test_perfect_pairs_agree_in_every_basis(angle):
    assert disagreement(held(fibre()), angle) == 0


@pytest.mark.parametrize("angle", [Z_ANGLE, X_ANGLE])
def test_werner_pairs_disagree_by_two_thirds_of_their_fault(angle):
    assert disagreement(held(fibre(0.91)), angle) == within(0.06)


def test_other_bases_of_the_two_ends_tell_nothing():
    pairs, positions = held(fibre()), numpy.arange(COUNT)
    first = pairs.measure(0, positions, numpy.full(COUNT, Z_ANGLE), 0.0)
    second = pairs.measure(1, positions, numpy.full(COUNT, X_ANGLE), 0.0)
    assert (first == second).mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("ages", [(0.4, 0.4), (0.0, 0.8), (0.3, 0.5)])
def test_decay_depends_on_how_long_both_halves_waited(ages):
    where = fibre(0.97, memory_milliseconds=1000)
    assert disagreement(held(where), ages=ages) == within(2 * (1 - decay(0.97, 0.4, 1.0)) / 3)


def test_delayed_pairs_are_older_than_they_seem():
    where = fibre(0.97, memory_milliseconds=1000).model_copy(update={"equipment": Equipment(delay_milliseconds=300)})
    assert disagreement(held(where), ages=(0.1, 0.1)) == within(2 * (1 - decay(0.97, 0.4, 1.0)) / 3)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.25, 0.5, 1.0])
def test_interception_shows_as_research_says(share):
    where = fibre(0.97).model_copy(update={"equipment": Equipment(intercept_ppm=round(1e6 * share))})
    pairs = held(where)
    assert pairs.intercepted / COUNT == pytest.approx(share, abs=0.02)
    assert disagreement(pairs) == within(0.02 + share * (0.25 - 0.01))


def test_halves_are_measured_once():
    pairs = held(fibre(), count=8)
    pairs.measure(0, numpy.array([1, 2]), numpy.zeros(2), 0.0)
    with pytest.raises(PairUsed, match="1 of 2"):
        pairs.measure(0, numpy.array([2, 3]), numpy.zeros(2), 0.0)
    pairs.measure(1, numpy.array([2, 3]), numpy.zeros(2), 0.0)


def test_pairs_beyond_the_cut_off_are_gone():
    where = fibre(0.97, minimum_fidelity_ppm=900_000, memory_milliseconds=1000)
    pairs = held(where, count=8)
    assert where.source.cut_off_seconds == pytest.approx(0.1023, abs=1e-4)
    with pytest.raises(PairTooOld, match=r"8 of 8 pairs were discarded: 0\.11 s old, expected at most 0\.102 s"):
        pairs.measure(0, numpy.arange(8), numpy.zeros(8), 0.11)
    pairs.measure(0, numpy.arange(8), numpy.zeros(8), 0.1)


def test_readout_errors_are_the_ends_own():
    pairs, positions = held(fibre()), numpy.arange(COUNT)
    first = pairs.measure(0, positions, numpy.zeros(COUNT), 0.0, readout_ppm=100_000)
    second = pairs.measure(1, positions, numpy.zeros(COUNT), 0.0)
    assert (first != second).mean() == within(0.1)


@pytest.mark.parametrize("fidelity", [1.0, 0.97])
def test_chsh_is_its_closed_form(fidelity):
    random = numpy.random.default_rng(3)
    pairs, positions = held(fibre(fidelity)), numpy.arange(COUNT)
    settings = [random.random(COUNT) < 0.5 for _ in (0, 1)]
    found = [
        pairs.measure(end, positions, numpy.array(CHSH_ANGLES[end])[settings[end].astype(int)], 0.0) for end in (0, 1)
    ]
    value, error = chsh(settings, found)
    assert value == pytest.approx(2 * 2**0.5 * (4 * fidelity - 1) / 3, abs=5 * error)


def test_arrivals_take_as_long_as_rate_and_loss_say():
    where = fibre(0.97, loss_ppm=750_000)
    came = arrivals(where, 10_000, numpy.random.default_rng(1))
    assert came.times[-1] == pytest.approx(0.04, rel=0.05)
    assert came.tries == round(1e6 * came.times[-1])
    assert came.discarded == 0


def test_slow_sources_discard_or_refuse():
    where = fibre(0.97, minimum_fidelity_ppm=900_000, memory_milliseconds=1000, loss_ppm=900_000)
    source = where.source.model_copy(update={"rate": 10_000})
    where = where.model_copy(update={"source": source})
    held_at_once = int(source.heralded_rate * source.cut_off_seconds)
    assert held_at_once == 102
    came = arrivals(where, 108, numpy.random.default_rng(1))
    assert came.discarded > 0
    assert came.times[-1] - came.times[0] < source.cut_off_seconds
    with pytest.raises(OutOfReach, match="expected at most 102 at once"):
        arrivals(where, 256, numpy.random.default_rng(1))


@pytest.mark.parametrize("count", [1, 255, 256, 257, 1000])
def test_words_hold_bits_lowest_first(count):
    bits = numpy.random.default_rng(count).random(count) < 0.5
    words = to_words(bits)
    assert len(words) == (count + 255) // 256
    assert all(bool(words[i // 256] >> i % 256 & 1) == bits[i] for i in range(count))
    assert (to_bits(words, count) == bits).all()
