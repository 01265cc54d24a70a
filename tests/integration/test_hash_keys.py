"""Daemons with hash keys: they install them by themselves, commit through them, restart with them, and rotate them."""

import asyncio
import os
import shutil
import signal

import pytest

from qcrs import door as door_module
from qcrs.chain.codec import ContractRefused
from qcrs.chain.devnet import is_running
from qcrs.chain.keys import account_of, create_keystore, load_keystore, sign_registration
from qcrs.circuits import text_of
from qcrs.cli.job import circuit_of
from qcrs.crypto.leaf_journal import LeafJournalBehind
from qcrs.crypto.leaf_key import LeafKeyInvalid, Purpose
from qcrs.crypto.leaf_ring import LeafRing
from qcrs.door import Door
from qcrs.model.computation import ComputationStatus
from qcrs.rules.hash_keys import KeyWord
from qcrs.sdk.keyed import consent
from tests.integration.conftest import drive, running

PROCESSORS = 3
MOST_ROUNDS = 10


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Three honest processors whose daemons have hash keys."""
    with running(tmp_path_factory.mktemp("devnet"), PROCESSORS, node_flags=("--hash-keys",)) as world:
        yield world


def test_computation_is_accepted_with_commits_through_the_door(world):
    async def scenario():
        async with world.client() as client:
            first = await client.gateway.block_number() + 1
            submitted = await client.submit(circuit_of(text_of("bell")), 12_288, 3)
            story = await drive(client, submitted.computation)
            assert story.status is ComputationStatus.Accepted
            events = await client.gateway.logs(first)
            committed = [event for event in events if event.name == "ResultCommitted"]
            through = [event for event in events if event.name == "ActionPerformed"]
            assert len(committed) == 3
            assert {e.transaction for e in committed} <= {e.transaction for e in through}
            for processor in range(1, PROCESSORS + 1):
                daemon, keyed = await client.gateway.call("ProcessorRegistry", "reporterOf", processor)
                assert keyed
                assert not KeyWord.of(await client.gateway.call("HashKeys", "wordOf", daemon)).is_empty

    asyncio.run(scenario())


def test_commits_that_come_together_are_bundled_and_revealed_out_of_the_bundle(world):
    """A daemon has one signature under way at a time, so that what comes meanwhile waits and goes together."""

    async def scenario():
        async with world.client() as client:
            for _ in range(MOST_ROUNDS):  # in one of them two commits come together, however fast the machine is
                if await _eight_at_once(client):
                    return
            raise AssertionError("no two commits came together")

    asyncio.run(scenario())


async def _eight_at_once(client):
    """Take eight computations to their verdicts; return what bundles there were."""
    first = await client.gateway.block_number() + 1
    circuit = circuit_of(text_of("bell"))
    submitted = [await client.submit(circuit, 12_288, 3) for _ in range(8)]
    stories = await asyncio.gather(*(drive(client, each.computation) for each in submitted))
    assert {story.status for story in stories} == {ComputationStatus.Accepted}
    events = await client.gateway.logs(first)
    assert len([event for event in events if event.name == "ResultRevealed"]) == 24
    assert not [event for event in events if event.name == "ActionFailed"]
    return [event for event in events if event.name == "CommitsBundled"]


def test_ecdsa_key_of_a_keyed_daemon_reports_nothing(world):
    async def scenario():
        files = world.devnet.node_files("lab-1")
        thief = load_keystore(files.keystore, files.password)
        async with world.client() as client:
            submitted = await client.submit(circuit_of(text_of("bell")), 12_288, 3)
            await client.gateway.send(client.account, "ComputationAllocator", "allocate", submitted.computation)
            story = await client.story(submitted.computation)
            processor = await client.gateway.call("ProcessorRegistry", "processorOf", thief.address)
            (duty,) = (duty for duty in story.duties if duty.processor == processor)
            with pytest.raises(ContractRefused) as caught:
                await client.gateway.simulate(
                    thief, "ResultVerifier", "commit", submitted.computation, duty.index, bytes(24)
                )
            assert caught.value.name in ("HashSignatureRequired", "UnexpectedAssignmentStatus")
            await drive(client, submitted.computation)

    asyncio.run(scenario())


def test_daemon_that_was_killed_goes_on_with_its_key(world):
    """Once it has a key it acts by it, whatever flags it is started with."""

    async def scenario():
        pid = world.devnet.nodes["lab-1"]
        os.killpg(pid, signal.SIGKILL)
        while is_running(pid):
            await asyncio.sleep(0.01)
        world.devnet.start_node("lab-1")
        async with world.client() as client:
            word = await word_of(client.gateway, 1)
            submitted = await client.submit(circuit_of(text_of("bell")), 12_288, 3)
            story = await drive(client, submitted.computation)
            assert story.status is ComputationStatus.Accepted
            after = await word_of(client.gateway, 1)
            assert after.commitment == word.commitment
            assert after.next_leaf > word.next_leaf

    asyncio.run(scenario())


async def word_of(gateway, processor):
    daemon, _ = await gateway.call("ProcessorRegistry", "reporterOf", processor)
    return KeyWord.of(await gateway.call("HashKeys", "wordOf", daemon))


def ring_of(world, folder, account):
    network = world.network
    return LeafRing(folder, "password", Purpose(account.address, network.chain_id, network.contracts["HashKeys"]))


def test_door_signs_once_for_what_waits_and_rotates_in_time(world, tmp_path, monkeypatch):
    """The researcher's account, which has nothing to do with processors, does things of no consequence."""

    async def scenario():
        async with world.client() as client:
            gateway, account = client.gateway, client.account
            door = Door(gateway, account, ring_of(world, tmp_path, account))
            await door.open()
            sends = [door.send("ProcessorRegistry", "adoptKeys", 1) for _ in range(5)]
            receipts = await asyncio.gather(*sends)
            assert len({receipt.transaction for receipt in receipts}) == 2, (
                "one goes at once, four wait and go together"
            )
            with pytest.raises(ContractRefused) as caught:
                await door.send("ProcessorRegistry", "retire", 1)
            assert caught.value.name == "CallerNotOperator"
            monkeypatch.setattr(door_module, "ROTATE_AT", 10_000)
            before = await gateway.call("HashKeys", "wordOf", account.address)
            await door.send("ProcessorRegistry", "adoptKeys", 1)
            monkeypatch.undo()
            after = await gateway.call("HashKeys", "wordOf", account.address)
            assert before[:24] != after[:24]
            assert [path.name for path in sorted(tmp_path.glob("*.key"))] == ["1.key", "2.key"]
            door.close()

            reopened = Door(gateway, account, ring_of(world, tmp_path, account))
            await reopened.send("ProcessorRegistry", "adoptKeys", 1)
            reopened.close()

    asyncio.run(scenario())


def test_door_refuses_a_key_that_is_gone_or_an_old_copy_of_its_journal(world, tmp_path):
    async def scenario():
        async with world.client() as client:
            gateway, account = client.gateway, account_of(world.network.account("operator").private_key)
            folder = tmp_path / "keys"
            door = Door(gateway, account, ring_of(world, folder, account))
            await door.open()
            backup = shutil.copytree(folder, tmp_path / "backup")
            await door.send("ProcessorRegistry", "adoptKeys", 1)
            door.close()
            with pytest.raises(LeafJournalBehind):
                await Door(gateway, account, ring_of(world, backup, account)).open()
            with pytest.raises(LeafKeyInvalid):
                await Door(gateway, account, ring_of(world, tmp_path / "empty", account)).open()

    asyncio.run(scenario())


def test_registration_once_hash_keys_are_required(world, tmp_path):
    """Last in its module, for there is no way back."""

    async def scenario():
        network = world.network
        async with world.client() as client:
            gateway = client.gateway
            operator = account_of(network.account("lab-2").private_key)
            security = account_of(network.account("operator").private_key)
            daemon = create_keystore(tmp_path / "keystore.json", tmp_path / "password")
            await gateway.transfer(security, daemon.address, 10**18)
            await gateway.send(security, "ProcessorRegistry", "requireHashKeys")
            registry = gateway.addresses["ProcessorRegistry"]
            plain = sign_registration(daemon, network.chain_id, registry, operator.address, bytes(32), bytes(32))
            with pytest.raises(ContractRefused) as caught:
                await gateway.simulate(
                    operator, "ProcessorRegistry", "register", daemon.address, bytes(32), bytes(32), plain
                )
            assert caught.value.name == "HashSignatureRequired"
            doors = [
                Door(gateway, person, ring_of(world, tmp_path / person.address, person))
                for person in (operator, daemon)
            ]
            for door in doors:
                await door.open()
            given = await consent(gateway, operator.address, daemon, lambda: doors[1], bytes(32), bytes(32))
            await doors[0].send("ProcessorRegistry", "register", daemon.address, bytes(32), bytes(32), given)
            processor = await client.registry.processor_of(daemon.address)
            assert processor == PROCESSORS + 1
            assert (await gateway.call("ProcessorRegistry", "reporterOf", processor))[1]
            for door in doors:
                door.close()

    asyncio.run(scenario())
