"""What honest replicas may differ by and cheats may not, on the kinds of answers circuits give.

Honest samples are drawn from one distribution at 4,096 shots, the fewest that are allowed.
"""

import random

import pytest
from eth_hash.auto import keccak

from qcrs.rules import count_sketch
from qcrs.rules.agreement import Judgement, Verdict, judge, quorum_of

SHOTS = 4_096
SEED = keccak(b"sketch seed")


def ghz(bits):
    return {0: 0.48, (1 << bits) - 1: 0.47, 1: 0.03, (1 << bits) - 2: 0.02}


def point(bits):
    return {(1 << bits) // 3: 0.9, (1 << bits) // 3 + 1: 0.06, 0: 0.04}


def peaks(bits):
    peaked = {(x * 37) % (1 << bits): 0.11 for x in range(1, 9)}
    return peaked | {0: 1 - sum(peaked.values())}


EXAMPLES = {
    "Bell": (2, ghz(2)),
    "GHZ-5": (5, ghz(5)),
    "Grover-3": (3, point(3)),
    "peaks-7": (7, peaks(7)),
    "GHZ-10": (10, ghz(10)),
    "peaks-12": (12, peaks(12)),
    "point-16": (16, point(16)),
}


def sample(weights, rng, shots=SHOTS):
    counts = dict.fromkeys(weights, 0)
    for outcome in rng.choices(list(weights), list(weights.values()), k=shots):
        counts[outcome] += 1
    return {outcome: count for outcome, count in counts.items() if count}


def mixed(weights, other, share):
    outcomes = weights.keys() | other.keys()
    return {x: (1 - share) * weights.get(x, 0) + share * other.get(x, 0) for x in sorted(outcomes)}


def judged(histograms, bits):
    sketches = [count_sketch.unpack(count_sketch.sketch_of(counts, bits, SEED), bits) for counts in histograms]
    return judge(sketches, bits, SHOTS, quorum_of(len(histograms)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_honest_samples_agree(name):
    bits, weights = EXAMPLES[name]
    rng = random.Random(name)
    for _ in range(20):
        histograms = [sample(weights, rng) for _ in range(5)]
        assert judged(histograms, bits) == Judgement(Verdict.Accepted, 0b11111)


def biased(bits, weights):
    """A fifth of the shots go to one outcome that is not the answer."""
    wrong = min(range(1 << bits), key=lambda outcome: weights.get(outcome, 0))
    return mixed(weights, {wrong: 1.0}, 0.2)


def uniform(bits, weights):
    return dict.fromkeys(range(1 << bits), 1 / (1 << bits))


def flipped(bits, weights):
    """One bit of every outcome is flipped."""
    return {x ^ 1 << bits - 1: weight for x, weight in weights.items()}


def replayed(bits, weights):
    """The answer of another circuit."""
    return point(bits) if weights != point(bits) else ghz(bits)


CHEATS = {"bias": biased, "uniform": uniform, "bit flip": flipped, "replay": replayed}


@pytest.mark.parametrize("name", EXAMPLES)
@pytest.mark.parametrize("cheat", CHEATS)
def test_cheat_among_three_is_the_outlier(name, cheat):
    bits, weights = EXAMPLES[name]
    rng = random.Random(f"{name} {cheat}")
    wrong = CHEATS[cheat](bits, weights)
    for place in range(3):
        histograms = [sample(weights, rng) for _ in range(2)]
        histograms.insert(place, sample(wrong, rng))
        expected = Judgement(Verdict.Accepted, 0b111 & ~(1 << place))
        assert judged(histograms, bits) == expected


def test_two_cheats_that_differ_leave_no_quorum():
    bits, weights = EXAMPLES["GHZ-5"]
    rng = random.Random(1)
    histograms = [
        sample(weights, rng),
        sample(biased(bits, weights), rng),
        sample(flipped(bits, weights), rng),
    ]
    assert judged(histograms, bits) == Judgement(Verdict.Rejected, 0)


@pytest.mark.parametrize("bits", [1, 2, 5, 8, 10, 16])
def test_agreement_on_noise_is_inconclusive(bits):
    rng = random.Random(bits)
    weights = dict.fromkeys(range(1 << bits), 1.0)
    histograms = [sample(weights, rng) for _ in range(3)]
    assert judged(histograms, bits) == Judgement(Verdict.Inconclusive, 0)


def test_colluding_majority_wins():
    """Stated, not hoped away: a quorum of equal wrong answers is the verdict."""
    bits, weights = EXAMPLES["GHZ-5"]
    rng = random.Random(2)
    wrong = flipped(bits, weights)
    histograms = [sample(weights, rng), sample(wrong, rng), sample(wrong, rng)]
    assert judged(histograms, bits) == Judgement(Verdict.Accepted, 0b110)


@pytest.mark.parametrize(("replicas", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (15, 8), (16, 9)])
def test_quorum_is_more_than_half(replicas, quorum):
    assert quorum_of(replicas) == quorum


def test_verdict_does_not_depend_on_the_order_of_replicas():
    bits, weights = EXAMPLES["peaks-7"]
    rng = random.Random(3)
    histograms = [sample(weights, rng) for _ in range(4)]
    histograms.append(sample(biased(bits, weights), rng))
    for place in range(5):
        turned = histograms[place:] + histograms[:place]
        expected = 0b11111 & ~(1 << (4 - place) % 5)
        assert judged(turned, bits) == Judgement(Verdict.Accepted, expected)


def test_tie_goes_to_the_lowest_index():
    a, b = [4_096, 0], [0, 4_096]
    assert judge([a, b, a, b], 1, SHOTS, 2) == Judgement(Verdict.Accepted, 0b0101)
    assert judge([b, a, a, b], 1, SHOTS, 2) == Judgement(Verdict.Accepted, 0b1001)
