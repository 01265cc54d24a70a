"""``qcrs session``: one circuit over several processors that share entangled pairs."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from qcrs.cli.job_circuits import text_of
from qcrs.cli.job_report import bars
from qcrs.cli.options import (
    Progress,
    add_network,
    add_signer,
    coins,
    command,
    emit,
    positive,
    run_with_client,
    table,
    whole,
)
from qcrs.model.entanglement import Session
from qcrs.model.session import SessionStatus
from qcrs.rules.agreement import Verdict
from qcrs.sdk.channel import read_entanglement
from qcrs.sdk.client import Client
from qcrs.sdk.quote import coin
from qcrs.sdk.result import bitstrings
from qcrs.sdk.session import Order, Outcome, Requester, SessionUnknown

if TYPE_CHECKING:
    from qcrs.sdk.distribution import Plan

EMULATED = "link=emulated: one process stood in for the fibre; nothing here was faster, or secret from its operator"
DEFAULT_FEE = 10**16


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
        "--fidelity", type=_share, default=0.0, metavar="F", help="least that pairs are purified for; none by default"
    )
    run.add_argument("--phases", type=whole(2, 64), default=2, help="barriers; shots are split over all but one (2)")
    run.add_argument("--fee", type=coins, default=DEFAULT_FEE, metavar="COIN", help="for each member of a run (0.01)")
    run.add_argument("--deposit", type=coins, metavar="COIN", help="of each member; as much as the fee by default")
    run.add_argument("--window", type=positive, default=120, metavar="SECONDS", help="for each step (120)")
    run.add_argument("--retries", type=whole(0, 8), default=1, help="on other processors when one is absent (1)")
    run.add_argument("--dry-run", action="store_true", help="say what it takes, and stop")
    listing = command(verbs, "list", _list, "list sessions")
    listing.add_argument("--last", type=positive, default=20, help="how many of the newest (20)")
    show = command(verbs, "show", _show, "show one session")
    show.add_argument("id", type=whole(1, 2**64 - 1))
    for verb in (run, listing, show):
        add_network(verb)
    add_signer(run, "researcher")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"expected a fidelity from 0 to 1, got {text!r}")
    return value


def _run(options: argparse.Namespace) -> int:
    text = text_of(options.file)

    async def work(client: Client) -> int:
        # Qiskit and the partitioner take a second to import: only here.
        from qcrs.sdk.distribution import plan_for

        progress = Progress(options.json)
        order = Order(
            shots=options.shots, fee=options.fee, deposit=options.deposit or options.fee, phases=options.phases,
            join_seconds=options.window, phase_seconds=options.window, report_seconds=options.window,
        )  # fmt: skip
        requester = Requester(client.gateway, client.signer, client.secrets, client.store)
        excluded: set[int] = set()
        for attempt in range(options.retries + 1):
            known = await read_entanglement(client.gateway)
            plan = plan_for(
                known, await client.market(), text, options.processors, options.runs, options.shots, options.fidelity,
                excluded,
            )  # fmt: skip
            print("\n".join(_quoted(plan, order, options)), file=sys.stderr)
            if options.dry_run:
                emit(options, plan.value(), "nothing was sent")
                return 0
            group = await requester.create(plan.fragments, plan.outcome_bits, plan.crews, order)
            progress(f"group {group} created")
            outcome = await requester.drive(group, progress)
            if outcome.verdict is not None or attempt == options.retries:
                break
            excluded |= set(outcome.absent)
            progress(f"no result; absent: {outcome.absent or 'nobody named'}; once more, on others")
        emit(options, _outcome(outcome, plan), "\n".join(_lines(outcome, plan)))
        return 0 if outcome.verdict in (Verdict.Accepted, Verdict.Unverified) else 1

    return run_with_client(options, work)


def _quoted(plan: "Plan", order: Order, options: argparse.Namespace) -> list[str]:
    crews = "; ".join(",".join(map(str, crew.members)) for crew in plan.crews)
    total = order.fee * sum(len(crew.members) for crew in plan.crews)
    return [
        f"{plan.ebits} pairs a shot, {plan.raw_pairs:,} raw pairs a run of {order.shots} shots; processors {crews}",
        f"fidelity of the output at least {plan.fidelity:.4f} by the channels' tests, but for the processors' noise",
        f"fees {coin(total)} coin for {options.runs} runs; returned for runs that do not count",
    ]


def _list(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        known = await read_entanglement(client.gateway)
        chosen = list(known.sessions.values())[-options.last :]
        rows = [
            [
                str(s.session), str(s.group), ",".join(map(str, s.members)), s.status.name,
                str(s.phase), _absent(s) or "-",
            ]
            for s in chosen
        ]  # fmt: skip
        headings = ["id", "group", "processors", "status", "phase", "absent"]
        emit(options, [_value(session) for session in chosen], table(headings, rows))

    run_with_client(options, work, signs=False)


def _show(options: argparse.Namespace) -> None:
    async def work(client: Client) -> None:
        known = await read_entanglement(client.gateway)
        session = known.sessions.get(options.id)
        if session is None:
            raise SessionUnknown(f"there is no session {options.id}; see 'qcrs session list'")
        group = known.groups[session.group]
        verdict = None if group.verdict is None else Verdict(group.verdict).name
        value = {**_value(session), "shots": group.request.shots, "phases": group.request.phases, "verdict": verdict}
        emit(options, value, "\n".join(f"{key:11} {item}" for key, item in value.items()))

    run_with_client(options, work, signs=False)


def _absent(session: Session) -> str:
    return ",".join(str(p) for index, p in enumerate(session.members) if session.absent >> index & 1)


def _value(session: Session) -> dict[str, Any]:
    return {
        "id": session.session,
        "label": "link=emulated",
        "group": session.group,
        "processors": list(session.members),
        "status": session.status.name,
        "phase": session.phase,
        "absent": _absent(session),
        "channels": {use.channel: use.pairs for use in session.uses},
    }


def _outcome(outcome: Outcome, plan: "Plan") -> dict[str, Any]:
    return {
        "group": outcome.group,
        "label": "link=emulated",
        "verdict": None if outcome.verdict is None else outcome.verdict.name,
        "sessions": [_value(session) for session in outcome.sessions],
        "absent": list(outcome.absent),
        "counts": None if outcome.counts is None else bitstrings(outcome.counts, plan.outcome_bits),
        "quote": plan.value(),
    }


def _lines(outcome: Outcome, plan: "Plan") -> list[str]:
    name = "without a result" if outcome.verdict is None else outcome.verdict.name
    lines = [f"group {outcome.group}  {name}", EMULATED]
    for session in outcome.sessions:
        absent = f", absent {_absent(session)}" if session.absent else ""
        lines.append(f"session {session.session}  {session.status.name}  processors {_members(session)}{absent}")
        if session.status is SessionStatus.Cancelled and session.channel:
            lines.append(f"  channel {session.channel} could not be used")
    if outcome.counts is not None:
        lines.append(f"{sum(outcome.counts.values())} shots")
        lines += bars(bitstrings(outcome.counts, plan.outcome_bits))
    return lines


def _members(session: Session) -> str:
    return ", ".join(map(str, session.members))
