"""Who is caught and who is wrongly flagged: the verdict's rules on answers of noisy devices, and the contracts.

Distributions are exact (see ``_verification_physics``); shots are drawn from them by the thousand and judged by the
rules in numpy, which are compared with the Python twins, and those with the contracts. Every pair is of one noise class
and of two devices; every device is one that no constant of the rules was chosen on. Takes five to ten minutes, most of
it for the distributions, which are kept under ``build/verification``.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import _verification_gold
import numpy as np
from _report import SERIES, Goal, finish, picture, table
from _verification_attacks import ATTACKS, COPIES, PROMISED_AT_4096, PROMISED_AT_16384
from _verification_contract import compare_vectors, settlement_gas
from _verification_measure import (
    SHOTS,
    by_circuit,
    contract_sample,
    copies,
    honest_pairs,
    pools,
    power,
    upper_bound,
)
from _verification_physics import CLASS_FLOORS

COMMAND = "make bench-verification"
VECTORS = 10_000


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
    print("Copies, class 2: proven at the contract's 5 deviations; suspect at 2.6; by effective outcomes\n")
    rows = []
    for kind, shots in itertools.product(("honest", *COPIES), SHOTS):
        own = [row for row in copied if (row["kind"], row["shots"]) == (kind, shots)]
        wide = [row for row in own if row["effectiveOutcomes"] >= 100]
        rest = [row for row in own if row["effectiveOutcomes"] < 100]
        means = [f"{np.mean([r[test] for r in part]):.4f}" for part in (wide, rest) for test in ("proven", "suspect")]
        rows.append((kind, shots, *means))
    table(("answer", "shots", "proven, 100 and more", "suspect", "proven, fewer", "suspect"), rows)


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
    for kind, test in (("verbatim copy", "proven"), ("bootstrap copy", "suspect")):
        own = [
            row for row in copied if row["kind"] == kind and row["effectiveOutcomes"] >= 100 and row["shots"] >= 4_096
        ]
        goal = f"Least share {test}, 100 effective outcomes and more: {kind}"
        found.append(Goal(goal, 100 * min(row[test] for row in own), 99, "%", COMMAND, at_least=True))
    chance = [row for row in copied if row["kind"] == "honest"]
    trials = sum(row["trials"] for row in chance)
    for test, bound in (("proven", 0), ("suspect", 0.5)):
        rate = 100 * sum(row[test] * row["trials"] for row in chance) / trials
        found.append(Goal(f"Honest pairs {test} to be copies", rate, bound, "%", COMMAND))
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
    gold = _verification_gold.measure(print)
    raw = {"honest": honest, "attacks": attacks, "copies": copied, "contract": sample, "vectors": checked, "gas": gas}
    measured = goals(honest, attacks, copied, (sample, checked, gas))
    finish("verification", measured + gold, raw | {"gold": _verification_gold.raw})


if __name__ == "__main__":
    main()
