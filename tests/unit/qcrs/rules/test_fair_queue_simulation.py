"""The simulation that the benchmark runs at full scale, on a small load: see ``tests/benchmarks``."""

import importlib
import json
import sys

import pytest

from qcrs.chain.artifacts import PROJECT

BENCHMARKS = PROJECT / "tests" / "benchmarks"


@pytest.fixture(scope="module")
def simulation():
    """The benchmarks import each other by name, as they are run from their folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
        yield importlib.import_module("_allocation_simulation")


@pytest.fixture(scope="module")
def figures(simulation):
    return simulation.simulate(quick=True)


def test_nobody_is_passed_by_more_than_the_bound(figures):
    starved = figures["starvation"]
    assert starved["holds"]
    assert starved["worst"] <= 1
    assert starved["computations"] > 10_000
    worst = {name: s["worstStarvation"] for name, s in figures["scenarios"].items() if "worstStarvation" in s}
    assert set(worst) == {"none", "spam", "critical"}
    assert max(worst.values()) <= 1


def test_shares_are_as_entitled(figures):
    policies = figures["policies"]
    assert policies["ours"]["jain"] >= 0.99
    assert policies["FIFO"]["jain"] < policies["ours"]["jain"]


def test_figures_are_plain_and_every_picture_is_drawn(simulation, figures, tmp_path):
    assert json.loads(json.dumps(figures)) == figures
    simulation.show(figures)
    simulation.plots(figures, tmp_path)
    assert len(list(tmp_path.glob("allocation-*.png"))) == 4
