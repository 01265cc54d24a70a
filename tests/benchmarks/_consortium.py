"""A consortium to measure on: a Ganache of its own, the suite, five processors, and one requester.

Processors are either daemons, as shipped, or played by hand with whatever answers a measurement needs.
"""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from qcrs.chain.contracts import Registry
from qcrs.chain.deployment import DEFAULT_POLICY
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount, account_of, load_keystore
from qcrs.chain.network import Network
from qcrs.circuits import text_of
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.story import Duty, Story
from qcrs.quantum.circuit import canonical, facts, load
from qcrs.rules import commitment
from qcrs.rules.count_sketch import sketch_of
from qcrs.rules.histogram import counts_root
from qcrs.rules.keeping import Step, arguments_of
from qcrs.sdk.client import Client
from qcrs.sdk.devnet import Devnet, bring_up
from qcrs.sdk.secrets import Secrets
from qcrs.sdk.terms import Circuit
from qcrs.store import Store

PROCESSORS = 5
WINDOW_SECONDS = 600  # long enough that a busy machine never runs into a deadline
HEARTBEAT_SECONDS = 3600
POLICY = DEFAULT_POLICY.model_copy(
    update={"commit_seconds": WINDOW_SECONDS, "disclose_seconds": WINDOW_SECONDS, "reveal_seconds": WINDOW_SECONDS}
)

Counts = Mapping[int, int]


@asynccontextmanager
async def consortium(daemons: bool) -> AsyncIterator[Devnet]:
    """Bring up a consortium, with *daemons* as processes of their own, and stop it afterwards."""
    with TemporaryDirectory(prefix="qcrs-bench-") as folder:
        devnet = await bring_up(
            Path(folder) / "devnet",
            PROCESSORS,
            policy=POLICY,
            heartbeat_seconds=HEARTBEAT_SECONDS,
            start_daemons=daemons,
            progress=say,
        )
        try:
            yield devnet
        finally:
            devnet.stop()


@cache
def say(line: str) -> None:
    """Print *line*, unless it has been said before."""
    print(f"  {line}", flush=True)


def requester(devnet: Devnet, gateway: Gateway) -> Client:
    """Return the client of the organisation that only submits."""
    network = Network.read(devnet.network_path)
    account = account_of(network.account("researcher").private_key or "")
    return Client(gateway, account, Secrets(devnet.directory / "secrets.jsonl"), Store(network.store))


def example(name: str) -> Circuit:
    """Return the bundled circuit called *name*, ready to submit."""
    circuit = load(text_of(name))
    size = facts(circuit)
    return Circuit(canonical(circuit), size.qubits, size.outcome_bits)


@dataclass
class Players:
    """Processors played by hand.

    Attributes:
        daemons: Daemon account by processor id.
    """

    gateway: Gateway
    client: Client
    daemons: Mapping[int, LocalAccount]

    @classmethod
    async def of(cls, devnet: Devnet, gateway: Gateway) -> "Players":
        """Take the places of *devnet*'s daemons, and say that they are alive."""
        registry = Registry(gateway)
        daemons = {}
        for number in range(PROCESSORS):
            files = devnet.node_files(f"lab-{number + 1}")
            account = load_keystore(files.keystore, files.password)
            daemons[await registry.processor_of(account.address)] = account
        players = cls(gateway, requester(devnet, gateway), daemons)
        await players.beat()
        return players

    async def beat(self) -> None:
        """Send one heartbeat each."""
        for processor, account in self.daemons.items():
            await self.gateway.send(account, "ProcessorRegistry", "heartbeat", processor)

    async def submit(self, circuit: Circuit, replicas: int, shots: int, replica_cap: int | None = None) -> int:
        """Submit *circuit* with *shots* a replica, to escalate only if *replica_cap* says so; return its id."""
        cap = replica_cap or replicas
        return (await self.client.submit(circuit, shots * replicas, replicas, replica_cap=cap, plain=True)).computation

    async def allocate(self, computation: int) -> Story:
        """Have processors drawn."""
        await self.gateway.send(self.client.account, "ComputationAllocator", "allocate", computation)
        return await self.client.story(computation)

    async def commit(self, story: Story, duty: Duty, counts: Counts, salt: bytes) -> None:
        """Commit one processor to *counts*."""
        network = self.gateway.network
        digest = commitment.of_result(
            network.chain_id, network.contracts["ResultVerifier"], story.computation, story.attempt, duty.processor,
            counts_root(counts), salt,
        )  # fmt: skip
        await self._act(duty, "commit", story.computation, duty.index, digest)

    async def refuse(self, story: Story, duty: Duty) -> None:
        """Refuse the payload, as not OpenQASM."""
        await self._act(duty, "refuse", story.computation, duty.index, 1)

    async def disclose(self, story: Story) -> Story:
        """Disclose the requester's secret."""
        secret = self.client.secrets.behind(story.request.secret_commitment)
        await self.gateway.send(self.client.account, "ResultVerifier", "disclose", story.computation, secret)
        return await self.client.story(story.computation)

    async def reveal(self, story: Story, duty: Duty, counts: Counts, salt: bytes) -> None:
        """Open one processor's commitment."""
        sketch = sketch_of(counts, story.request.outcome_bits, story.seed)
        root = counts_root(counts)
        await self._act(duty, "reveal", story.computation, duty.index, root, salt, sketch)

    async def settle(self, computation: int) -> Story:
        """Settle with what was revealed; return the whole story."""
        story = await self.client.story(computation)
        contract, function = Step.Settle.value
        await self.gateway.send(self.client.account, contract, function, *arguments_of(Step.Settle, story))
        return await self.client.story(computation)

    async def play(self, circuit: Circuit, replicas: int, shots: int, answer: Callable[[int], Counts]) -> Story:
        """Take one job from submission to verdict; *answer* gives the counts of each assignment by index."""
        story = await self.allocate(await self.submit(circuit, replicas, shots))
        answers = {duty.index: (answer(duty.index), os.urandom(32)) for duty in story.duties}
        for duty in story.duties:
            await self.commit(story, duty, *answers[duty.index])
        story = await self.disclose(story)
        for duty in story.with_status(AssignmentStatus.Committed):
            await self.reveal(story, duty, *answers[duty.index])
        return await self.settle(story.computation)

    async def _act(self, duty: Duty, function: str, *arguments) -> None:
        await self.gateway.send(self.daemons[duty.processor], "ResultVerifier", function, *arguments)
