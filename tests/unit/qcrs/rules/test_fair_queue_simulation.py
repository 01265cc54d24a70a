"""The simulation that the benchmark runs at full scale, on a small load: see ``tests/benchmarks``."""

import importlib
import json
import sys
from array import array

import numpy as np
import pytest

from qcrs.chain.artifacts import PROJECT
from qcrs.rules.fair_queue import COST_BITS, DISTRUST_ROUNDS, GRAIN

BENCHMARKS = PROJECT / "tests" / "benchmarks"
SECONDS = 4  # a block


@pytest.fixture(scope="module")
def simulation():
    """The benchmarks import each other by name, as they are run from their folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
        yield importlib.import_module("_allocation_simulation")


def queue_of(costs, shortest_first=()):
    """Return our policy for computations of two organisations in turns, that all arrive at once."""
    ours = importlib.import_module("_allocation_ours")
    load = importlib.import_module("_allocation_workload")
    count = len(costs)
    even = [array("q", [1] * count) for _ in range(3)]
    owners = array("q", [number % 2 for number in range(count)])
    members = [load.Organisation(1), load.Organisation(1)]
    none = array("q", [0] * count)
    waiting = load.Workload(members, 10**6, 1, none, owners, *even, array("q", costs), none, np.ones(count))
    policy = ours.Ours(waiting, shortest_first=shortest_first)
    for job in range(count):
        policy.submit(job, 0)
    return policy, ours.PATIENCE_SECONDS // load.BLOCK_SECONDS


@pytest.fixture(scope="module")
def figures(simulation):
    return simulation.simulate(quick=True)


def test_nobody_is_passed_by_more_than_the_bound(figures):
    starved = figures["starvation"]
    assert starved["holds"]
    assert starved["worst"] <= 1
    assert starved["computations"] > 10_000
    worst = {name: s["worstStarvation"] for name, s in figures["scenarios"].items() if "worstStarvation" in s}
    assert set(worst) == {"none", "spam", "critical", "exchanging", "unplaceable"}
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


def test_an_organisation_is_waited_for_once_in_ten_rounds(simulation):
    policy, round_blocks = queue_of([GRAIN] * 8)
    placed = []

    def place(job, most, least):
        if job % 2 == 0 or most:  # nobody runs those of the first organisation, and none pass them
            return False
        placed.append(job)
        return True

    for block in (0, round_blocks):
        policy.schedule(place, block)
        assert (policy.sent_back, placed) == (0, [1])
    policy.schedule(place, round_blocks + 1)
    assert (policy.sent_back, policy.sent_at_once, placed) == (4, 3, [1, 3, 5, 7])
    assert policy.displaced == {0, 2, 4, 6}
    trusted = round_blocks + 1 + DISTRUST_ROUNDS * round_blocks + 1
    policy.queue.stalled_since = trusted * SECONDS
    policy.schedule(place, trusted)
    assert policy.sent_back == 4
    policy.schedule(place, trusted + round_blocks + 1)
    assert (policy.sent_back, policy.sent_at_once) == (8, 6)


def test_shorter_computations_take_the_places_of_longer_ones_a_little_earlier(simulation):
    costs = [9 * GRAIN >> COST_BITS, 1] * 8
    costs[14] = 1
    policy, _ = queue_of(costs, shortest_first={0})
    line = [policy.bucket[job] for job in range(0, 16, 2)]
    assert policy.exchanged > 1
    assert line[-1] == 0
    assert sorted(line) == [9 * number for number in range(8)]
    assert max(policy.passes) == 1
    unchosen, _ = queue_of(costs)
    assert unchosen.exchanged == 0
    assert unchosen.bucket[14] == 63
