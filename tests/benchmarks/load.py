"""A mixed load on a consortium of real processes: organisations of unlike weights flood it, and daemons are killed.

Every job must end with a verdict or with a refund and a reason, shares must keep to the bound, books must balance and
the audit must hold. Ganache, daemons and Aer share the machine, so times tell about the machine; the rest does not.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from _report import CHAIN, OWN, REST, SERIES, Goal, finish, picture, table

from qcrs.chain.codec import Event
from qcrs.chain.deployment import DEFAULT_POLICY
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import account_of
from qcrs.chain.network import Network
from qcrs.circuits import text_of
from qcrs.model.computation import VERDICTS, ComputationStatus
from qcrs.model.story import Stories, Story
from qcrs.quantum.circuit import canonical, facts, load
from qcrs.rules.fair_queue import cost_of, lead_bound
from qcrs.sdk.audit import verify
from qcrs.sdk.backlog import EVENTS
from qcrs.sdk.client import Client
from qcrs.sdk.devnet import Devnet, bring_up
from qcrs.sdk.ledger import read_ledger
from qcrs.sdk.secrets import Secrets
from qcrs.sdk.terms import MAX_SHOTS, Circuit, Conditions
from qcrs.store import Store

COMMAND = "make bench-load"
PROCESSORS, WEIGHTS = 12, (4, 2, 1, 1)
JOBS_EACH = 52
BATCH = 26
JOBS = JOBS_EACH * len(WEIGHTS)
KILLED, REVIVED = 3, 1
CIRCUITS = ("bell", "ghz5", "deutsch_jozsa4", "grover3")
# As many as a replica may take: so that the backlogs are several times longer than the lead that is allowed.
SHOTS, REPLICAS = MAX_SHOTS, 3
POLICY = DEFAULT_POLICY.model_copy(
    update={"commit_seconds": 60, "disclose_seconds": 45, "reveal_seconds": 45, "challenge_seconds": 30}
)
SEED = 7
LONGEST_SECONDS = 1500


def example(name: str) -> Circuit:
    """Return one of the circuits that come with the package, as the client wants it."""
    circuit = load(text_of(name))
    size = facts(circuit)
    return Circuit(canonical(circuit), size.qubits, size.outcome_bits)  # none is deeper than the first class


async def flood(client: Client, number: int) -> list[Story]:
    """Submit one organisation's jobs, in batches, in an order of its own."""
    order = random.Random(f"{SEED} {number}")
    conditions = Conditions(replicas=REPLICAS, deadline_seconds=LONGEST_SECONDS)
    stories: list[Story] = []
    while len(stories) < JOBS_EACH:
        quotes = [
            await client.quote(example(order.choice(CIRCUITS)), SHOTS * REPLICAS, conditions) for _ in range(BATCH)
        ]
        stories += await client.order_many(quotes, conditions)
    return stories


async def trouble(devnet: Devnet, done: asyncio.Event) -> list[str]:
    """Kill some daemons at random moments, with SIGKILL, and start one of them again; return what happened."""
    dice, said = random.Random(SEED), []
    victims = dice.sample(sorted(devnet.nodes), KILLED)
    for name in victims:
        await _pause(dice.uniform(4, 12), done)
        os.killpg(devnet.nodes[name], signal.SIGKILL)
        said.append(f"{name} killed")
    for name in victims[:REVIVED]:
        await _pause(dice.uniform(8, 15), done)
        devnet.start_node(name)
        said.append(f"{name} started again")
    return said


async def _pause(seconds: float, done: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(done.wait(), seconds)
    except TimeoutError:
        return


async def measure(folder: Path) -> dict[str, Any]:
    """Run the load and return what came of it."""
    devnet = await bring_up(folder / "devnet", PROCESSORS, policy=POLICY, weights=WEIGHTS, progress=print)
    try:
        network = Network.read(devnet.network_path)
        names = [account.name for account in network.accounts if account.name.startswith("researcher")]
        gateways = [Gateway(network) for _ in names]
        clients = []
        for name, gateway in zip(names, gateways, strict=True):
            await gateway.connect()
            account = account_of(network.account(name).private_key or "")
            secrets = Secrets(devnet.directory / f"secrets-{name}.jsonl")
            clients.append(Client(gateway, account, secrets, Store(network.store)))
        began = time.monotonic()
        waiting = [await flood(client, number) for number, client in enumerate(clients)]
        print(f"{sum(map(len, waiting))} jobs submitted in {time.monotonic() - began:.0f} s")
        done = asyncio.Event()
        troubled = asyncio.create_task(trouble(devnet, done))
        told = Counter()

        def tell(story: Story, event: Event | None) -> None:
            if story.ended and event is not None:
                told[story.status.name] += 1
                if sum(told.values()) % 10 == 0:
                    print(f"{time.monotonic() - began:.0f} s: {sum(told.values())} of {JOBS} ended", flush=True)

        try:
            async with asyncio.TaskGroup() as drives:  # when one fails, the others are ended before the chain is
                for client, stories in zip(clients, waiting, strict=True):
                    ids = [story.computation for story in stories]
                    drives.create_task(client.drive_many(ids, tell, stories[0].submitted_in))
        except* Exception as failed:
            print(f"a drive failed: {failed.exceptions!r}", flush=True)
            raise
        finally:
            done.set()
            happened = await troubled
        seconds = time.monotonic() - began
        stories = await clients[0].stories()
        books = await read_ledger(gateways[0])
        audit = await verify(gateways[0], print)
        turns = await _turns(gateways[0], stories)
        for gateway in gateways:
            await gateway.close()
        return {
            "stories": stories, "balanced": books.balanced, "audit": audit.holds, "seconds": seconds,
            "events": happened, "turns": turns,
        }  # fmt: skip
    finally:
        devnet.stop()


async def _turns(gateway: Gateway, stories: Sequence[Story]) -> list[Event]:
    """Return what moved *stories* into, within and out of the queues, in chain order."""
    return await gateway.logs(stories[0].submitted_in, names=EVENTS)


def allocated(turns: Sequence[Event], stories: Sequence[Story]) -> dict[int, list[int]]:
    """Return the blocks in which each computation was allocated."""
    blocks: dict[int, list[int]] = {story.computation: [] for story in stories}
    for event in turns:
        if event.name == "ComputationAllocated":
            blocks[event["computation"]].append(event.block)
    return blocks


def shares(stories: Sequence[Story], turns: Sequence[Event]) -> dict[str, Any]:
    """Return how far apart two organisations came, in cost per weight, within any time in which both waited in a queue.

    As a part of FairQueue's bound; nothing here is critical. What one had to wait longer for than its place says,
    because it was sent back or exchanged, counts as displaced.
    """
    weights = dict(zip(sorted({s.organisation for s in stories}), WEIGHTS, strict=True))
    by_id = {s.computation: s for s in stories}
    lead = 0.0
    for noise_class in {s.request.noise_class for s in stories}:
        here = [event for event in turns if by_id[event["computation"]].request.noise_class == noise_class]
        lead = max(lead, _worst_lead(by_id, here, weights))
    served, line = dict.fromkeys(weights, 0.0), []
    for event in turns:
        story = by_id[event["computation"]]
        if event.name == "ComputationAllocated" and event["firstIndex"] == 0:
            served[story.organisation] += _cost_of(story) / weights[story.organisation]
            line.append(dict(served))
    return {"lead": lead, "line": line, "weights": weights}


def _worst_lead(by_id: dict[int, Story], turns: Sequence[Event], weights: dict[int, int]) -> float:
    """Return the largest lead won in one queue while both waited, as a part of its bound."""
    largest = {o: max(_cost_of(s) for s in by_id.values() if s.organisation == o) for o in weights}
    served, displaced = dict.fromkeys(weights, 0.0), dict.fromkeys(weights, 0)
    queue = Stories()
    spans: dict[tuple[int, int], tuple[float, float]] = {}  # lowest and highest lead of the one over the other
    worst = 0.0
    for event in turns:
        story = queue.apply(event.name, event.arguments, event.block)
        if event.name == "ComputationAllocated" and event["firstIndex"] == 0:
            served[story.organisation] += _cost_of(story) / weights[story.organisation]
        elif event.name in ("ComputationDeferred", "ComputationsExchanged"):
            displaced[story.organisation] += -(-_cost_of(story) // weights[story.organisation])
        present = {other.organisation for other in queue.by_id.values() if other.waiting}
        for pair in combinations(weights, 2):
            one, other = pair
            lead = served[one] - served[other]
            low, high = spans.get(pair, (lead, lead))
            spans[pair] = low, high = min(low, lead), max(high, lead)
            bound = lead_bound(
                (weights[one], weights[other]), (largest[one], largest[other]),
                displaced=displaced[one] + displaced[other],
            )  # fmt: skip
            worst = max(worst, (high - low) / bound)
            if not {one, other} <= present:
                del spans[pair]
    return worst


def _cost_of(story: Story) -> int:
    request = story.request
    return cost_of(request.qubits, request.shots, request.replicas, request.depth_class)


def draw(stories: Sequence[Story], allocations: dict[int, list[int]], fair: dict[str, Any]) -> None:
    """Draw the timeline of every job, and what each organisation was served per weight."""
    colours = dict(zip(fair["weights"], (OWN, CHAIN, SERIES[4], SERIES[6]), strict=True))
    with picture("load-timeline", "Every job from submission to its end", "by block; one line a job") as axes:
        for row, story in enumerate(sorted(stories, key=lambda s: (s.organisation, s.computation))):
            blocks = allocations[story.computation] or [story.submitted_in]
            axes.plot([story.submitted_in, blocks[0]], [row, row], color=REST, lw=0.6)
            axes.plot(blocks, [row] * len(blocks), "|", color=colours[story.organisation], ms=4)
        axes.set_xlabel("block of each allocation", fontsize=8)
    with picture("load-shares", "Cost served per weight", "by allocation; parallel lines are fair shares") as axes:
        for organisation, colour in colours.items():
            axes.plot(
                [step[organisation] for step in fair["line"]], color=colour, lw=1.4,
                label=f"weight {fair['weights'][organisation]}",
            )  # fmt: skip
        axes.legend(frameon=False, fontsize=7.5)


def main() -> int:
    """Measure, print, draw and return the exit code."""
    with TemporaryDirectory(prefix="qcrs-load-") as folder:
        outcome = asyncio.run(measure(Path(folder)))
    stories, blocks = outcome["stories"], allocated(outcome["turns"], outcome["stories"])
    fair = shares(stories, outcome["turns"])
    ended = [s for s in stories if s.status in VERDICTS or (s.status is ComputationStatus.Failed and s.failure)]
    by_status = Counter(s.status.name for s in stories)
    again = sum(len(times) > 1 for times in blocks.values())
    print("\n".join(outcome["events"]))
    table(("what", "count"), [*((name, str(n)) for name, n in sorted(by_status.items())), ("reallocated", str(again))])
    draw(stories, blocks, fair)
    goals = [
        Goal("jobs of a mixed load that ended with a verdict, or refunded", len(ended), len(stories), "jobs",
             COMMAND, at_least=True),
        Goal("... of jobs submitted", len(stories), 200, "jobs", COMMAND, at_least=True),
        Goal("... share of those that were accepted", 100 * by_status["Accepted"] / len(stories), 90, "%", COMMAND,
             at_least=True),
        Goal("largest lead of an organisation over another, part of the stated bound",
             100 * fair["lead"], 100, "%", COMMAND),
        Goal("books balanced and audit held after it", int(outcome["balanced"] and outcome["audit"]), 1, "", COMMAND,
             at_least=True),
    ]  # fmt: skip
    raw = {"seconds": round(outcome["seconds"], 1), "statuses": dict(by_status), "lead": fair["lead"]}
    finish("load", goals, raw | {"events": outcome["events"], "reallocated": again})
    return 0 if all(goal.holds for goal in goals) else 1


if __name__ == "__main__":
    raise SystemExit(main())
