"""Gas of commits and reveals sent one by one and relayed in batches: every transaction real, on Ganache."""

import asyncio
from functools import partial
from statistics import median
from typing import Any

from _consortium import POLICY, Counts, Players, consortium, example
from _report import Goal, finish, table
from _transactions import gas_by_function, mined
from gas import SHOTS, peaked

from qcrs.chain.contracts import Registry
from qcrs.chain.gateway import Gateway
from qcrs.chain.network import Network
from qcrs.chain.report import CommitReport, RevealReport, SignedCommit, config_digest, sign_commit
from qcrs.model.story import Duty, Story
from qcrs.rules import commitment
from qcrs.rules.count_sketch import sketch_of
from qcrs.rules.histogram import counts_root
from qcrs.sdk.devnet import Devnet
from qcrs.sdk.relay import relay_arguments
from qcrs.sdk.terms import Circuit

COMMAND = "make bench-relay"
REPLICAS = 3
JOBS = 4
WIDTHS = (2, 16)  # outcome bits: one sketch word a replica, and sixteen
# Percent of the gas of separate transactions. What a batch cannot save are the signatures, which cost 8,000 gas each
# with their call data, and the storage that each report writes.
MOST_PART, MOST_PART_OF_MANY = 85, 67
SALT = b"\5" * 32


class Relayer:
    """Plays daemons that sign, and a relayer that posts for them."""

    def __init__(self, players: Players) -> None:
        self.players, self.gateway = players, players.gateway

    async def sign(self, story: Story, duty: Duty, counts: Counts) -> SignedCommit:
        """Return the signed commit of one processor."""
        network, account = self.gateway.network, self.players.daemons[duty.processor]
        at = network.contracts
        digest = commitment.of_result(
            network.chain_id, at["ResultVerifier"], story.computation, duty.attempt, duty.processor,
            counts_root(counts), SALT,
        )  # fmt: skip
        report = CommitReport(
            computation=story.computation,
            index=duty.index,
            attempt=duty.attempt,
            commitment=digest,
            payee=await Registry(self.gateway).operator(duty.processor),
            config_digest=config_digest(
                network.chain_id, at["ResultVerifier"], at["ComputationAllocator"], at["ProcessorRegistry"], POLICY
            ),
        )
        return sign_commit(account, network.chain_id, at["ReportRelay"], report)

    def reveal(self, story: Story, duty: Duty, counts: Counts) -> RevealReport:
        """Return the reveal of one processor."""
        return RevealReport(
            computation=story.computation,
            index=duty.index,
            counts_root=counts_root(counts),
            salt=SALT,
            sketch=sketch_of(counts, story.request.outcome_bits, story.seed),
        )

    async def post(self, *items: SignedCommit | RevealReport) -> int:
        """Relay *items*, all of which must be taken; return the gas."""
        account = self.players.client.signer
        receipt = await self.gateway.send(account, "ReportRelay", "relay", *relay_arguments(items))
        assert not [event for event in receipt.events if event.name.endswith("Skipped")]
        return receipt.gas_used


async def separate(players: Players, circuit: Circuit) -> int:
    """Return the gas of one job's commits and reveals, each in a transaction of its own."""
    first = await players.gateway.block_number() + 1
    await players.play(circuit, REPLICAS, SHOTS, answers(circuit))
    spent = gas_by_function(await mined(players.gateway, first))
    return sum(spent["commit"]) + sum(spent["reveal"])


async def batched(players: Players, circuit: Circuit, jobs: int) -> int:
    """Return the gas a job of the commits and reveals of *jobs* jobs, relayed in two transactions."""
    relayer, answer = Relayer(players), answers(circuit)
    stories = [await players.allocate(await players.submit(circuit, REPLICAS, SHOTS)) for _ in range(jobs)]
    commits = [await relayer.sign(story, duty, answer(duty.index)) for story in stories for duty in story.duties]
    spent = await relayer.post(*commits)
    stories = [await players.disclose(story) for story in stories]
    reveals = [relayer.reveal(story, duty, answer(duty.index)) for story in stories for duty in story.duties]
    spent += await relayer.post(*reveals)
    for story in stories:
        await players.settle(story.computation)
    return round(spent / jobs)


def answers(circuit: Circuit) -> Any:
    """Return what maps a replica's index to its counts."""
    return partial(peaked, SHOTS, circuit.outcome_bits, 2)


async def measure(devnet: Devnet) -> dict[str, Any]:
    """Return the gas of the commits and reveals of one job, by outcome bits and way."""
    async with Gateway(Network.read(devnet.network_path)) as gateway:
        players = await Players.of(devnet, gateway)
        figures = {}
        for bits in WIDTHS:
            circuit = Circuit(example("bell").text, 2, bits)
            for _ in range(2):  # the first jobs pay for slots that later ones rewrite
                await players.play(circuit, 5, SHOTS, answers(circuit))
            figures[str(bits)] = {
                "separate": median([await separate(players, circuit) for _ in range(JOBS)]),
                "batched": median([await batched(players, circuit, 1) for _ in range(JOBS)]),
                f"batched, {JOBS} jobs": await batched(players, circuit, JOBS),
            }
        return figures


def goals(raw: dict[str, Any]) -> list[Goal]:
    """Return the goals with the figures in *raw*."""
    narrow = raw[str(WIDTHS[0])]
    one, many = (100 * narrow[way] / narrow["separate"] for way in ("batched", f"batched, {JOBS} jobs"))
    what = "gas of relayed commits and reveals, k = 3, part of separate ones"
    return [
        Goal(f"{what}, one job", one, MOST_PART, "%", COMMAND),
        Goal(f"{what}, {JOBS} jobs", many, MOST_PART_OF_MANY, "%", COMMAND),
    ]


async def main() -> None:
    """Measure and report."""
    async with consortium(daemons=False) as devnet:
        raw = await measure(devnet)
    print("\nGas of the commits and reveals of one job, k = 3")
    ways = list(raw[str(WIDTHS[0])])
    table(("outcome bits", *ways), [(int(bits), *(raw[bits][way] for way in ways)) for bits in raw])
    finish("relay", goals(raw), raw)


if __name__ == "__main__":
    asyncio.run(main())
