"""``qcrs audit``: whether what the chain decided follows from what happened."""

import argparse
import asyncio
import json
import re
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from qcrs.chain.gateway import Gateway
from qcrs.cli.gold import add_audit_verb
from qcrs.cli.options import (
    Progress,
    add_network,
    add_signer,
    command,
    computation_id,
    emit,
    network_of,
    positive,
    run_with_client,
    signer_of,
    table,
    whole,
)
from qcrs.model.finding import Finding, Level, Standing
from qcrs.sdk.audit import Listing, Report, list_entries, verify
from qcrs.sdk.certification import Recheck, read_trials, recheck
from qcrs.sdk.challenge import accuser
from qcrs.sdk.client import Client
from qcrs.sdk.proof import MOST_BYTES, EntryUnknown, Proof, departure, make_proof
from qcrs.sdk.watch import Watch, follow
from qcrs.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    check = command(
        verbs,
        "verify",
        _verify,
        "replay the chain's events and check every decision",
        description="Replay everything from the events alone: the hash chain, every draw, commit, "
        "reveal, verdict, payment and status. The first thing that does not follow is named, and "
        "the exit code is then 1.",
    )
    check.add_argument(
        "--benchmarks", action="store_true",
        help="also derive the circuits of every certificate again, and score the counts in the store as its certifiers "
        "must have done; some seconds each",
    )  # fmt: skip
    log = command(
        verbs,
        "log",
        _log,
        "list the trail's entries in words",
        description="List the audit entries. The exit code is 1 when they do not make up the head "
        "of the hash chain; 'qcrs audit verify' checks what they say.",
    )
    log.add_argument("--last", type=positive, metavar="N", help="only the newest N")
    log.add_argument("--computation", type=computation_id, metavar="ID", help="only those about this one")
    proving = command(
        verbs,
        "prove",
        _prove,
        "prove that a decision is in the trail, as a file",
        description="Write the proof that the trail has an entry: the newest about a computation, or any by its "
        "number. It is JSON, checked by 'qcrs audit check' and by contracts (contracts/libraries/AuditProof.sol).",
    )
    proving.add_argument("computation", type=computation_id, nargs="?", metavar="ID", help="what the entry is about")
    proving.add_argument("--entry", type=whole(0, 2**64 - 1), metavar="N", help="entry N of the trail")
    proving.add_argument("--out", type=Path, metavar="FILE", help="write it there instead of printing it")
    checking = command(
        verbs,
        "check",
        _check,
        "check such a file, without a chain",
        description="Check a proof. Without --root and --network it is held to its own root, which anyone can make "
        "up: take the root from where you trust it. The exit code is 1 when the proof does not hold.",
    )
    checking.add_argument("file", metavar="FILE", help="what 'qcrs audit prove' wrote; - for standard input")
    checking.add_argument("--root", type=_root, metavar="HEX", help="the trail's root, as you know it")
    checking.add_argument("--network", metavar="FILE", help="also hold it to the contract as of now")
    add_audit_verb(verbs)
    _add_watch(verbs)
    for verb in (check, log, proving):
        add_network(verb)


def _add_watch(verbs: argparse._SubParsersAction) -> None:
    watching = command(
        verbs,
        "watch",
        _watch,
        "follow the chain and raise an alarm when something does not follow",
        description="Replay the chain as it grows, compare it with the contracts, and hold every settled computation's "
        "histograms in the store to what was revealed of them. Alarms go to standard error, and with --json also to "
        "standard output, one JSON value a line. The exit code is 1 when there was an alarm. 'qcrs node start "
        "--auditor' does the same beside a processor's work.",
    )
    watching.add_argument("--once", action="store_true", help="up to the latest block, then end")
    watching.add_argument(
        "--challenge", action="store_true",
        help="also post the proof against an answer whose histogram contradicts it, with the account that acts; it "
        "costs gas, and brings a share of the penalty",
    )  # fmt: skip
    add_signer(watching, "researcher")
    add_network(watching)


def _verify(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> int:
        report = await verify(client.gateway, Progress())
        value, lines, holds = report.to_json(), [_verdict(report)], report.holds
        if options.benchmarks:
            store = Store(client.gateway.network.store)
            measured = [trial for trial in await read_trials(client.gateway) if trial.evidence]
            found = [await recheck(client.gateway, store, trial) for trial in measured]
            value["benchmarks"] = [asdict(each) for each in found]
            lines += [_rechecked(each) for each in found]
            holds = holds and not any(each.departs for each in found)
        emit(options, value, "\n".join(lines))
        return 0 if holds else 1

    return run_with_client(options, work, signs=False)


def _rechecked(found: Recheck) -> str:
    outcome = found.departs or (f"not held to its counts: {found.missing}" if found.missing else "as its counts say")
    return f"benchmark {found.certification}: {outcome}"


def _log(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> int:
        listing = await list_entries(client.gateway, options.last, options.computation, Progress())
        value = {
            "holds": listing.holds,
            "size": listing.size,
            "entries": [entry.to_json() for entry in listing.entries],
        }
        emit(options, value, _told(listing))
        return 0 if listing.holds else 1

    return run_with_client(options, work, signs=False)


def _prove(options: argparse.Namespace) -> int | None:
    if options.computation is None and options.entry is None:
        raise EntryUnknown("which entry? Name a computation, or an entry with --entry N; see 'qcrs audit log'")

    async def work(client: Client) -> None:
        proof = await make_proof(client.gateway, options.computation, options.entry, Progress())
        if options.out is None:
            emit(options, proof.to_json(), json.dumps(proof.to_json(), indent=1))
            return
        proof.write(options.out)
        value = {"file": str(options.out), "entry": proof.entry.index, "root": "0x" + proof.root.hex()}
        emit(options, value, f"{_proven(proof)}\n\nwritten to {options.out}; check it with 'qcrs audit check'")

    return run_with_client(options, work, signs=False)


def _check(options: argparse.Namespace) -> int | None:
    with sys.stdin.buffer if options.file == "-" else Path(options.file).open("rb") as file:
        text = file.read(MOST_BYTES + 1)
    proof = Proof.read(text)
    fault, against = proof.fault(options.root), "the root that you gave" if options.root else ""
    if fault is None and options.network is not None:

        async def work(client: Client) -> str | None:
            return await departure(client.gateway, proof)

        fault, against = run_with_client(options, work, signs=False), "the contract as of now"
    value = {
        "holds": fault is None,
        "fault": fault,
        "against": against or "its own root",
        "entry": proof.entry.index,
        "words": proof.words if fault is None else None,
    }
    emit(options, value, f"THE PROOF DOES NOT HOLD\n{fault}" if fault else _sound(proof, against))
    return 0 if fault is None else 1


def _watch(options: argparse.Namespace) -> int | None:
    return asyncio.run(_watched(options, _Teller(options.json)))


async def _watched(options: argparse.Namespace, teller: "_Teller") -> int:
    def open_watch(tell: Callable[[Finding], None]) -> Watch:
        network = network_of(options)
        gateway, store = Gateway(network), Store(network.store)
        evidence = accuser(gateway, signer_of(options, network), store, tell) if options.challenge else None
        return Watch(gateway, store, tell, evidence)

    if options.once:
        watch = open_watch(teller.find)
        async with watch.gateway:
            teller.stand(await watch.look())
        return int(teller.alarmed)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await follow(open_watch, teller.find, teller.stand, stop)
    return int(teller.alarmed)


class _Teller:
    """Says what a watch finds, and how things stand whenever that has changed."""

    def __init__(self, as_json: bool) -> None:
        self._as_json, self.alarmed = as_json, False
        self._last: Standing | None = None

    def find(self, finding: Finding) -> None:
        self.alarmed |= finding.level is Level.Alarm
        print(finding, file=sys.stderr, flush=True)
        if self._as_json:
            print(json.dumps(finding.to_json()), flush=True)

    def stand(self, standing: Standing) -> None:
        if self._last is not None and replace(standing, block=self._last.block) == self._last:
            return  # empty blocks, or heartbeats alone
        self._last = standing
        if self._as_json:
            print(json.dumps({"event": "standing", **standing.to_json()}), flush=True)
            return
        seen = (
            f"{standing.entries} entries, {standing.computations} computations, {standing.histograms} histograms up to "
            f"block {standing.block}"
        )
        missing = f"; {standing.missing} histograms are missing" if standing.missing else ""
        print(f"{'ALARM' if standing.alarms else 'all follows'}: {seen}{missing}", flush=True)


def _root(text: str) -> bytes:
    """Return *text*, a root in hexadecimal, for argparse."""
    digits = text.removeprefix("0x")
    if not re.fullmatch("[0-9a-fA-F]{64}", digits):
        raise argparse.ArgumentTypeError(f"expected a root of 64 hexadecimal digits, got {text!r}")
    return bytes.fromhex(digits)


def _proven(proof: Proof) -> str:
    return (
        f"entry {proof.entry.index} of {proof.size}: {proof.words}\n"
        f"root  0x{proof.root.hex()} in block {proof.block.number} of chain {proof.chain_id}"
    )


def _sound(proof: Proof, against: str) -> str:
    if against:
        return f"{_proven(proof)}\n\nthe proof holds against {against}"
    return (
        f"{_proven(proof)}\n\nthe proof holds in itself: the entry is in the trail with this root. Whether that is "
        "the trail's root, say with --root HEX or --network FILE"
    )


def _verdict(report: Report) -> str:
    seen = (
        f"{report.entries} entries, {report.computations} computations, {report.events} events "
        f"up to block {report.block}"
    )
    if report.fault is not None:
        return f"THE AUDIT TRAIL DOES NOT HOLD\n{report.fault}\nfollowed before that: {seen}"
    rows = [[rule, f"{count:,}"] for rule, count in report.checks.items()]
    surplus = f"\n{report.surplus} wei beyond what is owed" if report.surplus else ""
    return f"{table(['rule', 'checks'], rows)}\n\nthe audit trail holds: {seen}{surplus}"


def _told(listing: Listing) -> str:
    rows = [
        [
            str(entry.index),
            str(entry.block),
            datetime.fromtimestamp(entry.timestamp, UTC).isoformat(sep=" ")[:19],
            entry.words,
        ]
        for entry in listing.entries
    ]
    holds = "they make up" if listing.holds else "THEY DO NOT MAKE UP"
    return (
        f"{table(['entry', 'block', 'time (UTC)', 'decision'], rows)}\n\n"
        f"{len(rows)} of {listing.size} entries; {holds} the head of the hash chain"
    )
