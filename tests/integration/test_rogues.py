"""Honest processors beside faulty ones: the chain names the faulty ones and pays the others."""

import asyncio

import pytest

from qcrs.chain.contracts import Registry
from qcrs.circuits import text_of
from qcrs.cli.job import circuit_of
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.quantum.circuit import load
from qcrs.quantum.ideal import ideal_distribution, total_variation_distance
from qcrs.sdk.ledger import read_ledger
from tests.integration.conftest import drive, running

ROGUES = {6: "bias", 7: "uniform", 8: "replay"}
HONEST = {1, 2, 3, 4, 5}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Five honest processors and one rogue of each kind that answers."""
    faults = {processor - 1: fault for processor, fault in ROGUES.items()}
    with running(tmp_path_factory.mktemp("devnet"), len(HONEST) + len(ROGUES), faults) as world:
        yield world


def _verified(world, name, replicas):
    async def work():
        async with world.client() as client:
            # The replaying rogue needs something to replay.
            story = await client.submit(circuit_of(text_of(name)), 4096 * replicas, replicas)
            await drive(client, story.computation)
            return await client.result(story.computation)

    return asyncio.run(work())


def test_rogues_of_every_kind_are_outliers_and_nobody_else(world):
    _verified(world, "bell", 8)
    result = _verified(world, "ghz5", 8)
    assert result.status is ComputationStatus.Accepted
    assert set(result.accepted) == HONEST
    assert set(result.outliers) == set(ROGUES)


@pytest.mark.parametrize("name", ["bell", "qft5", "ansatz5", "grover3", "ising10"])
def test_pooled_counts_are_near_the_ideal(world, name):
    result = _verified(world, name, 8)
    assert result.status is ComputationStatus.Accepted
    assert set(result.accepted) == HONEST
    ideal = ideal_distribution(load(text_of(name)))
    assert total_variation_distance(result.counts, ideal) < 0.25


def test_outliers_are_slashed_and_the_books_balance(world):
    result = _verified(world, "ghz5", 8)

    async def work():
        async with world.client() as client:
            story = await client.story(result.id)
            books = await read_ledger(client.gateway)
            registry = Registry(client.gateway)
            standings = {p: await registry.standing(p) for p in HONEST | set(ROGUES)}
            return story, books, standings

    story, books, standings = asyncio.run(work())
    assert books.balanced
    for duty in story.duties:
        rogue = duty.processor in ROGUES
        assert duty.status is (AssignmentStatus.Outlier if rogue else AssignmentStatus.Accepted)
        assert (duty.slashed > 0) == rogue
    assert all(standings[p].outliers == 0 and standings[p].leased_qubits == 0 for p in HONEST)
    assert all(standings[p].outliers > 0 and standings[p].leased_qubits == 0 for p in ROGUES)


def test_audit_of_it_all_holds(world):
    report = world.json("audit", "verify")
    assert report["holds"], report
