"""A committee that cannot agree gets two more members, and all of its daemons reveal again."""

import asyncio

import pytest

from qcrs.circuits import text_of
from qcrs.cli.job import circuit_of
from qcrs.model.computation import ComputationStatus
from tests.integration.conftest import drive, running

ROGUES = {4: "bias", 5: "uniform"}
# A committee of three without a majority is drawn 3 times in 10: never in so many, once in a thousand runs.
MOST_JOBS = 20


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three honest processors and two that lie differently."""
    faults = {processor - 1: fault for processor, fault in ROGUES.items()}
    with running(tmp_path_factory.mktemp("devnet"), 5, faults) as world:
        yield world


def _job(world):
    async def work():
        async with world.client() as client:
            story = await client.submit(circuit_of(text_of("ghz5")), 3 * 4096, 3)
            return await drive(client, story.computation)

    return asyncio.run(work())


def test_a_split_committee_is_widened_until_a_quorum_agrees(world):
    stories = []
    while not stories or stories[-1].replicas == 3:
        assert len(stories) < MOST_JOBS, "every committee had a majority"
        stories.append(_job(world))
        assert stories[-1].status is ComputationStatus.Accepted
    story = stories[-1]
    assert (story.replicas, story.attempt) == (5, 2)
    accepted = {duty.processor for duty in story.duties if story.accepted >> duty.index & 1}
    assert accepted == {1, 2, 3}
    assert world.json("audit", "verify")["holds"]
