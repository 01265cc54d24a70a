"""Processors shared among organisations: turns by weight and priority, drained processors, reserved ones.

The daemons do not keep, so that what is in turn is decided here and not by who is quickest.
"""

import asyncio
import re

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.circuits import text_of
from qcrs.cli.job import circuit_of
from qcrs.config import NodeConfig
from qcrs.model.computation import ComputationStatus
from qcrs.model.organisation import Priority
from qcrs.sdk.devnet import bring_up, wait_for_heartbeats
from qcrs.sdk.ledger import read_ledger
from tests.integration.conftest import PATIENCE_SECONDS, POLICY, WINDOW_SECONDS, World, drive, move_clock

PROCESSORS = 3
WEIGHTS = (4, 1)
# Large enough that each advances its organisation by more than a bucket, whatever its weight here.
SHOTS = 65_535 * PROCESSORS


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three processors, and two organisations that only submit, of which one weighs four times the other."""
    directory = tmp_path_factory.mktemp("devnet")
    devnet = asyncio.run(
        bring_up(
            directory, PROCESSORS, policy=POLICY, heartbeat_seconds=60, weights=WEIGHTS, start_daemons=False
        )
    )  # fmt: skip
    world = World(devnet)
    try:
        for number in range(1, PROCESSORS + 1):
            path = devnet.node_files(f"lab-{number}").config
            NodeConfig.read(path).model_copy(update={"keeper": False}).write(path)
            devnet.start_node(f"lab-{number}")
        asyncio.run(wait_for_heartbeats(devnet, world.network, PROCESSORS))
        yield world
    finally:
        devnet.stop()


async def _in_turn(client, numbers):
    """Allocate whoever is in turn until nobody of *numbers* waits, and return the order."""
    order, account = [], client.account
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(order) < len(numbers):
            for number in sorted(set(numbers) - set(order)):
                try:
                    await client.gateway.simulate(account, "ComputationAllocator", "allocate", number)
                except ContractRefused as error:
                    if error.name != "ComputationNotDue":
                        raise
                    continue
                await client.gateway.send(account, "ComputationAllocator", "allocate", number)
                order.append(number)
                break
    return order


def test_organisations_take_turns_by_weight_and_quotas_buy_precedence(world):
    world.json("organisation", "quota", "5", "--critical", "100000000")

    async def work():
        bell = circuit_of(text_of("bell"))
        async with world.client() as heavy, world.client("researcher-2") as light:
            # Both have been served once when they begin to wait, so nobody starts ahead.
            heavies = [(await heavy.submit(bell, SHOTS, PROCESSORS, plain=True)).computation for _ in range(4)]
            lights = [(await light.submit(bell, SHOTS, PROCESSORS, plain=True)).computation for _ in range(2)]
            urgent = (await light.submit(bell, SHOTS, PROCESSORS, priority=Priority.Critical, plain=True)).computation
            told = {entry["id"]: entry for entry in world.json("job", "list")}
            reason = world.json("job", "why", str(lights[1]))
            order = await _in_turn(heavy, [*heavies, *lights, urgent])
            for number in order:
                owner = light if number in (*lights, urgent) else heavy
                await drive(owner, number)
            stories = [await heavy.story(number) for number in order]
            return heavies, lights, urgent, told, reason, order, stories, await read_ledger(heavy.gateway)

    heavies, lights, urgent, told, reason, order, stories, books = asyncio.run(work())
    assert all(story.status is ComputationStatus.Accepted for story in stories)
    buckets = [story.bucket for story in stories]
    assert buckets == sorted(buckets)
    assert order.index(urgent) < order.index(lights[1])  # submitted last, and served before
    assert order.index(heavies[3]) < order.index(lights[1])  # four of weight 4 before the second of weight 1
    # What was said beforehand came true.
    assert [told[number]["position"] for number in order] == list(range(1, len(order) + 1))
    before = order[: order.index(lights[1])]
    assert set(before) - {one["id"] for one in reason["beside"]} == {one["id"] for one in reason["ahead"]}
    assert books.balanced
    shares = {entry["name"]: entry for entry in world.json("organisation", "shares")}
    assert sum(entry["served"] for entry in shares.values()) == 7 * 2 * 65_535 * PROCESSORS
    story = world.run("job", "story", str(urgent))
    assert re.search(r"given to processors \d, \d, \d", story.stdout)
    assert "verdict: Accepted" in story.stdout


def test_quota_that_is_used_up_is_said_with_the_next_step(world, tmp_path):
    path = tmp_path / "bell.qasm"
    path.write_text(text_of("bell"))
    before = world.json("ledger", "show")
    refused = world.run("job", "submit", str(path), "--priority", "elevated")
    assert refused.returncode == 4
    assert "QuotaExhausted" in refused.stderr
    assert "--priority routine" in refused.stderr
    assert world.json("ledger", "show") == before


def test_drained_processor_gets_nothing_until_it_is_back(world, tmp_path):
    path = tmp_path / "bell.qasm"
    path.write_text(text_of("bell"))
    config = str(world.devnet.node_files("lab-2").config)
    assert world.json("node", "drain", "--config", config)["empty"] is True
    assert world.json("node", "status", "--config", config)["draining"] is True
    assert "drained: empty" in world.devnet.node_files("lab-2").log.read_text()
    refused = world.run("job", "submit", str(path))
    assert "NoCapacity" in refused.stderr
    number = world.json("job", "submit", str(path), "--plain", "--noise-class", _class(world))["id"]
    reason = world.json("job", "why", str(number))
    assert (reason["refusal"], reason["found"], reason["required"]) == ("TooFewEligibleProcessors", 2, 3)
    assert world.json("node", "resume", "--config", config)["told"] is True
    answer = world.json("job", "wait", str(number))
    assert answer["status"] == "Accepted"
    assert 2 in answer["accepted"]


def _class(world):
    return str(world.json("processor", "show", "1")["noiseClass"])


def test_several_circuits_are_submitted_in_one_transaction(world, tmp_path):
    paths = []
    for name in ("bell", "ghz5"):
        paths.append(tmp_path / f"{name}.qasm")
        paths[-1].write_text(text_of(name))
    results = world.json("job", "submit", *map(str, paths), "--each", "--wait")
    assert [result["status"] for result in results] == ["Accepted", "Accepted"]
    assert results[1]["id"] == results[0]["id"] + 1

    async def submissions():
        async with world.client() as client:
            logs = await client.gateway.logs(world.network.deployed_at, names=["ComputationSubmitted"])
            return [event.transaction for event in logs if event["computation"] in (results[0]["id"], results[1]["id"])]

    assert len(set(asyncio.run(submissions()))) == 1


def test_reserved_processors_run_circuits_for_their_requester(world, tmp_path):
    path = tmp_path / "bell.qasm"
    path.write_text(text_of("bell"))
    for number in (1, 3):
        world.json("reservation", "rate", str(number), "0.000001", "--as", f"lab-{number}")
    booked = world.json("reservation", "reserve", "1", "3", "--qubits", "5", "--start", "1800", "--duration", "3600")
    number = str(booked["id"])
    early = world.run("reservation", "run", number, str(path))
    assert early.returncode == 2
    assert "ReservationInactive" in early.stderr

    async def begin():
        async with world.client() as client:
            await move_clock(client, 1800 + WINDOW_SECONDS // 10)
            for function in ("prepare", "begin"):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while True:
                        try:  # daemons have to be heard of again after the clock was moved
                            await client.gateway.simulate(client.account, "Reservations", function, int(number))
                            break
                        except ContractRefused as error:
                            if error.name not in ("ProcessorUnavailable", "ReservationNotDue"):
                                raise
                            await asyncio.sleep(0.2)
                await client.gateway.send(client.account, "Reservations", function, int(number))

    asyncio.run(begin())
    assert world.json("reservation", "show", number)["status"] == "Active"
    held = {entry["id"]: entry["leasedQubits"] for entry in world.json("processor", "list")}
    assert held == {1: 5, 2: 0, 3: 5}
    answers = world.json("reservation", "run", number, str(path), "--shots", "1000")
    assert [answer["processor"] for answer in answers] == [1, 3]
    for answer in answers:
        assert answer["verified"] is False
        assert answer["counts"]["00"] + answer["counts"]["11"] > 800
        assert answer["daemon"] == world.json("processor", "show", str(answer["processor"]))["daemon"]
    told = world.run("reservation", "run", number, str(path), "--processor", "3", "--shots", "100")
    assert "UNVERIFIED" in told.stdout
    stranger = world.run("reservation", "run", number, str(path), "--as", "researcher-2")
    assert stranger.returncode == 2
    assert world.json("reservation", "finish", number)["status"] == "Ended"
    assert world.json("ledger", "show")["balanced"]
