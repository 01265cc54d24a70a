"""What an organisation can gain or spoil: the same load without and with an attack, under our rules.

Each scenario has one organisation that attacks among the others of a smaller community; every other circumstance, the
arrivals of the others included, is the same.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from _allocation_engine import Run, run
from _allocation_measure import WARM_UP, shares, starvation, utilisation, waits
from _allocation_ours import Ours
from _allocation_rivals import Stride
from _allocation_workload import (
    BLOCK_SECONDS,
    FLOOD,
    LEAST_QUBITS,
    MODEST,
    REPLICAS,
    SHORTEST_SECONDS,
    SHOTS,
    Organisation,
    Workload,
    community,
    fleet,
    workload,
)

ATTACKER = 0  # a flood of weight 4
LOAD = 1.3
SPLIT = 4
SPAM = 3  # of the attacker's computations in the base load, per one
RETURNS_AT = 0.5
UNLIMITED = 10**15
IMPOSSIBLE = 120  # replicas, of more organisations than there are


class Setting:
    """One load, one fleet, and the runs that differ in one thing."""

    def __init__(self, jobs: int, processors: int, organisations: int, seed: int) -> None:
        self.seed, self.jobs, self.processors = seed, jobs, processors
        self.organisations = community(organisations, np.random.default_rng(seed))
        self.capacity = sum(p.qubits for p in self.fleet())

    def fleet(self) -> list[Any]:
        """Return the processors, all idle."""
        return fleet(self.processors, len(self.organisations), np.random.default_rng(self.seed))

    def load(self, organisations: Sequence[Organisation] | None = None) -> Workload:
        """Return the load of these organisations, the usual ones by default."""
        rng = np.random.default_rng(self.seed + 1)
        return workload(organisations or self.organisations, self.jobs, self.capacity, LOAD, rng)

    def run(self, load: Workload, policy: Callable[[Workload], Any] | None = None) -> Run:
        """Run *load*, by default under our rules with quotas that nobody exhausts."""
        return run(load, self.fleet(), policy(load) if policy else Ours(load, UNLIMITED), self.seed)


def edited(load: Workload, **columns: np.ndarray) -> Workload:
    """Return *load* with other columns, put in the order of arrival again."""
    whole = {name: np.array(getattr(load, name)) for name in COLUMNS} | columns
    order = np.argsort(whole["arrival"], kind="stable")
    kept = {name: array("q", whole[name][order].tolist()) for name in COLUMNS}
    work = np.array(kept["qubits"]) * np.array(kept["replicas"]) * np.array(kept["span"])
    return replace(load, **kept, work=work)


COLUMNS = ("arrival", "organisation", "qubits", "replicas", "span", "cost", "priority")


def repeated(load: Workload, owner: int, times: int) -> dict[str, np.ndarray]:
    """Return the columns with each computation of *owner* repeated."""
    count = np.where(np.array(load.organisation) == owner, times, 1)
    return {name: np.repeat(np.array(getattr(load, name)), count) for name in COLUMNS}


def advantage(result: Run, *attackers: int) -> float:
    """Return the cost that the attackers were given after the warm-up a unit of weight, to that of the other floods."""
    load = result.load
    owner = np.array(load.organisation)
    placed = result.started >= WARM_UP * load.blocks
    served = np.bincount(owner[placed], np.array(load.cost)[placed], len(load.organisations))
    weights = np.array([o.weight for o in load.organisations])
    rivals = [i for i, o in enumerate(load.organisations) if o.kind == FLOOD and i not in attackers]
    own = list(attackers)
    return float(served[own].sum() / weights[own].sum() / (served[rivals].sum() / weights[rivals].sum()))


def others(result: Run, *attackers: int) -> float:
    """Return the smallest share of an organisation that does not attack."""
    return float(np.delete(shares(result), attackers).min())


def sybil(setting: Setting, base: Run) -> dict[str, float]:
    """Let the attacker split into two organisations with half of the weight each, among which its work alternates."""
    load, member = setting.load(), setting.organisations[ATTACKER]
    half = replace(member, weight=member.weight // 2)
    organisations = [half, *setting.organisations[1:], half]
    owner = np.array(load.organisation)
    own = np.flatnonzero(owner == ATTACKER)
    owner[own[::2]] = len(organisations) - 1
    split = setting.run(replace(edited(load, organisation=owner), organisations=organisations))
    gain = advantage(split, ATTACKER, len(organisations) - 1) / advantage(base, ATTACKER)
    return {"gain": gain, "minimumShareOfOthers": others(split, ATTACKER, len(organisations) - 1)}


def splitting(setting: Setting, base: Run) -> dict[str, float]:
    """Let the attacker submit each computation as four of a quarter of the shots."""
    columns = repeated(setting.load(), ATTACKER, SPLIT)
    own = columns["organisation"] == ATTACKER
    for name in ("span", "cost"):
        columns[name] = np.where(own, -(-columns[name] // SPLIT), columns[name])
    split = setting.run(edited(setting.load(), **columns))
    gain = advantage(split, ATTACKER) / advantage(base, ATTACKER)
    return {"gain": gain, "minimumShareOfOthers": others(split, ATTACKER)}


def spam(setting: Setting, base: Run) -> dict[str, float]:
    """Let the attacker submit nothing but the cheapest computations there are, three times as many, and critical."""
    columns = repeated(setting.load(), ATTACKER, SPAM)
    own = columns["organisation"] == ATTACKER
    cheap = {
        "qubits": LEAST_QUBITS,
        "replicas": REPLICAS[0],
        "span": SHORTEST_SECONDS // BLOCK_SECONDS,
        "cost": LEAST_QUBITS * REPLICAS[0] * SHOTS,
        "priority": 2,
    }
    for name, value in cheap.items():
        columns[name] = np.where(own, value, columns[name])
    flooded = setting.run(edited(setting.load(), **columns))
    return {
        "submissions": int(own.sum()),
        "minimumShareOfOthers": others(flooded, ATTACKER),
        "modestWaitP99": waits(flooded, MODEST)["p99"],
        "worstStarvation": starvation(flooded)["worst"],
    }


def critical(setting: Setting, base: Run) -> dict[str, float]:
    """Let all computations of the attacker be critical, with a quota that it never exhausts, and all others routine."""
    load = setting.load()
    owner = np.array(load.organisation)
    routine = setting.run(edited(load, priority=np.zeros(len(load), int)))
    flooded = setting.run(edited(load, priority=np.where(owner == ATTACKER, 2, 0)))
    return {
        "gain": advantage(flooded, ATTACKER) / advantage(routine, ATTACKER),
        "minimumShareOfOthers": others(flooded, ATTACKER),
        "modestWaitP99": waits(flooded, MODEST)["p99"],
        "modestWaitP99Without": waits(routine, MODEST)["p99"],
        "worstStarvation": starvation(flooded)["worst"],
    }


def unplaceable(setting: Setting, base: Run) -> dict[str, float]:
    """Let a hundredth of the attacker's computations be such that nobody can or will run them: too low a bid, say.

    The first of them holds up those in turn for a round; ``utilisationAfterwards`` is what they cost from then on.
    """
    load = setting.load()
    owner = np.array(load.organisation)
    stuck = (owner == ATTACKER) & (np.arange(len(load)) % 100 == 0)
    replicas = np.where(stuck, IMPOSSIBLE, np.array(load.replicas))
    blocked = edited(load, replicas=replicas)
    blocked.work[:] = np.where(stuck, 0, blocked.work)
    result = setting.run(blocked)
    first = result.policy.first_sent_back
    since = WARM_UP if first is None else max(WARM_UP, first / load.blocks)
    return {
        "stuck": int(stuck.sum()),
        "sentBack": result.policy.sent_back,
        "sentBackAtOnce": result.policy.sent_at_once,
        "firstSentBackAfter": load.blocks * BLOCK_SECONDS if first is None else first * BLOCK_SECONDS,
        "utilisation": _mean_utilisation(result),
        "utilisationToNone": _mean_utilisation(result) / _mean_utilisation(base),
        "utilisationAfterwards": _mean_utilisation(result, since) / _mean_utilisation(base, since),
        "minimumShareOfOthers": others(result, ATTACKER),
        "modestWaitP99": waits(result, MODEST)["p99"],
        "longestStandstill": _longest_gap(result, 0.0),
        "worstStarvation": starvation(result)["worst"],
    }


def exchanging(setting: Setting, base: Run) -> dict[str, float]:
    """Let the attacker's shorter computations take the places of its longer ones, as often as the rules let them."""
    result = setting.run(setting.load(), lambda load: Ours(load, UNLIMITED, shortest_first={ATTACKER}))
    return {
        "exchanges": result.policy.exchanged,
        "gain": advantage(result, ATTACKER) / advantage(base, ATTACKER),
        "minimumShareOfOthers": others(result, ATTACKER),
        "modestWaitP99": waits(result, MODEST)["p99"],
        "ownPlaced": _placed(result, ATTACKER),
        "ownPlacedWithout": _placed(base, ATTACKER),
        "worstStarvation": starvation(result)["worst"],
    }


def _placed(result: Run, organisation: int) -> int:
    return int(((np.array(result.load.organisation) == organisation) & (result.started >= 0)).sum())


def _mean_utilisation(result: Run, since: float = WARM_UP) -> float:
    return float(utilisation(result)[round(since * result.load.blocks) :].mean())


def returning(setting: Setting, base: Run) -> dict[str, Any]:
    """Let an organisation be idle for half of the time, and then flood: is anybody held up for what it did not use?"""
    organisations = list(setting.organisations)
    organisations[ATTACKER] = Organisation(4, FLOOD, begins=RETURNS_AT)
    load = setting.load(organisations)
    outcome = {}
    for policy in (None, Stride):
        result = setting.run(load, policy)
        share = shares(result, RETURNS_AT, RETURNS_AT + 0.1)
        name = "stride" if policy else "ours"
        rivals = [i for i, o in enumerate(organisations) if o.kind == FLOOD and i != ATTACKER]
        outcome[name] = {
            "shareOfReturning": float(share[ATTACKER]),
            "minimumShareOfFloods": float(share[rivals].min()),
            "longestGapOfFloods": max(_longest_gap(result, RETURNS_AT, i) for i in rivals),
        }
    return outcome


def _longest_gap(result: Run, since: float, organisation: int | None = None) -> float:
    """Return the longest time in seconds, from a part of the horizon on, in which nobody, or not it, was placed."""
    load = result.load
    own = result.started if organisation is None else result.started[np.array(load.organisation) == organisation]
    begin = since * load.blocks
    moments = np.concatenate(([begin], np.sort(own[own >= begin]), [load.blocks]))
    return float(np.diff(moments).max() * BLOCK_SECONDS)


def scenarios(jobs: int, processors: int, organisations: int, seed: int) -> dict[str, Any]:
    """Return the figures of every scenario by its name; "none" is the load without an attack."""
    setting = Setting(jobs, processors, organisations, seed)
    base = setting.run(setting.load())
    outcome: dict[str, Any] = {
        "none": {
            "minimumShareOfOthers": others(base, ATTACKER),
            "modestWaitP99": waits(base, MODEST)["p99"],
            "utilisation": _mean_utilisation(base),
            "worstStarvation": starvation(base)["worst"],
        }
    }
    for test in (sybil, splitting, spam, critical, exchanging, unplaceable, returning):
        outcome[test.__name__] = test(setting, base)
    return outcome
