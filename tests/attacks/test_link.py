"""Attacks on links: eavesdroppers, operators that cheat, members that reach for what is not theirs."""

import asyncio
from math import comb, exp

import numpy
import pytest

from qcrs.link.errors import ForeignQubit
from qcrs.link.wire import Purpose
from qcrs.quantum.entanglement.held import X_ANGLE, Z_ANGLE, Held, chsh, to_bits, to_words
from qcrs.quantum.entanglement.pairs import Equipment, decay
from qcrs.quantum.fragment import GATES
from qcrs.rules.digest import keccak
from tests.entangled import fibre, gate, ghz, measure, pair, reset
from tests.linked import link_file, on_link

FIDELITY = 0.97
Q0 = 2 * (1 - FIDELITY) / 3
RUNS = 400
FALSE_ALARM = 0.001


def tail(count, chance, beyond):
    """Return how likely more than *beyond* of *count* are, each with *chance*."""
    return 1 - sum(comb(count, k) * chance**k * (1 - chance) ** (count - k) for k in range(beyond + 1))


def allowed(count):
    """Return how many errors are borne, so that honest pairs fail once in a thousand tests."""
    return next(k for k in range(count) if tail(count, Q0, k) <= FALSE_ALARM)


def words_from(seeds, which, count):
    """Return words that follow from both ends' *seeds*, as the contract draws them: 0 what is tested, 1 the bases."""
    mixed = keccak(b"".join(seeds))
    return [
        int.from_bytes(keccak(mixed + bytes([which]) + word.to_bytes(4, "big")), "big") for word in range(count // 256)
    ]


def errors(where, tested, seed, runs=RUNS, age=0.0):
    """Return on how many of *tested* pairs both ends disagree, in each of *runs* tests of twice as many pairs."""
    random = numpy.random.default_rng(seed)
    count = 2 * tested * runs
    pairs = Held(where, numpy.zeros(count), random)
    # The ends' choice, made after the pairs were: half of each test's.
    order = numpy.argsort(random.random((runs, 2 * tested)), axis=1)[:, :tested]
    positions = (order + 2 * tested * numpy.arange(runs)[:, None]).ravel()
    angles = random.choice([Z_ANGLE, X_ANGLE], len(positions))
    found = [pairs.measure(end, positions, angles, age) for end in (0, 1)]
    return (found[0] != found[1]).reshape(runs, tested).sum(axis=1), pairs


def equipped(**equipment):
    return fibre(FIDELITY, memory_milliseconds=1000).model_copy(update={"equipment": Equipment(**equipment)})


def close(found, expected, runs=RUNS):
    """Assert that the share *found* of *runs* is *expected*, within five standard deviations."""
    assert abs(found - expected) <= 5 * (expected * (1 - expected) / runs) ** 0.5 + 3 / runs


@pytest.mark.parametrize("share", [0.05, 0.10, 0.25, 0.50, 1.00])
@pytest.mark.parametrize("tested", [47, 350])
def test_intercept_resend_is_found_as_often_as_the_binomial_says(share, tested):
    counts, _ = errors(equipped(intercept_ppm=round(1e6 * share)), tested, seed=round(100 * share) + tested)
    expected = tail(tested, Q0 + share * (0.25 - Q0 / 2), allowed(tested))
    close((counts > allowed(tested)).mean(), expected)
    if share >= 0.25 and tested == 350:
        assert expected > 0.99


def test_honest_pairs_are_seldom_accused():
    counts, _ = errors(equipped(), 350, seed=1, runs=2000)
    assert (counts > allowed(350)).mean() <= 0.004


def test_delayed_pairs_are_found_by_what_they_lost():
    late = equipped(delay_milliseconds=150)
    counts, _ = errors(late, 350, seed=2)
    wrong = 2 * (1 - decay(FIDELITY, 0.15, 1.0)) / 3
    close((counts > allowed(350)).mean(), tail(350, wrong, allowed(350)))
    assert tail(350, wrong, allowed(350)) > 0.99


def test_delay_that_the_clock_shows_is_discarded():
    """The link's own clock says how old pairs are: whoever waits beyond the cut-off age has none."""
    from qcrs.quantum.entanglement.errors import PairTooOld

    where = fibre(FIDELITY, memory_milliseconds=1000, minimum_fidelity_ppm=900_000)
    assert where.source.cut_off_seconds < 0.15
    with pytest.raises(PairTooOld):
        errors(where, 350, seed=3, runs=1, age=0.15)
    assert decay(FIDELITY, 0.15, 1.0) == pytest.approx(0.25 + 0.72 * exp(-0.15))


def test_operator_that_spares_what_it_takes_for_tests_gains_nothing():
    """It intercepts half as many pairs, and is found as often as anybody who intercepts half as many."""
    tested = 120
    guessing, spared = errors(equipped(intercept_ppm=500_000, spares_guesses=True), tested, seed=4)
    plain, taken = errors(equipped(intercept_ppm=250_000), tested, seed=5)
    assert spared.intercepted == pytest.approx(taken.intercepted, rel=0.03)
    chance = tail(tested, Q0 + 0.25 * (0.25 - Q0 / 2), allowed(tested))
    assert 0.2 < chance < 0.95  # there would be something to gain
    close((guessing > allowed(tested)).mean(), chance)
    close((plain > allowed(tested)).mean(), chance)


def channel_test(equipment, pairs=2048, seeds=(b"\1" * 32, b"\2" * 32)):
    """Run one test over a service, and return how many pairs were tested and on how many the ends disagree."""
    tested, bases = words_from(seeds, 0, pairs), words_from(seeds, 1, pairs)

    async def work(url, first, second):
        await asyncio.gather(first.prepare(9, 1, 4, pairs), second.prepare(9, 1, 3, pairs))
        return await asyncio.gather(first.measure(9, 1, 4, tested, bases), second.measure(9, 1, 3, tested, bases))

    one, other = on_link(work, 3, 4, file=link_file(FIDELITY, equipment=equipment))
    wrong = sum(((a ^ b) & mask).bit_count() for a, b, mask in zip(one, other, tested, strict=True))
    return sum(mask.bit_count() for mask in tested), wrong


def test_channel_over_a_service_fails_when_somebody_listens():
    count, wrong = channel_test(Equipment())
    assert wrong <= allowed(count)
    count, wrong = channel_test(Equipment(intercept_ppm=500_000))
    assert wrong > allowed(count)


def test_chsh_needs_the_link():
    """Two that share randomness alone stay at 2, whatever they do; here they do the best that they can."""
    count = 20_000
    random = numpy.random.default_rng(6)
    settings = [random.random(count) < 0.5 for _ in (0, 1)]
    words = [to_words(one) for one in settings]
    every = [2**256 - 1] * len(words[0])

    async def work(url, first, second):
        await asyncio.gather(first.prepare(9, 1, 4, count, Purpose.Chsh), second.prepare(9, 1, 3, count, Purpose.Chsh))
        return await asyncio.gather(
            first.measure(9, 1, 4, every, words[0], Purpose.Chsh),
            second.measure(9, 1, 3, every, words[1], Purpose.Chsh),
        )

    found = [to_bits(one, count) for one in on_link(work, 3, 4)]
    assert chsh(settings, found)[0] > 2.7
    shared = random.random(count) < 0.5
    assert chsh(settings, [shared, shared])[0] <= 2.1


def test_eavesdropper_takes_the_violation_away():
    pairs = Held(equipped(intercept_ppm=1_000_000), numpy.zeros(40_000), numpy.random.default_rng(7))
    random = numpy.random.default_rng(8)
    settings = [random.random(40_000) < 0.5 for _ in (0, 1)]
    angles = [numpy.where(settings[0], X_ANGLE, Z_ANGLE), numpy.where(settings[1], -numpy.pi / 4, numpy.pi / 4)]
    found = [pairs.measure(end, numpy.arange(40_000), angles[end], 0.0) for end in (0, 1)]
    value, error = chsh(settings, found)
    assert value == pytest.approx(2**0.5 * (4 * FIDELITY - 1) / 3, abs=5 * error)


def foreign_steps(own):
    """Every operation there is, with at least one qubit beyond the *own* ones."""
    for name, (width, angles) in GATES.items():
        for beyond in (own, own + 1, 63):
            yield gate(name, *([beyond] if width == 1 else [0, beyond]), angles=(0.5,) * angles)
    yield from (measure(own, 0), reset(own), pair(own, 1))


def test_foreign_qubits_are_out_of_reach():
    """Every try is refused, and what the others do is not touched by it."""

    async def work(url, thief, *others):
        clients = [thief, *others]
        members = await asyncio.gather(*(client.open_live(1, (3, 4, 5, 6), 2, 3) for client in clients))
        for step in foreign_steps(2):
            with pytest.raises(ForeignQubit, match="is not member 0's"):
                await members[0].act(step)
        for victim in (1, 2, 3):
            members[0].member = victim
            for step in (gate("x", 0), measure(0, 0), reset(1), pair(0, 0)):
                with pytest.raises(ForeignQubit, match=f"processor 3 acts on the qubits of member {victim}"):
                    await members[0].act(step)
        members[0].member = 0
        bits = await asyncio.gather(
            *(member.act(*own.instructions) for member, own in zip(members, ghz(4), strict=True))
        )
        return sum(row[2] for row in bits)

    assert len(list(foreign_steps(2))) == 3 * len(GATES) + 3
    assert on_link(work, 3, 4, 5, 6) in (0, 4)
