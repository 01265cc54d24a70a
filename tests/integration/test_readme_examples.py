"""What the README tells people to run, run as it stands there, against a devnet with daemons."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from eth_utils import to_checksum_address

from qcrs.chain.codec import ContractRefused, Interface
from qcrs.chain.compiler import compile_standard_input, source_closure, standard_input
from qcrs.chain.contracts import Members, Registry
from qcrs.chain.deployment import ETHER, PROCESSOR_CERTIFICATION
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import account_of, create_keystore
from qcrs.chain.network import Network
from qcrs.model.computation import ComputationStatus
from qcrs.rules.count_sketch import unpack
from tests.integration.conftest import PATIENCE_SECONDS, drive, running

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
PROCESSORS = 4
SHOTS = 4096


def block(language, mark):
    """Return the one code block in *language* that contains *mark*."""
    (found,) = [text for kind, text in BLOCKS if kind == language and mark in text]
    return found


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A user's home: the README's devnet is in its usual place below it."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def world(home):
    """The devnet of the README."""
    with running(home / ".qcrs" / "devnet", PROCESSORS) as world:
        yield world


@pytest.fixture
def shell(world, home):
    """Runs commands as the README's reader would, in *cwd*, and returns what they print."""

    def start(commands, cwd=ROOT, **variables):
        tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("QCRS_")}
        return subprocess.Popen(
            ["bash", "-euc", commands],
            cwd=cwd,
            env={**kept, "HOME": str(home), "PATH": tools, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(commands, cwd=ROOT, **variables):
        process = start(commands, cwd, **variables)
        output, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, f"{commands}\n{output}\n{errors}"
        return output

    run.start = start
    return run


async def _fund(network, address, amount=ETHER):
    async with Gateway(network) as gateway:
        await gateway.transfer(account_of(network.account("operator").private_key), address, amount)


def test_commands_that_submit_a_circuit(shell):
    output = shell(block("sh", "job list"))
    assert re.search(r"^job \d+  Accepted$", output, re.M)
    assert "the books balance" in output


def test_commands_that_ask_for_golds(shell):
    commands = block("sh", "--soundness")
    process = shell.start(commands)
    _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, told
    assert "guaranteed: false answers to more than 10 % of the circuits escape" in told
    output = shell(commands.replace("--dry-run", "--yes --wait"))
    assert re.search(r"^job \d+  Accepted$", output, re.M)


def test_javascript_example_prints_verified_counts(shell):
    commands = block("sh", "build/dapp/submit.mjs")
    (ROOT / "build" / "dapp").mkdir(parents=True, exist_ok=True)
    (ROOT / "build" / "dapp" / "submit.mjs").write_text(block("js", "allocator.submit"))
    output = shell(commands)
    assert "verdict: Accepted" in output
    counts = {bits: int(count) for bits, count in re.findall(r"^([01]{2}) (\d+)$", output, re.M)}
    assert sorted(counts) == ["00", "01", "10", "11"]
    assert sum(counts.values()) in (2 * SHOTS, 3 * SHOTS)
    assert counts["00"] + counts["11"] > 0.9 * sum(counts.values())


def _compiled_example():
    """Return interface and creation code of the README's contract."""
    name, unit = "BellPair", "contracts/BellPair.sol"
    source = block("solidity", "contract BellPair")
    imported = re.findall(r'from "\./([^"]+)"', source)
    units = source_closure(ROOT, [f"contracts/{path}" for path in imported])
    complete = standard_input({**units, unit: source})
    complete["settings"]["outputSelection"] = {unit: {name: ["abi", "evm.bytecode.object"]}}
    made = compile_standard_input(complete)["contracts"][unit][name]
    return Interface(name, made["abi"]), bytes.fromhex(made["evm"]["bytecode"]["object"])


async def _add_contract(gateway, owner, interface, code):
    """Create the README's contract for *owner*, make it a member, and let the gateway know it."""
    suite = gateway.addresses
    arguments = (suite["ComputationAllocator"], suite["Consortium"])
    address, _ = await gateway.create(owner, code + interface.encode_constructor(arguments))
    gateway.interfaces[interface.name] = interface
    gateway.addresses[interface.name] = address = to_checksum_address(address)
    organisation = await Members(gateway).organisation_of(owner.address)
    await gateway.send(owner, "Consortium", "invite", address)
    await gateway.send(owner, interface.name, "join", organisation)
    return address


def test_solidity_example_orders_a_computation_and_proves_its_counts_on_chain(world):
    interface, code = _compiled_example()

    async def work():
        async with world.client() as client:
            gateway, owner = client.gateway, client.account
            address = await _add_contract(gateway, owner, interface, code)
            noise_class = (await client.registry.standing(1)).noise_class
            price = (await client.allocator.policy()).price_per_qubit_shot
            quote = await client.allocator.quote(price, 2, SHOTS, 3, 3)
            commitment = client.secrets.create()
            await gateway.send(owner, "BellPair", "order", noise_class, commitment, value=quote)
            computation = await gateway.call("BellPair", "computation")
            story = await drive(client, computation)
            assert story.status is ComputationStatus.Accepted
            assert story.requester.lower() == address.lower()
            for duty in story.duties:
                if not story.accepted >> duty.index & 1:
                    continue
                proof = (duty.index, duty.counts_root, duty.salt, list(duty.sketch))
                agreeing = await gateway.call("BellPair", "agreeingShots", *proof)
                counts = unpack(duty.sketch, 2)
                assert agreeing == counts[0b00] + counts[0b11] > 0.9 * SHOTS
                forged = (duty.index, duty.counts_root, duty.salt, [duty.sketch[0] ^ 1])
                with pytest.raises(ContractRefused) as refusal:
                    await gateway.call("BellPair", "agreeingShots", *forged)
                assert refusal.value.name == "RevealUnknown"
            assert sum(await client.allocator.balance(address)) > 0
            await gateway.send(owner, "BellPair", "collect")
            assert await client.allocator.balance(address) == (0, 0)
            assert await gateway.balance(address) == 0

    asyncio.run(work())


def test_commands_that_run_a_node(world, home, shell):
    daemon = re.search(r"0x\w{40}", shell(block("sh", "node init"))).group()
    assert f"processor {PROCESSORS + 1} " in shell(block("sh", "processor register"))
    node = shell.start(block("sh", "node start"))
    try:
        assert asyncio.run(_beats(world.network, PROCESSORS + 1, node)), node.communicate()
        assert "running" in shell("qcrs node status --config ~/my-node/node.toml")
        shown = json.loads(shell(f"qcrs processor show {PROCESSORS + 1} --json"))
        assert shown["available"]
        assert shown["daemon"].lower() == daemon.lower()
    finally:
        shell(f"qcrs processor unbond {PROCESSORS + 1}")  # other tests' jobs must not wait for it
        os.killpg(node.pid, signal.SIGTERM)
        node.communicate(timeout=PATIENCE_SECONDS)
    assert node.returncode == 0


async def _beats(network, processor, process):
    """Wait until *processor* has sent a heartbeat, or its daemon has ended."""
    async with Gateway(network) as gateway, asyncio.timeout(PATIENCE_SECONDS):
        while process.poll() is None:
            if (await Registry(gateway).standing(processor)).last_beat_at:
                return True
            await asyncio.sleep(0.2)
    return False


def test_commands_that_deploy_to_another_chain(world, shell, tmp_path):
    keys = tmp_path / "deployer.json", tmp_path / "deployer.password"
    deployer = create_keystore(*keys)
    asyncio.run(_fund(world.network, deployer.address, 3 * ETHER))
    holders = {
        name: world.network.accounts[number].address
        for number, name in enumerate(("COMMITTEE", "CERTIFIER", "SECURITY", "COUNCIL"))
    }
    variables = {
        "RPC_URL": world.network.rpc_url,
        "WS_URL": world.network.ws_url,
        "STORE": str(tmp_path / "store"),
    }
    shell(block("sh", "qcrs deploy"), cwd=tmp_path, **variables, **holders)
    network = Network.read(tmp_path / "live.json")
    assert not network.accounts

    async def certifies(account):
        async with Gateway(network) as gateway:
            role = PROCESSOR_CERTIFICATION
            return (await gateway.call("Authority", "hasRole", role, account))[0]

    assert asyncio.run(certifies(holders["CERTIFIER"]))
    assert not asyncio.run(certifies(deployer.address))
