"""``qcrs audit``: whether what the chain decided follows from what happened."""

import argparse
from datetime import UTC, datetime

from qcrs.cli.options import Progress, add_network, command, computation_id, emit, positive, run_with_client, table
from qcrs.sdk.audit import Listing, Report, list_entries, verify
from qcrs.sdk.client import Client


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
    for verb in (check, log):
        add_network(verb)


def _verify(options: argparse.Namespace) -> int | None:
    async def work(client: Client) -> int:
        report = await verify(client.gateway, Progress())
        emit(options, report.to_json(), _verdict(report))
        return 0 if report.holds else 1

    return run_with_client(options, work, signs=False)


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
