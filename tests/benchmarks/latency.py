"""Where the time of a job goes, as its requester waits: chain, simulation, our own code.

Real daemons as processes, one job at a time, circuits in turn. The daemons' own stopwatches say how long each action
took in the engine (fork, scan, transpile, simulate), in calls to the chain, and in between; the client is watched here.

    own         CPU time of the whole client process, plus the daemons' time outside engine and chain: of the slowest
                answer and the slowest reveal, since the job waits for those. The answer's includes the wait for the
                circuit's key, which the client seals once processors are drawn
    simulation  the engine's time in the slowest answer
    chain       the rest of submit -> verdict: requests, transactions waiting for each other, events on their way
    clocked     for comparison, what the stopwatches saw of the chain: the client with a request under way, less its
                CPU time, and the daemons in the slowest answer and reveal; these overlap, so it may exceed the former
"""

import asyncio
import re
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psutil
from _consortium import consortium, example, requester
from _report import CHAIN, OWN, SIMULATION, Goal, finish, percentile, picture, stacked_bars, table

from qcrs.chain.gateway import Gateway
from qcrs.chain.network import Network
from qcrs.model.computation import ComputationStatus
from qcrs.sdk.client import Client
from qcrs.sdk.devnet import Devnet
from qcrs.sdk.terms import Circuit

COMMAND = "make bench-latency"
CIRCUITS = ("bell", "ghz5", "ising10")
JOBS = 15  # of each circuit
SHOTS = 3 * 4096
MOST_OWN_MS = 10
PARTS = (("chain", CHAIN), ("simulation", SIMULATION), ("own", OWN))

_LINE = re.compile(
    r"action=(?P<action>Answer|Reveal) computation=(?P<computation>\d+) "
    r"engineMs=(?P<engine>[\d.]+) chainMs=(?P<chain>[\d.]+) ownMs=(?P<own>[\d.]+) keyMs=(?P<key>[\d.]+)"
)


@dataclass(frozen=True)
class Action:
    """One line of a daemon's stopwatch, in milliseconds; *key* is the part of *own* in which it waited for the key."""

    action: str
    computation: int
    engine: float
    chain: float
    own: float
    key: float

    @property
    def total(self) -> float:
        """From deciding on it until it was mined."""
        return self.engine + self.chain + self.own


@dataclass(frozen=True)
class Job:
    """One job as its client saw it, in milliseconds.

    Attributes:
        wall: Submit to verdict. waiting: With a request under way, less the CPU time spent meanwhile. cpu: Of the
            client's process. requests: JSON-RPC requests made.
    """

    circuit: str
    computation: int
    wall: float
    waiting: float
    cpu: float
    requests: int


class WatchedGateway(Gateway):
    """A gateway that adds up the time during which at least one operation on the chain is under way."""

    def __init__(self, network: Network) -> None:
        super().__init__(network)
        self.waiting = 0.0
        self.requests = 0
        self._under_way = 0
        self._since = 0.0

    def _begin(self) -> None:
        if self._under_way == 0:
            self._since = time.perf_counter() - time.process_time()
        self._under_way += 1

    def _end(self) -> None:
        self._under_way -= 1
        if self._under_way == 0:
            self.waiting += time.perf_counter() - time.process_time() - self._since

    async def request(self, method: str, *parameters: Any) -> Any:
        """As the gateway does, watched."""
        self.requests += 1
        self._begin()
        try:
            return await super().request(method, *parameters)
        finally:
            self._end()

    async def send(self, *arguments: Any, **more: Any) -> Any:
        """As the gateway does, watched."""
        self.requests += 1  # the transaction; its receipt is a request
        self._begin()
        try:
            return await super().send(*arguments, **more)
        finally:
            self._end()


async def run_job(client: Client, gateway: WatchedGateway, name: str, circuit: Circuit) -> Job:
    """Run one job and return what it took.

    Raises:
        RuntimeError: Its verdict is not Accepted.
    """
    waiting, requests = gateway.waiting, gateway.requests
    began, busy = time.perf_counter(), time.process_time()
    story = await client.submit(circuit, SHOTS)
    story = await client.drive(story.computation, since=story.submitted_in)
    wall, cpu = time.perf_counter() - began, time.process_time() - busy
    if story.status is not ComputationStatus.Accepted:
        raise RuntimeError(f"{name} ended as {story.status.name}; nothing measured on such a network means much")
    return Job(
        name, story.computation, 1e3 * wall, 1e3 * (gateway.waiting - waiting), 1e3 * cpu, gateway.requests - requests
    )


async def measure(devnet: Devnet) -> tuple[list[Job], float, float]:
    """Return the measured jobs, and CPU milliseconds a job of the chain, and of all daemons without their engines."""
    circuits = {name: example(name) for name in CIRCUITS}
    daemons = [psutil.Process(pid) for pid in devnet.nodes.values()]
    chain = [psutil.Process(devnet.chain_pid)]
    jobs: list[Job] = []
    async with WatchedGateway(Network.read(devnet.network_path)) as gateway:
        client = requester(devnet, gateway)
        for name, circuit in circuits.items():
            await run_job(client, gateway, name, circuit)  # first times are slower
        before = cpu_seconds(chain), cpu_seconds(daemons)
        for _ in range(JOBS):
            for name, circuit in circuits.items():
                jobs.append(await run_job(client, gateway, name, circuit))
            print(f"  {len(jobs)} of {JOBS * len(circuits)} jobs", flush=True)
        spent = cpu_seconds(chain) - before[0], cpu_seconds(daemons) - before[1]
    return jobs, 1e3 * spent[0] / len(jobs), 1e3 * spent[1] / len(jobs)


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """Return the CPU time of *processes* themselves, without their children."""
    return sum(process.cpu_times().user + process.cpu_times().system for process in processes)


def read_logs(devnet: Devnet) -> dict[int, list[Action]]:
    """Return the daemons' actions by computation."""
    actions: dict[int, list[Action]] = defaultdict(list)
    for name in devnet.nodes:
        path: Path = devnet.node_files(name).log
        for match in _LINE.finditer(path.read_text()):
            times = {key: float(match[key]) for key in ("engine", "chain", "own", "key")}
            action = Action(match["action"], int(match["computation"]), **times)
            actions[action.computation].append(action)
    return actions


def split(job: Job, actions: list[Action]) -> dict[str, float]:
    """Return the parts of *job*'s time, in milliseconds, as the module's text defines them."""
    answer = max((a for a in actions if a.action == "Answer"), key=lambda a: a.total)
    reveal = max((a for a in actions if a.action == "Reveal"), key=lambda a: a.total)
    own = job.cpu + answer.own + reveal.own
    return {
        "chain": job.wall - answer.engine - own,
        "simulation": answer.engine,
        "own": own,
        "key": answer.key,
        "clocked": job.waiting + answer.chain + reveal.chain,
    }


def summary(jobs: list[Job], splits: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return medians by circuit, and for all jobs together."""
    rows = {}
    for name in (*CIRCUITS, "all"):
        chosen = [number for number, job in enumerate(jobs) if name in (job.circuit, "all")]
        walls = [jobs[number].wall for number in chosen]
        rows[name] = {
            "p50": median(walls),
            "p95": percentile(walls, 95),
            **{part: median(splits[number][part] for number in chosen) for part in splits[0]},
            "requests": median(jobs[number].requests for number in chosen),
        }
    return rows


def show(rows: dict[str, dict[str, float]], actions: list[Action], jobs: list[Job], cpu: dict[str, float]) -> None:
    """Print the tables."""
    print("\nSubmit -> verdict at k = 3, milliseconds; parts are medians, so they need not add up")
    table(("circuit", *rows["all"]), [(name, *values.values()) for name, values in rows.items()])
    print("One action of one daemon, median milliseconds")
    table(
        ("action", "engine", "chain", "own", "own p95", "of own, for the key"),
        [
            (kind, median(a.engine for a in own), median(a.chain for a in own), median(a.own for a in own),
             percentile([a.own for a in own], 95), median(a.key for a in own))
            for kind in ("Answer", "Reveal")
            if (own := [a for a in actions if a.action == kind])
        ],
    )  # fmt: skip
    print("CPU time a job, milliseconds; three of five daemons work on it, all five follow it")
    table(("process", "CPU"), [("client", median(job.cpu for job in jobs)), *cpu.items()])


def draw(rows: dict[str, dict[str, float]]) -> None:
    """Draw the split by circuit."""
    subtitle = "one job at a time on Ganache, k = 3, 4,096 shots a replica; medians"
    with picture("latency", "Where a job's time goes", subtitle, (8.0, 2.8)) as axes:
        parts = [(part, colour, [rows[name][part] for name in CIRCUITS]) for part, colour in PARTS]
        stacked_bars(axes, list(CIRCUITS), parts)
        axes.set_xlabel("milliseconds", fontsize=8)


async def main() -> None:
    """Measure and report."""
    async with consortium(daemons=True) as devnet:
        jobs, chain_cpu, daemon_cpu = await measure(devnet)
        logged = read_logs(devnet)
    splits = [split(job, logged[job.computation]) for job in jobs]
    measured = [action for job in jobs for action in logged[job.computation]]
    rows = summary(jobs, splits)
    show(rows, measured, jobs, {"five daemons together, engines apart": daemon_cpu, "chain": chain_cpu})
    draw(rows)
    raw = {
        "summary": rows,
        "daemonCpuMs": daemon_cpu,
        "chainCpuMs": chain_cpu,
        "jobs": [{**asdict(job), **parts} for job, parts in zip(jobs, splits, strict=True)],
        "actions": [asdict(action) for action in measured],
    }
    words = "our own time a job, off chain and outside the simulator"
    finish("latency", [Goal(words, rows["all"]["own"], MOST_OWN_MS, "ms", COMMAND)], raw)


if __name__ == "__main__":
    asyncio.run(main())
