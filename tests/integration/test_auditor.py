"""Proofs and the watch on a running network: quiet when all are honest, loud when the store was tampered with."""

import asyncio
import json
import time

import pytest

from qcrs.chain.devnet import is_running, stop_group
from qcrs.circuits import text_of
from qcrs.store import Store
from tests.integration.conftest import PATIENCE_SECONDS, running

AUDITOR = "lab-1"
SHOTS = 4096


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three honest processors; the first also audits."""
    with running(tmp_path_factory.mktemp("devnet"), 3) as world:
        restart(world)
        yield world


@pytest.fixture(scope="module")
def computation(world, tmp_path_factory):
    """A verified computation of ten outcome bits, whose histograms are in the store alone."""
    path = tmp_path_factory.mktemp("circuit") / "ising10.qasm"
    path.write_text(text_of("ising10"))
    answer = world.json("job", "submit", str(path), "--shots", str(3 * SHOTS), "--wait")
    assert answer["status"] == "Accepted"
    return answer["id"]


def restart(world):
    """Let the auditor's daemon begin anew, with the duty."""
    pid = world.devnet.nodes[AUDITOR]
    stop_group(pid, world.devnet.started_ticks.get(pid))
    assert not is_running(pid)
    world.devnet.node_files(AUDITOR).state.unlink(missing_ok=True)
    world.devnet.start_node(AUDITOR, "--auditor")


def audited(world, condition):
    """Return what the daemon says of the audit as soon as *condition* holds for it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        state = json.loads(world.run("node", "status", "--config", config(world), "--json").stdout).get("auditor", {})
        if state and condition(state):
            return state
        assert time.monotonic() < deadline, state
        time.sleep(0.2)


def config(world):
    return str(world.devnet.node_files(AUDITOR).config)


def test_a_proof_is_made_and_checked_from_the_command_line(world, computation, tmp_path):
    file = tmp_path / "proof.json"
    made = world.json("audit", "prove", str(computation), "--out", str(file))
    for more in ([], ["--root", made["root"]], ["--network", str(world.devnet.network_path)]):
        assert world.run("audit", "check", str(file), *more).returncode == 0, more
    printed = world.run("audit", "prove", str(computation)).stdout
    assert json.loads(printed)["entry"] == json.loads(file.read_text())["entry"]
    value = json.loads(file.read_text())
    assert value["words"].startswith(f"ComputationSettled, computation {computation}: status Accepted, ")
    file.write_text(json.dumps({**value, "size": value["size"] + 1}))
    refused = world.run("audit", "check", str(file))
    assert refused.returncode == 1
    assert "THE PROOF DOES NOT HOLD" in refused.stdout


def test_an_old_proof_still_holds_after_more_was_decided(world, computation, tmp_path):
    file = tmp_path / "proof.json"
    first = world.json("audit", "prove", "--entry", "0", "--out", str(file))
    path = tmp_path / "bell.qasm"
    path.write_text(text_of("bell"))
    world.json("job", "submit", str(path), "--shots", str(3 * SHOTS), "--wait")
    assert world.json("audit", "prove", "--entry", "0")["root"] != first["root"]
    checked = world.run("audit", "check", str(file), "--network", str(world.devnet.network_path))
    assert checked.returncode == 0, checked.stdout
    assert "holds against the contract as of now" in checked.stdout


def test_an_honest_run_raises_no_alarm(world, computation):
    watched = world.run("audit", "watch", "--once", "--json")
    assert (watched.returncode, watched.stderr) == (0, "")
    standing = json.loads(watched.stdout)
    assert (standing["status"], standing["missing"]) == ("holds", 0)
    assert standing["histograms"] >= 3
    state = audited(world, lambda state: state["histograms"] >= 3)
    assert (state["status"], state["alarmsEver"], state["latest"]) == ("holds", 0, "")


def test_a_histogram_tampered_with_in_the_store_raises_an_alarm(world, computation):
    async def revealed():
        async with world.client() as client:
            return (await client.story(computation)).duties

    duties = asyncio.run(revealed())
    store, victim = Store(world.network.store), duties[1]
    true = store.get_histogram(victim.counts_root)
    store.put_histogram(victim.counts_root, {0: SHOTS})
    try:
        watched = world.run("audit", "watch", "--once", "--json")
        assert watched.returncode == 1
        alarm = json.loads(watched.stdout.splitlines()[0])
        assert (alarm["event"], alarm["kind"], alarm["computation"], alarm["seat"]) == (
            "alarm", "histogram", computation, victim.index
        )  # fmt: skip
        assert watched.stderr.startswith(f"ALARM: computation {computation}, processor {victim.processor}: ")
        restart(world)
        state = audited(world, lambda state: state["alarms"])
        assert state["status"] == "alarm"
        assert f"computation {computation}, processor {victim.processor}" in state["alarms"][0]
        told = world.run("node", "status", "--config", config(world)).stdout
        assert "auditor    status        alarm\n" in told
        assert "audit=ALARM kind=histogram" in world.devnet.node_files(AUDITOR).log.read_text()
    finally:
        store.put_histogram(victim.counts_root, true)


def test_a_wrong_histogram_in_the_store_does_not_touch_the_audit_trail(world, computation):
    assert world.json("audit", "verify")["holds"]
