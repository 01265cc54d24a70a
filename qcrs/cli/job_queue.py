"""``qcrs job why`` and ``qcrs job story``: what a computation waits for, and all that has happened to it."""

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from qcrs.chain.codec import Event
from qcrs.cli.options import command, emit, run_with_client, table
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus, FailureReason
from qcrs.model.organisation import Priority
from qcrs.model.story import Story
from qcrs.sdk.client import Client
from qcrs.sdk.quote import coin
from qcrs.sdk.waiting import Reason, reason_of

MOST_AHEAD = 20


def add_queue_verbs(verbs: argparse._SubParsersAction) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Add the verbs, without the flags that they share with others."""
    why = command(verbs, "why", _why, "say where a computation stands in its queue and what it waits for")
    story = command(verbs, "story", _story, "tell all that has happened to a computation, under its one id")
    return why, story


def _why(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        reason = await reason_of(client, options.id)
        emit(options, reason.to_json(), _pretty(reason))

    run_with_client(options, work)


def _pretty(reason: Reason) -> str:
    story, place = reason.story, reason.place
    lines = [f"job {story.computation}  {story.status.name}", f"waits for {reason.sentence}"]
    if place is None:
        return "\n".join(lines)
    lines.append(
        f"queue of class {story.request.noise_class}: {place.position} of {reason.waiting}, in bucket {place.bucket}; "
        f"the virtual time is {reason.first}"
    )
    lines.append(
        f"nobody was served in turn for {reason.stalled_seconds} s; a head that cannot be placed may be sent back in "
        f"{reason.deferrable_in} s"
    )
    if story.deferred or story.passed:
        lines.append(f"sent back {story.deferred} times, passed by shorter ones {story.passed} times")
    rows = [
        [str(other.computation), str(other.organisation), str(other.bucket), Priority(other.request.priority).name]
        for other in place.ahead[:MOST_AHEAD]
    ]
    if rows:
        lines += ["before it:", table(["id", "organisation", "bucket", "priority"], rows)]
    if len(place.ahead) > MOST_AHEAD:
        lines.append(f"... and {len(place.ahead) - MOST_AHEAD} more")
    return "\n".join(lines)


def _story(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        story, events = await client.history(options.id)
        times = await client.times(event.block for event in events)
        value = [
            {
                "block": event.block,
                "at": times[event.block],
                "event": event.name,
                "transaction": event.transaction,
                "text": _words(story, event),
            }
            for event in events
        ]
        rows = [
            [datetime.fromtimestamp(entry["at"], UTC).strftime("%H:%M:%S"), str(entry["block"]), entry["text"]]
            for entry in value
        ]
        head = f"job {story.computation}  {story.status.name}"
        emit(options, {"id": story.computation, "status": story.status.name, "events": value},
             head + "\n\n" + table(["time", "block", "what"], rows))  # fmt: skip

    run_with_client(options, work, signs=False)


def _words(story: Story, event: Event) -> str:
    """Return what *event* says of *story*."""
    a: Mapping[str, Any] = event.arguments

    def processor(index: int) -> str:
        return f"processor {story.duties[index].processor}"

    tell = {
        "ComputationSubmitted": lambda: (
            f"submitted by organisation {a['organisation']} into bucket {a['bucket']}, {coin(a['escrow'])} coin locked"
        ),
        "ComputationDeferred": lambda: f"could not be placed; sent back to bucket {a['bucket']}",
        "ComputationsExchanged": lambda: f"computation {a['computation']} took the place of {a['longer']}",
        "ComputationAllocated": lambda: (
            f"round {a['attempt']}: given to processors {', '.join(map(str, a['processors']))} by {a['keeper'][:10]}"
        ),
        "ComputationRequeued": lambda: f"round {a['attempt']}: waits for replacements",
        "ResultCommitted": lambda: f"{processor(a['index'])} committed",
        "PayloadRefused": lambda: f"{processor(a['index'])} refused the circuit, code {a['code']}",
        "ComputationCommitted": lambda: "all have committed",
        "SeedFixed": lambda: "sketch seed fixed" + (", from the beacon" if a["withheld"] else ""),
        "ComputationRevealing": lambda: "reveals are due",
        "ResultRevealed": lambda: f"{processor(a['index'])} revealed",
        "AssignmentEnded": lambda: f"processor {a['processor']}: {AssignmentStatus(a['fate']).name}",
        "BondSlashed": lambda: f"processor {a['processor']} slashed {coin(a['amount'])} coin",
        "ComputationEscalated": lambda: f"no agreement: {a['replicas']} replicas now",
        "ComputationSettled": lambda: "settled",
        "ComputationConcluded": lambda: f"verdict: {ComputationStatus(a['verdict']).name}",
        "ComputationFailed": lambda: f"failed: {FailureReason(a['reason']).name}",
        "ComputationCancelled": lambda: f"cancelled, {coin(a['refund'])} coin returned",
        "ComputationOverturned": lambda: "verdict overturned",
        "ComputationPaid": lambda: (
            f"{coin(a['total'])} coin divided: {coin(a['each'])} to each of {len(a['payees'])}, "
            f"{coin(a['bounty'])} to the keeper"
        ),
    }
    return tell[event.name]() if event.name in tell else event.name
