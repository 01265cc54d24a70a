"""The main job: six organisations, five processors of which one lies, and circuits whose counts the chain verifies."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcrs.chain.contracts import Registry
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import account_of
from qcrs.chain.network import Network
from qcrs.circuits import text_of
from qcrs.model.computation import ComputationStatus
from qcrs.quantum.circuit import canonical, load
from qcrs.quantum.ideal import ideal_distribution, total_variation_distance
from qcrs.quantum.plot import histogram
from qcrs.quantum.scan import scan
from qcrs.sdk.audit import Report, verify
from qcrs.sdk.client import Client
from qcrs.sdk.devnet_processes import Devnet
from qcrs.sdk.ledger import read_ledger
from qcrs.sdk.result import Result
from qcrs.sdk.secrets import Secrets
from qcrs.sdk.terms import Circuit
from qcrs.store import Store

# The one at k = 5 takes all five processors, so the rogue is drawn whatever the sortition says.
JOBS: Sequence[tuple[str, int]] = (
    ("bell", 3), ("ghz5", 5), ("qft5", 3), ("ansatz5", 3), ("grover3", 3), ("ising10", 3),
)  # fmt: skip
SHOTS_PER_REPLICA = 4096
# Sortition is fair to the rogue too: with a spare processor it may be left out, and then the first job is repeated.
MOST_REPEATS = 12


@dataclass(frozen=True)
class JobReport:
    """One job of the demonstration.

    Attributes:
        distance: Total variation distance of the pooled counts from the ideal distribution; None without counts.
        latency: Seconds from submission to verdict, as the requester sees it.
    """

    name: str
    result: Result
    distance: float | None
    latency: float
    picture: str

    def to_json(self) -> dict[str, Any]:
        """Return the report's entry."""
        return {
            "name": self.name,
            **self.result.to_json(),
            "totalVariationDistance": None if self.distance is None else round(self.distance, 5),
            "latencySeconds": round(self.latency, 3),
            "histogram": self.picture,
        }


@dataclass(frozen=True)
class Demonstration:
    """What came of it.

    Attributes:
        rogue: Processor id of the test equipment. fault: What it does. flagged: Whether the chain caught it, and
            nobody else.
    """

    jobs: Sequence[JobReport]
    rogue: int
    fault: str
    flagged: bool
    balanced: bool
    audit: Report
    devices: Mapping[int, str]

    @property
    def holds(self) -> bool:
        """Whether every job was verified, the rogue was caught, the books balance and the audit holds."""
        verified = all(job.result.status is ComputationStatus.Accepted for job in self.jobs)
        return verified and self.flagged and self.balanced and self.audit.holds

    def to_json(self) -> dict[str, Any]:
        """Return the whole report."""
        return {
            "holds": self.holds,
            "simulated": "the processors are Qiskit Aer under calibration snapshots of real devices",
            "jobs": [job.to_json() for job in self.jobs],
            "processors": {str(processor): device for processor, device in self.devices.items()},
            "rogue": {"processor": self.rogue, "fault": self.fault, "flagged": self.flagged},
            "booksBalance": self.balanced,
            "audit": self.audit.to_json(),
        }


async def demonstrate(
    devnet: Devnet,
    rogue: int,
    fault: str,
    pictures: Path,
    observe: Callable[[str], Callable],
    progress: Callable[[str], None],
) -> Demonstration:
    """Run the jobs on *devnet*, one after the other, and check everything.

    Args:
        rogue: Processor id of the faulty one. pictures: Directory for histograms.
        observe: Gives, for a job's name, what to call with its story and events.
    """
    network = Network.read(devnet.network_path)
    account = account_of(network.account("researcher").private_key or "")
    pictures.mkdir(parents=True, exist_ok=True)
    async with Gateway(network) as gateway:
        client = Client(gateway, account, Secrets(devnet.directory / "secrets.jsonl"), Store(network.store))
        jobs = []
        for name, replicas in JOBS:
            jobs.append(await _job(client, name, replicas, pictures, observe(name)))
        while rogue not in await _drawn(client) and len(jobs) < len(JOBS) + MOST_REPEATS:
            jobs.append(await _job(client, *JOBS[0], pictures, observe(JOBS[0][0])))
        progress("checking the books")
        books = await read_ledger(gateway)
        progress("replaying the audit trail")
        audit = await verify(gateway, progress)
        registry = Registry(gateway)
        count = await registry.count()
        standings = {processor: await registry.standing(processor) for processor in range(1, count + 1)}
    caught = {p for p, standing in standings.items() if standing.outliers or standing.silent}
    return Demonstration(
        jobs=jobs,
        rogue=rogue,
        fault=fault,
        flagged=caught == {rogue},
        balanced=books.balanced,
        audit=audit,
        devices=devnet.devices,
    )


async def _drawn(client: Client) -> set[int]:
    return {duty.processor for story in await client.stories() for duty in story.duties}


async def _job(client: Client, name: str, replicas: int, pictures: Path, observe: Callable) -> JobReport:
    circuit = load(text_of(name))
    text = canonical(circuit)
    job = Circuit.of(text, [scan(text)])
    began = time.perf_counter()
    story = await client.submit(
        job,
        SHOTS_PER_REPLICA * replicas,
        replicas,
    )
    await client.drive(story.computation, observe, story.submitted_in)
    latency = time.perf_counter() - began
    result = await client.result(story.computation)
    distance, picture = None, ""
    if result.counts is not None:
        ideal = ideal_distribution(circuit)
        distance = total_variation_distance(result.counts, ideal)
        path = pictures / f"{name}.png"
        subtitle = f"processors {', '.join(map(str, result.accepted))} agree; distance from ideal {distance:.3f}"
        await asyncio.to_thread(histogram, path, ideal, result.counts, job.outcome_bits, name, subtitle)
        picture = path.name
    return JobReport(name, result, distance, latency, picture)
