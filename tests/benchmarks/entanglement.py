"""Entanglement between processors: links, channels, distributed circuits, correction, cutting and keys.

Each goal is measured and printed beside its closed form or the published figure. All of it is simulation
(link=emulated); gas is of real transactions on Anvil, times are of this machine.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from _report import CHAIN, OUTPUT, OWN, PUBLISHED, REST, SERIES, Goal, finish, picture, table

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a measurement is run as a file, not as part of a package

import _entanglement_circuits as circuits
import _entanglement_contract as contract
import _entanglement_correction as correction
import _entanglement_keys as keys
import _entanglement_link as link

from qcrs.quantum.distribution.quote import Source, telegate_fidelity
from qcrs.quantum.distribution.routing import Route, cheapest_route

COMMAND = "make bench-entanglement"
# Main et al., Nature 638, 383 (2025): two modules of trapped ions, two metres apart.
PUBLISHED_BELL, PUBLISHED_GATE = 0.97, 0.86
POWER_SHARES = (1.0, 0.5, 0.25, 0.1)
POWER_SIZES = (20, 40, 60, 80, 120, 180, 260, 350, 500, 800, 1200, 1600, 2200)
# A made-up network of six laboratories: what each link's source gives, before its channel is tested.
NETWORK = {
    (0, 1): 0.985, (1, 2): 0.97, (2, 3): 0.98, (3, 4): 0.95, (4, 5): 0.975, (0, 5): 0.93, (1, 4): 0.90, (0, 3): 0.84,
}  # fmt: skip
LABORATORIES = ("Aachen", "Bristol", "Chicago", "Delft", "Espoo", "Fukuoka")
TESTED, START, GOAL, WANTED = 768, 0, 3, 0.93


def published() -> None:
    """Print ours beside what was published of real devices."""
    table(
        ("two processors, one teleported gate", "pair", "gate", "by"),
        [
            ("trapped ions, published", PUBLISHED_BELL, PUBLISHED_GATE, "Main et al. 2025, with local errors"),
            ("closed form, no local errors", PUBLISHED_BELL, telegate_fidelity(PUBLISHED_BELL), "(4F + 1) / 5"),
        ],
    )


def draw_power() -> dict[str, list[float]]:
    """Draw how likely an eavesdropper is found, and return the curves."""
    curves = {}
    subtitle = "intercept-resend on a share of pairs of fidelity 0.97, one false alarm in a thousand tests"
    with picture("entanglement_power", "Detection power of a link test", subtitle) as axes:
        for colour, share in zip(SERIES, POWER_SHARES, strict=False):
            chance = link._q0() + share * (0.25 - link._q0() / 2)
            power = [link._tail(size, chance, link._allowed(size)) for size in POWER_SIZES]
            axes.plot(POWER_SIZES, power, marker="o", markersize=3, color=colour, label=f"{100 * share:.0f} % of pairs")
            curves[str(share)] = power
        axes.axhline(0.99, color=REST, linewidth=0.8)
        axes.set_xscale("log")
        axes.set_xlabel("tested pairs", fontsize=8)
        axes.legend(frameon=False, fontsize=7.5)
    return curves


def tested_network() -> dict[tuple[int, int], float]:
    """Return the fidelity that a test of each link of the network speaks for."""
    found = {}
    for ends, fidelity in NETWORK.items():
        errors = int(link._errors(link.fibre(fidelity), TESTED, 1)[0])
        found[ends] = 1 - 1.5 * errors / TESTED
    return found


def draw_network(tested: dict[tuple[int, int], float], route: Route) -> None:
    """Draw the network with the route that was chosen."""
    places = [(np.cos(2 * np.pi * n / 6), np.sin(2 * np.pi * n / 6)) for n in range(len(LABORATORIES))]
    hops = {tuple(sorted(hop)) for hop in zip(route.nodes, route.nodes[1:], strict=False)}
    words = ", ".join(LABORATORIES[node] for node in route.nodes)
    subtitle = f"fidelities as {TESTED} tested pairs a link say; cheapest way to {WANTED}: {words}"
    with picture("entanglement_network", "Channels between laboratories", subtitle, (6.4, 4.4)) as axes:
        for ends, fidelity in tested.items():
            (x0, y0), (x1, y1) = places[ends[0]], places[ends[1]]
            used = ends in hops
            axes.plot([x0, x1], [y0, y1], color=OWN if used else PUBLISHED, linewidth=3 if used else 1.2)
            label = (0.6 * x0 + 0.4 * x1, 0.6 * y0 + 0.4 * y1)  # not in the middle, where lines cross
            axes.text(*label, f"{fidelity:.3f}", fontsize=7, ha="center", backgroundcolor="white")
        for name, (x, y) in zip(LABORATORIES, places, strict=True):
            axes.plot(x, y, "o", markersize=10, color=CHAIN)
            axes.annotate(name, (x, y), textcoords="offset points", xytext=(0, 10), ha="center", fontsize=8)
        axes.axis("off")
        axes.margins(0.15)


def main() -> int:
    """Measure, print, draw and write everything; return the exit code."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    goals: list[Goal] = link.measure(lambda line: print(line, flush=True))
    published()
    print("distributed circuits, purification, cutting", flush=True)
    circuit_goals, raw = circuits.measure()
    print("surface codes across a seam, keys", flush=True)
    correction_goals, corrected = correction.measure()
    correction.show(corrected)
    correction.draw(corrected)
    key_goals = keys.measure(lambda line: print(line, flush=True))
    keys.draw(keys.raw)
    print("gas of channels and sessions", flush=True)
    gas = contract.measure()
    table(
        ("one session, gas a member", "join", "arrive", "report", "conclude"),
        [
            (str(members), max(steps["join"]), max(steps["arrive 1"][:-1]), max(steps["report"]), steps["conclude"])
            for members, steps in gas["sessions"].items()
        ],
    )
    tested = tested_network()
    route = cheapest_route({ends: Source(f, 1e4, 1) for ends, f in tested.items()}, START, GOAL, WANTED)
    draw_network(tested, route)
    goals += [*circuit_goals, *correction_goals, *key_goals, *contract.goals(gas)]
    figures: dict[str, Any] = {
        "link": link.raw, "circuits": raw, "correction": corrected, "keys": keys.raw, "gas": gas,
        "power": draw_power(),
        "network": {f"{a}-{b}": fidelity for (a, b), fidelity in tested.items()}, "route": list(route.nodes),
    }  # fmt: skip
    finish("entanglement", goals, figures)
    return 0 if all(goal.holds for goal in goals) else 1


if __name__ == "__main__":
    raise SystemExit(main())
