"""A new organisation comes in with a processor of its own, by the command line alone."""

import subprocess
import sys
import time

import pytest

from qcrs.config import NodeConfig
from tests.integration.conftest import running

COINS = "20"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Two processors, one fewer than a computation needs."""
    with running(tmp_path_factory.mktemp("devnet"), 2) as world:
        yield world


def test_provider_joins_with_a_third_processor(world, tmp_path):
    config = NodeConfig.read(world.devnet.node_files("lab-1").config)
    directory = tmp_path / "node"
    circuit = tmp_path / "bell.qasm"
    circuit.write_text(
        'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\nh q[0];\ncx q[0], q[1];\nc = measure q;\n'
    )
    assert "NoCapacity" in world.run("job", "submit", str(circuit)).stderr

    operator = world.network.account("operator").address
    admitted = world.json("organisation", "admit", "New Laboratory", "--admin", operator)
    assert world.json("organisation", "list")[-1]["name"] == "New Laboratory"
    world.json(
        "node", "init", str(directory), "--calibration", str(config.calibration),
        "--network", str(world.devnet.network_path),
    )  # fmt: skip
    toml = str(directory / "node.toml")
    processor = world.json("processor", "register", "--config", toml, "--as", "operator", "--fund", COINS)["id"]
    assert "PossessionUnproven" in world.run("processor", "certify", str(processor)).stderr
    world.json("processor", "challenge", str(processor))
    assert world.json("processor", "prove", str(processor), "--config", toml)["answered"] == 2
    assert world.json("processor", "certify", str(processor))["status"] == "Certified"
    world.json("processor", "bond", str(processor), "--as", "operator")
    world.devnet.nodes["new"] = _start(world, toml, tmp_path / "daemon.log")

    while not _available(world, processor):
        time.sleep(0.5)
    answer = world.json("job", "submit", str(circuit), "--wait")
    assert answer["status"] == "Accepted"
    assert processor in answer["accepted"]
    assert admitted["id"] == world.json("processor", "show", str(processor))["organisation"]


def test_account_without_an_invitation_cannot_join(world):
    refused = world.run("organisation", "join", "1", "--as", "researcher")
    assert refused.returncode == 4
    assert "AccountNotInvited" in refused.stderr


def _available(world, processor):
    return next(p for p in world.json("processor", "list") if p["id"] == processor)["available"]


def _start(world, config, log):

    with log.open("w") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "qcrs", "node", "start", "--config", config],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
        ).pid  # fmt: skip
