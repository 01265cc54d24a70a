"""What hash keys cost: gas on Ganache, every transaction real, and the signer's processor time.

``python3 tests/benchmarks/_registration_signature.py`` runs this part alone.
"""

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from _consortium import POLICY, Players, consortium
from _report import Goal, finish, table

from qcrs.chain.artifacts import compile_sources
from qcrs.chain.codec import Interface
from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount
from qcrs.chain.network import Network
from qcrs.chain.report import CommitReport, config_digest, sign_commit
from qcrs.rules import hash_signature
from qcrs.rules.hash_keys import Action, Call, Domain
from qcrs.rules.hash_signature import SECRET_BYTES, Tree
from qcrs.sdk.devnet import Devnet
from qcrs.sdk.terms import Circuit

COMMAND = "make bench-registration"
ONE_QUBIT = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] q;\nbit[1] c;\nh q[0];\nc[0] = measure q[0];\n'
REPLICAS, SHOTS = 5, 4096  # all five processors, so that the one measured has a seat in each computation
BATCHES = (4, 16)  # as far as the qubits of a devnet's processors reach: each commit here holds one
GAS_EACH = 150_000
HARNESS = "HashSignatureHarness"
VERIFICATIONS = 20
SIGNATURES = 100
MOST_VERIFY_GAS, MOST_POSTED_SURCHARGE, MOST_SURCHARGE, MOST_BATCH_SURCHARGE = 40_000, 60_000, 60_000, 12_000


@dataclass
class Keyholder:
    """One processor's daemon with trees of its own, in memory alone."""

    gateway: Gateway
    account: LocalAccount
    secret: bytes
    tree: Tree
    next_leaf: int = 0

    @classmethod
    def fresh(cls, gateway: Gateway, account: LocalAccount) -> "Keyholder":
        """Return a holder with a new tree."""
        secret = os.urandom(SECRET_BYTES)
        return cls(gateway, account, secret, hash_signature.grow(secret))

    @property
    def domain(self) -> Domain:
        """What is signed for."""
        return Domain(self.gateway.network.chain_id, self.gateway.addresses["HashKeys"])

    def sign(self, digest_of: Callable[[int], bytes]) -> bytes:
        """Return the next leaf's signature."""
        leaf, self.next_leaf = self.next_leaf, self.next_leaf + 1
        return hash_signature.sign(self.secret, self.tree, leaf, digest_of(leaf))

    def possession(self) -> bytes:
        """Return the proof that somebody has this tree."""
        commitment = self.tree.commitment
        return self.sign(lambda leaf: self.domain.possession_digest(self.account.address, commitment, leaf))

    async def install(self) -> Receipt:
        """Install the tree."""
        return await self._send("install", self.tree.commitment, self.possession())

    async def rotate(self) -> Receipt:
        """Replace the tree by a fresh one."""
        fresh, account = Keyholder.fresh(self.gateway, self.account), self.account.address
        commitment = fresh.tree.commitment
        signature = self.sign(lambda leaf: self.domain.rotation_digest(account, commitment, leaf))
        receipt = await self._send("rotate", account, commitment, fresh.possession(), b"", signature)
        self.secret, self.tree, self.next_leaf = fresh.secret, fresh.tree, fresh.next_leaf
        return receipt

    async def perform(self, call: Call, poster: LocalAccount | None = None) -> Receipt:
        """Make one call: sent by the account itself, or by *poster* with an ECDSA signature beside."""
        action = Action(self.account.address, call.target, call.data)
        leaf = self.next_leaf
        signature = self.sign(lambda leaf: self.domain.action_digest(action, leaf))
        ecdsa = b""
        if poster is not None:
            ecdsa = bytes(self.account.unsafe_sign_hash(self.domain.action_digest(action, leaf)).signature)
        given = (action.to_chain(), ecdsa, signature)
        return await self.gateway.send(poster or self.account, "HashKeys", "perform", *given)

    async def perform_many(self, calls: list[Call]) -> Receipt:
        """Make many calls under one signature."""
        account, given = self.account.address, [call.to_chain() for call in calls]
        signature = self.sign(lambda leaf: self.domain.batch_digest(account, calls, GAS_EACH, leaf))
        return await self._send("performMany", account, given, GAS_EACH, b"", signature)

    async def _send(self, function: str, *arguments: Any) -> Receipt:
        return await self.gateway.send(self.account, "HashKeys", function, *arguments)


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
        raw["batches"] = await batches(players, holder, processor)
        return raw


async def batches(players: Players, holder: Keyholder, processor: int) -> dict[str, float]:
    """Return the gas of each commit in batches of several sizes, as far as the processor has qubits for them."""
    each = {}
    for size in BATCHES:
        standing = await players.gateway.call("ProcessorRegistry", "standingOf", processor)
        if size > standing["qubits"] - standing["leasedQubits"]:
            print(f"  a batch of {size} needs more qubits than the processor has left: not measured", flush=True)
            continue
        calls = await commits(players, processor, size)
        receipt = await holder.perform_many(calls)
        if len([event for event in receipt.events if event.name == "ResultCommitted"]) != size:
            raise AssertionError(f"not all of a batch of {size} commits were taken")
        each[str(size)] = receipt.gas_used / size
    return each


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
    sixteen = gas["batches"].get("16")
    return [
        ("verification alone, dearest", max(gas["verify"]), "gas"),
        ("install, with proof of possession", gas["install"], "gas"),
        ("rotate, two signatures", gas["rotate"], "gas"),
        ("adoptKeys", gas["adopt"], "gas"),
        ("commit without a hash key", plain, "gas"),
        ("the same, signed by ECDSA and posted by another", gas["relayed"], "gas"),
        ("commit with one, sent by the account", median(gas["perform"]), "gas"),
        ("commit with one, posted by another", median(gas["posted"]), "gas"),
        *((f"each of a batch of {size}", each, "gas") for size, each in gas["batches"].items()),
        *([("of which for the hash key, batch of 16", sixteen - (plain - 21_000), "gas")] if sixteen else []),
        ("growing a tree", speed["grow"][0], "ms"),
        ("signing, median", median(speed["sign"]), "ms"),
        ("signing, longest", max(speed["sign"]), "ms"),
        ("verifying, median", median(speed["verify"]), "ms"),
    ]


def goals(raw: dict[str, Any]) -> list[Goal]:
    """Return the goals with the figures in *raw*."""
    gas = raw["gas"]
    plain = median(gas["plain"])
    found = [
        Goal("gas of verifying a hash-based signature", max(gas["verify"]), MOST_VERIFY_GAS, "gas", COMMAND),
        Goal("gas that a hash key adds to a commit", median(gas["perform"]) - plain, MOST_SURCHARGE, "gas", COMMAND),
        Goal(
            "gas of a commit with one posted by another, over the report relay's",
            median(gas["posted"]) - gas["relayed"],
            MOST_POSTED_SURCHARGE,
            "gas",
            COMMAND,
        ),
    ]
    if "16" in gas["batches"]:
        found.append(Goal("gas of each of 16 commits by one signature", gas["batches"]["16"], 33_000, "gas", COMMAND))
        surcharge = gas["batches"]["16"] - (plain - 21_000)
        found.append(Goal("gas that it adds to each of 16 commits", surcharge, MOST_BATCH_SURCHARGE, "gas", COMMAND))
    return found


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
