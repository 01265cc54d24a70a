"""``qcrs job``: computations, from a circuit file to verified counts."""

import argparse
import sys
from datetime import datetime

from qcrs.chain.codec import Event
from qcrs.cli.options import (
    Progress,
    add_network,
    add_signer,
    command,
    computation_id,
    emit,
    positive,
    run_with_client,
    table,
    whole,
)
from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Story
from qcrs.sdk.client import Circuit, Client
from qcrs.sdk.result import Result, bitstrings

BAR_WIDTH = 40
MOST_OUTCOMES = 16
ETHER = 10**18
LATEST_SECONDS = 30 * 24 * 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    submit = command(
        verbs, "submit", _submit, "submit a circuit",
        description="Submit an OpenQASM file. Replicas split the shots, at least 4,096 each; their counts are pooled "
        "when a quorum agrees. Without --wait the secret that seeds the comparison is disclosed by a later "
        "'qcrs job wait'; if that comes too late, the chain's beacon stands in and a bounty is lost.",
    )  # fmt: skip
    submit.add_argument("file", help="OpenQASM 3 (flat) or OpenQASM 2 file, or - for standard input")
    submit.add_argument("--shots", type=whole(0), default=4096, help="shots in all (4096)")
    submit.add_argument("--replicas", "-k", type=whole(0), default=3, help="independent processors (3)")
    submit.add_argument(
        "--max-fee", type=whole(0, 2**96 - 1), metavar="WEI", help="most to lock; whatever is quoted by default"
    )
    submit.add_argument(
        "--deadline",
        type=whole(1, LATEST_SECONDS),
        default=3600,
        metavar="SECONDS",
        help="latest allocation from now (3600)",
    )
    submit.add_argument("--noise-class", type=whole(1, 255), help="where to run; the best populated class by default")
    submit.add_argument("--wait", action="store_true", help="drive it to its verdict and print the counts")
    wait = command(verbs, "wait", _wait, "drive a submitted computation to its verdict")
    show = command(verbs, "show", _show, "tell the story of a computation")
    result = command(verbs, "result", _result, "print a computation's verdict and counts")
    cancel = command(verbs, "cancel", _cancel, "withdraw a computation that has no processors yet")
    listing = command(verbs, "list", _list, "list computations")
    listing.add_argument("--last", type=positive, default=20, help="how many of the newest (20)")
    for verb in (wait, show, result, cancel):
        verb.add_argument("id", type=computation_id)
    for verb in (submit, wait, cancel, show, result, listing):
        add_network(verb)
    for verb in (submit, wait, cancel):
        add_signer(verb, "researcher")


def circuit_of(source: str) -> Circuit:
    """Return the circuit in the file *source*, or on standard input for ``-``, ready to submit.

    Raises:
        CircuitRefused: It is not a circuit of the profile. OSError: It cannot be read.
    """
    # A second's import that only submission needs.
    from qcrs.quantum.circuit import canonical, facts, load

    loaded = load(sys.stdin.read() + "\n" if source == "-" else source)
    size = facts(loaded)
    return Circuit(canonical(loaded), size.qubits, size.outcome_bits)


def narrate(progress: Progress, prefix: str = ""):
    """Return an observer that says on standard error what happens to a computation."""
    lead = f"{prefix:12}" if prefix else ""

    def observe(story: Story, event: Event | None) -> None:
        k = story.request.replicas
        committed = sum(bool(duty.commitment) for duty in story.duties if duty.attempt == story.attempt)
        revealed = sum(bool(duty.sketch) for duty in story.duties if duty.attempt == story.attempt)
        lines = {
            None: f"job {story.computation}  {story.status.name}",
            "ComputationAllocated": f"allocated to processors {', '.join(str(d.processor) for d in story.on_duty())}",
            "ResultCommitted": f"committed {committed}/{k}",
            "PayloadRefused": "a processor refused the circuit",
            "SeedFixed": "sketch seed fixed",
            "ResultRevealed": f"revealed {revealed}/{k}",
            "ComputationRequeued": f"queued again, round {story.attempt}",
            "ComputationConcluded": f"verdict: {story.status.name}",
            "ComputationFailed": f"failed: {story.failure.name}",
        }
        line = lines.get(event.name if event else None)
        if line:
            progress(lead + line)

    return observe


def _submit(options: argparse.Namespace) -> int | None:
    circuit = circuit_of(options.file)
    progress = Progress(options.json)

    async def work(client: Client) -> int | None:
        story = await client.submit(
            circuit,
            options.shots,
            options.replicas,
            options.max_fee,
            options.deadline,
            options.noise_class,
        )
        progress(f"job {story.computation} submitted: {story.escrow / ETHER:.6f} coin locked")
        if options.wait:
            await client.drive(story.computation, narrate(progress), story.submitted_in)
            return await _print_result(options, client, story.computation)
        value = {"id": story.computation, "status": story.status.name, "escrow": str(story.escrow)}
        emit(
            options,
            value,
            f"job {story.computation} queued; follow it with 'qcrs job wait {story.computation}'",
        )
        return None

    return run_with_client(options, work)


def _wait(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> int | None:
        await client.drive(options.id, narrate(Progress(options.json)))
        return await _print_result(options, client, options.id)

    return run_with_client(options, work)


def _result(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> int | None:
        return await _print_result(options, client, options.id)

    return run_with_client(options, work, signs=False)


def _cancel(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        await client.cancel(options.id)
        emit(
            options,
            {"id": options.id, "status": "Cancelled"},
            f"job {options.id} cancelled and refunded",
        )

    run_with_client(options, work)


def _show(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        story = await client.story(options.id)
        value = {
            "id": story.computation,
            "status": story.status.name,
            "requester": story.requester,
            "organisation": story.organisation,
            "qubits": story.request.qubits,
            "shotsPerReplica": story.request.shots,
            "replicas": story.request.replicas,
            "attempt": story.attempt,
            "escrow": str(story.escrow),
            "circuitDigest": "0x" + story.request.circuit_digest.hex(),
            "failure": story.failure.name if story.failure else None,
            "assignments": [
                {
                    "index": duty.index,
                    "processor": duty.processor,
                    "attempt": duty.attempt,
                    "status": duty.status.name,
                    "slashed": str(duty.slashed),
                    "refusal": duty.refusal,
                }
                for duty in story.duties
            ],
        }
        rows = [
            [
                str(d.index),
                str(d.processor),
                str(d.attempt),
                d.status.name,
                f"{d.slashed / ETHER:.3f}",
                str(d.refusal or "-"),
            ]
            for d in story.duties
        ]
        head = [f"{key:16} {item}" for key, item in value.items() if key != "assignments" and item is not None]
        body = (
            table(["index", "processor", "round", "status", "slashed", "refusal"], rows)
            if rows
            else "no processors yet"
        )
        emit(options, value, "\n".join(head) + "\n\n" + body)

    run_with_client(options, work, signs=False)


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        stories = (await client.stories())[-options.last :]
        value = [
            {
                "id": s.computation,
                "status": s.status.name,
                "requester": s.requester,
                "replicas": s.request.replicas,
                "shotsPerReplica": s.request.shots,
                "deadlineAt": s.request.deadline_at,
            }
            for s in stories
        ]
        rows = [
            [
                str(s.computation), s.status.name, str(s.request.qubits), str(s.request.shots), str(s.request.replicas),
                s.requester[:10], datetime.fromtimestamp(s.request.deadline_at).isoformat(sep=" ", timespec="minutes"),
            ]
            for s in stories
        ]  # fmt: skip
        emit(
            options,
            value,
            table(["id", "status", "qubits", "shots", "k", "requester", "deadline"], rows),
        )

    run_with_client(options, work, signs=False)


async def _print_result(options: argparse.Namespace, client: Client, computation: int) -> int:
    result = await client.result(computation)
    emit(options, result.to_json(), _pretty(result))
    return 0 if result.status is ComputationStatus.Accepted else 1


def _pretty(result: Result) -> str:
    who = [
        f"{label} {', '.join(map(str, processors))}"
        for label, processors in (
            ("agreed", result.accepted),
            ("outlier", result.outliers),
            ("silent", result.silent),
        )
        if processors
    ]
    lines = [f"job {result.id}  {result.status.name}{' (' + result.failure + ')' if result.failure else ''}"]
    lines.append("processors: " + ("; ".join(who) or "none concluded"))
    lines.append(f"gas {result.gas['total']:,}   {result.seconds:.0f} s on the chain's clock")
    if result.counts:
        lines.append(f"{result.shots} shots, digest {result.result_digest}")
        outcomes = bitstrings(result.counts, result.outcome_bits)
        most = max(outcomes.values())
        for outcome, count in list(outcomes.items())[:MOST_OUTCOMES]:
            lines.append(f"  {outcome}  {count:>7}  {'#' * round(BAR_WIDTH * count / most)}")
        if len(outcomes) > MOST_OUTCOMES:
            lines.append(f"  ... and {len(outcomes) - MOST_OUTCOMES} more outcomes (--json has all)")
    return "\n".join(lines)
