"""Gold rounds seen again: how replicas did, for their requester; whether the answers are true, for everybody."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.chain.codec import Event
from qcrs.errors import QcrsError
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.story import Duty, Story
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.program import Program
from qcrs.quantum.sweep import scan_rounds
from qcrs.rules.gold import GoldListUnsound, Opening, RoundKind
from qcrs.sdk.client import Client
from qcrs.sdk.court import events_of
from qcrs.sdk.gold import Document, GoldDocumentDamaged, fidelity, scores
from qcrs.sdk.result import HistogramUnavailable, replica_counts


class GoldListUnknown(QcrsError):
    """The computation has no gold rounds, or nobody here knows which they are."""


@dataclass(frozen=True)
class Replica:
    """How one replica did in the gold rounds and traps.

    Attributes:
        golds, traps: Rounds that it failed; golds include targets with a wrong number of shots.
        fidelity: Mean over the golds in 1e-4; None without any. missing: Why its histogram cannot be had, if so.
    """

    duty: Duty
    golds: tuple[int, ...] = ()
    traps: tuple[int, ...] = ()
    fidelity: int | None = None
    missing: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it."""
        return {
            "seat": self.duty.index,
            "processor": self.duty.processor,
            "status": self.duty.status.name,
            "goldFailures": None if self.missing else list(self.golds),
            "trapFailures": None if self.missing else list(self.traps),
            "fidelity": None if self.fidelity is None else self.fidelity / 10_000,
            **({"missing": self.missing} if self.missing else {}),
        }


@dataclass(frozen=True)
class FalseAnswer:
    """A round whose answer does not follow from its circuit, and why."""

    round: int
    kind: RoundKind
    why: str


@dataclass(frozen=True)
class Review:
    """What became of recomputing an opened gold list.

    Attributes:
        fault: Why the document is not what was opened; empty when it is. false: The answers that do not hold.
        recomputed: Rounds whose answers were.
        framed: Seats that ended by failing rounds, and which false answers that rests on.
    """

    computation: int
    document_digest: bytes
    recomputed: int = 0
    fault: str = ""
    false: tuple[FalseAnswer, ...] = ()
    framed: tuple[tuple[Duty, tuple[int, ...]], ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing false was found."""
        return not self.fault and not self.false

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it."""
        return {
            "id": self.computation,
            "holds": self.holds,
            "documentDigest": "0x" + self.document_digest.hex(),
            "recomputed": self.recomputed,
            "fault": self.fault or None,
            "false": [{"round": one.round, "kind": one.kind.name, "why": one.why} for one in self.false],
            "framed": [
                {"seat": duty.index, "processor": duty.processor, "status": duty.status.name, "rounds": list(rounds)}
                for duty, rounds in self.framed
            ],
        }


def replica_of(document: Document, duty: Duty, counts: dict[int, int]) -> Replica:
    """Return how the replica *duty*, which measured *counts*, did by *document*."""
    failed = [one for one in scores(document, counts) if not one.passed]
    return Replica(
        duty,
        tuple(one.round for one in failed if one.kind is not RoundKind.Trap),
        tuple(one.round for one in failed if one.kind is RoundKind.Trap),
        fidelity(document, counts),
    )


def false_answers(document: Document, programs: Sequence[Program]) -> list[FalseAnswer]:
    """Return the answers of *document* that do not follow from the circuits of the rounds."""
    # A second's import that nothing else here needs.
    from qcrs.quantum.recompute import falsehood

    return [
        FalseAnswer(number, entry.kind, why)
        for number, (entry, program) in enumerate(zip(document.rounds, programs, strict=True))
        if (why := falsehood(program, entry.kind, entry.answer)) is not None
    ]


def document_fault(document: Document, opening: Opening, story: Story, programs: Sequence[Program]) -> str:
    """Return why *document* is not what *opening* bound for *story*, empty when it is.

    Raises:
        GoldListUnsound: Nothing could bind it.
    """
    if document.opening != opening:
        return "the document's list is not the one that was opened: its root, tolerances or blind are others"
    if len(programs) != opening.rounds:
        return f"the payload has {len(programs)} rounds, the list {opening.rounds}"
    if document.width != programs[0].bits or document.shots * opening.rounds != story.request.shots:
        return (
            f"the document is of {document.width} bits and {document.shots} shots a round, the computation of "
            f"{programs[0].bits} and {story.request.shots // opening.rounds}"
        )
    return ""


async def replicas_of(client: Client, story: Story) -> tuple[Document, list[Replica]]:
    """Return the gold document of *story*, our own or the one that was opened, and how all replicas did.

    Raises:
        GoldListUnknown: Neither is there. GoldDocumentDamaged, ContentUnavailable: It cannot be read.
    """
    _require_gold(story)
    document = client.gold_documents.of(story.request.secret_commitment)
    if document is None:
        document = _read(client.store.get(_opened(await _events(client, story))["documentDigest"]))
    found = []
    for duty in story.duties:
        if not duty.sketch:
            continue
        try:
            counts = await asyncio.to_thread(replica_counts, story, duty, client.store)
            found.append(replica_of(document, duty, counts))
        except HistogramUnavailable as error:
            found.append(Replica(duty, missing=str(error)))
    return document, found


async def review(client: Client, story: Story) -> Review:
    """Recompute the answers of the gold list that was opened for *story*.

    Raises:
        GoldListUnknown: None was. ContentUnavailable, ContentMismatch: Document or payload cannot be had.
        PayloadUnreadable: The requester accused without letting anybody see what it had asked.
    """
    _require_gold(story)
    events = await _events(client, story)
    opened = _opened(events)
    digest, shown = opened["documentDigest"], opened["opening"]
    opening = Opening(*(shown[name] for name in ("goldRoot", "rounds", "goldTolerance", "trapTolerance", "blind")))
    content = await asyncio.to_thread(client.store.get, digest)
    payload = await asyncio.to_thread(client.sealer.circuit, story)
    try:
        document, programs = _read(content), scan_rounds(payload.decode())
        fault = document_fault(document, opening, story, programs)
    except (GoldDocumentDamaged, GoldListUnsound, CircuitRefused, UnicodeDecodeError) as error:
        fault = str(error)
    if fault:
        # Nothing shows any of the answers to be true.
        framed = framed_by(set(range(opening.rounds)), events, story)
        return Review(story.computation, digest, fault=fault, framed=tuple(framed))
    false = await asyncio.to_thread(false_answers, document, programs)
    answered = sum(entry.kind is not RoundKind.Target for entry in document.rounds)
    framed = framed_by({one.round for one in false}, events, story)
    return Review(story.computation, digest, answered, "", tuple(false), tuple(framed))


def framed_by(false: set[int], events: Sequence[Event], story: Story) -> list[tuple[Duty, tuple[int, ...]]]:
    """Return the seats of *story* that were accused, each with the failures proven of rounds among *false*."""
    framed = []
    for duty in story.with_status(AssignmentStatus.GoldFailed, AssignmentStatus.TrapFailed):
        scored = [e for e in events if e.name == "RoundScored" and e["index"] == duty.index and not e["passed"]]
        rounds = tuple(e["round"] for e in scored if e["round"] in false)
        if rounds:
            framed.append((duty, rounds))
    return framed


def _require_gold(story: Story) -> None:
    if not story.request.gold:
        raise GoldListUnknown(f"computation {story.computation} was submitted without gold rounds")


async def _events(client: Client, story: Story) -> list[Event]:
    events = await events_of(client.gateway, "GoldRounds")
    return [event for event in events if event.arguments.get("computation") == story.computation]


def _opened(events: Sequence[Event]) -> Event:
    for event in events:
        if event.name == "GoldListOpened":
            return event
    raise GoldListUnknown("the gold list is not open, and its requester's document is not here")


def _read(content: bytes) -> Document:
    try:
        return Document.from_json(json.loads(content))
    except (ValueError, RecursionError) as error:
        raise GoldDocumentDamaged(f"not a gold document: {error}") from error
