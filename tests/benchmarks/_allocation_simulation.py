"""Fair shares, starvation and utilisation of our allocation rules beside four others, and what attacks gain.

``simulate`` runs the very rules of ``qcrs.rules`` on heavy-tailed loads of more than a hundred organisations, without a
chain: a million computations a policy, in a few minutes on two cores. ``plots`` draws what it returns. Run alone, this
prints the table.
"""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _allocation_engine import run
from _allocation_measure import BINS, figures, starvation
from _allocation_ours import Ours
from _allocation_rivals import Drf, Drr, Fifo, Wfq
from _allocation_scenarios import LOAD, scenarios
from _allocation_workload import BLOCK_SECONDS, Workload, community, fleet, workload
from _report import CHAIN, OUTPUT, OWN, REST, SERIES, amount, picture, table

QUOTA_SHARE = 0.1  # of the load's cost that a unit of weight may ask for above routine, if all had as much


@dataclass(frozen=True)
class Scale:
    """How much is simulated: for the comparison, and (small) for each scenario."""

    jobs: int
    processors: int
    organisations: int
    small_jobs: int
    small_processors: int
    small_organisations: int
    seed: int = 1


FULL = Scale(1_010_000, 10_000, 120, 200_000, 1_000, 40)
QUICK = Scale(10_600, 500, 24, 1_500, 250, 24)


def _ours(load: Workload) -> Ours:
    weight = sum(o.weight for o in load.organisations)
    return Ours(load, int(QUOTA_SHARE * sum(load.cost) / weight))


POLICIES: dict[str, Callable[[Workload], Any]] = {"ours": _ours, "FIFO": Fifo, "DRR": Drr, "WFQ": Wfq, "DRF": Drf}


def _compare(name: str, scale: Scale) -> dict[str, Any]:
    """Return the figures of one policy; every policy has the same arrivals and processors."""
    rng = np.random.default_rng(scale.seed)
    organisations = community(scale.organisations, rng)
    processors = fleet(scale.processors, scale.organisations, rng)
    load = workload(organisations, scale.jobs, sum(p.qubits for p in processors), LOAD, rng)
    result = run(load, processors, POLICIES[name](load), scale.seed)
    outcome = figures(result)
    if name == "ours":
        policy = result.policy
        outcome |= {"backfilled": policy.backfilled, "heldBack": policy.refused, "buckets": policy.queue.first}
        outcome["starvation"] = starvation(result)
        outcome["load"] = {
            "computations": len(load),
            "processors": len(processors),
            "qubits": load.capacity,
            "organisations": [{"weight": o.weight, "kind": o.kind} for o in organisations],
            "seconds": load.blocks * BLOCK_SECONDS,
        }
    return outcome


def _scenarios(scale: Scale) -> dict[str, Any]:
    return scenarios(scale.small_jobs, scale.small_processors, scale.small_organisations, scale.seed)


def simulate(quick: bool = False) -> dict[str, Any]:
    """Return the figures of every policy and scenario, as JSON has them.

    Args:
        quick: A hundredth of the load, in one process and a few seconds: enough for the bound, too little for shares
            of organisations that submit little.
    """
    scale = QUICK if quick else FULL
    if quick:
        compared = {name: _compare(name, scale) for name in POLICIES}
        tested = _scenarios(scale)
    else:
        with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
            pending = pool.submit(_scenarios, scale)
            running = {name: pool.submit(_compare, name, scale) for name in POLICIES}
            compared = {name: future.result() for name, future in running.items()}
            tested = pending.result()
    ours = compared["ours"]
    best = max(compared[name]["utilisation"] for name in compared if name != "ours")
    return {
        "load": ours.pop("load"),
        "policies": compared,
        "starvation": ours.pop("starvation"),
        "scenarios": tested,
        "utilisationToBest": ours["utilisation"] / best,
    }


def plots(figures: dict[str, Any], folder: Path) -> None:
    """Draw what ``simulate`` returned, as four pictures in *folder*."""
    for plot in (_plot_shares, _plot_waits, _plot_utilisation, _plot_starvation):
        plot(figures, folder)


def _colours(figures: dict[str, Any]) -> dict[str, str]:
    return dict(zip(figures["policies"], (OWN, *SERIES[1:4], SERIES[4]), strict=True))


def _plot_shares(figures: dict[str, Any], folder: Path) -> None:
    count = len(figures["load"]["organisations"])
    colours = _colours(figures)
    with picture(
        "allocation-shares",
        "What each organisation is given, to what it is entitled to",
        f"{count} organisations a policy, in order; weighted max-min entitlement in each moment",
        folder=folder,
    ) as axes:
        for name, policy in figures["policies"].items():
            axes.plot(sorted(policy["shares"]), label=name, color=colours[name], lw=2.2 if name == "ours" else 1.2)
        axes.axhline(1, color=REST, lw=0.8)
        axes.set_xlabel("organisations", fontsize=8)
        axes.legend(frameon=False, fontsize=7.5)


def _plot_waits(figures: dict[str, Any], folder: Path) -> None:
    with picture(
        "allocation-waits",
        "How long organisations wait that ask for no more than their share",
        "seconds from arrival to allocation; logarithmic",
        folder=folder,
    ) as axes:
        names = list(figures["policies"])
        for mark, label, colour in (
            ("max", "longest", REST),
            ("p99", "99th percentile", CHAIN),
            ("p50", "median", OWN),
        ):
            values = [max(BLOCK_SECONDS / 2, figures["policies"][name]["modestWait"][mark]) for name in names]
            axes.barh(names, values, color=colour, label=label, height=0.62)
        axes.set_xscale("log")
        axes.invert_yaxis()
        axes.legend(frameon=False, fontsize=7.5, loc="upper center", bbox_to_anchor=(0.45, -0.1), ncols=3)


def _plot_utilisation(figures: dict[str, Any], folder: Path) -> None:
    colours = _colours(figures)
    hours = figures["load"]["seconds"] / 3_600
    with picture(
        "allocation-utilisation",
        "Part of all qubits that is leased",
        f"{figures['load']['processors']:,} processors; every policy looks past as many that do not fit",
        folder=folder,
    ) as axes:
        for name, policy in figures["policies"].items():
            curve = policy["utilisationCurve"]
            moments = np.linspace(0, hours, len(curve))
            axes.plot(moments, curve, label=name, color=colours[name], lw=2.2 if name == "ours" else 1.2)
        axes.set_ylim(0, 1)
        axes.set_xlabel("hours", fontsize=8)
        axes.legend(frameon=False, fontsize=7.5)


def _plot_starvation(figures: dict[str, Any], folder: Path) -> None:
    starved = figures["starvation"]
    edges = np.array(starved["histogram"]["edges"])
    with picture(
        "allocation-starvation",
        "Cost that passed a computation, to the stated bound",
        f"worst other organisation of each of {starved['computations']:,} computations; the most is"
        f" {starved['worst']:.3f}",
        folder=folder,
    ) as axes:
        axes.bar(edges[:-1], starved["histogram"]["counts"], np.diff(edges), align="edge", color=CHAIN)
        axes.axvline(1, color=OWN, lw=1.6)
        axes.set_xlabel(f"parts of the bound, {BINS} bins", fontsize=8)


def show(figures: dict[str, Any]) -> None:
    """Print the tables."""
    load = figures["load"]
    print(
        f"{load['computations']:,} computations of {len(load['organisations'])} organisations on"
        f" {load['processors']:,} processors, {amount(load['seconds'] / 3_600, 'hours')}\n"
    )
    header = (
        "policy",
        "Jain",
        "least share",
        "most",
        "utilisation",
        "wait p50",
        "p99",
        "max",
        "modest p50",
        "p99",
        "max",
    )
    rows = []
    for name, p in figures["policies"].items():
        shares = (f"{p['jain']:.5f}", f"{p['minimumShare']:.3f}", f"{p['maximumShare']:.3f}", f"{p['utilisation']:.3f}")
        rows.append((name, *shares, *p["wait"].values(), *p["modestWait"].values()))
    table(header, rows)
    starved = figures["starvation"]
    print(
        f"Starvation: at worst {starved['worst']:.4f} of the bound, which {'holds' if starved['holds'] else 'FAILS'}"
        f" for {starved['computations']:,} computations\n"
    )
    rows = []
    for name, scenario in figures["scenarios"].items():
        for key, value in scenario.items():
            nested = value.items() if isinstance(value, dict) else [("", value)]
            rows += [(name, f"{key} {inner}".strip(), f"{figure:.4g}") for inner, figure in nested]
    table(("scenario", "figure", "value"), rows)


if __name__ == "__main__":
    outcome = simulate()
    show(outcome)
    plots(outcome, OUTPUT)
