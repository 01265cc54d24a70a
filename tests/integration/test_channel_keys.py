"""Two real daemons and a real link: the ends of a channel make keys, report CHSH, and keep nothing of what was cut."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from qcrs.chain.devnet import is_running
from qcrs.config import NodeConfig
from qcrs.daemon.key_folder import FOLDER
from qcrs.link.endpoint import endpoint_of
from qcrs.rules.digest import keccak
from qcrs.sdk.devnet_link import NAME, join_up
from qcrs.store import Store
from qcrs.vault import Vault
from tests.integration.conftest import PATIENCE_SECONDS, running

PAIRS = 32_768


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(tmp_path_factory.mktemp("keys") / "devnet", 2) as world:
        asyncio.run(join_up(world.devnet))
        yield world


def config(world, processor):
    return world.devnet.node_files(f"lab-{processor}").config


def kept(world, processor):
    folder = NodeConfig.read(config(world, processor)).journal.with_name(FOLDER)
    return {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*"))}


@pytest.mark.parametrize("asker", [1, 2])
def test_either_end_has_a_key_made_that_both_keep(world, asker):
    told = world.json("channel", "key", "1", "--config", str(config(world, asker)), "--pairs", str(PAIRS))
    assert told["length"] >= 256
    assert told["label"] == "link=emulated"
    name = f"1-{told['number']}.json"
    keys = [bytes.fromhex(kept(world, processor)[name]["key"]) for processor in (1, 2)]
    assert keys[0] == keys[1]
    assert told["keyDigest"] == "0x" + keccak(keccak(b"QCRS key of a channel") + keys[0]).hex()


def test_chsh_over_the_link_is_beyond_shared_randomness(world):
    told = world.json("channel", "chsh", "1", "--config", str(config(world, 2)), "--pairs", "20000")
    assert told["s"] > 2 + 5 * told["standardError"]
    assert told["label"] == "link=emulated"


def test_too_few_pairs_are_an_alarm_and_exit_with_1(world):
    finished = world.run("channel", "key", "1", "--config", str(config(world, 1)), "--pairs", "1024")
    assert finished.returncode == 1
    assert finished.stdout.startswith("no key: NoKeyLeft")


def test_quote_says_what_a_test_costs(world):
    told = world.json("channel", "quote", "--fidelity", "0.94", "--share", "0.25")
    assert (told["fee"], told["label"]) == ("0", "link=emulated")
    assert told["falseAlarmPpm"] <= 1_000
    assert told["detectionPpm"] >= 990_000


def test_the_money_of_an_open_channel_is_divided_on_demand_once(world):
    assert world.json("channel", "release", "1") == {"channel": 1}
    again = world.run("channel", "release", "1")
    assert again.returncode == 4
    assert "ChannelMoneyDivided" in again.stderr
    assert world.json("audit", "verify")["holds"]


def test_a_daemon_that_is_killed_drops_the_conversation_and_says_so(world):
    """The other end is held still meanwhile, so that it cannot be over before."""
    before = [kept(world, processor) for processor in (1, 2)]
    first, second = (world.devnet.nodes[f"lab-{processor}"] for processor in (1, 2))
    invited = invitations(world)
    os.killpg(second, signal.SIGSTOP)
    try:
        command = [sys.executable, "-m", "qcrs", "channel", "key", "1", "--config", str(config(world, 1))]
        asking = subprocess.Popen(command, env=world.environment(), stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while invitations(world) <= invited:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(first, signal.SIGKILL)
        while is_running(first):
            time.sleep(0.05)
        world.devnet.start_node("lab-1")
        _, said = asking.communicate(timeout=PATIENCE_SECONDS)
    finally:
        os.killpg(second, signal.SIGCONT)
    assert asking.returncode == 2
    assert "TalkDropped" in said
    assert "the daemon was stopped; nothing is kept" in said
    assert [kept(world, processor) for processor in (1, 2)] == before


def invitations(world):
    network = world.network
    return set(Vault(Store(network.store), network.deployment).invitations(1, 0, 2**33))


@contextmanager
def tapped(world, share):
    """Start the link again with somebody in it."""

    async def endpoint():
        async with world.client() as client:
            return await endpoint_of(client.gateway, client.store, 1)

    port, before = asyncio.run(endpoint()).rsplit(":", 1)[1], world.devnet.services[NAME]
    command = [sys.executable, "-m", "qcrs", "link", "start", "--config", str(world.devnet.directory / "link.toml"),
               "--port", port, "--as", NAME, "--intercept-ppm", str(round(1e6 * share))]  # fmt: skip
    os.kill(before, signal.SIGTERM)
    while is_running(before):
        time.sleep(0.05)
    with subprocess.Popen(command, env=world.environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert "serving" in process.stdout.readline()
            yield
        finally:
            process.terminate()


def test_an_eavesdropper_on_the_link_is_an_alarm_at_both_daemons(world):
    """The last of these tests: the link stays away afterwards."""
    with tapped(world, 0.25):
        finished = world.run("channel", "key", "1", "--config", str(config(world, 1)), "--json")
    told = json.loads(finished.stdout)
    assert (finished.returncode, told["alarm"]) == (1, "EavesdropperSuspected")
    assert "intercept-resend 250000 ppm" in told["label"]
    reports = [kept(world, processor)[f"1-{told['number']}.json"] for processor in (1, 2)]
    assert [report["alarm"] for report in reports] == ["EavesdropperSuspected"] * 2
    assert not any("key" in report for report in reports)
