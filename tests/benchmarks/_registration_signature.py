"""What hash keys cost: gas on Ganache, every transaction real, and the signer's processor time.

``python3 tests/benchmarks/_registration_signature.py`` runs this part alone.
"""

import asyncio
import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from _consortium import POLICY, Players, consortium
from _registration_bundles import ONE_QUBIT, REPLICAS, SHOTS, bundles, each_of_sixteen
from _registration_keyholder import Keyholder
from _report import Goal, finish, table

from qcrs.chain.artifacts import compile_sources
from qcrs.chain.codec import Interface
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.chain.network import Network
from qcrs.chain.report import CommitReport, config_digest, sign_commit
from qcrs.rules import hash_signature
from qcrs.rules.hash_keys import Call
from qcrs.rules.hash_signature import SECRET_BYTES
from qcrs.sdk.devnet import Devnet
from qcrs.sdk.terms import Circuit

COMMAND = "make bench-registration"
HARNESS = "HashSignatureHarness"
VERIFICATIONS = 20
SIGNATURES = 100
MOST_VERIFY_GAS, MOST_SURCHARGE, MOST_BUNDLED_COMMIT = 40_000, 60_000, 33_000


async def verify_gas(gateway: Gateway, poster: LocalAccount) -> list[int]:
    """Return what verifications cost by themselves, without call data."""
    artifact = compile_sources()[HARNESS]
    interface = Interface(HARNESS, artifact.abi)
    address, _ = await gateway.create(poster, bytes.fromhex(artifact.bytecode[2:]))
    secret = os.urandom(SECRET_BYTES)
    tree, spent = hash_signature.grow(secret), []
    for leaf in range(VERIFICATIONS):
        digest = os.urandom(32)
        signature = hash_signature.sign(secret, tree, leaf * 51, digest)
        data = interface.encode_call("measure", (signature, tree.commitment, digest))
        answer = await gateway.request("eth_call", {"to": address, "data": "0x" + data.hex()}, "latest")
        valid, gas = interface.decode_result("measure", bytes.fromhex(answer[2:]))
        if not valid:
            raise AssertionError(f"a true signature of leaf {leaf * 51} was not taken")
        spent.append(gas)
    return spent


async def commits(players: Players, processor: int, count: int) -> list[Call]:
    """Have *count* computations allocated, and return the first commit of each: that of *processor*."""
    calls = []
    for _ in range(count):
        story = await players.allocate(await players.submit(Circuit(ONE_QUBIT, 1, 1), REPLICAS, SHOTS))
        (duty,) = (duty for duty in story.duties if duty.processor == processor)
        data = players.gateway.interfaces["ResultVerifier"].encode_call(
            "commit", (story.computation, duty.index, os.urandom(24))
        )
        calls.append(Call(players.gateway.addresses["ResultVerifier"], data))
    return calls


async def plain_commits(players: Players, processor: int, count: int) -> list[int]:
    """Return the gas of commits as a processor without a hash key sends them."""
    spent = []
    for call in await commits(players, processor, count):
        arguments = arguments_of_commit(call)
        receipt = await players.gateway.send(players.daemons[processor], "ResultVerifier", "commit", *arguments)
        spent.append(receipt.gas_used)
    return spent


async def relayed_commit(players: Players, processor: int) -> int:
    """Return the gas of a commit that the daemon signs by ECDSA alone and somebody else posts."""
    gateway, daemon = players.gateway, players.daemons[processor]
    at, chain_id = gateway.addresses, gateway.network.chain_id
    (call,) = await commits(players, processor, 1)
    computation, index, commitment = arguments_of_commit(call)
    report = CommitReport(
        computation=computation,
        index=index,
        attempt=1,
        commitment=commitment,
        payee=await gateway.call("ProcessorRegistry", "operatorOf", processor),
        config_digest=config_digest(
            chain_id, at["ResultVerifier"], at["ComputationAllocator"], at["ProcessorRegistry"], POLICY
        ),
    )
    item = sign_commit(daemon, chain_id, at["ReportRelay"], report)
    receipt = await gateway.send(
        players.client.account, "ReportRelay", "relay", [item.report.to_chain()], [item.signature], []
    )
    receipt.event("ResultCommitted")
    return receipt.gas_used


def arguments_of_commit(call: Call) -> tuple[int, int, bytes]:
    """Return what *call* commits: computation, assignment, commitment."""
    return int.from_bytes(call.data[4:36], "big"), int.from_bytes(call.data[36:68], "big"), call.data[68:92]


async def measure_gas(devnet: Devnet) -> dict[str, Any]:
    """Return the gas of everything that a key does."""
    async with Gateway(Network.read(devnet.network_path)) as gateway:
        players = await Players.of(devnet, gateway)
        processor, account = next(iter(players.daemons.items()))
        poster = players.client.account
        print("  verification by itself", flush=True)
        raw: dict[str, Any] = {"verify": await verify_gas(gateway, poster)}
        print("  commits without and with a hash key", flush=True)
        await plain_commits(players, processor, 1)  # the first one writes slots that are rewritten later
        raw["relayed"] = await relayed_commit(players, processor)
        raw["plain"] = await plain_commits(players, processor, 3)
        holder = Keyholder.fresh(gateway, account)
        raw["install"] = (await holder.install()).gas_used
        adopted = await gateway.send(account, "ProcessorRegistry", "adoptKeys", processor)
        raw["adopt"] = adopted.gas_used
        raw["perform"] = [(await holder.perform(call)).gas_used for call in await commits(players, processor, 1)]
        raw["posted"] = [(await holder.perform(call, poster)).gas_used for call in await commits(players, processor, 1)]
        raw["rotate"] = (await holder.rotate()).gas_used
        print("  bundles of commits, and reveals out of them", flush=True)
        raw["bundles"] = await bundles(players, holder, processor)
        return raw


def measure_speed() -> dict[str, list[float]]:
    """Return processor milliseconds of the signer's three operations."""
    secret = os.urandom(SECRET_BYTES)
    grown, tree = _milliseconds(lambda: hash_signature.grow(secret))
    signing, verifying = [], []
    for leaf in range(SIGNATURES):
        digest = os.urandom(32)
        spent, signature = _milliseconds(
            lambda leaf=leaf, digest=digest: hash_signature.sign(secret, tree, leaf, digest)
        )
        signing.append(spent)
        spent, valid = _milliseconds(
            lambda digest=digest, signature=signature: hash_signature.verify(signature, tree.commitment, digest)
        )
        if not valid:
            raise AssertionError(f"leaf {leaf} does not verify")
        verifying.append(spent)
    return {"grow": [grown], "sign": signing, "verify": verifying}


def _milliseconds(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return (time.process_time() - began) * 1e3, result


def rows(raw: dict[str, Any]) -> list[tuple[str, float, str]]:
    """Return the figures as a table's rows."""
    gas, speed = raw["gas"], raw["speed"]
    plain = median(gas["plain"])
    bundled, sixteen = gas["bundles"], each_of_sixteen(gas["bundles"])
    return [
        ("verification alone, dearest", max(gas["verify"]), "gas"),
        ("install, with proof of possession", gas["install"], "gas"),
        ("rotate, two signatures", gas["rotate"], "gas"),
        ("adoptKeys", gas["adopt"], "gas"),
        ("commit without a hash key", plain, "gas"),
        ("the same, signed by ECDSA and posted by another", gas["relayed"], "gas"),
        ("commit with one, sent by the account", median(gas["perform"]), "gas"),
        ("commit with one, posted by another", median(gas["posted"]), "gas"),
        ("what a key adds to a commit sent by the account", median(gas["perform"]) - plain, "gas"),
        *(
            (f"each of a bundle of {size}", each, "gas")
            for size, each in zip(bundled["sizes"], bundled["each"], strict=True)
        ),
        ("reveal by itself", bundled["reveal"], "gas"),
        ("reveal out of a bundle of 16", bundled["revealBundled"], "gas"),
        ("commit and reveal, by themselves with a key", median(gas["perform"]) + bundled["reveal"], "gas"),
        ("commit and reveal, out of a bundle of 16", sixteen + bundled["revealBundled"], "gas"),
        ("growing a tree", speed["grow"][0], "ms"),
        ("signing, median", median(speed["sign"]), "ms"),
        ("signing, longest", max(speed["sign"]), "ms"),
        ("verifying, median", median(speed["verify"]), "ms"),
    ]


def goals(raw: dict[str, Any]) -> list[Goal]:
    """Return the goals with the figures in *raw*.

    What a hash key adds is told between two commits that somebody else posts, which differ in their signatures alone.
    """
    gas = raw["gas"]
    return [
        Goal("gas of verifying a hash-based signature", max(gas["verify"]), MOST_VERIFY_GAS, "gas", COMMAND),
        Goal(
            "gas of a commit signed by a hash key too, over one signed by ECDSA alone",
            median(gas["posted"]) - gas["relayed"],
            MOST_SURCHARGE,
            "gas",
            COMMAND,
        ),
        Goal(
            "gas of each of 16 commits by one signature",
            each_of_sixteen(gas["bundles"]),
            MOST_BUNDLED_COMMIT,
            "gas",
            COMMAND,
        ),
    ]


async def measure() -> dict[str, Any]:
    """Return all figures."""
    async with consortium(daemons=False) as devnet:
        gas = await measure_gas(devnet)
    return {"gas": gas, "speed": measure_speed()}


async def main() -> None:
    """Measure and report this part alone."""
    raw = await measure()
    table(("what", "figure", "unit"), rows(raw))
    finish("registration_signature", goals(raw), raw)


if __name__ == "__main__":
    asyncio.run(main())
