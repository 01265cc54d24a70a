"""A circuit over three processors in a chain: the outer two have no channel, and get pairs swapped at the one between.

The daemons and the link are real processes; so are the channels' tests, and what a session takes of them on the chain.
"""

import asyncio
import re
from contextlib import AsyncExitStack
from itertools import combinations
from types import SimpleNamespace

import pytest

from qcrs.chain.keys import load_keystore
from qcrs.chain.link_login import LinkDomain
from qcrs.circuits import text_of
from qcrs.config import NodeConfig
from qcrs.link.client import LinkClient
from qcrs.link.endpoint import endpoint_of
from qcrs.link.errors import SessionUnready
from qcrs.quantum.circuit import load
from qcrs.quantum.distribution.plan import distributions
from qcrs.quantum.ideal import ideal_distribution, total_variation_distance
from qcrs.rules.agreement import Verdict
from qcrs.sdk import distribution
from qcrs.sdk.channel import read_entanglement
from qcrs.sdk.devnet_link import join_up
from qcrs.sdk.distribution import plan_for
from qcrs.sdk.membership import node_name
from qcrs.sdk.session import Order, Requester
from tests.entangled import teledata
from tests.integration.conftest import PATIENCE_SECONDS, WINDOW_SECONDS, running

CIRCUIT = "ansatz5"  # of which each two of three parts share pairs
SHOTS = 4096
CHAIN = ((1, 2), (2, 3))
IDEAL = ideal_distribution(load(text_of(CIRCUIT)))
# Half of what noise alone is away from it; where the ends do not correct what was swapped it is three quarters.
WRONG = total_variation_distance(dict.fromkeys(range(1 << 5), 1), IDEAL) / 2
ORDER = Order(
    shots=SHOTS, fee=10**16, deposit=10**16, join_seconds=WINDOW_SECONDS, phase_seconds=WINDOW_SECONDS,
    report_seconds=WINDOW_SECONDS,
)  # fmt: skip


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


def arguments(*more):
    return ("session", "run", text_of(CIRCUIT), "--processors", "3", "--shots", str(SHOTS), "--window", "600", *more)


def away(answer):
    counts = {int(outcome, 2): count for outcome, count in answer["counts"].items()}
    return total_variation_distance(counts, IDEAL)


def test_the_quote_names_route_fidelity_and_raw_pairs_and_nothing_is_sent(world):
    before = used(world)
    quoted = world.run(*arguments("--dry-run")).stderr
    assert re.search(r"processors 1 and 3 have no channel: 1 pairs a shot swapped over 2, of fidelity 0\.[89]", quoted)
    assert re.search(r"4 pairs a shot, 16,384 raw pairs a run of 4096 shots; processors 1,2,3", quoted)
    assert re.search(r"fidelity of the output at least 0\.[78]", quoted)
    assert used(world) == before == dict.fromkeys(CHAIN, 0)


def test_a_circuit_over_a_chain_has_the_distribution_of_the_original(world):
    before = used(world)
    answer = world.json(*arguments())
    assert (answer["verdict"], answer["absent"], answer["label"]) == ("Unverified", [], "link=emulated")
    assert sum(answer["counts"].values()) == SHOTS
    assert away(answer) < WRONG
    [session] = answer["sessions"]
    assert (session["status"], session["processors"]) == ("Paid", [1, 2, 3])
    assert {ends: count - before[ends] for ends, count in used(world).items()} == dict.fromkeys(CHAIN, 2 * SHOTS)


def purified(source, qubits, links, shots, fidelity):
    """Prepare a run whose swapped pairs are purified end to end, whether or not that is cheapest."""
    (missing,) = set(combinations(range(len(qubits)), 2)) - set(links)
    (between,) = set(range(len(qubits))) - set(missing)
    path = (missing[0], between, missing[1])
    return SimpleNamespace(distribution=next(distributions(source, qubits, None, {missing: path}, None, (1,))))


def test_pairs_are_purified_end_to_end_and_the_shots_that_fail_are_made_up_for(world, monkeypatch):
    monkeypatch.setattr(distribution, "prepare", purified)
    before = used(world)

    async def work():
        async with world.client() as client:
            known, market = await read_entanglement(client.gateway), await client.market()
            plan = plan_for(known, market, text_of(CIRCUIT), 3, 1, SHOTS, 0.0)
            requester = Requester(client.gateway, client.signer, client.secrets, client.store)
            group = await requester.create(plan, plan.crews, ORDER)
            async with asyncio.timeout(PATIENCE_SECONDS):
                return plan, await requester.drive(group)

    plan, outcome = asyncio.run(work())
    [route] = plan.routes
    assert (route["processors"], route["after"]) == ([1, 2, 3], 1)
    assert (outcome.verdict, list(outcome.absent)) == (Verdict.Unverified, [])
    assert sum(outcome.counts.values()) == SHOTS
    assert total_variation_distance(outcome.counts, IDEAL) < WRONG
    taken = {ends: count - before[ends] for ends, count in used(world).items()}
    assert list(taken.values()) == list(plan.taken.values())
    # Two pairs for each swapped one, and some for shots of which a herald fails.
    assert all(count > plan.quote.begun * 3 for count in taken.values())


def test_a_link_gives_nothing_to_daemons_whose_session_has_not_taken_pairs(world):
    """Both ends of a channel ask their link for pairs as if there was a session, with the keys of their daemons."""

    async def work():
        async with world.client() as client, AsyncExitStack() as stack:
            channel = next(iter((await read_entanglement(client.gateway)).channels.values()))
            linked = [await link_of(world, client, channel, end) for end in channel.ends]
            members = [await stack.enter_async_context(one) for one in linked]
            run = (one.run(77, channel.ends, own, 10) for one, own in zip(members, teledata(), strict=True))
            return await asyncio.gather(*run, return_exceptions=True)

    for error in asyncio.run(work()):
        assert isinstance(error, SessionUnready)
        assert "session 77: Unset" in str(error)


async def link_of(world, client, channel, processor):
    """Return a connection to the link of *channel* with the key of *processor*'s daemon."""
    gateway = client.gateway
    config = NodeConfig.read(world.devnet.node_files(node_name(processor - 1)).config)
    url = await endpoint_of(gateway, client.store, channel.link)
    domain = LinkDomain(
        chain_id=gateway.network.chain_id, contract=gateway.addresses["EntanglementCoordinator"], link=channel.link
    )
    return LinkClient(url, load_keystore(config.keystore, config.password_file), domain, processor)


def test_the_audit_follows_sessions_over_a_chain(world):
    told = world.json("audit", "verify")
    assert told["holds"], told
