"""``qcrs job gold`` and ``qcrs audit gold``: how replicas did in gold rounds, and whether the answers are true."""

import argparse

from qcrs.cli.options import add_network, command, computation_id, emit, run_with_client, table
from qcrs.sdk.client import Client
from qcrs.sdk.gold import Document
from qcrs.sdk.gold_review import Replica, Review, replicas_of, review

MOST_LINES = 16


def add_job_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``gold`` to the verbs of ``qcrs job``."""
    gold = command(
        verbs, "gold", _replicas, "show how each replica did in a sweep's gold rounds and traps",
        description="Score every replica by the gold document: your own, kept when the sweep was submitted, or the "
        "public one once the list is open. Fidelity is the mean over the golds: 1 is a perfect processor, 0 is noise.",
    )  # fmt: skip
    gold.add_argument("id", type=computation_id)
    add_network(gold)


def add_audit_verb(verbs: argparse._SubParsersAction) -> None:
    """Add ``gold`` to the verbs of ``qcrs audit``."""
    gold = command(
        verbs, "gold", _review, "recompute the answers of an opened gold list",
        description="Contracts take a requester's word for its gold rounds' answers. This computes them anew, exactly, "
        "from the circuits and the document in the store, and names those that are false. The exit code is 1 when some "
        "are: evidence for 'qcrs dispute open ID SEAT --kind fault', by the operator of whoever was framed.",
    )  # fmt: skip
    gold.add_argument("id", type=computation_id)
    add_network(gold)


def _replicas(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        document, replicas = await replicas_of(client, await client.story(options.id))
        value = {
            "id": options.id,
            "rounds": len(document.rounds),
            "golds": sum(entry.kind.name == "Gold" for entry in document.rounds),
            "traps": sum(entry.kind.name == "Trap" for entry in document.rounds),
            "goldTolerance": document.gold_tolerance,
            "trapTolerance": document.trap_tolerance,
            "replicas": [replica.to_json() for replica in replicas],
        }
        emit(options, value, scored(document, replicas))

    return run_with_client(options, work, signs=False)


def scored(document: Document, replicas: list[Replica]) -> str:
    """Return for people how *replicas* did by *document*."""
    kinds = [entry.kind.name for entry in document.rounds]
    rows = [
        [
            str(one.duty.index), str(one.duty.processor), one.duty.status.name,
            "-" if one.missing else str(len(one.golds)), "-" if one.missing else str(len(one.traps)),
            "-" if one.fidelity is None else f"{one.fidelity / 10_000:.4f}",
        ]
        for one in replicas
    ]  # fmt: skip
    lines = [table(["seat", "processor", "status", "golds failed", "traps failed", "fidelity"], rows), ""]
    lines.append(
        f"{len(kinds)} rounds, {kinds.count('Gold')} golds, {kinds.count('Trap')} traps among them; tolerated "
        f"failures: {document.gold_tolerance} golds, {document.trap_tolerance} traps"
    )
    return "\n".join([*lines, *(one.missing for one in replicas if one.missing)])


def _review(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> int:
        found = await review(client, await client.story(options.id))
        emit(options, found.to_json(), reviewed(found))
        return 0 if found.holds else 1

    return run_with_client(options, work, signs=False)


def reviewed(found: Review) -> str:
    """Return for people what a review found."""
    document = f"document 0x{found.document_digest.hex()}"
    if found.holds:
        return (
            f"job {found.computation}: the answers of {found.recomputed} rounds follow from their circuits; {document}"
        )
    if found.fault:
        lines = ["THE GOLD LIST DOES NOT HOLD", f"job {found.computation}: {found.fault}; {document}"]
        return "\n".join([*lines, *_framed(found)])
    lines = ["THE GOLD LIST DOES NOT HOLD"]
    lines += [f"round {one.round}, {one.kind.name}: {one.why}" for one in found.false[:MOST_LINES]]
    if len(found.false) > MOST_LINES:
        lines.append(f"... and {len(found.false) - MOST_LINES} more (--json has all)")
    lines.append(f"{len(found.false)} of {found.recomputed} answers are false; {document}")
    return "\n".join([*lines, *_framed(found)])


def _framed(found: Review) -> list[str]:
    return [
        f"processor {duty.processor} is {duty.status.name} by {len(rounds)} of them: its operator can dispute that, "
        f"'qcrs dispute open {found.computation} {duty.index} --kind fault --evidence FILE'"
        for duty, rounds in found.framed
    ]
