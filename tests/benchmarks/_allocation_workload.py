"""Who asks for what, and which processors there are: the loads that the allocation policies are compared on.

Assumed, not measured: sizes and service times are Pareto distributed, a computation's time is proportional to shots
times depth class within 15 %, and a lease ends with the block in which the answer arrives. Everything follows from a
seed.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from qcrs.rules.fair_queue import cost_of
from qcrs.rules.processor_index import Processor, weight_of

BLOCK_SECONDS = 4
SHORTEST_SECONDS, LONGEST_FACTOR = 60, 30  # 4,096 shots of 64 gate layers, and how many times as long others take
SHOTS, LAYER_FACTOR = 4096, 4
SIZE_ALPHA, SERVICE_ALPHA = 1.2, 1.5
LEAST_QUBITS, MOST_QUBITS = 2, 127
REPLICAS, REPLICA_CHANCES = (3, 4, 5), (0.6, 0.2, 0.2)
WEIGHTS = (4, 2, 1, 1)
FLEET = ((5, 15), (7, 15), (16, 15), (20, 12), (27, 15), (33, 8), (56, 6), (65, 5), (84, 4), (100, 2), (127, 3))
MODEST, BURSTY, FLOOD = "modest", "bursty", "flood"


@dataclass(frozen=True)
class Organisation:
    """One that submits.

    Attributes:
        demand: Work that it asks for, in parts of its fair share of the fleet if all wanted as much.
        bursts: On and off phases within the horizon; 1 for a steady stream. duty: Part of a phase that is on.
        begins: Part of the horizon after which it first submits. urgency: Chances of elevated and critical.
        split: Computations of a quarter of the shots that it makes of each.
    """

    weight: int
    kind: str = MODEST
    demand: float = 0.5
    bursts: int = 1
    duty: float = 1.0
    begins: float = 0.0
    urgency: tuple[float, float] = (0.03, 0.01)
    split: int = 1
    tiny: bool = False


@dataclass(slots=True)
class Workload:
    """Computations by ascending moment of arrival; every field has one entry for each."""

    organisations: Sequence[Organisation]
    blocks: int
    capacity: int  # qubits of the fleet
    arrival: array
    organisation: array
    qubits: array
    replicas: array
    span: array  # blocks of a lease
    cost: array
    priority: array
    work: np.ndarray = field(repr=False)  # qubit-blocks of all its leases

    def __len__(self) -> int:
        return len(self.arrival)


def fleet(count: int, owners: int, rng: np.random.Generator) -> list[Processor]:
    """Return *count* processors of mixed sizes, owned by as many organisations; one in five has had faults."""
    sizes, chances = np.array(FLEET).T
    drawn = rng.choice(sizes, size=count, p=chances / chances.sum())
    faults = rng.choice(5, size=count, p=(0.8, 0.1, 0.05, 0.03, 0.02))
    return [
        Processor(i, i % owners, int(qubits), weight_of(accepted=20, silent=int(fault)))
        for i, (qubits, fault) in enumerate(zip(drawn, faults, strict=True))
    ]


def bounded_pareto(rng: np.random.Generator, alpha: float, least: float, most: float, count: int) -> np.ndarray:
    """Return Pareto variates cut off at *most*."""
    cut = 1 - (least / most) ** alpha
    return least / (1 - cut * rng.random(count)) ** (1 / alpha)


def community(count: int, rng: np.random.Generator) -> list[Organisation]:
    """Return organisations of which one in six floods, one in five is bursty, and the others are modest."""
    members = []
    for i in range(count):
        weight = WEIGHTS[i // 2 % 4]
        if i % 6 == 0:
            members.append(Organisation(weight, FLOOD))
        elif i % 5 == 1:
            members.append(Organisation(weight, BURSTY, 0.8, int(rng.integers(3, 9)), 0.2))
        else:
            members.append(Organisation(weight, MODEST, float(rng.uniform(0.3, 0.8))))
    return members


def workload(
    organisations: Sequence[Organisation], jobs: int, capacity: int, load: float, rng: np.random.Generator
) -> Workload:
    """Return about *jobs* computations that together ask for *load* times the fleet's *capacity* in qubits.

    Those that flood ask for whatever the demand of the others leaves of the load.
    """
    weights = np.array([o.weight for o in organisations], float)
    demand = np.array([0.0 if o.kind == FLOOD else o.demand for o in organisations]) * weights / weights.sum()
    floods = np.array([o.kind == FLOOD for o in organisations]) * weights
    if floods.any():
        demand += (load - demand.sum()) * floods / floods.sum()
    owner = np.repeat(np.arange(len(organisations)), np.round(jobs * demand / demand.sum()).astype(int))
    count = len(owner)
    qubits = bounded_pareto(rng, SIZE_ALPHA, LEAST_QUBITS, MOST_QUBITS + 1, count).astype(int)
    service = bounded_pareto(rng, SERVICE_ALPHA, 1, LONGEST_FACTOR, count)
    replicas = rng.choice(REPLICAS, size=count, p=REPLICA_CHANCES)
    seconds = service * SHORTEST_SECONDS * rng.uniform(0.85, 1.15, count)
    span = np.ceil(seconds / BLOCK_SECONDS).astype(int)
    work = qubits * replicas * span
    blocks = int(work.sum() / (demand.sum() * capacity))
    moments = _moments(organisations, owner, rng)
    depth = 1 + (service / LAYER_FACTOR).astype(int)
    shots = (SHOTS * service / depth).astype(int)
    cost = np.array([cost_of(*map(int, each)) for each in zip(qubits, shots, replicas, depth, strict=True)])
    chance = rng.random(count)
    elevated, critical = np.array([o.urgency for o in organisations])[owner].T
    priority = np.where(chance < critical, 2, np.where(chance < critical + elevated, 1, 0))
    order = np.argsort(moments, kind="stable")
    columns = [(moments * blocks).astype(int), owner, qubits, replicas, span, cost, priority]
    return Workload(organisations, blocks, capacity, *(array("q", c[order].tolist()) for c in columns), work[order])


def _moments(organisations: Sequence[Organisation], owner: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return when each computation arrives, as parts of the horizon."""
    moments = rng.random(len(owner))
    for i, member in enumerate(organisations):
        own = owner == i
        phase = moments[own] * member.bursts
        shift = rng.random() * (1 - member.duty)
        moments[own] = (np.floor(phase) + phase % 1 * member.duty + shift) / member.bursts
        moments[own] = member.begins + (1 - member.begins) * moments[own]
    return moments
