"""A client sees several computations to their ends at once, with one subscription."""

import asyncio
from contextlib import aclosing, asynccontextmanager
from types import SimpleNamespace
from typing import ClassVar

import pytest

from qcrs.chain.codec import Event
from qcrs.chain.rpc import ChainUnreachable
from qcrs.sdk import client as module
from qcrs.sdk.client import Client, ComputationUnknown
from qcrs.sdk.secrets import Secrets
from tests.unit.qcrs.model.test_story import REQUEST

ACCOUNT = SimpleNamespace(address="0xme")


def event(name, computation, block, **more):
    return Event("ComputationAllocator", name, {"computation": computation, **more}, block, computation, "0x")


def submitted(computation, block, bucket=0):
    return event(
        "ComputationSubmitted", computation, block,
        requester="0x", organisation=computation, escrow=1, bucket=bucket, request={**REQUEST, "deadlineAt": 10**6},
    )  # fmt: skip


def cancelled(computation, block):
    return event("ComputationCancelled", computation, block, refund=1)


class Node:
    """A node that has logged *past* and will tell *future*."""

    def __init__(self, past, future):
        self.past, self.future, self.network = (
            past,
            future,
            SimpleNamespace(deployed_at=0, deployment="g/v", chain_id=1, ws_url="ws://"),
        )

    async def logs(self, first):
        return [e for e in self.past if e.block >= first]

    async def logs_of(self, computation, first):
        return [e for e in await self.logs(first) if e["computation"] == computation]

    @asynccontextmanager
    async def subscribe(self, computation=None):
        async def messages():
            for e in self.future:
                yield e
            await asyncio.Event().wait()  # nothing more happens, and the subscription stays open

        async with aclosing(messages()) as told:
            yield told


class Driver:
    """Fails as it is told to, and notes whom it was to drive."""

    failures: ClassVar[list] = []
    driven: ClassVar[list] = []

    def __init__(self, *_):
        pass

    async def take(self, stories):
        self.driven.append([story.computation for story in stories])
        if self.failures:
            raise self.failures.pop(0)


@pytest.fixture(autouse=True)
def driver(monkeypatch):
    monkeypatch.setattr(module, "Driver", Driver)
    monkeypatch.setattr(Driver, "failures", [])
    monkeypatch.setattr(Driver, "driven", [])
    return Driver


def see(tmp_path, past, future, computations, **more):
    seen, told = [], []

    async def work():
        client = Client(Node(past, future), ACCOUNT, Secrets(tmp_path / "secrets"), None)
        observe = lambda story, e: seen.append((story.computation, e and e.name))  # noqa: E731
        return await client.drive_many(computations, observe, notice=told.append, **more)

    return [story.computation for story in asyncio.run(work())], seen, told


def test_each_is_told_of_and_driven_until_it_ends(tmp_path, driver):
    past = [submitted(1, 1), submitted(2, 1)]
    ended, seen, _ = see(tmp_path, past, [cancelled(2, 2), cancelled(1, 3)], [1, 2])
    assert ended == [1, 2]
    assert seen == [(1, None), (2, None), (2, "ComputationCancelled"), (1, "ComputationCancelled")]
    assert driver.driven[0] == [1, 2]
    assert driver.driven[-1] == [1]


def test_strangers_are_neither_told_of_nor_driven(tmp_path, driver):
    """Regression: whoever else submitted meanwhile was taken for one's own."""
    past = [submitted(1, 1), submitted(7, 1)]
    future = [submitted(8, 2), cancelled(7, 3), cancelled(8, 4), cancelled(1, 5)]
    ended, seen, _ = see(tmp_path, past, future, [1])
    assert ended == [1]
    assert {computation for computation, _ in seen} == {1}
    assert {computation for driven in driver.driven for computation in driven} == {1}


def test_a_node_that_is_busy_for_once_ends_nothing(tmp_path, driver):
    driver.failures.append(ChainUnreachable("late"))
    ended, _, told = see(tmp_path, [submitted(1, 1)], [submitted(2, 2), cancelled(1, 3)], [1])
    assert ended == [1]
    assert told == ["the node does not answer; trying again"]


def test_another_failure_is_raised_as_it_is(tmp_path, driver):
    """Regression: it was hidden behind 'generator is already running'."""
    driver.failures += [ChainUnreachable("late")] * 2 + [LookupError("telling")]  # by then the next message is awaited
    with pytest.raises(LookupError, match="telling"):
        see(tmp_path, [submitted(1, 1), submitted(2, 1)], [cancelled(2, 2)], [1])


def test_a_computation_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ComputationUnknown, match="computation 9"):
        see(tmp_path, [submitted(1, 1)], [], [1, 9])
