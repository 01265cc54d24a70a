"""Daemons that leave their reports to a relayer, which works, or dies: the computation is accepted either way."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from qcrs.chain.devnet import is_running
from qcrs.chain.keys import create_keystore
from qcrs.chain.spool import Spool
from qcrs.circuits import text_of
from qcrs.cli.job import circuit_of
from qcrs.model.computation import ComputationStatus
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

PROCESSORS = 3


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    return Spool(tmp_path_factory.mktemp("relay") / "spool")


@pytest.fixture(scope="module")
def world(tmp_path_factory, spool):
    """Three honest processors whose daemons sign instead of sending."""
    flags = ("--relay", str(spool.folder))
    with running(tmp_path_factory.mktemp("devnet"), PROCESSORS, node_flags=flags) as world:
        yield world


@contextmanager
def relayer(world, spool, *flags):
    """Run a relayer as a process of its own."""
    command = [sys.executable, "-m", "qcrs", "relay", "start", "--spool", str(spool.folder), "--json", *flags]
    process = subprocess.Popen(command, env=world.environment(), stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def _met(condition):
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.1)


async def _submit(client):
    story = await client.submit(circuit_of(text_of("bell")), 4096 * PROCESSORS, PROCESSORS, plain=True)
    return story.computation


async def _routes(client, computation):
    """Return the contract that each commit's and each reveal's transaction went to, by event."""
    gateway = client.gateway
    names = {address.lower(): name for name, address in gateway.addresses.items()}
    story = await client.story(computation)
    logs = await gateway.request(
        "eth_getLogs", {"address": gateway.addresses["ResultVerifier"], "fromBlock": hex(story.submitted_in)}
    )
    routes = {"ResultCommitted": [], "ResultRevealed": []}
    for entry in logs:
        event = gateway.interfaces["ResultVerifier"].decode_log(entry)
        if event is not None and event.name in routes and event["computation"] == computation:
            sent = await gateway.request("eth_getTransactionByHash", entry["transactionHash"])
            routes[event.name].append(names[sent["to"].lower()])
    return routes


def _contents(spool):
    return {path.name: path.read_bytes() for path in spool.folder.glob("*.json")}


def test_reports_go_through_the_relayer(world, spool):
    async def work():
        async with world.client() as client:
            computation = await _submit(client)
            await allocate(client, computation)
            story = await drive(client, computation)
            return story.status, await _routes(client, computation)

    with relayer(world, spool) as process:
        status, routes = asyncio.run(work())
        told = world.json("relay", "status", "--spool", str(spool.folder))
        process.send_signal(signal.SIGTERM)
        lines = [json.loads(line) for line in process.communicate(timeout=PATIENCE_SECONDS)[0].splitlines()]
    assert process.returncode == 0
    assert status is ComputationStatus.Accepted
    assert routes == {event: ["ReportRelay"] * PROCESSORS for event in ("ResultCommitted", "ResultRevealed")}
    assert told["status"] == "running"
    last = lines.pop()
    assert (last["status"], last["commits"], last["reveals"]) == ("stopped", PROCESSORS, PROCESSORS)
    assert sum(line["gas"] for line in lines) == last["gas"] > 0
    assert _contents(spool) == {}


def test_daemons_report_themselves_when_the_relayer_dies(world, spool):
    async def work():
        async with world.client() as client:
            with relayer(world, spool, "--wait", "200") as process:
                await _met(lambda: (spool.read_state() or {}).get("pid") == process.pid)
                computation = await _submit(client)
                await allocate(client, computation)
                await _met(lambda: spool.census().commits == PROCESSORS)
                process.kill()
                process.wait()
            await _restarted(world, spool)
            await move_clock(client, WINDOW_SECONDS // 2 + 5)
            committed = await until(client, computation, is_in(ComputationStatus.Committed))
            secret = client.secrets.behind(committed.pending_secret)
            await client.gateway.send(client.account, "ResultVerifier", "disclose", computation, secret)
            await _met(lambda: spool.census().reveals == PROCESSORS)
            await move_clock(client, WINDOW_SECONDS // 2 + 5)
            story = await drive(client, computation)
            return story, await _routes(client, computation)

    story, routes = asyncio.run(work())
    assert story.status is ComputationStatus.Accepted
    assert routes == {event: ["ResultVerifier"] * PROCESSORS for event in ("ResultCommitted", "ResultRevealed")}
    assert not any(duty.slashed for duty in story.duties)
    told = world.json("relay", "status", "--spool", str(spool.folder))
    assert told["status"] == "ended without a word"
    asyncio.run(_met(lambda: _contents(spool) == {}))


async def _restarted(world, spool):
    """A daemon that is killed leaves the very same report when it is back, though somebody removed it."""
    before = _contents(spool)
    assert len(before) == PROCESSORS
    pid = world.devnet.nodes["lab-1"]
    os.killpg(pid, signal.SIGKILL)
    await _met(lambda: not is_running(pid))
    for name in before:
        (spool.folder / name).unlink()
    world.devnet.start_node("lab-1", "--relay", str(spool.folder))
    await _met(lambda: spool.census().commits == 1)
    ((name, content),) = _contents(spool).items()
    assert before[name] == content


def test_daemons_sign_anew_when_the_policy_changes(world, spool):
    async def work():
        async with world.client() as client, world.client("operator") as operator:
            computation = await _submit(client)
            await allocate(client, computation)
            await _met(lambda: spool.census().commits == PROCESSORS)
            before = _contents(spool)
            policy = await client.allocator.policy()
            market = (policy.price_per_qubit_shot + 1, policy.commit_seconds, policy.disclose_seconds)
            await operator.gateway.send(
                operator.account, "ComputationAllocator", "setMarket", *market, policy.reveal_seconds
            )
            await _met(lambda: all(content != before[name] for name, content in _contents(spool).items()))
            after = _contents(spool)
            with relayer(world, spool):
                story = await drive(client, computation)
            return before, after, story.status, await _routes(client, computation)

    before, after, status, routes = asyncio.run(work())
    assert before.keys() == after.keys()
    for name in before:
        first, second = (json.loads(content)["report"] for content in (before[name], after[name]))
        assert {field for field in first if first[field] != second[field]} == {"configDigest"}
    assert status is ComputationStatus.Accepted
    assert routes["ResultCommitted"] == ["ReportRelay"] * PROCESSORS


@pytest.mark.parametrize(
    ("case", "code", "words"),
    [
        ("missing", 2, ["SpoolMissing", "nowhere"]),
        ("another chain", 2, ["SpoolOfAnotherChain", "expected chain 1"]),
        ("wrong chain", 3, ["WrongChain", "serves chain 1337, expected 1"]),
        ("no coin", 2, ["NoCoinForGas", "send it some"]),
        ("long wait", 2, ["WaitTooLong", "at most 300"]),
    ],
)
def test_relayer_says_what_is_wrong(world, spool, tmp_path, case, code, words):
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**world.network.to_json(), "chainId": 1}))
    keystore = tmp_path / "keystore.json"
    create_keystore(keystore, tmp_path / "password")
    folder, flags, network = {
        "missing": (tmp_path / "nowhere", [], None),
        "another chain": (spool.folder, [], other),
        "wrong chain": (tmp_path, [], other),
        "no coin": (spool.folder, ["--keystore", str(keystore)], None),
        "long wait": (spool.folder, ["--wait", "301"], None),
    }[case]
    finished = world.run("relay", "start", "--spool", str(folder), *flags, network=network)
    assert finished.returncode == code, finished.stderr
    assert "Traceback" not in finished.stderr
    for word in words:
        assert word in finished.stderr


def test_once_posts_what_is_there_and_ends(world, spool):
    posted = world.json("relay", "start", "--spool", str(spool.folder), "--once")
    assert (posted["status"], posted["commits"], posted["transactions"]) == ("stopped", 0, 0)
