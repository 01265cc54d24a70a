"""Verified jobs a second with several in flight, against the bare chain: the very same transactions replayed alone.

Two Ganaches on one machine. On the first, real daemons and one client work; on the second nobody listens. After every
round its signed transactions are sent to the second, where they give the same states for the same gas, which is
checked. Rounds alternate, so other load on the machine falls on both; the ratio is the median over rounds.
"""

import asyncio
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil
from _consortium import consortium, example, requester
from _replay import replay
from _report import CHAIN, OWN, REST, SIMULATION, Goal, finish, picture, stacked_bars, table
from _transactions import Mined, mined

from qcrs.chain.devnet import DevnetChain, start_chain, stop_group
from qcrs.chain.gateway import Gateway
from qcrs.chain.network import Network
from qcrs.model.computation import ComputationStatus
from qcrs.sdk.client import Client
from qcrs.sdk.devnet import Devnet

COMMAND = "make bench-throughput"
IN_FLIGHT = 4
JOBS = 16  # a round
ROUNDS = 5
SHOTS = 3 * 4096
LEAST_PERCENT = 80
LEAST_BASE_FEE = 7  # wei; an eighth of it, rounded down, is nothing to sink by
DEPOSIT = 10**18  # wei; paid ahead, since submissions under way at once cannot share what is left in the account


class ReplayDiffers(Exception):
    """The same transactions did something else on the other chain; the comparison would mean nothing."""


@dataclass(frozen=True)
class Round:
    """One round.

    Attributes:
        loaded, bare: Jobs a second with daemons, and of the same transactions alone.
        transactions: Of the round. cpu: Milliseconds a job by process; ``bare chain`` is the second chain's.
    """

    loaded: float
    bare: float
    transactions: int
    cpu: dict[str, float]

    @property
    def percent(self) -> float:
        """Jobs a second as a share of the bare chain's."""
        return 100 * self.loaded / self.bare


class Meter:
    """CPU time of this benchmark's processes since it was made, the ended children of each included."""

    def __init__(self, devnet: Devnet, second: DevnetChain) -> None:
        daemons = [psutil.Process(pid) for pid in devnet.nodes.values()]
        self._groups = {
            "chain": [psutil.Process(devnet.chain_pid)],
            "client": [psutil.Process()],
            "daemons": daemons,
            "engines": [child for daemon in daemons for child in daemon.children()],
            "bare chain": [psutil.Process(second.pid)],
        }
        self._start = self._read()

    def per_job(self) -> dict[str, float]:
        """Return CPU milliseconds a job, by group."""
        now = self._read()
        return {group: 1e3 * (now[group] - self._start[group]) / JOBS for group in now}

    def _read(self) -> dict[str, float]:
        return {group: sum(map(self._spent, processes)) for group, processes in self._groups.items()}

    @staticmethod
    def _spent(process: psutil.Process) -> float:
        times = process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system


async def run_jobs(client: Client, jobs: int) -> float:
    """Run *jobs* Bell jobs, at most ``IN_FLIGHT`` at once, and return the seconds they took.

    Raises:
        RuntimeError: A verdict is not Accepted.
    """
    bell = example("bell")
    places = asyncio.Semaphore(IN_FLIGHT)

    async def run() -> None:
        async with places:
            story = await client.submit(bell, SHOTS)
            story = await client.drive(story.computation, since=story.submitted_in)
            if story.status is not ComputationStatus.Accepted:
                raise RuntimeError(f"computation {story.computation} ended as {story.status.name}")

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(run())
    return time.perf_counter() - began


async def measure(devnet: Devnet, second: DevnetChain) -> list[Round]:
    """Return the rounds."""
    network = Network.read(devnet.network_path)
    twin = network.model_copy(update={"rpc_url": second.rpc_url, "ws_url": second.ws_url})
    async with Gateway(network) as gateway:
        await sink_base_fee(gateway)
        client = requester(devnet, gateway)
        await gateway.send(client.account, "ComputationAllocator", "deposit", value=DEPOSIT)
        await run_jobs(client, IN_FLIGHT)  # first times are slower
        replayed = 0
        while (latest := await gateway.block_number()) > replayed:  # daemons go on sending heartbeats meanwhile
            await replay(second.ws_url, await mined(gateway, replayed + 1, latest), one_by_one=True)
            replayed = latest
        async with Gateway(await _as_it_began(twin)) as bare:
            await sink_base_fee(bare)
            rounds = []
            for number in range(ROUNDS):
                replayed, made = await one_round(client, bare, Meter(devnet, second), replayed)
                rounds.append(made)
                print(
                    f"  round {number + 1} of {ROUNDS}: {rounds[-1].loaded:.2f} jobs/s, bare {rounds[-1].bare:.2f}",
                    flush=True,
                )
    return rounds


async def sink_base_fee(gateway: Gateway) -> None:
    """Make empty blocks until the chain's base fee is as low as it gets.

    The chains have different numbers of blocks, so their base fees differ while they sink, and with them what a
    transaction pays that was signed on the other one. Ganache executes one twice when a better paid one comes meanwhile
    from somebody else, and then says of the second time that the nonce is used.
    """
    while int((await gateway.request("eth_getBlockByNumber", "latest", False))["baseFeePerGas"], 16) > LEAST_BASE_FEE:
        await gateway.request("evm_mine", {"blocks": 10})
    await gateway.look()


async def _as_it_began(twin: Network) -> Network:
    """Return the second chain's network, which began with a block of its own."""
    probe = Gateway(twin)
    try:
        return twin.model_copy(update={"genesis": await probe.genesis()})
    finally:
        await probe.close()


async def one_round(client: Client, bare: Gateway, meter: Meter, replayed: int) -> tuple[int, Round]:
    """Run one round on both chains.

    Args:
        replayed: Last block of which the second chain has the transactions; returned anew.

    Raises:
        ReplayDiffers: The second chain came out differently.
    """
    gateway = client.gateway
    loaded = await run_jobs(client, JOBS)
    cpu = meter.per_job()
    latest = await gateway.block_number()
    transactions = await mined(gateway, replayed + 1, latest)
    start = await bare.block_number() + 1
    before = meter.per_job()["bare chain"]
    alone = await replay(bare.network.ws_url, transactions)
    cpu["bare chain"] = meter.per_job()["bare chain"] - before
    require_same(transactions, await mined(bare, start))
    return latest, Round(JOBS / loaded, JOBS / alone, len(transactions), cpu)


def require_same(loaded: list[Mined], bare: list[Mined]) -> None:
    """Check that every transaction fared alike on both chains.

    Raises:
        ReplayDiffers: One did not, or total gas differs by more than the order of commits can explain.
    """
    fared = {transaction.hash: transaction.ok for transaction in bare}
    for transaction in loaded:
        if fared.get(transaction.hash) != transaction.ok:
            raise ReplayDiffers(f"{transaction.function} of computation {transaction.computation}")
    spent, again = sum(t.gas for t in loaded), sum(t.gas for t in bare)
    if abs(spent - again) > spent / 1000:
        raise ReplayDiffers(f"{spent} gas with daemons, {again} bare")


def show(rounds: list[Round], cpu: dict[str, float]) -> None:
    """Print the tables."""
    print(f"\nBell, k = 3, {IN_FLIGHT} jobs in flight; rounds of {JOBS} jobs")
    rows = [
        (str(number), r.loaded, r.bare, r.percent, r.transactions / JOBS) for number, r in enumerate(rounds, start=1)
    ]
    table(("round", "jobs/s", "bare jobs/s", "ratio, %", "transactions a job"), rows)
    print("CPU milliseconds a job, median")
    table(tuple(cpu), [tuple(cpu.values())])


def draw(rounds: list[Round], cpu: dict[str, float]) -> None:
    """Draw where the CPU time of a job goes, beside the bare chain's."""
    loaded, bare = median(r.loaded for r in rounds), median(r.bare for r in rounds)
    subtitle = f"{loaded:.1f} verified jobs/s with {IN_FLIGHT} in flight, {bare:.1f} bare; Bell, k = 3, Ganache"
    colours = {"chain": CHAIN, "client": REST, "daemons": OWN, "engines": SIMULATION}
    parts = [("chain", CHAIN, [cpu["bare chain"], cpu["chain"]])]
    parts += [(name, colour, [0, cpu[name]]) for name, colour in colours.items() if name != "chain"]
    with picture("throughput", "CPU time of one verified job", subtitle, (8.0, 2.4)) as axes:
        stacked_bars(axes, ["same transactions, bare", "with client and daemons"], parts)
        axes.set_xlabel("CPU milliseconds", fontsize=8)


async def main() -> None:
    """Measure and report."""
    async with consortium(daemons=True) as devnet:
        second = await asyncio.to_thread(start_chain, Path(devnet.directory).parent / "bare")
        try:
            rounds = await measure(devnet, second)
        finally:
            stop_group(second.pid)
    cpu = {group: median(r.cpu[group] for r in rounds) for group in rounds[0].cpu}
    show(rounds, cpu)
    draw(rounds, cpu)
    words = "verified jobs/s, share of what the same transactions reach alone"
    goal = Goal(words, median(r.percent for r in rounds), LEAST_PERCENT, "%", COMMAND, at_least=True)
    raw = {"inFlight": IN_FLIGHT, "jobsARound": JOBS, "rounds": [asdict(r) for r in rounds], "cpuMsAJob": cpu}
    finish("throughput", [goal], raw)


if __name__ == "__main__":
    asyncio.run(main())
