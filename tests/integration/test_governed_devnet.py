"""A devnet under committees, whose daemons report by hash keys: all that the suite asks signatures for, at once."""

import asyncio
import json

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import account_of
from qcrs.model.computation import ComputationStatus
from qcrs.sdk.audit import verify
from qcrs.sdk.devnet import bring_up
from tests.integration.conftest import POLICY, World

PROCESSORS = 4


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("governed")
    devnet = asyncio.run(bring_up(directory / "devnet", PROCESSORS, policy=POLICY, bodies=True, hash_keys=True))
    try:
        yield World(devnet)
    finally:
        devnet.stop()


def connected(world, task):
    """Return what *task* makes of a connection."""

    async def run():
        async with Gateway(world.network) as gateway:
            return await task(gateway)

    return asyncio.run(run())


def test_keyed_daemons_verify_a_computation(world):
    job = world.json("job", "submit", "qcrs/circuits/bell.qasm", "--shots", "12288", "--replicas", "3", "--wait")
    assert job["status"] == ComputationStatus.Accepted.name

    async def keyed(gateway):
        told = [await gateway.call("ProcessorRegistry", "reporterOf", number) for number in range(1, PROCESSORS + 1)]
        performed = await gateway.logs(gateway.network.deployed_at, names=["ActionPerformed"])
        return [flag for _, flag in told], {event["target"] for event in performed}

    flags, targets = connected(world, keyed)
    assert flags == [True] * PROCESSORS
    assert world.network.contracts["ResultVerifier"].lower() in targets


def test_no_account_alone_decides_and_a_body_does(world):
    operator = account_of(world.network.account("operator").private_key)

    async def alone(gateway):
        with pytest.raises(ContractRefused) as caught:
            await gateway.simulate(operator, "ProcessorRegistry", "suspend", 4, bytes(32))
        return caught.value.name

    assert connected(world, alone) == "AccessManagedUnauthorized"
    arguments = ("security", "ProcessorRegistry", "suspend", "processor=4", "reason=0x" + "07" * 32)
    proposed = world.json("committee", "propose", *arguments, "--as", "operator")
    assert proposed["status"] == "Open"
    number = str(proposed["id"])
    assert world.json("committee", "vote", "security", number, "--as", "delegate-1")["status"] == "Carried"
    assert world.json("committee", "execute", "security", number, "--as", "lab-4")["status"] == "Executed"
    listed = {row["id"]: row["status"] for row in world.json("processor", "list")}
    assert listed[4] == "Suspended"


def test_all_of_it_is_audited(world):
    lines = []

    async def audit(gateway):
        return await verify(gateway, lines.append)

    assert connected(world, audit).holds, json.dumps(lines[-3:])
