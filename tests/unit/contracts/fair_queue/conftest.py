"""The fair queue beside a model of it that is a dictionary."""

from collections import Counter
from dataclasses import dataclass, field

import pytest

from tests.evm import Chain, Contract
from tests.scenario import account

BUCKET = 1 << 23  # tag units
BUCKETS = 31 * 128
FULL = 255
SPILL = 16


class BacklogFull(Exception):
    """No bucket within reach has room."""


@dataclass
class Model:
    """How many wait in which bucket, and which is the first."""

    counts: Counter = field(default_factory=Counter)
    first: int = 0

    @property
    def waiting(self) -> int:
        return sum(self.counts.values())

    def enter(self, bucket: int) -> int:
        reach = range(bucket, min(bucket + SPILL, self.first + BUCKETS))
        taken = next((b for b in reach if self.counts[b] < FULL), None)
        if taken is None:
            raise BacklogFull
        if self.waiting == 0:
            self.first = taken
        self.counts[taken] += 1
        return taken

    def depart(self, bucket: int) -> None:
        self.counts[bucket] -= 1
        self.counts = +self.counts
        if self.counts and bucket == self.first and not self.counts[bucket]:
            self.first = min(self.counts)

    def move(self, bucket: int, wanted: int) -> int:
        wanted = max(wanted, self.first + 1)
        self.depart(bucket)
        return self.enter(min(max(wanted, self.first), self.first + BUCKETS - SPILL))

    def ahead(self, bucket: int) -> int:
        return sum(count for b, count in self.counts.items() if b < bucket)


@dataclass
class Queue:
    """The contract and its model, which every step asks to agree."""

    chain: Chain
    contract: Contract
    model: Model = field(default_factory=Model)

    def send(self, function: str, *arguments):
        return self.chain.send(self.contract, function, *arguments, sender=account("deployer"))

    def begin_at(self, bucket: int) -> None:
        """Let the virtual time of the empty queue be that of *bucket*, as after much traffic."""
        self.chain.put_storage(self.contract.address, 0, bucket << 128)
        self.model = Model(first=bucket)
        self.require_alike()

    def enter(self, bucket: int, surplus: int = 0) -> int:
        found = self.send("enter", bucket * BUCKET + surplus).result
        assert found == self.model.enter(bucket)
        return found

    def depart(self, bucket: int, served: bool = False) -> None:
        self.send("depart", bucket % 65_536, served)
        self.model.depart(bucket)

    def move(self, bucket: int, wanted: int) -> int:
        found = self.send("move", bucket % 65_536, wanted * BUCKET).result
        assert found == self.model.move(bucket, wanted)
        return found

    @property
    def first(self) -> int:
        return self.contract.state()["first"]

    @property
    def stalled_since(self) -> int:
        return self.contract.state()["stalledSince"]

    def require_alike(self) -> None:
        """Check all that can be asked of the queue."""
        state, model = self.contract.state(), self.model
        assert (state["first"], self.contract.waiting()) == (model.first, model.waiting)
        assert self.contract.virtualTime() == model.first * BUCKET
        if model.waiting:
            assert model.counts[state["first"]], "nobody is in turn"
        words = {(bucket // 31) % 128 for bucket in model.counts}
        assert state["occupied"] == sum(1 << word for word in words)
        for bucket in model.counts:
            place = bucket % 65_536
            assert self.contract.bucketOf(place) == bucket
            assert self.contract.isFirst(place) == (bucket == model.first)
            for limit in (1, 4, 1_000_000):
                found = self.contract.ahead(place, limit)
                assert min(found, limit) == min(model.ahead(bucket), limit)


@pytest.fixture(scope="module")
def built_queue():
    chain = Chain()
    return Queue(chain, chain.deploy("FairQueueHarness", sender=account("deployer")))


@pytest.fixture
def queue(built_queue):
    """An empty queue; afterwards it must be as its model, and all is undone."""
    built_queue.model = Model()
    with built_queue.chain.undone():
        yield built_queue
        built_queue.require_alike()
