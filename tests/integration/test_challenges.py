"""A demand against a running daemon: it shows its histogram by itself, and the challenger pays for the question."""

import asyncio

import pytest

from qcrs.circuits import text_of
from qcrs.cli.job import circuit_of
from qcrs.model.challenge import ChallengeStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules.evidence import Revealed
from tests.integration.conftest import PATIENCE_SECONDS, drive, running


@pytest.fixture
def world(tmp_path):
    """Three honest processors."""
    with running(tmp_path / "devnet", 3) as world:
        yield world


async def _answered(client, challenge):
    """Wait until *challenge* has ended; return its record."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            record = await client.gateway.call("Challenges", "challengeOf", challenge)
            if record["status"] != ChallengeStatus.Open:
                return record
            await asyncio.sleep(0.1)


async def _histograms_shown(world):
    async with world.client() as client:
        submitted = await client.submit(circuit_of(text_of("ising10")), 4096 * 3, 3)
        story = await drive(client, submitted.computation)
        assert story.status is ComputationStatus.Accepted
        bond = (await client.gateway.call("ComputationAllocator", "policy"))["slash"]
        records = []
        for duty in story.duties:
            revealed = Revealed(duty.counts_root, duty.salt, duty.sketch)
            receipt = await client.gateway.send(
                client.account, "Challenges", "demand", story.computation, duty.index, revealed, value=bond
            )
            challenge = receipt.event("HistogramDemanded")["challenge"]
            records.append(await _answered(client, challenge))
        logs = await client.gateway.logs(receipt.block - 50 if receipt.block > 50 else 0)
        return story, records, logs


def test_daemons_answer_every_demand(world):
    story, records, logs = asyncio.run(_histograms_shown(world))
    assert [record["status"] for record in records] == [ChallengeStatus.Answered] * 3
    for challenge, duty in enumerate(story.duties, 1):
        leaves = [
            leaf
            for event in logs
            if event.name == "HistogramOpened" and event["challenge"] == challenge
            for leaf in event["leaves"]
        ]
        assert sum(leaf & 0xFFFF for leaf in leaves) == 4096, duty
