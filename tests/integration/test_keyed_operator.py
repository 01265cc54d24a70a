"""An operator where hash keys are required: all by the command line, nothing by a stolen ECDSA key."""

import asyncio
import shutil

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.chain.deployment import ETHER, GWEI
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import account_of
from qcrs.cli import EXIT_INPUT, EXIT_REFUSED
from qcrs.model.processor import ProcessorStatus
from qcrs.sdk.devnet import bring_up
from qcrs.sdk.keyed import DOORS
from tests.integration.conftest import PATIENCE_SECONDS, POLICY, World, move_clock

OPERATOR, NODE = "lab-1", "keyed"
WEEK = 7 * 86_400


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A devnet of one processor, whose registry requires hash keys of whoever registers."""
    directory = tmp_path_factory.mktemp("devnet")
    devnet = asyncio.run(bring_up(directory, 1, policy=POLICY, heartbeat_seconds=60, start_daemons=False))
    try:
        world = World(devnet)
        send(world, "operator", "ProcessorRegistry", "requireHashKeys")
        yield world
    finally:
        devnet.stop()


@pytest.fixture(scope="module")
def config(world):
    """The configuration of a node that is yet to be registered."""
    directory = world.devnet.node_files(NODE).directory
    world.json("node", "init", str(directory), "--calibration", "algiers")
    return str(directory / "node.toml")


@pytest.fixture(scope="module")
def processor(world, config):
    """Its processor, registered by an operator with a key."""
    assert world.json("key", "install", "--as", OPERATOR)["heeding"] == [1]
    return world.json("processor", "register", "--config", config, "--as", OPERATOR, "--fund", "5")["id"]


def connected(world, task):
    """Return what *task* makes of a connection."""

    async def run():
        async with Gateway(world.network) as gateway:
            return await task(gateway)

    return asyncio.run(run())


def send(world, name, contract, function, *arguments, value=0):
    """Send a transaction by the ECDSA key of the account *name* alone."""
    account = account_of(world.network.account(name).private_key)
    return connected(world, lambda gateway: gateway.send(account, contract, function, *arguments, value=value))


def act(world, *arguments):
    """Carry out a command as the operator, and check that it went through the door."""
    before = performed(world)
    value = world.json(*arguments, "--as", OPERATOR)
    assert "error" not in value, value
    assert performed(world) == before + 1, arguments
    return value


def performed(world):
    """Return how many calls the door has made."""

    async def count(gateway):
        return len(await gateway.logs(gateway.network.deployed_at, names=["ActionPerformed"]))

    return connected(world, count)


def read(world, contract, function, *arguments):
    return connected(world, lambda gateway: gateway.call(contract, function, *arguments))


def test_registration_without_a_key_says_how_to_get_one(world, config):
    refused = world.run("processor", "register", "--config", config, "--as", OPERATOR, "--fund", "5")
    assert refused.returncode == EXIT_INPUT
    assert "HashKeyMissing" in refused.stderr
    assert "qcrs key install" in refused.stderr
    shown = world.json("key", "show", "--as", OPERATOR)
    assert (shown["commitment"], shown["deaf"]) == (None, [1])


def test_operator_registers_with_both_keys_of_both_accounts(world, processor):
    assert processor == 2
    assert read(world, "ProcessorRegistry", "reporterOf", processor)[1]
    shown = world.json("key", "show", "--as", OPERATOR)
    assert (shown["heeding"], shown["deaf"], shown["recovery"]) == ([1, 2], [], None)
    again = world.run("key", "install", "--as", OPERATOR)
    assert again.returncode == EXIT_INPUT
    assert "qcrs key rotate" in again.stderr


def test_operator_serves_by_the_command_line_with_keys_alone(world, config, processor):
    number = str(processor)
    act(world, "processor", "declare", number, "--config", config, "--quantum-volume-log2", "0")
    act(world, "processor", "offer", number, "0.00000002")
    assert read(world, "ProcessorRegistry", "termsOf", processor)["price"] == 20 * GWEI
    act(world, "processor", "withdraw-offer", number)
    act(world, "processor", "drain", number)
    assert read(world, "ProcessorRegistry", "standingOf", processor)["draining"]
    act(world, "processor", "resume", number)
    act(world, "reservation", "rate", number, "0.000001")
    assert read(world, "Reservations", "rateOf", processor) == ETHER // 10**6
    act(world, "organisation", "order", "shortest")


def test_operator_rekeys_with_the_daemons_hash_key(world, config, processor):
    rekeyed = act(world, "processor", "rekey", str(processor), "--config", config)
    assert rekeyed["version"] == 2


def test_daemon_serves_by_the_hash_key_that_it_registered_with(world, processor):
    world.devnet.start_node(NODE)

    async def beaten(gateway):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (await gateway.call("ProcessorRegistry", "standingOf", processor))["lastBeatAt"]:
                await asyncio.sleep(0.2)

    connected(world, beaten)


def test_bond_goes_where_the_operator_says(world, processor):
    number, heir = str(processor), world.network.account("operator").address
    world.json("processor", "bond", number, "--amount", "5", "--as", OPERATOR)
    act(world, "processor", "unbond", number, "--to", heir)
    before = performed(world)
    world.json("processor", "bond", number, "--amount", "1", "--as", OPERATOR)
    assert performed(world) == before + 1, "the unbonding is ended through the door, the coin comes by itself"
    assert read(world, "Bonds", "bondOf", processor) == 6 * ETHER
    free_at = act(world, "processor", "unbond", number, "--to", heir)["freeAt"]

    async def wait(gateway):
        async with world.client() as client:
            await move_clock(client, max(0, free_at - int(gateway.now)) + 2)
        return await gateway.balance(heir)

    held = connected(world, wait)
    act(world, "processor", "unbond", number, "--to", heir)
    assert connected(world, lambda gateway: gateway.balance(heir)) == held + 6 * ETHER


def test_balance_leaves_through_the_door(world, processor):
    world.json("ledger", "deposit", "2", "--as", OPERATOR)
    assert act(world, "ledger", "withdraw", "1")["withdrawn"] == str(ETHER)


def test_refused_call_costs_no_leaf(world, processor):
    before = world.json("key", "show", "--as", OPERATOR)["nextLeaf"]
    refused = world.run("processor", "offer", "1", "0.00000002", "--expires", "1" + "0" * 9, "--as", "lab-1")
    assert refused.returncode == 0
    refused = world.run("organisation", "join", "2", "--as", OPERATOR)
    assert refused.returncode == EXIT_REFUSED
    assert "AccountNotInvited" in refused.stderr
    assert world.json("key", "show", "--as", OPERATOR)["nextLeaf"] == before + 1


def test_stolen_ecdsa_key_alone_does_nothing(world, processor):
    thief, account = account_of(world.network.account(OPERATOR).private_key), world.network.account("operator").address
    arguments = {
        "register": (account, bytes(32), bytes(32), b""),
        "updateIdentity": (processor, bytes(32), b""),
        "drain": (processor, True),
        "offer": (processor, 1, 0, 2**40 - 1),
        "setRate": (processor, 1),
        "unbondTo": (processor, account),
        "withdraw": (1,),
        "withdrawTo": (account, 1),
        "invite": (account,),
        "join": (1,),
        "resign": (),
        "chooseOrder": (False,),
        "chooseScreen": (0,),
        "list": ([1], True),
    }

    async def attempt(gateway):
        named = await gateway.call("ProcessorRegistry", "capabilityOf", processor, 1)
        declared = {**arguments, "declareCapability": (processor, tuple(named.values()), "")}
        for contract, functions in DOORS.items():
            for function in functions:
                with pytest.raises(ContractRefused) as caught:
                    await gateway.simulate(thief, contract, function, *declared.get(function, (processor,)))
                assert caught.value.name == "HashSignatureRequired", (contract, function)

    connected(world, attempt)


def test_network_file_and_account_without_the_keyring_are_told_so(world, processor, tmp_path, monkeypatch):
    network = shutil.copy(world.devnet.network_path, tmp_path / "network.json")
    monkeypatch.setenv("QCRS_PASSWORD", "a guess")
    refused = world.run("processor", "drain", str(processor), "--as", OPERATOR, network=network)
    assert refused.returncode == EXIT_INPUT
    assert "has no such key" in refused.stderr


def test_key_is_rotated_and_the_next_one_serves(world, processor):
    before = world.json("key", "show", "--as", OPERATOR)["commitment"]
    after = world.json("key", "rotate", "--as", OPERATOR)
    assert after["commitment"] != before
    act(world, "processor", "withdraw-offer", str(processor))


def test_recovery_is_objected_to_or_finished(world):
    """A requester who has lost nothing objects; then it has, and waits for a week."""
    assert world.json("key", "install", "--as", "researcher")["deaf"] == []
    first = world.json("key", "recover", "--as", "researcher")
    facts = [first["account"], bytes.fromhex(first["commitment"][2:]), bytes.fromhex(first["possession"][2:])]
    send(world, "operator", "HashKeys", "proposeRecovery", *facts)
    early = world.run("key", "recover", "--finish", "--as", "researcher")
    assert early.returncode == EXIT_REFUSED
    assert "RecoveryOpen" in early.stderr
    assert world.json("key", "show", "--as", "researcher")["recovery"]["commitment"] == first["commitment"]
    assert world.json("key", "object", "--as", "researcher")["recovery"] is None

    send(world, "operator", "HashKeys", "proposeRecovery", *facts)

    async def wait():
        async with world.client() as client:
            await move_clock(client, WEEK + 1)

    asyncio.run(wait())
    assert world.json("key", "recover", "--finish", "--as", "researcher")["commitment"] == first["commitment"]


def test_processor_is_retired_and_the_audit_holds(world, processor):
    act(world, "processor", "retire", str(processor))
    standing = read(world, "ProcessorRegistry", "standingOf", processor)
    assert standing["status"] == ProcessorStatus.Retired
    verified = world.run("audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
