"""Daemons that die or keep silent: nothing is lost, nothing is doubled, and the work finds other hands."""

import asyncio
import os
import signal

import pytest

from qcrs.chain.contracts import Registry
from qcrs.chain.devnet import is_running
from qcrs.circuits import text_of
from qcrs.cli.job import circuit_of
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.sdk.ledger import read_ledger
from tests.integration.conftest import (
    PATIENCE_SECONDS,
    WINDOW_SECONDS,
    allocate,
    drive,
    is_in,
    move_clock,
    running,
    until,
)

PROCESSORS = 5
MOST_DRAWS = 20


@pytest.fixture
def world(tmp_path):
    """Five honest processors; tests kill some."""
    with running(tmp_path / "devnet", PROCESSORS) as world:
        yield world


def _kill(world, processor):
    pid = world.devnet.nodes[f"lab-{processor}"]
    os.killpg(pid, signal.SIGKILL)
    while is_running(pid):
        pass


async def _submit(client, replicas):
    story = await client.submit(circuit_of(text_of("bell")), 4096 * replicas, replicas, plain=True)
    return story.computation


async def _beat_again(client, processors):
    """Wait until *processors* have sent a heartbeat after the clock was moved."""
    registry = Registry(client.gateway)
    async with asyncio.timeout(PATIENCE_SECONDS):
        for processor in processors:
            while client.gateway.now - (await registry.standing(processor)).last_beat_at > WINDOW_SECONDS / 2:
                await asyncio.sleep(0.1)


def test_daemon_killed_between_commit_and_reveal_reveals_what_it_committed_to(world):
    async def work():
        async with world.client() as client:
            computation = await _submit(client, 3)
            await allocate(client, computation)
            committed = await until(client, computation, is_in(ComputationStatus.Committed))
            victim = committed.duties[0].processor
            _kill(world, victim)
            commitment = committed.duties[0].commitment
            world.devnet.start_node(f"lab-{victim}")
            story = await drive(client, computation)
            return story, commitment, await client.result(computation)

    story, commitment, result = asyncio.run(work())
    assert story.duties[0].commitment == commitment
    assert result.status is ComputationStatus.Accepted
    assert len(result.accepted) == 3
    assert not result.silent


async def _replaced(client, absent):
    """Have a committee drawn that *absent* is in, let its time run out, and drive the computation to its end."""
    others = set(range(1, PROCESSORS + 1)) - {absent}
    for _ in range(MOST_DRAWS):
        computation = await _submit(client, len(others))
        await allocate(client, computation)
        if absent in {duty.processor for duty in (await client.story(computation)).duties}:
            break
        await drive(client, computation)
    present = len(others) - 1
    await until(client, computation, lambda story: len(story.with_status(AssignmentStatus.Committed)) == present)
    await move_clock(client, WINDOW_SECONDS + 1)
    await _beat_again(client, others)
    story = await drive(client, computation)
    return story, await client.result(computation), await read_ledger(client.gateway)


def _require_replaced(story, result, books, absent):
    assert result.status is ComputationStatus.Accepted
    assert set(result.accepted) == set(range(1, PROCESSORS + 1)) - {absent}
    assert result.silent == [absent]
    assert len(story.duties) == PROCESSORS
    assert next(duty.slashed for duty in story.duties if duty.processor == absent) > 0
    assert books.balanced


def test_daemon_killed_before_it_commits_is_replaced_and_pays(world):
    async def work():
        async with world.client() as client:
            _kill(world, 2)
            return await _replaced(client, 2)

    _require_replaced(*asyncio.run(work()), absent=2)


def test_daemon_killed_after_it_committed_is_settled_without(world):
    async def work():
        async with world.client() as client:
            computation = await _submit(client, 3)
            await allocate(client, computation)
            committed = await until(client, computation, is_in(ComputationStatus.Committed))
            victim = committed.duties[0].processor
            _kill(world, victim)
            secret = client.secrets.behind((await client.allocator.computation(computation)).secret)
            await client.gateway.send(client.account, "ResultVerifier", "disclose", computation, secret)
            await until(
                client,
                computation,
                lambda story: len(story.with_status(AssignmentStatus.Revealed)) == 2,
            )
            await move_clock(client, WINDOW_SECONDS + 1)
            await drive(client, computation)
            return victim, await client.result(computation), await read_ledger(client.gateway)

    victim, result, books = asyncio.run(work())
    assert result.status is ComputationStatus.Accepted
    assert result.silent == [victim]
    assert len(result.accepted) == 2
    assert books.balanced


def test_requester_that_withholds_its_secret_gets_its_result_and_pays_the_keeper(world):
    async def work():
        async with world.client() as client:
            computation = await _submit(client, 3)
            await allocate(client, computation)
            await until(client, computation, is_in(ComputationStatus.Committed))
            await move_clock(client, WINDOW_SECONDS + 1)
            # Nobody drives it from here: the daemons keep.
            story = await until(client, computation, lambda story: story.ended)
            return story, await read_ledger(client.gateway)

    story, books = asyncio.run(work())
    assert story.status is ComputationStatus.Accepted
    assert story.withheld
    assert books.balanced


def test_daemon_that_keeps_silent_is_replaced(tmp_path):
    async def work(world):
        async with world.client() as client:
            return await _replaced(client, 1)

    with running(tmp_path / "devnet", PROCESSORS, {0: "silent"}) as world:
        _require_replaced(*asyncio.run(work(world)), absent=1)
