"""Circuits over several real processors that share a real link process: agreed on, paid, and never half-done."""

import asyncio
import json
import os
import signal

import pytest

from qcrs.chain.devnet import is_running
from qcrs.circuits import text_of
from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus
from qcrs.quantum.circuit import load
from qcrs.quantum.ideal import ideal_distribution, total_variation_distance
from qcrs.rules.agreement import Verdict
from qcrs.sdk.channel import read_entanglement
from qcrs.sdk.devnet_link import join_up
from qcrs.sdk.distribution import plan_for
from qcrs.sdk.session import Order, Requester
from tests.integration.conftest import PATIENCE_SECONDS, WINDOW_SECONDS, move_clock, running

PROCESSORS = 4
PHASES = 12
SHOTS = 4096


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(tmp_path_factory.mktemp("sessions") / "devnet", PROCESSORS) as world:
        asyncio.run(join_up(world.devnet))
        yield world


def order(phases=2):
    return Order(
        shots=SHOTS, fee=10**16, deposit=10**16, phases=phases, join_seconds=WINDOW_SECONDS,
        phase_seconds=WINDOW_SECONDS, report_seconds=WINDOW_SECONDS,
    )  # fmt: skip


async def begun(client, members, runs, phases=2):
    """Create the sessions of a Bell pair."""
    known = await read_entanglement(client.gateway)
    plan = plan_for(known, await client.market(), text_of("bell"), members, runs, SHOTS, 0.0)
    requester = Requester(client.gateway, client.signer, client.secrets, client.store)
    return requester, await requester.create(plan, plan.crews, order(phases))


async def until_phase(client, session, phase):
    """Wait until *session* is in *phase* and return it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = (await read_entanglement(client.gateway)).sessions[session]
            if found.phase >= phase:
                return found
            await asyncio.sleep(0.05)


def kill(world, processor):
    pid = world.devnet.nodes[f"lab-{processor}"]
    os.killpg(pid, signal.SIGKILL)
    while is_running(pid):
        pass


def test_every_two_processors_have_a_tested_channel(world):
    async def work():
        async with world.client() as client:
            return (await read_entanglement(client.gateway)).channels

    channels = asyncio.run(work())
    assert len(channels) == PROCESSORS * (PROCESSORS - 1) // 2
    for channel in channels.values():
        assert channel.status is ChannelStatus.Open
        assert 600 < channel.tested < 936
        assert 0 < channel.errors_z + channel.errors_x <= 0.07 * channel.tested


def test_two_runs_of_a_circuit_agree_and_are_paid(world):
    told = world.json("session", "run", text_of("bell"), "--runs", "2", "--shots", str(SHOTS), "--window", "600")
    assert (told["verdict"], told["label"], told["absent"]) == ("Accepted", "link=emulated", [])
    assert [session["status"] for session in told["sessions"]] == ["Paid", "Paid"]
    members = [processor for session in told["sessions"] for processor in session["processors"]]
    assert sorted(members) == [1, 2, 3, 4]
    assert sum(told["counts"].values()) == 2 * SHOTS
    # Bell's outcomes, blurred by pairs of fidelity 0.97 and by the processors' own noise.
    assert told["counts"]["00"] + told["counts"]["11"] > 0.9 * 2 * SHOTS
    assert abs(told["counts"]["00"] - told["counts"]["11"]) < 0.05 * 2 * SHOTS


def test_a_circuit_over_four_processors_has_the_distribution_of_the_original(world):
    told = world.json("session", "run", text_of("ghz5"), "--processors", "4", "--shots", "20000", "--window", "600")
    assert (told["verdict"], told["quote"]["members"]) == ("Unverified", 4)
    counts = {int(outcome, 2): count for outcome, count in told["counts"].items()}
    away = total_variation_distance(counts, ideal_distribution(load(text_of("ghz5"))))
    assert away < 1 - told["quote"]["fidelity"] + 0.1  # noise of four devices on top


def test_what_it_takes_is_said_before_anything_is_sent(world):
    finished = world.run("session", "run", text_of("ghz5"), "--processors", "3", "--dry-run", "--json")
    quoted = json.loads(finished.stdout)
    assert (finished.returncode, quoted["members"]) == (0, 3)
    assert quoted["ebits"] >= 2
    assert "fees 0.030000 coin" in finished.stderr


def test_more_processors_than_are_joined_are_refused_with_the_next_step(world):
    finished = world.run("session", "run", text_of("ghz5"), "--processors", "3", "--runs", "2")
    assert finished.returncode == 2
    assert "CrewUnavailable" in finished.stderr
    assert "qcrs channel request" in finished.stderr


def test_the_audit_follows_channels_and_sessions(world):
    told = world.json("audit", "verify")
    assert told["holds"], told


def test_a_memory_over_two_processors_is_decoded_alike_by_all_and_by_its_requester(world):
    shots, rounds = 3000, 3
    told = world.json(
        "session", "memory", "--distance", "3", "--rounds", str(rounds), "--verifiers", "1", "--shots", str(shots),
        "--window", "600",
    )  # fmt: skip
    assert (told["verdict"], told["label"], told["absent"]) == ("Unverified", "link=emulated", [])
    [session], [halves] = told["sessions"], told["quote"]["halves"]
    assert (session["status"], len(session["processors"])) == ("Paid", 3)
    assert set(halves) < set(session["processors"])
    assert told["ebits"] == shots * rounds * 5 == next(iter(session["channels"].values()))
    [verdict] = told["verdicts"]
    assert (verdict["errors"], verdict["shots"]) == (told["errors"], shots)
    logs = [world.devnet.node_files(f"lab-{processor}").log.read_text() for processor in session["processors"]]
    assert all(f"session={session['id']} verdict={verdict['digest']}" in log for log in logs)
    # Half of all outcomes would be wrong if nothing was corrected, or the halves' bits did not belong together.
    value, low, high = told["logicalError"]
    assert low < value < high < 0.15
    assert told["logicalErrorPerRound"][2] < high
    assert verdict["detectionRate"] == pytest.approx(verdict["expectedRate"], rel=0.5)


def test_a_memory_that_the_channels_cannot_keep_is_refused_before_anything_is_sent(world):
    finished = world.run("session", "memory", "--logical-error", "1e-6", "--rounds", "1", "--dry-run")
    assert finished.returncode == 2
    assert "LogicalErrorUnreachable" in finished.stderr


def test_a_link_that_is_away_is_waited_for(world):
    async def work():
        async with world.client() as client:
            pid = world.devnet.services["link"]
            os.kill(pid, signal.SIGSTOP)
            try:
                requester, group = await begun(client, 2, 1)
                await asyncio.sleep(2)
            finally:
                os.kill(pid, signal.SIGCONT)
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await requester.drive(group)

    assert asyncio.run(work()).verdict is Verdict.Unverified


def test_a_killed_member_resumes_where_it_was(world):
    async def work():
        async with world.client() as client:
            requester, group = await begun(client, 2, 1, PHASES)
            session = await until_phase(client, group, 3)
            victim = session.members[1]
            kill(world, victim)
            world.devnet.start_node(f"lab-{victim}")
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await requester.drive(group)

    outcome = asyncio.run(work())
    assert outcome.verdict is Verdict.Unverified
    assert sum(outcome.counts.values()) == SHOTS
    assert not outcome.absent


@pytest.mark.parametrize("phase", [0, 2, PHASES - 2])
def test_a_killed_member_is_named_and_the_requester_refunded(world, phase):
    async def work():
        async with world.client() as client:
            before = sum(await client.allocator.balance(client.signer.address))
            requester, group = await begun(client, 2, 1, PHASES)
            session = await until_phase(client, group, phase)
            victim = session.members[0]
            kill(world, victim)
            stuck = await stands_still(client, group)
            await move_clock(client, WINDOW_SECONDS + 10)
            async with asyncio.timeout(PATIENCE_SECONDS):
                outcome = await requester.drive(group)
            after = sum(await client.allocator.balance(client.signer.address))
            world.devnet.start_node(f"lab-{victim}")
            return stuck, victim, outcome, after - before

    stuck, victim, outcome, gained = asyncio.run(work())
    assert outcome.verdict is None
    if stuck is SessionStatus.Forming:
        assert outcome.sessions[0].status is SessionStatus.Cancelled
    else:
        assert outcome.sessions[0].status is SessionStatus.Aborted
        assert list(outcome.absent) == [victim]
    assert outcome.sessions[0].refund == gained == 2 * order().fee


async def stands_still(client, session):
    """Return the status that *session* has when nothing has happened for two seconds."""
    seen, since = None, 0.0
    clock = asyncio.get_running_loop().time
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = (await read_entanglement(client.gateway)).sessions[session]
            now = (found.status, found.phase, frozenset(found.present))
            if now != seen:
                seen, since = now, clock()
            elif clock() - since > 2:
                return found.status
            await asyncio.sleep(0.1)
