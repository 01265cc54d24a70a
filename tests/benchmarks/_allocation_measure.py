"""Shares, waits, utilisation and starvation of a run."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from _allocation_engine import Run
from _allocation_ours import Ours
from _allocation_workload import BLOCK_SECONDS, FLOOD, MODEST

from qcrs.rules.fair_queue import passing_bound

WARM_UP = 0.1  # part of the horizon in which the fleet fills, and nothing is measured
SLICES = 400
SERIES = 100  # points of a curve
BINS = 40  # of the histogram of starvation


def jain(values: np.ndarray) -> float:
    """Return Jain's index of fairness: 1 when all are equal."""
    return float(values.sum() ** 2 / (len(values) * (values**2).sum()))


def water_fill(capacity: float, demands: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted max-min shares of *capacity*: nobody has more than it asks for."""
    given = np.zeros(len(demands))
    order = np.argsort(demands / weights)
    weight = weights.sum()
    for i in order:
        given[i] = min(demands[i], capacity * weights[i] / weight)
        capacity -= given[i]
        weight -= weights[i]
    return given


def tally(run: Run, moments: np.ndarray, jobs: np.ndarray) -> np.ndarray:
    """Return work by slice of the horizon and organisation, for *jobs* at *moments* in blocks."""
    load = run.load
    total = np.zeros((SLICES, len(load.organisations)))
    owner = np.array(load.organisation)[jobs]
    np.add.at(total, (moments[jobs] * SLICES // load.blocks, owner), load.work[jobs])
    return total


def entitlement(run: Run, served: np.ndarray) -> np.ndarray:
    """Return by slice and organisation what a fluid, weighted max-min server gives, which serves as much in all.

    It knows what has arrived by then, and gives in each slice what the policy gave in that slice.
    """
    everything = np.arange(len(run.load))
    asked = tally(run, np.array(run.load.arrival), everything)
    weights = np.array([o.weight for o in run.load.organisations], float)
    given, backlog = np.zeros_like(served), np.zeros(len(weights))
    for i in range(SLICES):
        backlog += asked[i]
        given[i] = water_fill(served[i].sum(), backlog, weights)
        backlog -= given[i]
    return given


def shares(run: Run, since: float = WARM_UP, until: float = 1.0) -> np.ndarray:
    """Return of each organisation what it was given in a part of the horizon, in parts of what it was entitled to."""
    served = tally(run, run.started, np.flatnonzero(run.started >= 0))
    part = slice(round(since * SLICES), round(until * SLICES))
    entitled = entitlement(run, served)[part].sum(axis=0)
    given = served[part].sum(axis=0)
    return np.divide(given, entitled, out=np.ones(len(given)), where=entitled > 0)


def utilisation(run: Run) -> np.ndarray:
    """Return the part of the fleet's qubits that is leased, in each block."""
    load, placed = run.load, np.flatnonzero(run.started >= 0)
    span = np.array(load.span)[placed]
    held = load.work[placed] // span
    change = np.zeros(load.blocks + 1)
    np.add.at(change, run.started[placed], held)
    np.add.at(change, np.minimum(run.started[placed] + span, load.blocks), -held)
    return np.cumsum(change)[: load.blocks] / load.capacity


def waits(run: Run, kind: str | None = None) -> dict[str, float]:
    """Return the median, 99th percentile and maximum wait in seconds, for those that arrived after the warm-up.

    Those that still wait at the end have waited until then.
    """
    load = run.load
    arrival = np.array(load.arrival)
    chosen = arrival >= WARM_UP * load.blocks
    if kind:
        kinds = np.array([o.kind == kind for o in load.organisations])
        chosen &= kinds[np.array(load.organisation)]
    waited = np.where(run.started >= 0, run.started, load.blocks)[chosen] - arrival[chosen]
    p50, p99 = np.percentile(waited, (50, 99)) * BLOCK_SECONDS
    return {"p50": float(p50), "p99": float(p99), "max": float(waited.max()) * BLOCK_SECONDS}


def figures(run: Run) -> dict[str, Any]:
    """Return what every policy is compared by."""
    share = shares(run)
    use = utilisation(run)[round(WARM_UP * run.load.blocks) :]
    kinds = [o.kind for o in run.load.organisations]
    floods = share[[kind == FLOOD for kind in kinds]]
    return {
        "jain": jain(share),
        "minimumShare": float(share.min()),
        "maximumShare": float(share.max()),
        "jainOfFloods": jain(floods) if len(floods) else 1.0,
        "utilisation": float(use.mean()),
        "wait": waits(run),
        "modestWait": waits(run, MODEST),
        "placed": int((run.started >= 0).sum()),
        "failedDraws": run.failures,
        "shares": [round(float(s), 4) for s in share],
        "utilisationCurve": [round(float(part.mean()), 4) for part in np.array_split(utilisation(run), SERIES)],
    }


def starvation(run: Run) -> dict[str, Any]:
    """Return how far the cost that passed each computation comes to the stated bound, organisation by organisation.

    Counted is every other organisation's cost that was placed while a computation waited in the queue, other than by
    guarded backfill from a later bucket, and whether or not it has been placed at all since.
    """
    policy, load = run.policy, run.load
    if not isinstance(policy, Ours):
        raise TypeError(f"a policy of buckets was expected, found {type(policy).__name__}")
    owner, cost = np.array(load.organisation), np.array(load.cost)
    jobs = np.flatnonzero(np.array(policy.entered) >= 0)
    first, bucket = np.array(policy.first)[jobs], np.array(policy.bucket)[jobs]
    moved = np.zeros(len(load), bool)
    moved[list(policy.displaced)] = True
    worst, holds = np.zeros(len(jobs)), True
    all_of, displaced_of = _passed(run, policy, jobs, cost), _passed(run, policy, jobs, np.where(moved, cost, 0))
    for other, (passed, displaced) in enumerate(zip(all_of, displaced_of, strict=True)):
        largest = int(cost[owner == other].max(initial=0))
        weight = load.organisations[other].weight
        bound = passing_bound(weight, bucket, first, largest, displaced)  # integers, by the array
        passed[owner[jobs] == other] = 0
        holds &= bool((passed <= bound).all())
        np.maximum(worst, passed / bound, out=worst)
    counts, edges = np.histogram(worst, bins=BINS, range=(0, max(1.0, float(worst.max()))))
    return {
        "worst": float(worst.max()),
        "median": float(np.median(worst)),
        "holds": holds,
        "computations": len(jobs),
        "guarded": len(policy.guarded),
        "sentBack": policy.sent_back,
        "displaced": len(policy.displaced),
        "histogram": {"counts": counts.tolist(), "edges": [round(float(edge), 4) for edge in edges]},
    }


def _passed(run: Run, policy: Ours, jobs: np.ndarray, cost: np.ndarray) -> Iterator[np.ndarray]:
    """Yield, organisation by organisation, how much of *cost* passed each of *jobs*, guarded backfill aside."""
    load = run.load
    position = np.full(len(load), len(run.order))
    position[run.order] = np.arange(len(run.order))
    begin, end = np.array(policy.entered)[jobs], position[jobs]
    place_of = np.full(len(load), -1)
    place_of[jobs] = np.arange(len(jobs))
    overtaken, by = np.array(policy.guarded, dtype=np.int64).reshape(-1, 2).T
    owner = np.array(load.organisation)
    in_order = owner[run.order], cost[run.order]
    for other in range(len(load.organisations)):
        prefix = np.concatenate(([0], np.cumsum(np.where(in_order[0] == other, in_order[1], 0))))
        passed = prefix[end] - prefix[begin]
        own = owner[by] == other
        np.subtract.at(passed, place_of[overtaken[own]], cost[by[own]])
        yield passed
