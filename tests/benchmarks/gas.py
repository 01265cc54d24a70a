"""Gas of a verified computation and of all around it: every transaction real, on Ganache, so the figures are exact."""

import asyncio
from functools import partial
from statistics import median
from typing import Any

from _consortium import POLICY, Counts, Players, consortium, example
from _report import PUBLISHED, SERIES, Goal, finish, picture, stacked_bars, table
from _transactions import Mined, gas_by_function, mined

from qcrs.chain.gateway import Gateway
from qcrs.chain.network import Network
from qcrs.model.dispute import DisputeKind
from qcrs.sdk.devnet import Devnet
from qcrs.sdk.terms import Circuit

COMMAND = "make bench-gas"
STEPS = ("submit", "allocate", "commit", "disclose", "reveal", "settle")
SHOTS = 4096
STEADY_JOBS = 8
MOST_GAS = 850_000
MOST_CODE = 24_576  # bytes, EIP-170
RULING_SECONDS = 7 * 86_400  # as the disputes contract's
# iExec PoCo 6.2.0, its own code and test fixtures on Hardhat's EVM, second job by the same actors, no dataset and no
# callback: published figures measured elsewhere, for comparison. Order, initialise, contribute, reveal, finalise.
POCO = {3: (648_800, 222_337, 960_915, 206_365, 296_124), 5: (648_812, 222_337, 1_531_525, 319_275, 367_544)}
POCO_STEPS = "matchOrders, initialize, contribute, reveal, finalize"

MOST_SHOTS = 65_535
# Outcome bits, different outcomes in each histogram. Of 65,535 shots over as many outcomes each is seen once, which is
# too flat for any verdict but Inconclusive; half of the shots on one outcome leaves 32,768 different ones.
SETTLED_QUBITS = 16
SETTLEMENTS = ((1, 2), (8, 256), (16, 2), (16, 256), (16, 32_768), (16, 65_535))


def peaked(shots: int, outcome_bits: int, outcomes: int, index: int) -> Counts:
    """Return a histogram of exactly *outcomes* outcomes, peaked as far as that allows, no two *index* alike."""
    step = (1 << outcome_bits) // outcomes
    counts = {step * number: 1 for number in range(1, outcomes)}
    rest = shots - len(counts)
    tail = min(rest // 4 + 7 * index, rest - 1)
    counts[0] = rest - tail
    if tail:
        counts[step] += tail
    return counts


async def steady(players: Players, circuit: Circuit, replicas: int) -> list[dict[str, int]]:
    """Return the gas by step of jobs whose actors have all worked before."""
    answer = partial(peaked, SHOTS, circuit.outcome_bits, 2)
    return [await job_gas(players, circuit, replicas, answer) for _ in range(STEADY_JOBS)]


async def job_gas(players: Players, circuit: Circuit, replicas: int, answer: Any) -> dict[str, int]:
    """Run one job and return its gas by step, summed over replicas."""
    first = await players.gateway.block_number() + 1
    await players.play(circuit, replicas, SHOTS, answer)
    spent = gas_by_function(await mined(players.gateway, first))
    return {step: sum(spent[step]) for step in STEPS}


async def settlement(players: Players, outcome_bits: int, outcomes: int) -> dict[str, Any]:
    """Settle a job on the chain as it stands now, undo it, and return what the settlement cost."""
    gateway = players.gateway
    point = await gateway.request("evm_snapshot")
    # As many qubits whatever is measured: leases that move a processor in the index are not what is compared.
    circuit = Circuit(example("bell").text, SETTLED_QUBITS, outcome_bits)
    answer = partial(peaked, MOST_SHOTS, outcome_bits, outcomes)
    story = await players.play(circuit, 3, MOST_SHOTS, answer)
    last: Mined = (await mined(gateway, await gateway.block_number()))[-1]
    await gateway.request("evm_revert", point)
    await gateway.connect()  # forgets the nonces of what was undone
    return {
        "outcomeBits": outcome_bits,
        "outcomes": outcomes,
        "words": len(story.duties[0].sketch),
        "verdict": story.status.name,
        "total": last.gas,
        "callDataAndIntrinsic": last.gas - last.execution_gas,
        "execution": last.execution_gas,
    }


async def other_operations(players: Players) -> None:
    """Do once what a job does not do when all goes well."""
    gateway, client = players.gateway, players.client
    bell = example("bell")
    await players.beat()
    await client.cancel(await players.submit(bell, 3, SHOTS))

    story = await players.allocate(await players.submit(bell, 3, SHOTS))
    answers = {index: (peaked(SHOTS, 2, 2, index), bytes([index]) * 32) for index in range(4)}
    for duty in story.duties[:2]:
        await players.commit(story, duty, *answers[duty.index])
    await move_clock(gateway)
    await gateway.send(client.account, "ComputationAllocator", "reallocate", story.computation)
    story = await players.allocate(story.computation)
    await players.commit(story, story.duties[3], *answers[3])
    await move_clock(gateway)
    await gateway.send(client.account, "ResultVerifier", "substituteSecret", story.computation)
    story = await client.story(story.computation)
    for duty in (*story.duties[:2], story.duties[3]):
        await players.reveal(story, duty, *answers[duty.index])
    await players.settle(story.computation)

    story = await players.allocate(await players.submit(bell, 3, SHOTS))
    for duty in story.duties[:2]:
        await players.refuse(story, duty)
    await gateway.send(client.account, "ComputationAllocator", "withdraw", 1)
    await dispute(players, bell)


async def dispute(players: Players, circuit: Circuit) -> None:
    """Dispute an answer, and let the council's time pass."""
    gateway, client = players.gateway, players.client
    story = await players.play(circuit, 3, SHOTS, partial(peaked, SHOTS, 2, 2))
    kind, evidence = DisputeKind.WrongAnswer, bytes(32)
    await gateway.send(client.account, "Disputes", "open", story.computation, 0, kind, evidence, value=POLICY.slash)
    await move_clock(gateway, RULING_SECONDS)
    await gateway.send(client.account, "Disputes", "lapse", 1)


async def escalation(players: Players, circuit: Circuit) -> int:
    """Return the gas of a settlement that finds three answers too flat and has two more replicas drawn."""
    gateway = players.gateway
    story = await players.allocate(await players.submit(circuit, 3, SHOTS, replica_cap=5))
    answers = {duty.index: (flat(SHOTS, duty.index), bytes([duty.index]) * 32) for duty in story.duties}
    for duty in story.duties:
        await players.commit(story, duty, *answers[duty.index])
    story = await players.disclose(story)
    for duty in story.duties:
        await players.reveal(story, duty, *answers[duty.index])
    await players.settle(story.computation)
    return (await mined(gateway, await gateway.block_number()))[-1].gas


def flat(shots: int, index: int) -> Counts:
    """Return what noise alone gives on two bits, no two *index* alike."""
    quarter = shots // 4
    return {0: quarter + index, 1: quarter - index, 2: quarter, 3: quarter}


async def move_clock(gateway: Gateway, seconds: int = POLICY.commit_seconds) -> None:
    """Let *seconds* pass, by default every running phase's deadline."""
    await gateway.request("evm_increaseTime", seconds + 1)
    await gateway.request("evm_mine")


async def code_sizes(gateway: Gateway) -> dict[str, int]:
    """Return the bytes of deployed code by contract."""
    return {
        name: len(bytes.fromhex((await gateway.request("eth_getCode", address, "latest"))[2:]))
        for name, address in gateway.addresses.items()
    }


async def measure(devnet: Devnet) -> dict[str, Any]:
    """Return all figures."""
    async with Gateway(Network.read(devnet.network_path)) as gateway:
        setting_up = gas_by_function(await mined(gateway))
        players = await Players.of(devnet, gateway)
        bell = example("bell")
        answer = partial(peaked, SHOTS, bell.outcome_bits, 2)
        print("  first job, and one of all five processors", flush=True)
        first = await job_gas(players, bell, 3, answer)
        await players.play(bell, 5, SHOTS, answer)
        print(f"  {STEADY_JOBS} jobs at k = 3 and as many at k = 5", flush=True)
        jobs = {replicas: await steady(players, bell, replicas) for replicas in (3, 5)}
        settlements = []
        for outcome_bits, outcomes in SETTLEMENTS:
            print(f"  settling {outcomes:,} outcomes of {outcome_bits} bits", flush=True)
            settlements.append(await settlement(players, outcome_bits, outcomes))
        escalated = await escalation(players, bell)
        start = await gateway.block_number() + 1
        await other_operations(players)
        rest = gas_by_function(await mined(gateway, start))
        operations = {**setting_up, **{f: g for f, g in rest.items() if f not in STEPS or f == "allocate"}}
        return {
            "firstJob": first,
            "steadyJobs": {str(replicas): list_ for replicas, list_ in jobs.items()},
            "settlements": settlements,
            "escalatingSettlement": escalated,
            "operations": operations,
            "codeSizes": await code_sizes(gateway),
            "pocoPublished": {"steps": POCO_STEPS, **{str(k): list(gas) for k, gas in POCO.items()}},
        }


def typical(jobs: list[dict[str, int]]) -> dict[str, int]:
    """Return the median of each step over *jobs*."""
    return {step: round(median(job[step] for job in jobs)) for step in STEPS}


def spread(settlements: list[dict[str, Any]]) -> float:
    """Return by how many percent the largest execution gas exceeds the smallest."""
    spent = [entry["execution"] for entry in settlements]
    return 100 * (max(spent) / min(spent) - 1)


def goals(raw: dict[str, Any]) -> list[Goal]:
    """Return the goals with the figures in *raw*."""
    totals = {k: median(sum(job.values()) for job in raw["steadyJobs"][str(k)]) for k in (3, 5)}
    accepted = [entry for entry in raw["settlements"] if entry["verdict"] == "Accepted"]
    wide = [entry for entry in accepted if entry["outcomeBits"] == 16]
    histogram = [entry for entry in accepted if entry["outcomeBits"] == 8]
    return [
        Goal("gas of a verified computation, k = 3", totals[3], MOST_GAS, "gas", COMMAND),
        Goal("gas at k = 3, part of PoCo's published 2,334,541", 100 * totals[3] / sum(POCO[3]), 50, "%", COMMAND),
        Goal("gas at k = 5, part of PoCo's published 3,089,493", 100 * totals[5] / sum(POCO[5]), 50, "%", COMMAND),
        Goal("execution gas of settling 2 to 32,768 outcomes, spread", spread(wide), 1, "%", COMMAND),
        Goal("execution gas of settling a histogram of 256, or a sketch", spread(histogram + wide), 1, "%", COMMAND),
        Goal("largest deployed contract", max(raw["codeSizes"].values()), MOST_CODE, "bytes", COMMAND),
    ]


def show(raw: dict[str, Any]) -> None:
    """Print the tables."""
    columns = [typical(raw["steadyJobs"]["3"]), typical(raw["steadyJobs"]["5"]), raw["firstJob"]]
    rows = [(step, *(column[step] for column in columns)) for step in STEPS]
    rows.append(("total", *(sum(column.values()) for column in columns)))
    worst = [max(sum(job.values()) for job in raw["steadyJobs"][k]) for k in "35"]
    rows.append(("dearest of them", *worst, None))
    rows.append(("PoCo, published elsewhere", sum(POCO[3]), sum(POCO[5]), None))
    print(f"\nGas of a Bell job, all replicas together, median of {STEADY_JOBS} consecutive jobs by the same actors")
    table(("step", "k = 3", "k = 5", "very first, k = 3"), rows)
    print("The dearest is the one with which the audit trail reached a power of two entries and opened a new peak.\n")
    print("Gas of settling three replicas, all on the same chain state")
    print("Up to 8 bits a sketch is the histogram, so 1 bit takes 1 word a replica and less work; from 8 bits on, 16.")
    keys = ("outcomeBits", "outcomes", "words", "verdict", "total", "callDataAndIntrinsic", "execution")
    header = ("bits", "outcomes", "words", "verdict", "total", "call data + 21000", "execution")
    table(header, [[entry[key] for key in keys] for entry in raw["settlements"]])
    print("65,535 shots over 65,535 outcomes are too flat for any verdict but Inconclusive, which records less.\n")
    print(f"Gas of settling three replicas that escalates: {raw['escalatingSettlement']:,}\n")
    print("Gas of everything else, one transaction each")
    operations = sorted(raw["operations"].items())
    table(("function", "least", "most"), [(name, min(gas), max(gas)) for name, gas in operations])
    print(f"Deployed code, of {MOST_CODE:,} bytes allowed")
    sizes = raw["codeSizes"].items()
    table(("contract", "bytes", "room, %"), [(name, size, 100 - 100 * size / MOST_CODE) for name, size in sizes])


def draw(raw: dict[str, Any]) -> None:
    """Draw the steps of a job beside PoCo's total."""
    k3, k5 = typical(raw["steadyJobs"]["3"]), typical(raw["steadyJobs"]["5"])
    labels = ["QCRS, first job, k = 3", "QCRS, k = 3", "PoCo, k = 3", "QCRS, k = 5", "PoCo, k = 5"]
    parts = [
        (step, colour, [raw["firstJob"][step], k3[step], 0, k5[step], 0])
        for step, colour in zip(STEPS, SERIES, strict=False)
    ]
    parts.append(("published elsewhere", PUBLISHED, [0, 0, sum(POCO[3]), 0, sum(POCO[5])]))
    subtitle = "Bell circuit, inline payload, Ganache, transactions and call data included"
    with picture("gas", "Gas of one verified computation", subtitle) as axes:
        stacked_bars(axes, labels, parts)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:,.0f} k")


async def main() -> None:
    """Measure and report."""
    async with consortium(daemons=False) as devnet:
        raw = await measure(devnet)
    show(raw)
    draw(raw)
    finish("gas", goals(raw), raw)


if __name__ == "__main__":
    asyncio.run(main())
