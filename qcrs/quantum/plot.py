"""The picture of a job: what a perfect processor would answer beside what the network answered."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # pictures are files; no display is needed or opened

from matplotlib import pyplot

_WIDEST_FULL = 5  # bits: up to 32 outcomes are all drawn
_MOST_BARS = 16
_IDEAL, _POOLED, _INK, _GRID = "#b8c4d6", "#2f6f8f", "#22303c", "#e3e8ee"


def histogram(
    path: Path,
    ideal: Mapping[int, float],
    pooled: Mapping[int, int],
    outcome_bits: int,
    title: str,
    subtitle: str = "",
) -> None:
    """Write a PNG of *pooled* frequencies against *ideal* probabilities.

    Labels are bit strings of *outcome_bits* characters, ``c[0]`` rightmost. Of more than 32
    outcomes, the 16 likeliest are drawn and the rest share a last bar.
    """
    total = sum(pooled.values())
    measured = {outcome: count / total for outcome, count in pooled.items()}
    labels, expected, observed = _bars(ideal, measured, outcome_bits)
    figure, axes = pyplot.subplots(figsize=(max(5.0, 0.34 * len(labels) + 1.5), 3.8), dpi=150)
    try:
        positions = range(len(labels))
        axes.bar(positions, expected, width=0.84, color=_IDEAL, label="ideal")
        axes.bar(positions, observed, width=0.42, color=_POOLED, label=f"measured, {total:,} shots")
        axes.set_xticks(positions, labels, rotation=90 if len(labels) > 8 else 0)
        axes.tick_params(axis="x", labelfontfamily="monospace", labelsize=8, length=0)
        axes.tick_params(axis="y", labelsize=8, length=0)
        axes.tick_params(colors=_INK)
        axes.set_ylabel("probability", fontsize=9, color=_INK)
        axes.margins(x=0.01)
        axes.set_ylim(0, 1.18 * max(*expected, *observed))
        axes.grid(axis="y", color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        for spine in ("top", "right", "left"):
            axes.spines[spine].set_visible(False)
        axes.spines["bottom"].set_color(_INK)
        axes.set_title(title, loc="left", fontsize=12, color=_INK, pad=22 if subtitle else 8)
        axes.text(0, 1.03, subtitle, transform=axes.transAxes, fontsize=9, color="#5b6b7a")
        axes.legend(frameon=False, fontsize=8, loc="upper right", ncols=2)
        figure.savefig(path, bbox_inches="tight", metadata={"Software": None})
    finally:
        pyplot.close(figure)


def _bars(
    ideal: Mapping[int, float], measured: Mapping[int, float], outcome_bits: int
) -> tuple[list[str], list[float], list[float]]:
    if outcome_bits <= _WIDEST_FULL:
        shown, rest = list(range(1 << outcome_bits)), False
    else:
        ranked = sorted(
            ideal.keys() | measured.keys(),
            key=lambda outcome: (-max(ideal.get(outcome, 0), measured.get(outcome, 0)), outcome),
        )
        shown, rest = sorted(ranked[:_MOST_BARS]), len(ranked) > _MOST_BARS
    labels = [f"{outcome:0{outcome_bits}b}" for outcome in shown]
    expected = [ideal.get(outcome, 0.0) for outcome in shown]
    observed = [measured.get(outcome, 0.0) for outcome in shown]
    if rest:
        labels.append("other")
        expected.append(max(0.0, 1 - sum(expected)))
        observed.append(max(0.0, 1 - sum(observed)))
    return labels, expected, observed
