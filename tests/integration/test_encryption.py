"""Circuits are secret from the store, the chain and every processor that was not drawn; nothing is lost for it."""

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from qcrs.chain.keys import load_keystore
from qcrs.circuits import text_of
from qcrs.cli.job import circuit_of
from qcrs.config import NodeConfig
from qcrs.crypto.envelope import header_of, is_sealed
from qcrs.crypto.identity import Check, IdentityInvalid
from qcrs.crypto.keys import OpeningKey
from qcrs.identities import Identities
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus, FailureReason
from qcrs.model.refusal import RefusalCode
from qcrs.sdk.enrolment import load_keys
from qcrs.sdk.terms import ProcessorsUnkeyed
from tests.integration.conftest import (
    PATIENCE_SECONDS,
    WINDOW_SECONDS,
    allocate,
    drive,
    is_in,
    move_clock,
    running,
    until,
)

PROCESSORS, SHOTS = 4, 3 * 4096
MARKS = (b"OPENQASM", b"stdgates", b"qubit[", b"q[0]")
# Submits as another process would, and is killed at a point of its life.
CLIENT = """
import asyncio, os, signal, sys
from pathlib import Path
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import account_of
from qcrs.chain.network import Network
from qcrs.circuits import text_of
from qcrs.cli.job import circuit_of
from qcrs.sdk.client import Client
from qcrs.sdk.secrets import Secrets
from qcrs.store import Store

def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def work(network, secrets, moment):
    async with Gateway(network) as gateway:
        account = account_of(network.account("researcher").private_key)
        client = Client(gateway, account, Secrets(secrets), Store(network.store))
        if moment == "before":
            client._send = killed
        story = await client.submit(circuit_of(text_of("bell")), 3 * 4096, 3)
        print(story.computation, flush=True)
        killed()

asyncio.run(work(Network.read(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3]))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with running(tmp_path_factory.mktemp("devnet"), PROCESSORS) as world:
        yield world


def keys_of(world, processor):
    return load_keys(NodeConfig.read(world.devnet.node_files(f"lab-{processor}").config))


def stored(world):
    return {path: path.read_bytes() for path in (world.devnet.directory / "store").rglob("*") if path.is_file()}


def killed_client(world, moment):
    """Have a client killed *before* it sends its submission, or *after*; return what it printed."""
    files = [str(world.devnet.network_path), str(world.devnet.directory / "secrets.jsonl")]
    finished = subprocess.run(
        [sys.executable, "-c", CLIENT, *files, moment],
        capture_output=True, text=True, env=os.environ | {}, timeout=PATIENCE_SECONDS,
    )  # fmt: skip
    assert finished.returncode == -signal.SIGKILL, finished.stderr
    return finished.stdout.strip()


async def submit(client, **conditions):
    return (await client.submit(circuit_of(text_of("bell")), SHOTS, 3, **conditions)).computation


def test_only_the_drawn_processors_read_the_circuit(world):
    async def work():
        async with world.client() as client:
            computation = await submit(client)
            story = await drive(client, computation)
            events = await client.gateway.logs_of(computation, story.submitted_in)
            receipt = await client.gateway.request("eth_getTransactionByHash", events[0].transaction)
            return story, await client.result(computation), bytes.fromhex(receipt["input"][2:]), client.sealer

    story, result, sent, sealer = asyncio.run(work())
    assert result.status is ComputationStatus.Accepted
    assert set(result.signatures.values()) == {"signed"}
    assert set(result.signatures) == {duty.processor for duty in story.duties}

    # Neither the store nor the chain has it.
    contents = stored(world)
    assert any(is_sealed(content) for content in contents.values())
    assert not [path for path, content in contents.items() if any(mark in content for mark in MARKS)]
    assert not any(mark in sent for mark in MARKS)
    assert sealer.circuit(story).startswith(b"OPENQASM 3")

    # Of the processors, those that were drawn.
    digest = story.request.circuit_digest
    header = header_of(sealer._store.get(digest))
    drawn = {duty.processor for duty in story.duties}
    for processor in range(1, PROCESSORS + 1):
        key = keys_of(world, processor).opening
        found = sealer.vault.content_key(story.computation, digest, header, key)
        assert (found is not None) == (processor in drawn)
    assert sealer.vault.content_key(story.computation, digest, header, OpeningKey.create()) is None


def test_a_client_that_is_killed_after_submitting_seals_when_it_is_back(world):
    computation = int(killed_client(world, "after"))

    async def work():
        async with world.client() as client:
            await drive(client, computation)
            return await client.result(computation)

    assert asyncio.run(work()).status is ComputationStatus.Accepted


def test_a_client_that_is_killed_between_store_and_submission_has_lost_nothing(world):
    before, bodies = world.json("ledger", "show"), sum(map(is_sealed, stored(world).values()))
    assert killed_client(world, "before") == ""
    assert sum(map(is_sealed, stored(world).values())) == bodies + 1
    assert world.json("ledger", "show") == before

    async def work():
        async with world.client() as client:
            return await drive(client, await submit(client))

    assert asyncio.run(work()).status is ComputationStatus.Accepted


def test_a_requester_that_lets_nobody_in_is_refused_by_all(world):
    """Its computation fails and is refunded; nobody loses a bond, nor has it on its record."""

    async def work():
        async with world.client() as client:
            computation = await submit(client)
            await allocate(client, computation)
            await until(client, computation, is_in(ComputationStatus.Allocated))
            await move_clock(client, WINDOW_SECONDS // 2)
            story = await until(client, computation, lambda story: story.ended)
            return story, await client.allocator.balance(client.account.address)

    story, _ = asyncio.run(work())
    assert (story.status, story.failure) == (ComputationStatus.Failed, FailureReason.PayloadRefused)
    refused = story.with_status(AssignmentStatus.Excused)
    assert len(refused) == 2
    assert {duty.refusal for duty in refused} == {RefusalCode.PayloadSealed}
    assert not any(duty.slashed for duty in story.duties)


def test_submission_without_waiting_stays_until_the_processors_are_let_in(world, tmp_path):
    path = tmp_path / "bell.qasm"
    path.write_text(text_of("bell"))
    submitted = world.json("job", "submit", str(path))
    assert submitted["status"] == "Allocated"
    answer = world.json("job", "wait", str(submitted["id"]))
    assert answer["status"] == "Accepted"


def test_plain_circuit_is_everybodys_and_asked_for(world, tmp_path):
    path = tmp_path / "bell.qasm"
    path.write_text(text_of("bell"))
    assert world.json("job", "submit", str(path), "--plain", "--wait")["status"] == "Accepted"


def test_new_keys_are_certified_again_and_the_old_ones_stand_for_nothing(world):
    files = world.devnet.node_files("lab-4")
    config = str(files.config)
    before = json.loads(files.identity.read_text())

    async def identity(stale=None):
        async with world.client() as client:
            identities = Identities(client.gateway, client.store)
            found = await identities.of(4)
            if stale is not None:
                identities.revocations.require(stale)
            return found

    first = asyncio.run(identity())
    world.json("node", "drain", "--config", config)
    assert world.json("processor", "rekey", "4", "--config", config, "--as", "lab-4")["version"] == 2
    assert world.json("processor", "show", "4")["status"] == "Suspended"
    assert "PossessionUnproven" in world.run("processor", "certify", "4").stderr
    assert world.json("processor", "prove", "4", "--config", config)["answered"] == 1
    assert "CapabilityUnsigned" in world.run("processor", "certify", "4").stderr
    world.json("processor", "declare", "4", "--config", config, "--as", "lab-4")
    assert "identity version 2 checked" in world.json("processor", "certify", "4")["checked"]

    second = asyncio.run(identity())
    assert second.document.previous == first.digest
    assert second.document.signing_key == keys_of(world, 4).signing.public != first.document.signing_key
    assert json.loads(files.identity.read_text()) != before
    assert world.json("processor", "show", "4")["identityVersion"] == 2
    with pytest.raises(IdentityInvalid) as stale:
        asyncio.run(identity(first.digest))
    assert stale.value.check is Check.Revoked
    assert load_keystore(files.keystore, files.password).address == second.document.daemon
    assert world.json("audit", "verify")["holds"]


def test_processors_whose_documents_are_gone_get_no_encrypted_work(world):
    """Last, since it breaks the store: whoever cannot be let in is named, and what to do is said."""

    async def work():
        async with world.client() as client:
            found = [(await client.sealer.identities.of(number)).digest for number in (1, 2)]
            for digest in found:
                (world.devnet.directory / "store" / digest.hex()[:2] / digest.hex()).unlink()
        async with world.client() as client:
            with pytest.raises(ProcessorsUnkeyed, match=r"processors 1, 2.*--plain"):
                await submit(client)
            return await drive(client, await submit(client, plain=True))

    assert asyncio.run(work()).status is ComputationStatus.Accepted
