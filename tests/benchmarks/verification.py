"""Who is caught and who is wrongly flagged: the verdict's rules on answers of noisy devices, and the contracts themselves.

Distributions are exact (see ``_verification_physics``); shots are drawn from them by the thousand and judged by the
rules in numpy, which are compared with the Python twins, and those with the contracts. Every pair is of one noise class
and of two devices; every device is one that no constant of the rules was chosen on. Takes five to ten minutes, most of
it for the distributions, which are kept under ``build/verification``.
"""

import importlib.util
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lgamma, log
from typing import Any

import numpy as np
from _report import SERIES, Goal, finish, picture, table
from _verification_attacks import ATTACKS, COPIES, PROMISED_AT_4096, PROMISED_AT_16384, Case
from _verification_contract import Harness, compare_vectors, judge, settlement_gas
from _verification_physics import CLASS_FLOORS, STALE, Site, all_answers, circuits, measured_sites
from _verification_rules import Signals, bucket_far, disagree, gram_far, sketches_of, too_close

from qcrs.rules import agreement, independence
from qcrs.rules.agreement import Frame, quorum_of

COMMAND = "make bench-verification"
SHOTS = (1_024, 4_096, 16_384, 65_535)
PROMISED_CLASSES = (1, 2, 3)  # class 4 has no floor, so nothing can be promised for it
HONEST_DRAWS, ATTACK_DRAWS, COPY_DRAWS = 24, 6, 4
SAMPLE = 240
VECTORS = 10_000
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
        found = [
            (i, j) for i, j in itertools.combinations(indices, 2) if self.sites[i].device != self.sites[j].device
        ]
        return [i for i, _ in found], [j for _, j in found]

    def draw(self, shots: int, attack: str | None = None) -> np.ndarray:
        """Return a histogram of each site, honest or not."""
        cases = [
            Case(self.circuit, honest, stale, RNG) for honest, stale in zip(self.honest, self.stale, strict=True)
        ]
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
    """Return the largest rate under which so few failures still have a chance of 1 - *confidence* (Clopper, Pearson)."""

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
    """Return how many dishonest answers met an honest one; how often the rules, the Gram and the bucket rule part them."""
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
            hits = trials = 0
            for _ in range(COPY_DRAWS if kind != "honest" else 4 * COPY_DRAWS):
                victims, own = pool.draw(shots), pool.draw(shots)
                answers = own if kind == "honest" else _copied(kind, victims, own)
                sketches = sketches_of(np.concatenate([victims, answers]))
                pairs = sketches[: len(victims)], sketches[len(victims) :]
                close = too_close(frame.rows, frame.buckets, *pairs)
                hits, trials = hits + int(close.sum()), trials + len(close)
            shared = {"kind": kind, "circuit": pool.circuit, "shots": shots, "effectiveOutcomes": effective}
            rows.append(shared | {"bits": pool.bits, "trials": trials, "tooClose": hits / trials})
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


# --- report ---


def show(honest: Sequence[dict[str, Any]], attacks: Sequence[dict[str, Any]], copied: Sequence[dict[str, Any]]) -> None:
    """Print the tables."""
    print("Honest pairs (two devices of one class, none of which a constant was chosen on)\n")
    table(
        ("class", "sites", "on 10 qubits", "shots", "pairs", "flagged", "rate below, 95 %"),
        [
            (r["noiseClass"], r["sites"], r["wideSites"], r["shots"], r["pairs"], r["flags"], f"{r['upperBound']:.1e}")
            for r in honest
        ],
    )
    print("Caught, classes 1 to 3: mean over circuits, and the worst of them\n")
    rows = []
    for attack in ATTACKS:
        cells = []
        for shots in SHOTS:
            rates = by_circuit(attacks, attack, shots)
            worst = min(rates, key=lambda circuit, rates=rates: rates[circuit])
            cells.append(f"{np.mean(list(rates.values())):.3f}  {rates[worst]:.3f} {worst}")
        rows.append((attack, *cells))
    table(("attack", *(f"{shots:,} shots" for shots in SHOTS)), rows)
    print("Found too close, class 2: circuits of 100 and more effective outcomes, and the others\n")
    rows = []
    for kind in ("honest", *COPIES):
        for shots in SHOTS:
            own = [row for row in copied if (row["kind"], row["shots"]) == (kind, shots)]
            wide = [row["tooClose"] for row in own if row["effectiveOutcomes"] >= 100]
            rest = [row["tooClose"] for row in own if row["effectiveOutcomes"] < 100]
            rows.append((kind, shots, f"{np.mean(wide):.4f}", f"{np.mean(rest):.4f}"))
    table(("answer", "shots", "100 and more", "fewer"), rows)


def draw(attacks: Sequence[dict[str, Any]]) -> None:
    """Draw the power curves: the share caught over the number of shots, in the mean and in the worst circuit."""
    for name, title, pick in (
        ("verification_mean", "Caught, mean over circuits", np.mean),
        ("verification_worst", "Caught, worst circuit", min),
    ):
        with picture(name, title, "classes 1 to 3, pairs of a cheat and an honest processor, by shots") as axes:
            for colour, attack in zip(SERIES, ATTACKS, strict=True):
                rates = [pick(list(by_circuit(attacks, attack, shots).values())) for shots in SHOTS]
                axes.plot(SHOTS, rates, marker="o", markersize=3, color=colour, label=attack)
            axes.set_xscale("log", base=4)
            axes.set_xticks(SHOTS, [f"{shots:,}" for shots in SHOTS])
            axes.set_ylim(-0.03, 1.03)
            axes.legend(frameon=False, fontsize=7.5, loc="center left", bbox_to_anchor=(1.0, 0.5))


def goals(honest: Sequence[dict[str, Any]], attacks: Sequence[dict[str, Any]], copied: Any, rest: Any) -> list[Goal]:
    """Return what is promised, with what was measured."""
    found = []
    for noise_class in CLASS_FLOORS:
        own = [row for row in honest if row["noiseClass"] == noise_class and row["shots"] >= 4_096]
        bound = upper_bound(sum(row["flags"] for row in own), sum(row["pairs"] for row in own))
        goal = f"False flags per honest pair of class {noise_class}, 95 % bound, parts in 10,000"
        found.append(Goal(goal, 1e4 * bound, 1, "", COMMAND))
    for shots, promised in ((4_096, PROMISED_AT_4096), (16_384, PROMISED_AT_16384)):
        for attack in promised:
            worst = min(by_circuit(attacks, attack, shots).values())
            goal = f"Caught in the worst circuit at {shots:,} shots: {attack}"
            found.append(Goal(goal, 100 * worst, 99, "%", COMMAND, at_least=True))
    bootstrap = [
        row["tooClose"] for row in copied
        if row["kind"] == "bootstrap copy" and row["effectiveOutcomes"] >= 100 and row["shots"] >= 4_096
    ]
    goal = "Bootstrap copies found, 100 effective outcomes and more, 4,096 shots and more"
    found.append(Goal(goal, 100 * min(bootstrap), 99, "%", COMMAND, at_least=True))
    chance = [row for row in copied if row["kind"] == "honest"]
    false = sum(row["tooClose"] * row["trials"] for row in chance) / sum(row["trials"] for row in chance)
    found.append(Goal("Honest pairs found too close", 100 * false, 0.5, "%", COMMAND))
    sample, checked, gas = rest
    differ = sample["contract and twin differ"] + sample["numpy and twin differ"]
    found.append(Goal("Committees of real answers judged otherwise by contract, twin or numpy", differ, 0, "", COMMAND))
    found.append(Goal("... of committees", sample["committees"], 200, "", COMMAND, at_least=True))
    cases, differ = (sum(column) for column in zip(*checked.values(), strict=True))
    found.append(Goal("Vectors on which Solidity and Python differ", differ, 0, "", COMMAND))
    found.append(Goal("... of vectors", cases, 10_000, "", COMMAND, at_least=True))
    for replicas, bound in ((3, 120_000), (5, 220_000)):
        most = max(row["judging"] for row in gas if row["replicas"] == replicas)
        found.append(Goal(f"Gas to judge {replicas} answers of 2 to 65,535 outcomes", most, bound, "gas", COMMAND))
    return found


def gold_goals() -> tuple[list[Goal], dict[str, Any]]:
    """Return the goals of gold rounds and their raw figures, where they are measured."""
    if importlib.util.find_spec("_verification_gold") is None:
        return [], {}
    from _verification_gold import measure  # () -> (list[Goal], raw figures)

    return measure()


def main() -> None:
    """Measure, print, draw and write everything."""
    found = pools()
    honest, attacks, copied = honest_pairs(found), power(found), copies(found)
    show(honest, attacks, copied)
    draw(attacks)
    sample, checked, gas = contract_sample(found), compare_vectors(VECTORS), list(settlement_gas(65_535))
    keys = ("outcomeBits", "outcomes", "replicas", "verdict", "judging")
    table(("outcome bits", "outcomes", "replicas", "verdict", "gas"), [[row[key] for key in keys] for row in gas])
    table(("rule", "vectors", "differ"), [(name, *counts) for name, counts in checked.items()])
    gold, gold_raw = gold_goals()
    raw = {"honest": honest, "attacks": attacks, "copies": copied, "contract": sample, "vectors": checked, "gas": gas}
    measured = goals(honest, attacks, copied, (sample, checked, gas))
    finish("verification", measured + gold, raw | {"gold": gold_raw})


if __name__ == "__main__":
    main()
