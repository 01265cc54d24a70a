"""Processors that prove what they claim: what certification finds out, and what the keys behind it cost.

Processors are simulated, and so is what they are measured by: see ``_registration_benchmark``. Gas is of real
transactions on Ganache, times are of this machine.
"""

import asyncio
from collections.abc import Sequence

import _registration_benchmark as benchmark
import _registration_signature as signature
from _registration_envelope import measure_envelopes
from _report import CHAIN, OWN, REST, finish, picture, table


def draw(certifications: Sequence[benchmark.Certification], found: Sequence[benchmark.Classified]) -> None:
    """Draw measured against true figures, and where classes are missed."""
    with picture(
        "registration-figures", "What certification measures, to what is simulated",
        "five real calibrations; bars of two standard deviations; 1 is the truth",
    ) as axes:  # fmt: skip
        labels = []
        for title, field in benchmark.FIGURES:
            for each in certifications:
                true, estimate = getattr(each.true, field), getattr(each.measured, field)
                row = len(labels)
                axes.plot([estimate.low / true, estimate.high / true], [row, row], color=CHAIN, lw=1.6)
                axes.plot(estimate.value / true, row, "o", color=OWN, ms=3)
                labels.append(f"{title.split(',')[0]}, {each.name}")
        axes.axvline(1, color=REST, lw=0.8)
        axes.set_yticks(range(len(labels)), labels, fontsize=5)
        axes.invert_yaxis()
    with picture(
        "registration-classes", "Chain fidelity, measured and true",
        f"{len(found)} simulated processors; lines are bounds of noise classes",
    ) as axes:  # fmt: skip
        for right, colour in ((True, CHAIN), (False, OWN)):
            own = [each for each in found if (each.true_class == each.measured_class) is right]
            axes.plot(
                [each.true_ppm / 1e6 for each in own], [each.measured_ppm.value / 1e6 for each in own], "o", ms=2.5,
                color=colour, label="class found" if right else "another class",
            )  # fmt: skip
        for bound in benchmark.CLASS_BOUNDS_PPM:
            axes.axvline(bound / 1e6, color=REST, lw=0.6)
            axes.axhline(bound / 1e6, color=REST, lw=0.6)
        axes.set_xlabel("true", fontsize=8)
        axes.legend(frameon=False, fontsize=7.5)


def main() -> int:
    """Measure, print, draw and write everything; return the exit code."""
    keys = asyncio.run(signature.measure())
    table(("hash keys", "figure", "unit"), signature.rows(keys))
    envelope_goals, envelopes = measure_envelopes()
    print("certifying five processors", flush=True)
    certifications = benchmark.snapshots()
    table(*benchmark.snapshot_rows(certifications))
    table(*benchmark.verdict_rows(certifications))
    print(f"classifying {benchmark.PROCESSORS} processors, then {benchmark.DEGRADED} worse than claimed", flush=True)
    found, caught = benchmark.classified(), benchmark.degraded()
    table(*benchmark.class_rows(found))
    draw(certifications, found)
    goals = [*benchmark.goals(certifications, found, caught), *signature.goals(keys), *envelope_goals]
    header, rows = benchmark.snapshot_rows(certifications)
    raw = {
        "keys": keys,
        "envelopes": envelopes,
        "figures": [dict(zip(header, row, strict=True)) for row in rows],
        "classes": [[each.true_ppm, each.measured_ppm, each.true_class, each.measured_class] for each in found],
        "caught": caught,
    }
    finish("registration", goals, raw)
    return 0 if all(goal.holds for goal in goals) else 1


if __name__ == "__main__":
    raise SystemExit(main())
