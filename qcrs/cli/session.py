"""``qcrs session``: one circuit over several processors that share entangled pairs."""

import argparse
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from qcrs.cli import session_memory
from qcrs.cli.job_circuits import text_of
from qcrs.cli.job_report import bars
from qcrs.cli.options import add_network, add_signer, command, emit, number, positive, run_with_client, table, whole
from qcrs.cli.session_order import absent_of, add_terms, outcome_lines, outcome_value, see_through, session_value
from qcrs.rules.agreement import Verdict
from qcrs.sdk.channel import read_entanglement
from qcrs.sdk.client import Client
from qcrs.sdk.result import bitstrings
from qcrs.sdk.session import Outcome, SessionUnknown

if TYPE_CHECKING:
    from qcrs.sdk.distribution import Plan

_FIDELITY = number("a fidelity from 0 and below 1", lambda value: 0 <= value < 1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    run = command(
        verbs, "run", _run, "run a circuit over several processors",
        description="Split a circuit over processors that share open channels, have them run it together, and wait for "
        "the verdict. Two or more runs by different processors are compared as the replicas of a computation are; one "
        "run alone stays Unverified. What it takes is said first; --dry-run stops there.",
    )  # fmt: skip
    run.add_argument("file", help="OpenQASM 3 (flat) or OpenQASM 2 file, or - for standard input")
    run.add_argument("--processors", type=whole(2, 8), default=2, help="that run it together (2)")
    run.add_argument("--runs", type=whole(1, 5), default=1, help="of the whole, by different processors (1)")
    run.add_argument("--shots", type=whole(1, 65_535), default=4096, help="of each run (4096)")
    run.add_argument(
        "--fidelity",
        type=_FIDELITY,
        default=0.0,
        metavar="F",
        help="least that pairs are purified for; none by default",
    )
    run.add_argument("--phases", type=whole(2, 64), default=2, help="barriers; shots are split over all but one (2)")
    add_terms(run)
    session_memory.add_arguments(verbs)
    listing = command(verbs, "list", _list, "list sessions")
    listing.add_argument("--last", type=positive, default=20, help="how many of the newest (20)")
    show = command(verbs, "show", _show, "show one session")
    show.add_argument("id", type=whole(1, 2**64 - 1))
    for verb in (run, listing, show):
        add_network(verb)
    add_signer(run, "researcher")


def _run(options: argparse.Namespace) -> int:
    text = text_of(options.file)

    async def work(client: Client) -> int:
        # Qiskit and the partitioner take a second to import: only here.
        from qcrs.sdk.distribution import plan_for

        async def planned(excluded: Collection[int]) -> "Plan":
            known = await read_entanglement(client.gateway)
            return plan_for(
                known, await client.market(), text, options.processors, options.runs, options.shots, options.fidelity,
                excluded,
            )  # fmt: skip

        done = await see_through(
            client, options, planned, lambda plan: _quoted(plan, options.shots), lambda _: options.phases
        )
        if done is None:
            return 0
        plan, outcome = done
        emit(options, _outcome(outcome, plan), "\n".join(_lines(outcome, plan)))
        return 0 if outcome.verdict in (Verdict.Accepted, Verdict.Unverified) else 1

    return run_with_client(options, work)


def _quoted(plan: "Plan", shots: int) -> list[str]:
    crews = "; ".join(",".join(map(str, crew.members)) for crew in plan.crews)
    return [
        f"{plan.ebits} pairs a shot, {plan.raw_pairs:,} raw pairs a run of {shots} shots; processors {crews}",
        *(_route(route) for route in plan.routes),
        "pairs taken of channels: " + ", ".join(f"{count:,} of {channel}" for channel, count in plan.taken.items()),
        f"fidelity of the output at least {plan.fidelity:.4f} by the channels' tests, but for the processors' noise",
    ]


def _route(route: dict[str, Any]) -> str:
    first, *between, last = route["processors"]
    before = ", ".join(map(str, route["before"]))
    return (
        f"processors {first} and {last} have no channel: {route['pairs']} pairs a shot swapped over "
        f"{', '.join(map(str, between))}, of fidelity {route['fidelity']:.4f}; rounds of purification {before} on the "
        f"way, {route['after']} end to end"
    )


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        known = await read_entanglement(client.gateway)
        chosen = list(known.sessions.values())[-options.last :]
        rows = [
            [
                str(s.session), str(s.group), ",".join(map(str, s.members)), s.status.name,
                str(s.phase), absent_of(s) or "-",
            ]
            for s in chosen
        ]  # fmt: skip
        headings = ["id", "group", "processors", "status", "phase", "absent"]
        emit(options, [session_value(session) for session in chosen], table(headings, rows))

    run_with_client(options, work, signs=False)


def _show(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        known = await read_entanglement(client.gateway)
        session = known.sessions.get(options.id)
        if session is None:
            raise SessionUnknown(f"there is no session {options.id}; see 'qcrs session list'")
        group = known.groups[session.group]
        verdict = None if group.verdict is None else Verdict(group.verdict).name
        value = {
            **session_value(session),
            "shots": group.request.shots,
            "phases": group.request.phases,
            "verdict": verdict,
        }
        emit(options, value, "\n".join(f"{key:11} {item}" for key, item in value.items()))

    run_with_client(options, work, signs=False)


def _outcome(outcome: Outcome, plan: "Plan") -> dict[str, Any]:
    counts = None if outcome.counts is None else bitstrings(outcome.counts, plan.outcome_bits)
    return {**outcome_value(outcome, plan), "counts": counts}


def _lines(outcome: Outcome, plan: "Plan") -> list[str]:
    lines = outcome_lines(outcome)
    if outcome.counts is not None:
        lines.append(f"{sum(outcome.counts.values())} shots")
        lines += bars(bitstrings(outcome.counts, plan.outcome_bits))
    return lines
