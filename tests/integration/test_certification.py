"""A processor is certified by what it answers: three other daemons derive the circuits, score, and agree."""

import asyncio

import pytest

from tests.integration.conftest import move_clock, running

WINDOW_SECONDS = 900
PATIENCE_SECONDS = 900


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Four processors of four organisations."""
    with running(tmp_path_factory.mktemp("devnet"), 4) as world:
        yield world


def test_a_processor_is_certified_by_what_it_answers(world):
    for number in (1, 2, 3):
        config = str(world.devnet.node_files(f"lab-{number}").config)
        world.json("processor", "enlist", str(number), "--config", config, "--as", f"lab-{number}")
    config = str(world.devnet.node_files("lab-4").config)
    # Of this device's noise at this number of circuits the rule leaves two standard deviations at 2^5, not at 2^7.
    world.json("processor", "declare", "4", "--config", config, "--as", "lab-4", "--quantum-volume-log2", "5")
    assert asyncio.run(_certified(world))

    shown = world.json("processor", "show", "4")
    certificate = shown["certificate"]
    assert certificate["measured"]
    assert "not quantumness" in certificate["meaning"]
    assert shown["capability"]["twoQubitErrorPpm"] > 0
    told = [line["what"] for line in world.json("processor", "history", "4")]
    assert any(line.startswith("certified, version 3 (measured") for line in told)
    audit = world.run("audit", "verify", "--benchmarks")
    assert audit.returncode == 0, audit.stdout
    assert "benchmark 1: as its counts say" in audit.stdout


async def _certified(world) -> bool:
    """Request, let the clock pass the window in which the beacon might turn, and wait for the end."""
    async with world.client("operator") as client:
        gateway = client.gateway
        terms = await gateway.call("Certifications", "terms")
        slow = terms | {"windowSeconds": WINDOW_SECONDS, "answerSeconds": WINDOW_SECONDS}
        await gateway.send(client.account, "Certifications", "setTerms", tuple(slow.values()))
        requested = world.json("processor", "certify", "4", "--measure", "--no-wait", "--as", "lab-4")
        await move_clock(client, WINDOW_SECONDS + 1)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                record, _ = await gateway.call("Certifications", "certificationOf", requested["certification"])
                if record["status"] > 5:
                    return record["status"] == 6
                await asyncio.sleep(1)
