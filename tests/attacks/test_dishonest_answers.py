"""Dishonest answers against the contract's rules; and against weaker rules, to show which defence it is that holds.

Two honest replicas and a cheat give histograms; the contract judges their sketches. Honest answers are what noise
makes of an ideal one: a share of it, the rest spread evenly, and no two honest replicas have the same share. How often
each attack is caught on noisy devices is measured in ``tests/benchmarks/verification.py``.
"""

import random
from dataclasses import dataclass

import pytest
from eth_hash.auto import keccak

from qcrs.rules import agreement, count_sketch
from qcrs.rules.agreement import Judgement, Verdict, quorum_of
from tests.evm import Chain, refused
from tests.scenario import account

DEPLOYER = account("deployer")
SEED = keccak(b"drawn after the commitments")
HONEST = 0.85, 0.8  # shares of the ideal answer


@pytest.fixture(scope="module")
def chain():
    return Chain()


@pytest.fixture(scope="module")
def contract(chain):
    return chain.deploy("AgreementHarness", sender=DEPLOYER)


@pytest.fixture(scope="module")
def independence(chain):
    return chain.deploy("IndependenceHarness", sender=DEPLOYER)


# --- answers ---


def ghz(bits):
    return {0: 0.5, (1 << bits) - 1: 0.5}


def random_circuit(bits, seed="circuit"):
    """Exponentially distributed weights, as the outcomes of a random circuit have."""
    rng = random.Random(f"{seed} {bits}")
    weights = [rng.expovariate(1) for _ in range(1 << bits)]
    return {outcome: weight / sum(weights) for outcome, weight in enumerate(weights)}


def noisy(ideal, bits, share):
    even = (1 - share) / (1 << bits)
    return {outcome: share * ideal.get(outcome, 0) + even for outcome in range(1 << bits)}


def sample(weights, shots, rng):
    counts = dict.fromkeys(weights, 0)
    for outcome in rng.choices(list(weights), list(weights.values()), k=shots):
        counts[outcome] += 1
    return {outcome: count for outcome, count in counts.items() if count}


@dataclass(frozen=True)
class Job:
    bits: int
    shots: int
    ideal: dict

    def answer(self, share, rng):
        return sample(noisy(self.ideal, self.bits, share), self.shots, rng)

    def sketch(self, counts):
        return count_sketch.sketch_of(counts, self.bits, SEED)

    def judged(self, contract, histograms, excluded=0):
        """Return what the contract says, once the twin has said the same."""
        sketches = [self.sketch(counts) for counts in histograms]
        arguments = self.bits, self.shots, quorum_of(len(histograms)), excluded
        flat = [word for sketch in sketches for word in sketch]
        answer = contract.judge(flat, count_sketch.words_of(self.bits), *arguments)
        plain = [count_sketch.unpack(sketch, self.bits) for sketch in sketches]
        assert agreement.judge(plain, *arguments) == Judgement(Verdict(answer[0]), answer[1])
        return Judgement(Verdict(answer[0]), answer[1])

    def weaker(self, histograms):
        """Return what the twin says, whatever has been taken from it."""
        plain = [count_sketch.unpack(self.sketch(counts), self.bits) for counts in histograms]
        return agreement.judge(plain, self.bits, self.shots, quorum_of(len(histograms)))


CAUGHT = Judgement(Verdict.Accepted, 0b011)
PASSED = Judgement(Verdict.Accepted, 0b111)


def committee(job, cheat, seed):
    """Return two honest histograms and one of the distribution *cheat*."""
    rng = random.Random(seed)
    return [*(job.answer(share, rng) for share in HONEST), sample(cheat, job.shots, rng)]


# --- attacks ---


def uniform(job):
    return noisy({}, job.bits, 0)


def replay(job):
    return noisy(random_circuit(job.bits, "another circuit"), job.bits, HONEST[0])


def bit_flip(job):
    return {outcome ^ 1: weight for outcome, weight in noisy(job.ideal, job.bits, HONEST[0]).items()}


def biased(share):
    def attack(job):
        honest = noisy(job.ideal, job.bits, HONEST[0])
        rare = min(honest, key=honest.get)
        return {outcome: (1 - share) * weight + share * (outcome == rare) for outcome, weight in honest.items()}

    return attack


def spread(job):
    """A fifth of the shots goes to a random half of the outcomes, evenly."""
    honest = noisy(job.ideal, job.bits, HONEST[0])
    half = set(random.Random(5).sample(sorted(honest), len(honest) // 2))
    return {x: 0.8 * weight + (0.2 / len(half) if x in half else 0) for x, weight in honest.items()}


def stale(job):
    """Errors four times what they were."""
    return noisy(job.ideal, job.bits, HONEST[0] ** 4)


def no_bound_on_scaling(monkeypatch):
    monkeypatch.setattr(agreement, "MAX_SCALE", 10**6)


def no_gram_rule(monkeypatch):
    monkeypatch.setattr(agreement, "gram_rule", lambda *_: (0, False))


def no_bucket_rule(monkeypatch):
    monkeypatch.setattr(agreement, "bucket_rule", lambda *_: False)


RANDOM_10 = Job(10, 4_096, random_circuit(10))
RANDOM_5 = Job(5, 65_535, random_circuit(5))
GHZ_5 = Job(5, 4_096, ghz(5))
GHZ_10 = Job(10, 4_096, ghz(10))
MANY_SHOTS = Job(5, 16_384, ghz(5))
MANY_RANDOM = Job(10, 16_384, random_circuit(10))
# Attack, the job it is tried on, and the defence without which it would pass there.
ATTACKS = {
    "uniform noise": (uniform, MANY_RANDOM, no_bound_on_scaling),
    "replay": (replay, RANDOM_10, no_gram_rule),
    "bit-flip": (bit_flip, RANDOM_10, no_gram_rule),
    "point bias 5 %": (biased(0.05), MANY_SHOTS, no_bucket_rule),
    "point bias 10 %": (biased(0.1), GHZ_5, no_bucket_rule),
    "point bias 10 %, sketch": (biased(0.1), GHZ_10, no_bucket_rule),
    "point bias 20 %": (biased(0.2), RANDOM_10, no_gram_rule),
    "spread bias 20 %": (spread, RANDOM_5, no_gram_rule),
    "stale calibration": (stale, RANDOM_5, no_bound_on_scaling),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_cheat_is_the_outlier(contract, name):
    attack, job, _ = ATTACKS[name]
    for seed in range(5):
        assert job.judged(contract, committee(job, attack(job), f"{name} {seed}")) == CAUGHT


@pytest.mark.parametrize("name", ATTACKS)
def test_cheat_can_pass_without_the_defence(monkeypatch, name):
    attack, job, take_away = ATTACKS[name]
    if name == "point bias 20 %":
        no_bucket_rule(monkeypatch)  # so large a bias is caught by either rule
    take_away(monkeypatch)
    assert PASSED in [job.weaker(committee(job, attack(job), f"{name} {seed}")) for seed in range(5)]


@pytest.mark.parametrize("job", [RANDOM_10, RANDOM_5, GHZ_5, GHZ_10, MANY_SHOTS, MANY_RANDOM])
def test_honest_replicas_of_different_fidelity_agree(contract, job):
    for seed in range(5):
        honest = noisy(job.ideal, job.bits, 0.95)
        assert job.judged(contract, committee(job, honest, seed)) == PASSED


# --- what the rules alone do not catch, stated ---


def test_a_fifth_of_noise_passes_for_a_noisier_processor(contract):
    """Dilution is what noise does, so only gold rounds, whose answer is known, tell how much of it there is."""
    cheat = noisy(MANY_RANDOM.ideal, 10, 0.8 * HONEST[0])
    assert MANY_RANDOM.judged(contract, committee(MANY_RANDOM, cheat, "diluted")) == PASSED


def test_two_cheats_of_three_that_collude_win_unless_excluded(contract):
    rng = random.Random("collusion")
    histograms = [GHZ_5.answer(HONEST[0], rng), *(sample(bit_flip(GHZ_5), 4_096, rng) for _ in range(2))]
    assert GHZ_5.judged(contract, histograms) == Judgement(Verdict.Accepted, 0b110)
    assert GHZ_5.judged(contract, histograms, excluded=0b110) == Judgement(Verdict.Rejected, 0)


def test_replicas_that_failed_gold_rounds_neither_vote_nor_count(contract):
    rng = random.Random("gold")
    histograms = [GHZ_5.answer(HONEST[0], rng) for _ in range(3)]
    histograms += [sample(bit_flip(GHZ_5), 4_096, rng) for _ in range(2)]
    assert GHZ_5.judged(contract, histograms, excluded=0b11000) == Judgement(Verdict.Accepted, 0b00111)
    assert GHZ_5.judged(contract, histograms, excluded=0b00001) == Judgement(Verdict.Rejected, 0)


# --- affine subspaces against a linear hash ---

WIDE = 12
DIMENSION = 8


def coset(shift):
    """Uniform on an affine subspace: the outcomes of a Clifford circuit, or of one whose parities are inverted."""
    basis = [1 << place | 1 << WIDE - 1 for place in range(DIMENSION)]
    points = {0}
    for vector in basis:
        points |= {point ^ vector for point in points}
    return {point ^ shift: 1 / len(points) for point in points}


def linear_bucket(seed, row, outcome, bits):
    """Return six random parities of *outcome*: a hash that is linear over GF(2)."""
    rng = random.Random(f"{seed.hex()} {row}")
    return sum((outcome & rng.getrandbits(bits)).bit_count() % 2 << place for place in range(6))


def affine_cheats(monkeypatch=None):
    """Yield for several seeds whether the sketches of a subspace and of its coset disagree."""
    shots, rng = 4_096, random.Random("affine")
    frame = agreement.Frame.of(WIDE, shots)
    for number in range(12):
        seed = keccak(bytes([number]))
        signals = []
        for shift in (0, 1 << DIMENSION):
            counts, table = sample(coset(shift), shots, rng), [0] * 256
            if monkeypatch is None:
                table = count_sketch.unpack(count_sketch.sketch_of(counts, WIDE, seed), WIDE)
            else:
                for outcome, count in counts.items():
                    for row in range(4):
                        table[64 * row + linear_bucket(seed, row, outcome, WIDE)] += count
            signals.append(agreement.signal_of(frame, table))
        a, b = signals
        _, far = agreement.gram_rule(frame, a, b, count_sketch.dot(a.sketch, b.sketch))
        yield far or agreement.bucket_rule(frame, a, b)


def test_affine_cheat_is_always_caught():
    assert all(affine_cheats())


def test_affine_cheat_would_pass_a_linear_hash(monkeypatch):
    assert sum(affine_cheats(monkeypatch)) <= 9


# --- copies ---

COPIED = Job(10, 4_096, random_circuit(10))


def verbatim(victim, _rng):
    return victim


def bootstrap(victim, rng):
    return sample(victim, COPIED.shots, rng)


def half(victim, rng):
    shots = [outcome for outcome, count in victim.items() for _ in range(count)]
    own = COPIED.answer(HONEST[1], rng)
    mine = [outcome for outcome, count in own.items() for _ in range(count)]
    merged = {}
    for outcome in rng.sample(shots, COPIED.shots // 2) + rng.sample(mine, COPIED.shots // 2):
        merged[outcome] = merged.get(outcome, 0) + 1
    return merged


@pytest.mark.parametrize(("copy", "least"), [(verbatim, 20), (bootstrap, 16), (half, 16)])
def test_copy_agrees_but_is_too_close(contract, independence, copy, least):
    """The verdict alone accepts a copy: that it was not measured shows only in how near it is."""
    rng, found = random.Random(copy.__name__), 0
    for _ in range(20):
        victim = COPIED.answer(HONEST[0], rng)
        copied = copy(victim, rng)
        honest = COPIED.answer(HONEST[0], rng)
        assert COPIED.judged(contract, [victim, copied, honest]) == PASSED
        sketches = [COPIED.sketch(counts) for counts in (victim, copied, honest)]
        found += independence.tooClose(sketches[0], sketches[1], COPIED.bits)
        assert not independence.tooClose(sketches[0], sketches[2], COPIED.bits)
    assert found >= least


def test_replayed_histogram_is_too_rich_to_come_about_twice(independence):
    histogram = COPIED.answer(HONEST[0], random.Random("first computation"))
    assert independence.surpriseOf(COPIED.sketch(histogram), COPIED.bits) >= 48
    certain = {0: COPIED.shots}
    assert independence.surpriseOf(COPIED.sketch(certain), COPIED.bits) == 0


# --- limits of the arithmetic ---


@pytest.mark.parametrize("bits", [2, 5, 8, 10, 16])
def test_most_shots_are_judged_exactly(contract, bits):
    """65,535 shots on one outcome are the largest powers and products there are."""
    job, last = Job(bits, 65_535, {}), (1 << bits) - 1
    one, other = {0: 65_535}, {last: 65_535}
    assert job.judged(contract, [one, one, one]) == PASSED
    assert job.judged(contract, [one, one, other]) == CAUGHT
    assert job.judged(contract, [one, other]) == Judgement(Verdict.Rejected, 0)
    assert job.judged(contract, [{0: 32_768, last: 32_767}, {0: 32_767, last: 32_768}, one]).members == 0b011


def test_more_shots_do_not_fit_a_lane(chain):
    """65,536 in a lane of 16 bits would run over into the next: 0 there, 1 here."""
    sketch = chain.deploy("CountSketchHarness", sender=DEPLOYER)
    with refused("SketchTotalMismatch", row=0, expected=65_536, actual=1):
        sketch.requireTotals([65_536], 2, 65_536)


@pytest.mark.parametrize("bits", [1, 8, 10])
def test_one_answer_alone_is_judged(contract, bits):
    job = Job(bits, 4_096, {})
    assert job.judged(contract, [{0: 4_096}]) == Judgement(Verdict.Accepted, 1)
    even = {outcome: 4_096 >> min(bits, 10) for outcome in range(1 << bits)}
    assert job.judged(contract, [even]) == Judgement(Verdict.Inconclusive, 0)
    assert job.judged(contract, [{0: 4_096}], excluded=1) == Judgement(Verdict.Rejected, 0)


@pytest.mark.parametrize("bits", [2, 10])
def test_histograms_without_a_shot_are_inconclusive(contract, bits):
    assert Job(bits, 0, {}).judged(contract, [{}, {}, {}]) == Judgement(Verdict.Inconclusive, 0)


def test_nothing_to_judge_is_rejected(contract):
    assert contract.judge([], 1, 2, 4_096, 2, 0) == (Verdict.Rejected, 0)
