"""What every measurement ends with: a table, a picture, and goals whose outcome is computed.

``build/bench/NAME.json`` holds the goals and the raw figures behind them; ``python3 tests/benchmarks`` makes the
README's table of all such files.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

OUTPUT = Path(__file__).resolve().parents[2] / "build" / "bench"

CHAIN, SIMULATION, OWN, REST, PUBLISHED = "#2f6f8f", "#d9a441", "#b5443c", "#b8c4d6", "#9aa5b1"
SERIES = ("#1f4e66", "#2f6f8f", "#5b9bb5", "#93c1d1", "#d9a441", "#b5443c", "#7a8f5a", "#b8c4d6")
_INK, _GRID = "#22303c", "#e3e8ee"


@dataclass(frozen=True)
class Goal:
    """A figure and the bound it is to keep.

    Attributes:
        goal: What is promised, in words. figure: What was measured. bound: Largest figure that keeps the promise, or
            smallest if *at_least*. unit: Of both. command: How to measure it again.
    """

    goal: str
    figure: float
    bound: float
    unit: str
    command: str
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the figure keeps the bound."""
        return bool(self.figure >= self.bound if self.at_least else self.figure <= self.bound)  # numpy has its own

    def to_json(self) -> dict[str, Any]:
        """Return the goal as the file holds it."""
        return {
            "goal": self.goal,
            "figure": amount(self.figure, self.unit),
            "target": f"{'≥' if self.at_least else '≤'} {amount(self.bound, self.unit)}",
            "holds": self.holds,
            "command": self.command,
        }


def amount(value: float, unit: str = "") -> str:
    """Return *value* with its unit, thousands set apart, no more digits than mean something."""
    digits = 0 if value == int(value) or abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value below which *percent* of *values* lie, interpolated within them."""
    if len(values) == 1:
        return values[0]
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print *rows* under *header*: words to the left, numbers to the right, None as a blank."""
    texts = [["" if cell is None else cell if isinstance(cell, str) else amount(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *texts, strict=True)]
    numeric = [all(not isinstance(cell, str) for cell in column) for column in zip(*rows, strict=True)]
    for line in (header, ["-" * width for width in widths], *texts):
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ]
        print("  ".join(cells).rstrip())
    print(flush=True)


def finish(name: str, goals: Sequence[Goal], raw: dict[str, Any]) -> None:
    """Print the goals and write ``NAME.json``."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    entries = [goal.to_json() for goal in goals]
    table(
        ("goal", "figure", "target", "holds"),
        [(e["goal"], e["figure"], e["target"], "yes" if e["holds"] else "NO") for e in entries],
    )
    path = OUTPUT / f"{name}.json"
    path.write_text(json.dumps({"goals": entries, **raw}, indent=2, ensure_ascii=False) + "\n")
    print(f"raw figures: {path.relative_to(OUTPUT.parents[1])}")


@contextmanager
def picture(
    name: str, title: str, subtitle: str, size: tuple[float, float] = (8.0, 3.6), folder: Path = OUTPUT
) -> Iterator[Any]:
    """Give axes to draw on, and write them to ``NAME.png`` in *folder*."""
    import matplotlib

    matplotlib.use("Agg")  # pictures are files; no display is needed or opened
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    figure, axes = pyplot.subplots(figsize=size, dpi=150)
    try:
        yield axes
        axes.set_title(title, loc="left", fontsize=12, color=_INK, pad=20)
        axes.text(0, 1.03, subtitle, transform=axes.transAxes, fontsize=8.5, color="#5b6b7a")
        axes.tick_params(colors=_INK, labelsize=8, length=0)
        axes.grid(axis="x", color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        for spine in ("top", "right", "left"):
            axes.spines[spine].set_visible(False)
        axes.spines["bottom"].set_color(_INK)
        figure.savefig(folder / f"{name}.png", bbox_inches="tight", metadata={"Software": None})
    finally:
        pyplot.close(figure)


def stacked_bars(axes: Any, labels: Sequence[str], parts: Sequence[tuple[str, str, Sequence[float]]]) -> None:
    """Draw one horizontal bar for each of *labels*, first on top, made of *parts*: name, colour, length for each."""
    left = [0.0] * len(labels)
    for name, colour, lengths in parts:
        axes.barh(labels, lengths, left=left, color=colour, label=name, height=0.62)
        left = [start + length for start, length in zip(left, lengths, strict=True)]
    axes.invert_yaxis()
    axes.margins(y=0.08)
    axes.legend(frameon=False, fontsize=7.5, loc="upper center", bbox_to_anchor=(0.45, -0.16), ncols=4)
