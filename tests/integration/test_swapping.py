"""A circuit over three processors in a chain: the outer two have no channel, and get pairs swapped at the one between.

The daemons and the link are real processes; so are the channels' tests, and what a session takes of them on the chain.
"""

import asyncio
import re

import pytest

from qcrs.circuits import text_of
from qcrs.quantum.circuit import load
from qcrs.quantum.ideal import ideal_distribution, total_variation_distance
from qcrs.sdk.channel import read_entanglement
from qcrs.sdk.devnet_link import join_up
from tests.integration.conftest import running

CIRCUIT = "ansatz5"  # of which each two of three parts share pairs
SHOTS = 4096
CHAIN = ((1, 2), (2, 3))
DEVICES = 0.15  # that their noise may move a distribution by


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(tmp_path_factory.mktemp("swapping") / "devnet", 3) as world:
        asyncio.run(join_up(world.devnet, joined=CHAIN))
        yield world


def used(world):
    """Return how many pairs the chain says were taken of each channel, by its ends."""

    async def work():
        async with world.client() as client:
            return (await read_entanglement(client.gateway)).channels.values()

    return {channel.ends: channel.used for channel in asyncio.run(work())}


def run(world, *more):
    arguments = ("--processors", "3", "--shots", str(SHOTS), "--window", "600", *more)
    return world.run("session", "run", text_of(CIRCUIT), *arguments)


def told(world, *more):
    return world.json("session", "run", text_of(CIRCUIT), "--processors", "3", "--shots", str(SHOTS), "--window", "600",
                      *more)  # fmt: skip


def away(answer):
    counts = {int(outcome, 2): count for outcome, count in answer["counts"].items()}
    return total_variation_distance(counts, ideal_distribution(load(text_of(CIRCUIT))))


def test_the_quote_names_route_fidelity_and_raw_pairs_and_nothing_is_sent(world):
    before = used(world)
    quoted = run(world, "--dry-run").stderr
    assert re.search(r"processors 1 and 3 have no channel: 1 pairs a shot swapped over 2, of fidelity 0\.[89]", quoted)
    assert re.search(r"4 pairs a shot, 16,384 raw pairs a run of 4096 shots; processors 1,2,3", quoted)
    assert re.search(r"fidelity of the output at least 0\.[78]", quoted)
    assert used(world) == before == dict.fromkeys(CHAIN, 0)


def test_a_circuit_over_a_chain_has_the_distribution_of_the_original(world):
    before = used(world)
    answer = told(world)
    assert (answer["verdict"], answer["absent"], answer["label"]) == ("Unverified", [], "link=emulated")
    assert sum(answer["counts"].values()) == SHOTS
    assert away(answer) < 1 - answer["quote"]["fidelity"] + DEVICES
    [session] = answer["sessions"]
    assert (session["status"], session["processors"]) == ("Paid", [1, 2, 3])
    assert {ends: count - before[ends] for ends, count in used(world).items()} == dict.fromkeys(CHAIN, 2 * SHOTS)
