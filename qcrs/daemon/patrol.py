"""A keeper's rounds: which processors a benchmark, or a suspension, is due for that nobody has asked for."""

import math
import time
from collections.abc import Collection
from dataclasses import dataclass, field

from qcrs.chain.contracts import Allocator, Benchmarks, Registry
from qcrs.chain.gateway import Gateway
from qcrs.daemon.examining import Drifted
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import CertificationTerms
from qcrs.rules.certifying import MAX_ROUNDS
from qcrs.rules.drift import EVENTS, GoldMemory
from qcrs.rules.measurement import SEATS
from qcrs.rules.reputation import is_unfit

SWEEP_SECONDS = 30.0
COUNTERS = ("accepted", "outliers", "silent", "refused", "failed")


@dataclass
class Patrol:
    """What one keeper has found on its last round.

    Attributes:
        surprisable: Certified processors that have no benchmark open and enough in reserve for one.
        unfit: Certified processors whose conduct suspends them.
        drifted: Of the surprisable ones, those whose gold rounds show that they have become worse.
    """

    gateway: Gateway
    surprisable: list[int] = field(default_factory=list)
    unfit: list[int] = field(default_factory=list)
    drifted: dict[int, Drifted] = field(default_factory=dict)
    _golds: GoldMemory = field(default_factory=GoldMemory)
    _next_block: int = 0
    _swept_at: float = -math.inf

    async def sweep(self, terms: CertificationTerms, busy: Collection[int]) -> None:
        """Look through all processors, now and then; *busy* ones are benchmarked already."""
        if time.monotonic() < self._swept_at + SWEEP_SECONDS:
            return
        await self._learn()
        reads, registry = Benchmarks(self.gateway), Registry(self.gateway)
        price = SEATS * terms.fee + (MAX_ROUNDS + 2) * await Allocator(self.gateway).keeper_bounty()
        surprisable, unfit = [], []
        for number in range(1, await registry.count() + 1):
            standing = await registry.standing(number)
            if standing.status is not ProcessorStatus.Certified:
                continue
            if is_unfit({name: getattr(standing, name) for name in COUNTERS}):
                unfit.append(number)
            if number not in busy and await reads.reserve(number) >= price:
                surprisable.append(number)
        self.surprisable, self.unfit = surprisable, unfit
        self.drifted = {number: found for number in surprisable if (found := self._drift(number, terms.drift_ppm))}
        self._swept_at = time.monotonic()

    async def _learn(self) -> None:
        """Take in what has been said of gold rounds since the last time."""
        first = self._next_block or self.gateway.network.deployed_at
        last = await self.gateway.block_number()
        for event in await self.gateway.logs(first, last, names=EVENTS):
            self._golds.learn(event.name, event.arguments)
        self._next_block = last + 1

    def _drift(self, processor: int, drift_ppm: int) -> Drifted | None:
        shown = self._golds.shown(processor, drift_ppm)
        if shown is None:
            return None
        known = self.drifted.get(processor)
        since = self.gateway.now if known is None else known.since
        return Drifted(shown, self._golds.benchmarked_at.get(processor, 0), since)
