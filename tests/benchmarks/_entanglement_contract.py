"""Gas of channels and sessions, every transaction real: on Anvil, whose rules are those of the chains meant.

A first channel, with empty purses' slots, is played before; what is reported is a later one's, as in operation.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a measurement is run as a file, not as part of a package

from _node import NodeChain
from _report import Goal

from tests.entanglement import Lab, LinkUnderTest
from tests.scenario import World
from tests.team import Team, use

COMMAND = "make bench-entanglement"
PAIRS = (512, 1_536, 4_096, 8_192)
GOAL_PAIRS = 1_536
MEMBERS = (2, 4, 8)
MOST_SETTLE, MOST_LIFE, MOST_ARRIVAL = 70_000, 350_000, 30_000


def channel_gas(chain: NodeChain, test: LinkUnderTest, *, together: bool) -> dict[str, int]:
    """Return the gas of each step of a channel's test.

    Args:
        together: The ends exchange what they would reveal, and settle at once.
    """
    steps: dict[str, int] = {}

    def note(name: str) -> None:
        steps[name] = chain.gas

    for name in ("request", "accept", "herald"):
        getattr(test, name)()
        note(name)
    test.err(test.terms["pairs"] // 100)
    for end in (0, 1):
        test.commit(end)
        note(f"commit {end}")
    for end in () if together else (0, 1):
        test.reveal(end)
        note(f"reveal {end}")
    test.settle()
    note("settle")
    return steps | {"life": sum(steps.values())}


def session_gas(chain: NodeChain, team: Team) -> dict[str, Any]:
    """Return the gas of each step of a session; of steps that each member makes, one figure each."""
    steps: dict[str, Any] = {}
    team.create()
    steps["create"] = chain.gas
    steps["join"] = _each(chain, team, lambda index: team.join(index))
    for phase in range(team.request["phases"] + 1):
        steps[f"arrive {phase}"] = _each(chain, team, lambda index, at=phase: team.arrive(index, at))
    steps["report"] = _each(chain, team, lambda index: team.report(index))
    team.conclude()
    steps["conclude"] = chain.gas
    return steps


def _each(chain: NodeChain, team: Team, step: Any) -> list[int]:
    spent = []
    for index in team.everybody():
        step(index)
        spent.append(chain.gas)
    return spent


def measure(pairs: Sequence[int] = PAIRS, members: Sequence[int] = MEMBERS) -> dict[str, Any]:
    """Return the gas of channels by pairs, of sessions by members."""
    chain = NodeChain()
    try:
        lab = Lab(World(chain, processors=max(members), heartbeat_seconds=86_400))
        lab.channel(1, 2)  # what comes after finds purses in use, as in operation
        figures: dict[str, Any] = {"channels": {}, "together": {}, "sessions": {}}
        for count in pairs:
            figures["channels"][count] = channel_gas(chain, lab.test(1, 2, pairs=count), together=False)
            figures["together"][count] = channel_gas(chain, lab.test(2, 1, pairs=count), together=True)
        channel = lab.channel(1, 2)
        for count in members:
            team = Team(lab, range(1, count + 1), uses={0: [use(channel, 10)]})
            figures["sessions"][count] = session_gas(chain, team)
        return figures
    finally:
        chain.close()


def goals(figures: dict[str, Any]) -> list[Goal]:
    """Return what is promised of gas, from the figures of `measure`."""
    apart, together = figures["channels"][GOAL_PAIRS], figures["together"][GOAL_PAIRS]
    # The last to arrive at a barrier opens the next phase for all; others pay this.
    arrivals = [gas for steps in figures["sessions"].values() for gas in steps["arrive 1"][:-1]]
    return [
        Goal("gas of settling a link test of 1,536 pairs", apart["settle"], MOST_SETTLE, "gas", COMMAND),
        Goal("gas of a channel's whole life, 1,536 pairs", together["life"], MOST_LIFE, "gas", COMMAND),
        Goal("gas of an arrival at a barrier", max(arrivals), MOST_ARRIVAL, "gas", COMMAND),
    ]


if __name__ == "__main__":
    import json

    found = measure()
    print(json.dumps(found, indent=1))
    for goal in goals(found):
        print(goal.to_json())
