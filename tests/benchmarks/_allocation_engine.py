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


class _Field:
    """The processors, and who holds them until when."""

    def __init__(self, load: Workload, processors: list[Processor], seed: int) -> None:
        self.load = load
        self.index = ProcessorIndex(processors)
        self.ends: list[list[tuple[int, list[Processor]]]] = [[] for _ in range(load.blocks)]
        self.started = array("q", [-1]) * len(load)
        self.order: list[int] = []
        self.failures = self.block = 0
        bits = random.Random(seed).getrandbits
        # What the rules take from a digest: a position, and 128 bits up a percentage.
        self.hashes = lambda seed, draw: bits(160)

    def place(self, job: int, most: int, least: int) -> bool:
        """Draw for *job*; tell whether there were enough."""
        load = self.load
        demand = Demand(load.qubits[job], load.replicas[job], {load.organisation[job]}, most=most, least=least)
        try:
            drawn = self.index.draw(b"", demand, self.hashes)
        except TooFewEligibleProcessors:
            self.failures += 1
            return False
        self.started[job] = self.block
        self.order.append(job)
        end = self.block + load.span[job]
        if end < load.blocks:
            self.ends[end].append((job, drawn))
        return True


def run(load: Workload, processors: list[Processor], policy: Any, seed: int) -> Run:
    """Let *policy* place the computations of *load* until its horizon ends."""
    field = _Field(load, processors, seed)
    beats = [processors[i::HEARTBEAT_BLOCKS] for i in range(HEARTBEAT_BLOCKS)]
    arrival, count, job = load.arrival, len(load), 0
    release, relist, qubits = field.index.release, field.index.relist, load.qubits
    for block in range(load.blocks):
        field.block = block
        for ended, drawn in field.ends[block]:
            for processor in drawn:
                release(processor, qubits[ended])
            policy.ended(ended)
        field.ends[block].clear()
        for processor in beats[block % HEARTBEAT_BLOCKS]:
            relist(processor)
        while job < count and arrival[job] <= block:
            policy.submit(job, block)
            job += 1
        policy.schedule(field.place, block)
    return Run(load, policy, np.array(field.started), np.array(field.order), field.failures)
