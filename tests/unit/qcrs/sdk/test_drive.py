"""A requester whom no keeper helps brings its own computation through the queue."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.chain.codec import ContractRefused, Event
from qcrs.chain.deployment import DEFAULT_POLICY
from qcrs.sdk import drive as module
from qcrs.sdk.backlog import Backlog, in_line, place_of
from qcrs.sdk.drive import Driver
from tests.unit.qcrs.model.test_story import REQUEST

ME = SimpleNamespace(address="0xme")
NOW = 100.0


class Chain:
    """A chain with some computations in its queue.

    Attributes:
        refusals: Error by function and computation; what is not named is taken. sent: What was sent.
    """

    def __init__(self, *places, shortest=False, organisations=None):
        self.refusals, self.sent, self.shortest = {}, [], shortest
        self.now, self.network = NOW, SimpleNamespace(deployed_at=0)
        self.events = [
            Event("ComputationAllocator", "ComputationSubmitted", {
                "computation": number, "requester": "0x", "organisation": (organisations or {}).get(number, number),
                "escrow": 1, "bucket": bucket, "request": {**REQUEST, "deadlineAt": 10**6, "qubits": number},
            }, 1, number, "0x")
            for number, bucket in places
        ]  # fmt: skip
        self.read = []

    async def call(self, contract, function, *arguments):
        return {"policy": DEFAULT_POLICY.model_dump(by_alias=True), "isShortestFirst": self.shortest}[function]

    async def block_number(self):
        return 5

    async def logs(self, first, last, names):
        self.read.append((first, last))
        return [event for event in self.events if first <= event.block <= last]

    async def simulate(self, account, contract, function, *arguments):
        name = self.refusals.get((function, arguments[0]))
        if name:
            raise ContractRefused(name, {"found": 1, "required": 3, "endsAt": 86_400})

    async def post(self, account, contract, function, *arguments, value=0):
        self.sent.append((function, *arguments))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(module, "STEP_PAUSE_SECONDS", 0.0)


def step(chain, computation, times=1):
    """Have the requester of *computation* take its steps, and return what it was told."""
    told = []
    driver = Driver(chain, ME, None, None, told.append)

    async def work():
        backlog = Backlog(chain)
        await backlog.refresh()
        line = backlog.line(1)
        story = next(story for story in line if story.computation == computation)
        for _ in range(times):
            await driver.step(story)

    asyncio.run(work())
    return told


def late(chain, *computations):
    for number in computations:
        chain.refusals["allocate", number] = "ComputationNotDue"


def test_whoever_is_in_turn_allocates_itself():
    chain = Chain((3, 10))
    assert step(chain, 3) == []
    assert chain.sent == [("allocate", 3)]


def test_want_of_processors_is_said_and_costs_nothing():
    chain = Chain((3, 10))
    chain.refusals["allocate", 3] = "TooFewEligibleProcessors"
    assert step(chain, 3) == ["in turn, and waiting for processors: 1 of 3 can be had now"]
    assert chain.sent == []


def test_pause_is_said_and_costs_nothing():
    chain = Chain((3, 10))
    chain.refusals["allocate", 3] = "WorkStopped"
    assert step(chain, 3) == ["new work is paused until 86400 (unix seconds); it waits till then"]
    assert chain.sent == []


def test_the_next_few_pass_those_ahead():
    chain = Chain((3, 12), (5, 10), (4, 11))
    late(chain, 3)
    step(chain, 3)
    assert chain.sent == [("backfill", 3, [4, 5])]


def test_idle_keepers_are_given_time_and_then_replaced(monkeypatch):
    chain = Chain((3, 12), (5, 10), (4, 11))
    late(chain, 3, 4)
    chain.refusals["backfill", 3] = "TooFewEligibleProcessors"
    told = step(chain, 3, times=2)
    assert chain.sent == []
    assert told[0] == "waiting for its turn: 2 computations in buckets before it"
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    step(chain, 3)
    assert chain.sent == [("allocate", 5)]


def test_head_that_cannot_be_placed_is_sent_back_when_that_is_allowed(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.0)
    chain = Chain(*((number, 10 + number) for number in range(1, 7)))
    late(chain, *range(2, 7))
    for function, numbers in (("allocate", (1,)), ("backfill", range(2, 7))):
        for number in numbers:
            chain.refusals[function, number] = "TooFewEligibleProcessors"
    chain.refusals["defer", 1] = "DeadlineOpen"
    step(chain, 6)
    assert chain.sent == []
    del chain.refusals["defer", 1]
    step(chain, 6)
    assert chain.sent == [("defer", 1)]


def test_shorter_ones_take_the_place_of_longer_ones_of_their_own():
    places, organisations = ((2, 12), (5, 10), (4, 11)), {2: 7, 4: 8, 5: 7}
    for shortest, sent in ((True, [("exchange", 2, 5)]), (False, [("backfill", 2, [4, 5])])):
        chain = Chain(*places, shortest=shortest, organisations=organisations)
        late(chain, 2)
        step(chain, 2)
        assert chain.sent == sent


def test_backlog_reads_each_block_once_and_forgets_who_is_served():
    chain = Chain((3, 12), (5, 10))

    async def work():
        backlog = Backlog(chain)
        await backlog.refresh()
        before = [story.computation for story in backlog.line(1)]
        cancelled = {"computation": 5, "refund": 1}
        chain.events.append(Event("ComputationAllocator", "ComputationCancelled", cancelled, 7, 0, "0x"))

        async def later():
            return 9

        chain.block_number = later
        await backlog.refresh()
        return before, [story.computation for story in backlog.line(1)]

    assert asyncio.run(work()) == ([5, 3], [3])
    assert chain.read == [(0, 5), (6, 9)]


def test_place_counts_those_before_and_beside():
    chain = Chain((3, 12), (5, 10), (4, 12), (6, 13))

    async def line():
        backlog = Backlog(chain)
        await backlog.refresh()
        return backlog.line(1)

    waiting = asyncio.run(line())
    place = place_of(4, waiting)
    assert (place.first, place.bucket, place.position) == (10, 12, 3)
    assert [story.computation for story in place.ahead] == [5]
    assert [story.computation for story in place.beside] == [3]
    assert place_of(99, waiting) is None
    assert in_line(waiting, 2) == []
