"""What ``qcrs job`` says of a computation: its progress, its verdict, its counts."""

import argparse
import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.chain.codec import Event
from qcrs.cli.options import Progress, emit
from qcrs.crypto.envelope import EnvelopeRefused
from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Story
from qcrs.quantum.sweep import split, texts_of
from qcrs.rules.gold import round_bits
from qcrs.sdk.client import Client
from qcrs.sdk.result import Result, bitstrings
from qcrs.sdk.sealing import SIGNED, PayloadUnreadable
from qcrs.store import ContentMismatch, ContentUnavailable

BAR_WIDTH = 40
MOST_OUTCOMES = 16


@dataclass(frozen=True)
class Layout:
    """How a sweep's histogram falls into rounds.

    Attributes:
        targets: (name, round) of each circuit that was asked for; golds and traps are not among them.
    """

    rounds: int
    width: int
    targets: tuple[tuple[str, int], ...]


def narrate(progress: Progress, prefix: str = ""):
    """Return an observer that says on standard error what happens to a computation."""
    lead = f"{prefix:11} " if prefix else ""

    def observe(story: Story, event: Event | None) -> None:
        k = story.request.replicas
        committed = sum(bool(duty.commitment) for duty in story.duties if duty.attempt == story.attempt)
        revealed = sum(bool(duty.sketch) for duty in story.duties if duty.attempt == story.attempt)
        lines = {
            None: f"job {story.computation}  {story.status.name}",
            "ComputationAllocated": f"allocated to processors {', '.join(str(d.processor) for d in story.on_duty())}",
            "ComputationDeferred": "could not be placed, and was sent back in the queue",
            "ComputationsExchanged": "exchanged places with a longer one",
            "ResultCommitted": f"committed {committed}/{k}",
            "PayloadRefused": "a processor refused the circuit",
            "SeedFixed": "sketch seed fixed",
            "ResultRevealed": f"revealed {revealed}/{k}",
            "ComputationRequeued": f"queued again, round {story.attempt}",
            "GoldListOpened": "gold list opened",
            "RoundScored": f"{len(story.gold_scored)} failed rounds proven",
            "GoldListClosed": "gold rounds closed",
            "ComputationEscalated": f"no agreement yet: {story.replicas} replicas now",
            "ComputationConcluded": f"verdict: {story.status.name}",
            "ComputationFailed": f"failed: {story.failure.name}",
        }
        line = lines.get(event.name if event else None)
        if line:
            progress(lead + line)

    return observe


async def print_result(options: argparse.Namespace, client: Client, computation: int) -> int:
    """Print what *computation* has come to and return the exit code."""
    result = await client.result(computation)
    story = await client.story(computation)
    layout = await asyncio.to_thread(layout_of, client, story)
    value = result.to_json()
    if layout is not None or story.request.gold:
        value |= rounds_json(result, layout)
    emit(options, value, pretty(result, layout, story.request.gold))
    return 0 if result.status is ComputationStatus.Accepted else 1


async def print_results(options: argparse.Namespace, client: Client, computations: Sequence[int]) -> int:
    """Print what several *computations* have come to and return the exit code."""
    results = [await client.result(computation) for computation in computations]
    emit(options, [result.to_json() for result in results], "\n\n".join(map(pretty, results)))
    return 0 if all(result.status is ComputationStatus.Accepted for result in results) else 1


def layout_of(client: Client, story: Story) -> Layout | None:
    """Return how the sweep *story* falls into rounds; None for a plain circuit, or when only its requester knows.

    Raises:
        GoldDocumentDamaged: It is one of ours, and its golds cannot be told from its targets any more.
    """
    request = story.request
    if request.gold:
        document = client.gold_documents.of(request.secret_commitment)
        if document is None:
            return None
        places = sorted(document.targets.items())
        return Layout(
            len(document.rounds), document.width, tuple((document.names[target], place) for target, place in places)
        )
    try:
        rounds = len(texts_of(client.sealer.circuit(story).decode()))
    except (ContentUnavailable, ContentMismatch, UnicodeDecodeError, EnvelopeRefused, PayloadUnreadable):
        return None
    width = request.outcome_bits - round_bits(rounds)
    return None if rounds == 1 else Layout(rounds, width, tuple((str(place), place) for place in range(rounds)))


def rounds_json(result: Result, layout: Layout | None) -> dict[str, Any]:
    """Return what replaces ``counts`` and ``shots`` for a sweep: one object a round, golds and traps left out."""
    if result.counts is None or layout is None:
        return {"counts": None, "shots": 0, "rounds": None}
    rounds = [
        {"name": name, "round": place, "counts": bitstrings(counts, layout.width)}
        for name, place, counts in _rounds(result.counts, layout)
    ]
    return {"counts": None, "shots": sum(sum(entry["counts"].values()) for entry in rounds), "rounds": rounds}


def pretty(result: Result, layout: Layout | None = None, gold: bool = False) -> str:
    """Return *result* for people."""
    who = [
        f"{label} {', '.join(map(str, processors))}"
        for label, processors in (
            ("agreed", result.accepted),
            ("outlier", result.outliers),
            ("failed gold rounds", result.failed),
            ("silent", result.silent),
        )
        if processors
    ]
    lines = [f"job {result.id}  {result.status.name}{' (' + result.failure + ')' if result.failure else ''}"]
    lines.append("processors: " + ("; ".join(who) or "none concluded"))
    lines.append(f"gas {result.gas['total']:,}   {result.seconds:.0f} s on the chain's clock")
    if result.status is ComputationStatus.Unverified:
        lines.append("UNVERIFIED: one processor answered, and nobody compared it with anything")
    lines += _signature_lines(result)
    if result.counts:
        lines.append(f"{result.shots} shots, digest {result.result_digest}")
        if layout is not None:
            lines += _rounds_lines(result.counts, layout)
        elif gold:
            lines.append("  a sweep with golds: only its requester's gold document tells which rounds are results")
        else:
            lines += bars(bitstrings(result.counts, result.outcome_bits))
    return "\n".join(lines)


def _signature_lines(result: Result) -> list[str]:
    """Return who has signed its answer with a post-quantum key, and why others' are not there."""
    signed = [str(processor) for processor, state in result.signatures.items() if state == SIGNED]
    lines = [f"ML-DSA-65 signatures: processors {', '.join(signed)}"] if signed else []
    lines += [
        f"no ML-DSA-65 signature of processor {processor}: {state}"
        for processor, state in result.signatures.items()
        if state != SIGNED
    ]
    return lines


def _rounds(counts: Mapping[int, int], layout: Layout) -> list[tuple[str, int, dict[int, int]]]:
    parts = split(counts, layout.rounds, layout.width)
    return [(name, place, parts[place]) for name, place in layout.targets]


def _rounds_lines(counts: Mapping[int, int], layout: Layout) -> list[str]:
    lines = []
    for name, _, part in _rounds(counts, layout)[:MOST_OUTCOMES]:
        (outcome, count), *_ = bitstrings(part, layout.width).items()
        lines.append(f"  {name}: {sum(part.values())} shots, {len(part)} outcomes, {outcome} {count} times")
    if len(layout.targets) > MOST_OUTCOMES:
        lines.append(f"  ... and {len(layout.targets) - MOST_OUTCOMES} more circuits (--json has all)")
    return lines


def bars(outcomes: Mapping[str, int]) -> list[str]:
    """Return counts by bit string as bars, the most frequent first."""
    most = max(outcomes.values())
    lines = [
        f"  {outcome}  {count:>7}  {'#' * round(BAR_WIDTH * count / most)}"
        for outcome, count in list(outcomes.items())[:MOST_OUTCOMES]
    ]
    if len(outcomes) > MOST_OUTCOMES:
        lines.append(f"  ... and {len(outcomes) - MOST_OUTCOMES} more outcomes (--json has all)")
    return lines
