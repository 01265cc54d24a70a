"""``qcrs job``: computations, from a circuit file to verified counts."""

import argparse
from datetime import datetime

from qcrs.cli import deliver, gold
from qcrs.cli.job_cut import add_cut
from qcrs.cli.job_queue import add_queue_verbs
from qcrs.cli.job_report import narrate as narrate
from qcrs.cli.job_report import print_result
from qcrs.cli.job_submit import add_submit
from qcrs.cli.job_submit import circuit_of as circuit_of
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
)
from qcrs.model.organisation import Priority
from qcrs.model.story import Story
from qcrs.sdk.backlog import in_line, place_of
from qcrs.sdk.client import Client

ETHER = 10**18


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    submit = add_submit(verbs)
    cut = add_cut(verbs)
    wait = command(verbs, "wait", _wait, "drive a submitted computation to its verdict")
    show = command(verbs, "show", _show, "tell the story of a computation")
    result = command(verbs, "result", _result, "print a computation's verdict and counts")
    cancel = command(verbs, "cancel", _cancel, "withdraw a computation that has no processors yet")
    listing = command(verbs, "list", _list, "list computations, and where those that wait stand in their queues")
    why, story = add_queue_verbs(verbs)
    deliver.add_verb(verbs)
    gold.add_job_verb(verbs)
    listing.add_argument("--last", type=positive, default=20, help="how many of the newest (20)")
    for verb in (wait, show, result, cancel, why, story):
        verb.add_argument("id", type=computation_id)
    for verb in (submit, cut, wait, cancel, show, result, listing, why, story):
        add_network(verb)
    for verb in (submit, cut, wait, cancel, why):
        add_signer(verb, "researcher")


def _wait(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> int | None:
        progress = Progress(options.json)
        await client.drive(options.id, narrate(progress), notice=progress)
        return await print_result(options, client, options.id)

    return run_with_client(options, work)


def _result(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> int | None:
        return await print_result(options, client, options.id)

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
            "depthClass": story.request.depth_class,
            "priority": Priority(story.request.priority).name,
            "price": str(story.request.price),
            "bucket": story.bucket,
            "deferred": story.deferred,
            "passed": story.passed,
            "keeper": story.keeper or None,
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
        everything = await client.stories()
        lines: dict[int, list[Story]] = {}
        value, rows = [], []
        for s in everything[-options.last :]:
            noise_class = s.request.noise_class
            if s.waiting and noise_class not in lines:
                lines[noise_class] = in_line(everything, noise_class)
            place = place_of(s.computation, lines[noise_class]) if s.waiting else None
            value.append({
                "id": s.computation,
                "status": s.status.name,
                "requester": s.requester,
                "organisation": s.organisation,
                "replicas": s.request.replicas,
                "shotsPerReplica": s.request.shots,
                "deadlineAt": s.request.deadline_at,
                "priority": Priority(s.request.priority).name,
                "position": place.position if place else None,
                "bucket": place.bucket if place else None,
            })  # fmt: skip
            rows.append([
                str(s.computation), s.status.name, f"{place.position} of {len(lines[noise_class])}" if place else "-",
                str(s.request.qubits), str(s.request.shots), str(s.request.replicas), str(s.organisation),
                s.requester[:10], datetime.fromtimestamp(s.request.deadline_at).isoformat(sep=" ", timespec="minutes"),
            ])  # fmt: skip
        headings = ["id", "status", "queue", "qubits", "shots", "k", "org", "requester", "deadline"]
        emit(options, value, table(headings, rows))

    run_with_client(options, work, signs=False)
