"""Measures the verdict's rules: honest pairs, attacks, copies, and a sample of committees on the contract itself."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lgamma, log
from typing import Any

import numpy as np
from _verification_attacks import ATTACKS, COPIES, Case
from _verification_circuits import circuits
from _verification_contract import Harness, judge
from _verification_physics import CLASS_FLOORS, STALE, Site, all_answers, measured_sites
from _verification_rules import Signals, bucket_far, disagree, gram_far, sketches_of, too_close

from qcrs.rules import agreement, independence
from qcrs.rules.agreement import Frame, quorum_of

SHOTS = (1_024, 4_096, 16_384, 65_535)
PROMISED_CLASSES = (1, 2, 3)  # class 4 has no floor, so nothing can be promised for it
HONEST_DRAWS, ATTACK_DRAWS, COPY_DRAWS = 24, 4, 4
TESTS = {"proven": independence.DEVIATIONS, "suspect": 2.576}  # the contract's test, and one of 0.5 % false alarms
SAMPLE = 240
RNG = np.random.default_rng(0x51435253)


@dataclass(frozen=True)
class Pool:
    """The sites of one class that a circuit can be given to, and what they answer."""

    noise_class: int
    circuit: str
    sites: Sequence[Site]
    honest: Sequence[dict[str, np.ndarray]]
    stale: Sequence[dict[str, np.ndarray]]

    @property
    def bits(self) -> int:
        """Outcome bits of the circuit."""
        return len(self.honest[0][self.circuit]).bit_length() - 1

    @cached_property
    def pairs(self) -> tuple[list[int], list[int]]:
        """Both sites of every pair of different devices."""
        indices = range(len(self.sites))
        found = [(i, j) for i, j in itertools.combinations(indices, 2) if self.sites[i].device != self.sites[j].device]
        return [i for i, _ in found], [j for _, j in found]

    def draw(self, shots: int, attack: str | None = None) -> np.ndarray:
        """Return a histogram of each site, honest or not."""
        cases = [Case(self.circuit, honest, stale, RNG) for honest, stale in zip(self.honest, self.stale, strict=True)]
        return np.array([RNG.multinomial(shots, ATTACKS[attack](case) if attack else case.truth) for case in cases])


def pools() -> list[Pool]:
    """Return a pool for every class and circuit that has two devices."""
    by_class = measured_sites()
    flat = [site for sites in by_class.values() for site in sites]
    honest = dict(zip((site.name for site in flat), all_answers([(site, 1) for site in flat]), strict=True))
    stale = dict(zip((site.name for site in flat), all_answers([(site, STALE) for site in flat]), strict=True))
    found = []
    for noise_class, sites in by_class.items():
        for name, circuit in circuits().items():
            fit = [site for site in sites if name in honest[site.name] and site.keeps_class(circuit.num_qubits)]
            pool = Pool(noise_class, name, fit, [honest[s.name] for s in fit], [stale[s.name] for s in fit])
            if pool.pairs[0]:
                found.append(pool)
    return found


# --- honest pairs ---


def false_flags(pool: Pool, shots: int) -> tuple[int, int]:
    """Return how many honest pairs were judged, and how many were found to disagree."""
    frame, flagged = Frame.of(pool.bits, shots), 0
    first, second = pool.pairs
    for _ in range(HONEST_DRAWS):
        signals = Signals.of(frame, sketches_of(pool.draw(shots)))
        flagged += int(disagree(frame, signals.take(first), signals.take(second)).sum())
    return HONEST_DRAWS * len(first), flagged


def upper_bound(failures: int, trials: int, confidence: float = 0.95) -> float:
    """Return Clopper and Pearson's upper bound on a rate of which so many failures were seen."""

    def chance(rate: float) -> float:
        terms = (
            lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1) + k * log(rate) + (trials - k) * log(1 - rate)
            for k in range(failures + 1)
        )
        return sum(float(np.exp(term)) for term in terms)

    low, high = 1e-12, 1 - 1e-12
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(middle) > 1 - confidence else (low, middle)
    return high


def honest_pairs(found: Sequence[Pool]) -> list[dict[str, Any]]:
    """Return for every class and number of shots the pairs, the flags, and the bound on their rate."""
    rows = []
    for noise_class in CLASS_FLOORS:
        own = [pool for pool in found if pool.noise_class == noise_class]
        for shots in SHOTS:
            counts = {pool.circuit: false_flags(pool, shots) for pool in own}
            pairs, flags = (sum(column) for column in zip(*counts.values(), strict=True))
            rows.append(
                {
                    "noiseClass": noise_class,
                    "shots": shots,
                    "sites": max(len(pool.sites) for pool in own),
                    "wideSites": min(len(pool.sites) for pool in own),
                    "pairs": pairs,
                    "flags": flags,
                    "upperBound": upper_bound(flags, pairs),
                    "circuits": {name: flagged for name, (_, flagged) in counts.items() if flagged},
                }
            )
    return rows


# --- attacks ---


def caught(pool: Pool, attack: str, shots: int) -> tuple[int, int, int, int]:
    """Return how many dishonest answers met an honest one, and how often both rules, or each, part them."""
    frame = Frame.of(pool.bits, shots)
    first, second = pool.pairs
    honest, cheats = first + second, second + first
    parted = np.zeros(3, dtype=int)
    for _ in range(ATTACK_DRAWS):
        counts = np.concatenate([pool.draw(shots), pool.draw(shots, attack)])
        signals = Signals.of(frame, sketches_of(counts))
        pair = signals.take(honest), signals.take([len(pool.sites) + j for j in cheats])
        gram, bucket = gram_far(frame, *pair), bucket_far(frame, *pair)
        parted += [int((gram | bucket).sum()), int(gram.sum()), int(bucket.sum())]
    return ATTACK_DRAWS * len(honest), *map(int, parted)


def power(found: Sequence[Pool]) -> list[dict[str, Any]]:
    """Return the share caught for every attack, number of shots, class and circuit."""
    rows = []
    for attack, shots, pool in itertools.product(ATTACKS, SHOTS, found):
        trials, both, gram, bucket = caught(pool, attack, shots)
        rows.append(
            {
                "attack": attack,
                "shots": shots,
                "noiseClass": pool.noise_class,
                "circuit": pool.circuit,
                "trials": trials,
                "caught": both / trials,
                "gram": gram / trials,
                "bucket": bucket / trials,
            }
        )
    return rows


def by_circuit(rows: Sequence[dict[str, Any]], attack: str, shots: int) -> dict[str, float]:
    """Return the share caught on each circuit, over the classes of which something is promised."""
    totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        if (row["attack"], row["shots"]) == (attack, shots) and row["noiseClass"] in PROMISED_CLASSES:
            totals[row["circuit"]][0] += row["caught"] * row["trials"]
            totals[row["circuit"]][1] += row["trials"]
    return {circuit: hits / trials for circuit, (hits, trials) in totals.items()}


# --- copies ---


def copies(found: Sequence[Pool]) -> list[dict[str, Any]]:
    """Return for every kind of copy, circuit and number of shots the share found too close; honest pairs included."""
    rows = []
    for pool, shots in itertools.product((pool for pool in found if pool.noise_class == 2), SHOTS):
        frame = Frame.of(pool.bits, shots)
        effective = float(np.mean([1 / np.sum(answers[pool.circuit] ** 2) for answers in pool.honest]))
        for kind in ("honest", *COPIES):
            hits, trials = np.zeros(len(TESTS)), 0
            for _ in range(COPY_DRAWS if kind != "honest" else 4 * COPY_DRAWS):
                victims, own = pool.draw(shots), pool.draw(shots)
                answers = own if kind == "honest" else _copied(kind, victims, own)
                sketches = sketches_of(np.concatenate([victims, answers]))
                pairs = sketches[: len(victims)], sketches[len(victims) :]
                hits += np.array([too_close(frame.rows, frame.buckets, *pairs, z).sum() for z in TESTS.values()])
                trials += len(victims)
            shared = {"kind": kind, "circuit": pool.circuit, "shots": shots, "effectiveOutcomes": effective}
            rates = dict(zip(TESTS, (hits / trials).tolist(), strict=True))
            rows.append(shared | {"bits": pool.bits, "trials": trials} | rates)
    return rows


def _copied(kind: str, victims: np.ndarray, own: np.ndarray) -> np.ndarray:
    return np.array([COPIES[kind](victim, mine, RNG) for victim, mine in zip(victims, own, strict=True)])


# --- the contract ---


def contract_sample(found: Sequence[Pool]) -> dict[str, int]:
    """Judge committees of two honest processors and a cheat by contract, twin and numpy."""
    harness, tally = Harness("AgreementHarness"), defaultdict(int)
    usable = [pool for pool in found if len(pool.sites) > 2]
    for number in range(SAMPLE):
        pool, shots = usable[number % len(usable)], SHOTS[number % len(SHOTS)]
        attack = (None, *ATTACKS)[number % (len(ATTACKS) + 1)]
        frame, three = Frame.of(pool.bits, shots), RNG.choice(len(pool.sites), 3, replace=False)
        counts = np.concatenate([pool.draw(shots)[three[:2]], pool.draw(shots, attack)[three[2:]]])
        sketches = sketches_of(counts)
        plain = [[int(count) for count in sketch] for sketch in sketches]
        answer, _ = judge(harness, plain, pool.bits, shots)
        tally["contract and twin differ"] += answer != agreement.judge(plain, pool.bits, shots, quorum_of(3))
        signals = Signals.of(frame, sketches)
        for i, j in ((0, 1), (0, 2), (1, 2)):
            apart = bool(disagree(frame, signals.take([i]), signals.take([j]))[0])
            first, second = (agreement.signal_of(frame, plain[k]) for k in (i, j))
            _, far = agreement.gram_rule(frame, first, second, agreement.dot(plain[i], plain[j]))
            tally["numpy and twin differ"] += apart != (far or agreement.bucket_rule(frame, first, second))
            close = bool(too_close(frame.rows, frame.buckets, sketches[[i]], sketches[[j]])[0])
            tally["numpy and twin differ"] += close != independence.too_close(
                plain[i], plain[j], frame.rows, frame.buckets
            )
        tally["committees"] += 1
    return dict(tally)
