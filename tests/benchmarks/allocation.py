"""Who is served when, and what it costs: gas of real transactions on Anvil, and the same rules simulated.

Gas, in consortia of up to 10,000 processors and with queues up to 10,000 long, is exact. Shares, starvation and
utilisation come from a simulation of a million computations, of assumed sizes and durations: see
``_allocation_workload``.
"""

from collections.abc import Iterable
from typing import Any

from _allocation_gas import SAMPLED, measured
from _allocation_simulation import plots, show, simulate
from _report import CHAIN, OUTPUT, OWN, REST, SERIES, Goal, finish, picture, table

COMMAND = "make bench-allocation"
MOST_ALLOCATE, MOST_SUBMIT = 125_000, 120_000
LARGE = 1_000  # processors
MOST_SPREAD, MOST_SPREAD_OF_LARGE = 15, 5  # percent
MOST_INEQUALITY = 1_000  # ppm that Jain's index lacks to 1: it is 0.999 at least
LEAST_SHARE, LEAST_UTILISATION = 95, 95  # percent: of what one is entitled to, of the best rival's
MOST_GAIN = 2  # percent

ByStep = dict[str, float]


def largest(figures: Iterable[ByStep], step: str) -> float:
    """Return the most gas that *step* takes in any of *figures*."""
    return max(each[step] for each in figures)


def spread(sizes: dict[int, ByStep], least: int = 0) -> float:
    """Return by how many percent the most gas to allocate exceeds the least, among *least* and more processors."""
    gas = [steps["allocate"] for size, steps in sizes.items() if size >= least]
    return 100 * (max(gas) / min(gas) - 1)


def gas_goals(gas: dict[str, Any]) -> list[Goal]:
    """Return the goals about *gas*, as ``measured`` returns it."""
    sizes, full, queues = gas["sizes"], gas["full"], gas["queues"]
    span = f"{min(sizes):,} to {max(sizes):,}"
    everything = [*sizes.values(), *full.values(), *queues.values()]
    costs = {
        f"gas to allocate, k = 3, {span} processors: the most": sizes,
        "the same when 80 % of them are full": full,
        f"the same when {min(queues):,} to {max(queues):,} computations wait": queues,
    }
    return [
        *(Goal(name, largest(by.values(), "allocate"), MOST_ALLOCATE, "gas", COMMAND) for name, by in costs.items()),
        Goal(f"gas to allocate, {span} processors: spread", spread(sizes), MOST_SPREAD, "%", COMMAND),
        Goal(
            f"gas to allocate, {LARGE:,} processors and more: spread",
            spread(sizes, min(LARGE, max(sizes))),
            MOST_SPREAD_OF_LARGE,
            "%",
            COMMAND,
        ),
        Goal("gas to submit, all of these: the most", largest(everything, "submit"), MOST_SUBMIT, "gas", COMMAND),
    ]


def worst_starvation(simulated: dict[str, Any]) -> float:
    """Return the cost that passed a computation in percent of its bound, at worst, in the comparison and scenarios."""
    scenarios = simulated["scenarios"].values()
    return 100 * max(simulated["starvation"]["worst"], *(s.get("worstStarvation", 0) for s in scenarios))


def fairness_goals(simulated: dict[str, Any]) -> list[Goal]:
    """Return the goals about what was *simulated*."""
    ours, scenarios = simulated["policies"]["ours"], simulated["scenarios"]
    utilisation, inequality = 100 * simulated["utilisationToBest"], 1e6 * (1 - ours["jain"])
    flooded = 100 * scenarios["critical"]["minimumShareOfOthers"]
    sybil, splitting = (100 * (scenarios[attack]["gain"] - 1) for attack in ("sybil", "splitting"))
    at_least = [
        ("least share of an organisation, of its entitlement, simulated", 100 * ours["minimumShare"], LEAST_SHARE, "%"),
        ("the same of others while one floods with critical computations", flooded, LEAST_SHARE, "%"),
        ("utilisation, of the best of FIFO, DRR, WFQ and DRF", utilisation, LEAST_UTILISATION, "%"),
    ]
    at_most = [
        ("what Jain's index of organisations' shares lacks to 1", inequality, MOST_INEQUALITY, "ppm"),
        ("cost that passed a computation, of the stated bound", worst_starvation(simulated), 100, "%"),
        ("gain of an organisation that splits into two", sybil, MOST_GAIN, "%"),
        ("gain of one that splits each computation into four", splitting, MOST_GAIN, "%"),
    ]
    return [
        *(Goal(*promise, COMMAND, at_least=True) for promise in at_least),
        *(Goal(*promise, COMMAND) for promise in at_most),
    ]


def show_gas(gas: dict[str, Any]) -> None:
    """Print the tables of *gas*."""
    for name, key in (("processors", "sizes"), ("processors, 80 % full", "full")):
        rows = [(f"{size:,}", *(steps[step] for step in SAMPLED)) for size, steps in gas[key].items()]
        table((name, *SAMPLED), rows)
    rows = [(f"{length:,}", steps["submit"], steps["allocate"]) for length, steps in gas["queues"].items()]
    table(("waiting", "submit", "allocate"), rows)
    print("Medians at k = 3, one transaction each. Settle covers the release of three leases, with three moves in the")
    print("index, and three reputation updates. Heartbeat is a single processor's.\n")


def draw_gas(gas: dict[str, Any], folder: Any = OUTPUT) -> None:
    """Draw *gas* over the number of processors, and over the length of the queue."""
    sizes, full, queues = gas["sizes"], gas["full"], gas["queues"]
    with picture(
        "allocation-gas-processors",
        "Gas over the number of processors",
        "k = 3, medians of real transactions on Anvil; dashed: when 80 % of the processors are full",
        folder=folder,
    ) as axes:
        for step, colour in zip(SAMPLED, (SERIES[3], OWN, CHAIN, SERIES[6]), strict=True):
            _line(axes, {size: steps[step] for size, steps in sizes.items()}, step, colour)
            _line(axes, {size: steps[step] for size, steps in full.items()}, None, colour, "--")
        _finish_lines(axes, "processors", "allocate")
    with picture(
        "allocation-gas-queues",
        "Gas over the length of the queue",
        f"{max(sizes):,} processors; k = 3, medians of real transactions on Anvil",
        folder=folder,
    ) as axes:
        for step, colour in (("submit", SERIES[3]), ("allocate", OWN)):
            _line(axes, {length: steps[step] for length, steps in queues.items()}, step, colour)
        _finish_lines(axes, "computations that wait", "allocate")


def _line(axes: Any, by: dict[int, float], label: str | None, colour: str, style: str = "-") -> None:
    axes.plot(list(by), list(by.values()), style, label=label, color=colour, marker="o", markersize=4, lw=1.6)


def _finish_lines(axes: Any, counted: str, bounded: str) -> None:
    axes.axhline(MOST_ALLOCATE, color=REST, lw=0.8, ls=":", label=f"goal for {bounded}")
    axes.set_xscale("log")
    axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
    axes.set_xlabel(counted, fontsize=8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f} k")
    axes.legend(frameon=False, fontsize=7.5, loc="upper center", bbox_to_anchor=(0.45, -0.14), ncols=5)


def main() -> None:
    """Measure, simulate and report."""
    gas = measured(lambda step: print(f"  {step}", flush=True))
    show_gas(gas)
    draw_gas(gas)
    simulated = simulate()
    show(simulated)
    plots(simulated, OUTPUT)
    finish("allocation", [*gas_goals(gas), *fairness_goals(simulated)], {"gas": gas, "simulation": simulated})


if __name__ == "__main__":
    main()
