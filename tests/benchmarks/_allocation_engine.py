"""Runs one policy over a workload and a fleet, block by block."""

import random
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
from _allocation_workload import BLOCK_SECONDS, Workload

from qcrs.rules.processor_index import Demand, Processor, ProcessorIndex, TooFewEligibleProcessors

HEARTBEAT_BLOCKS = 60 // BLOCK_SECONDS


@dataclass(slots=True)
class Run:
    """What became of a workload.

    Attributes:
        started: Block in which each computation was placed; -1 if it was not. order: Computations as they were placed.
        failures: Draws that found too few.
    """

    load: Workload
    policy: Any
    started: np.ndarray
    order: np.ndarray
    failures: int


def run(load: Workload, processors: list[Processor], policy: Any, seed: int) -> Run:
    """Let *policy* place the computations of *load* until its horizon ends."""
    index = ProcessorIndex(processors)
    beats = [processors[i::HEARTBEAT_BLOCKS] for i in range(HEARTBEAT_BLOCKS)]
    started = array("q", [-1]) * len(load)
    order: list[int] = []
    ends: list[list[tuple[int, list[Processor]]]] = [[] for _ in range(load.blocks + 1)]
    bits = random.Random(seed).getrandbits
    organisation, qubits, replicas, span = load.organisation, load.qubits, load.replicas, load.span
    failures = 0
    block = 0

    def hashes(seed: bytes, draw: int) -> int:
        return bits(160)  # what the rules take from a digest: a position, and 128 bits up a percentage

    def place(job: int, most: int, least: int) -> bool:
        nonlocal failures
        demand = Demand(qubits[job], replicas[job], (organisation[job],), (), most, least)
        try:
            drawn = index.draw(b"", demand, hashes)
        except TooFewEligibleProcessors:
            failures += 1
            return False
        started[job] = block
        order.append(job)
        end = block + span[job]
        if end <= load.blocks:
            ends[end].append((job, drawn))
        return True

    arrival, count, job = load.arrival, len(load), 0
    release, relist, submit, schedule = index.release, index.relist, policy.submit, policy.schedule
    for block in range(load.blocks):
        for ended, drawn in ends[block]:
            for processor in drawn:
                release(processor, qubits[ended])
            policy.ended(ended)
        ends[block].clear()
        for processor in beats[block % HEARTBEAT_BLOCKS]:
            relist(processor)
        while job < count and arrival[job] <= block:
            submit(job, block)
            job += 1
        schedule(place, block)
    return Run(load, policy, np.array(started), np.array(order), failures)
