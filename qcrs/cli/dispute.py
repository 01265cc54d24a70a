"""``qcrs dispute``: complaints that nothing on chain can prove, and their rulings."""

import argparse
import asyncio
import re
from pathlib import Path

from qcrs.chain.contracts import Allocator
from qcrs.cli.court_report import coin, moment
from qcrs.cli.options import (
    Progress,
    add_network,
    add_signer,
    command,
    computation_id,
    emit,
    run_with_client,
    table,
    whole,
)
from qcrs.model.dispute import DisputeKind, DisputeStatus
from qcrs.sdk.client import Client
from qcrs.sdk.court import events_of, seat_of
from qcrs.sdk.dispute import CONTRACT, Case, Disputant, EvidenceTooLong, Exhibit, cases_in, dispute_of
from qcrs.store import MAX_BYTES, ContentMismatch, ContentUnavailable, Store

KINDS = {"answer": DisputeKind.WrongAnswer, "fault": DisputeKind.WrongFault}
dispute_id = whole(1, 2**64 - 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    parser.description = (
        "What can be proven needs no dispute: see 'qcrs challenge'. For the rest, put up a bond of one slash and name "
        "your evidence within the verdict's challenge window; the Dispute Resolution Council rules within seven days. "
        "Evidence is a file, which goes into the consortium's store, or the digest of one that is there."
    )
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    _add_parties(verbs)
    _add_council(verbs)
    add_network(command(verbs, "list", _list, "list all disputes"))
    show = command(verbs, "show", _show, "show one dispute: parties, evidence, ruling, and where the bond went")
    show.add_argument("dispute", type=dispute_id, metavar="DISPUTE")
    show.add_argument("--fetch", type=Path, metavar="DIRECTORY", help="write all evidence there, named by digest")
    add_network(show)


def _add_parties(verbs: argparse._SubParsersAction) -> None:
    opening = command(
        verbs, "open", _open, "complain about a seat of a verdict",
        description="Complain that an answer is false (--kind answer, anyone), or that a processor was punished as an "
        "outlier or for gold rounds without fault (--kind fault, its operator). A complaint that is dismissed costs "
        "the bond; one that is upheld returns it, and for a false answer brings a share of the penalty.",
    )  # fmt: skip
    opening.add_argument("id", type=computation_id, metavar="ID")
    opening.add_argument("seat", type=whole(0, 255), metavar="SEAT", help="an assignment's index in 'qcrs job show ID'")
    opening.add_argument("--kind", choices=KINDS, required=True, help="a false answer, or an undeserved fault")
    answer = command(
        verbs, "answer", _answer, "put the other side's evidence on record",
        description="For the accused processor's operator; for the requester, where its gold rounds are in question.",
    )  # fmt: skip
    for verb in (opening, answer):
        verb.add_argument("--evidence", required=True, type=exhibit, metavar="FILE|HEX", help="a file, or its digest")
        add_network(verb)
    answer.add_argument("dispute", type=dispute_id, metavar="DISPUTE")
    add_signer(opening, "researcher")
    add_signer(answer, "lab-1")


def _add_council(verbs: argparse._SubParsersAction) -> None:
    rule = command(
        verbs, "rule", _rule, "rule on a dispute (dispute resolution role)",
        description="Rule. A false answer costs its processor one slash, and an accepted computation falls when fewer "
        "than a quorum remain behind it; an undeserved fault is made good by whoever caused it.",
    )  # fmt: skip
    ruling = rule.add_mutually_exclusive_group(required=True)
    ruling.add_argument("--uphold", dest="upheld", action="store_true", help="the complaint is right")
    ruling.add_argument("--dismiss", dest="upheld", action="store_false", help="it is not; the opener loses its bond")
    rule.add_argument("--reason", required=True, type=exhibit, metavar="FILE|HEX", help="a file, or its digest")
    lapse = command(verbs, "lapse", _lapse, "end a dispute that nobody ruled on in time; the bond returns")
    for verb, name in ((rule, "operator"), (lapse, "researcher")):
        verb.add_argument("dispute", type=dispute_id, metavar="DISPUTE")
        add_network(verb)
        add_signer(verb, name)


def exhibit(text: str) -> Exhibit:
    """Return the exhibit that *text* names: a digest of 64 hexadecimal digits, else a file, for argparse."""
    digits = text.removeprefix("0x")
    if re.fullmatch("[0-9a-fA-F]{64}", digits):
        return Exhibit(bytes.fromhex(digits))
    try:
        with Path(text).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise argparse.ArgumentTypeError(
            f"expected a file, or a digest of 64 hexadecimal digits, got {text!r}: {error.strerror or error}"
        ) from error
    try:
        return Exhibit.of(content)
    except EvidenceTooLong as error:
        raise argparse.ArgumentTypeError(f"{text}: {error}") from error


def _open(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        duty = seat_of(await client.story(options.id), options.seat)
        bond = (await Allocator(client.gateway).policy()).slash
        Progress(options.json)(f"the bond is {coin(bond)}: returned when the complaint is upheld, lost when dismissed")
        receipt = await _disputant(client).open(options.id, options.seat, KINDS[options.kind], options.evidence, bond)
        event = receipt.event("DisputeOpened")
        value = {
            "dispute": event["dispute"],
            "bond": str(event["bond"]),
            "evidence": "0x" + options.evidence.digest.hex(),
            "endsAt": event["endsAt"],
            "gas": receipt.gas_used,
        }
        emit(
            options,
            value,
            f"dispute {event['dispute']} about processor {duty.processor}, seat {options.seat} of job {options.id}: "
            f"{coin(event['bond'])} put up, evidence 0x{options.evidence.digest.hex()}; the council may rule until "
            f"{moment(event['endsAt'])}",
        )

    return run_with_client(options, work)


def _answer(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        await dispute_of(client.gateway, options.dispute)
        receipt = await _disputant(client).answer(options.dispute, options.evidence)
        digest = "0x" + options.evidence.digest.hex()
        value = {"dispute": options.dispute, "evidence": digest, "gas": receipt.gas_used}
        emit(options, value, f"evidence {digest} is on record in dispute {options.dispute}")

    return run_with_client(options, work)


def _rule(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        record = await dispute_of(client.gateway, options.dispute)
        Progress(options.json)(
            f"{coin(record['bond'])} were put up by {record['opener']}; "
            + ("they return" if options.upheld else "half is burned, half goes to the other side")
        )
        await _disputant(client).rule(options.dispute, options.upheld, options.reason)
        case = await _case(client, options.dispute)
        emit(options, case.to_json(), _pretty(case, client.store))

    return run_with_client(options, work)


def _lapse(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        record = await dispute_of(client.gateway, options.dispute)
        await _disputant(client).lapse(options.dispute)
        value = {"dispute": options.dispute, "status": DisputeStatus.Lapsed.name, "returned": str(record["bond"])}
        emit(options, value, f"dispute {options.dispute} lapsed: {coin(record['bond'])} returned to {record['opener']}")

    return run_with_client(options, work)


def _list(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        cases = list(cases_in(await events_of(client.gateway, CONTRACT)).values())
        rows = [
            [str(c.dispute), str(c.computation), str(c.index), c.kind.name, c.status.name, moment(c.ends_at)]
            for c in cases
        ]
        headings = ["dispute", "job", "seat", "kind", "status", "rule by"]
        emit(options, [case.to_json() for case in cases], table(headings, rows))

    return run_with_client(options, work, signs=False)


def _show(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> None:
        await dispute_of(client.gateway, options.dispute)
        case = await _case(client, options.dispute)
        kept = {"0x" + digest.hex(): _kept(client.store, digest) is not None for _, digest in case.exhibits}
        if options.fetch is not None:
            await asyncio.to_thread(_fetch, case, client.store, options.fetch)
        emit(options, {**case.to_json(), "inStore": kept}, _pretty(case, client.store))

    return run_with_client(options, work, signs=False)


async def _case(client: Client, dispute: int) -> Case:
    return cases_in(await events_of(client.gateway, CONTRACT))[dispute]


def _fetch(case: Case, store: Store, folder: Path) -> None:
    """Write what the store has of the evidence in *case*."""
    folder.mkdir(parents=True, exist_ok=True)
    for _, digest in case.exhibits:
        content = _kept(store, digest)
        if content is not None:
            (folder / digest.hex()).write_bytes(content)


def _kept(store: Store, digest: bytes) -> bytes | None:
    try:
        return store.get(digest)
    except (ContentUnavailable, ContentMismatch):
        return None


def _pretty(case: Case, store: Store) -> str:
    lines = [
        f"dispute {case.dispute}  {case.status.name}",
        f"{case.kind.name}: job {case.computation}, seat {case.index}; bond {coin(case.bond)}",
    ]
    for who, digest in case.exhibits:
        there = _kept(store, digest)
        lines.append(
            f"{who}  0x{digest.hex()}  "
            + ("not in the store" if there is None else f"{len(there):,} bytes in the store")
        )
    if case.status is DisputeStatus.Open:
        lines.append(f"the council may rule until {moment(case.ends_at)}")
    lines += [f"{name:12} {coin(amount)}" for name, amount in case.division.items() if amount]
    return "\n".join(lines)


def _disputant(client: Client) -> Disputant:
    return Disputant(client.gateway, client.signer, client.store)
