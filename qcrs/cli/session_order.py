"""What every order of a distributed program has in common: its terms, seeing it through, what is told of its runs."""

import argparse
import sys
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, Protocol, TypeVar

from qcrs.cli.options import Progress, coins, emit, positive, whole
from qcrs.model.entanglement import Session
from qcrs.model.session import SessionStatus
from qcrs.sdk.client import Client
from qcrs.sdk.crew import Crew
from qcrs.sdk.quote import coin
from qcrs.sdk.session import Order, Outcome, Program, Requester

EMULATED = "link=emulated: one process stood in for the fibre; nothing here was faster, or secret from its operator"
DEFAULT_FEE = 10**16


class Planned(Program, Protocol):
    """A program, and who is to run it."""

    @property
    def crews(self) -> Sequence[Crew]: ...  # noqa: D102

    def value(self) -> dict[str, Any]:
        """Return the plan for machines."""


Plan = TypeVar("Plan", bound=Planned)


def add_terms(parser: argparse.ArgumentParser) -> None:
    """Add the flags of an order's terms."""
    parser.add_argument(
        "--fee", type=coins, default=DEFAULT_FEE, metavar="COIN", help="for each member of a run (0.01)"
    )
    parser.add_argument("--deposit", type=coins, metavar="COIN", help="of each member; as much as the fee by default")
    parser.add_argument("--window", type=positive, default=120, metavar="SECONDS", help="for each step (120)")
    parser.add_argument("--retries", type=whole(0, 8), default=1, help="on other processors when one is absent (1)")
    parser.add_argument("--dry-run", action="store_true", help="say what it takes, and stop")


async def see_through(
    client: Client, options: argparse.Namespace, planned: Callable[[Collection[int]], Awaitable[Plan]],
    quoted: Callable[[Plan], list[str]], phases: Callable[[Plan], int],
) -> tuple[Plan, Outcome] | None:  # fmt: skip
    """Plan, say what it takes, order, and follow to the end, again on others when somebody was absent.

    Args:
        planned: Makes a plan without certain processors. quoted: What is said of it. phases: Of its sessions.

    Returns:
        None for a dry run.
    """
    progress = Progress(options.json)
    requester = Requester(client.gateway, client.signer, client.secrets, client.store)
    excluded: set[int] = set()
    for attempt in range(options.retries + 1):
        plan = await planned(excluded)
        print("\n".join([*quoted(plan), _cost(plan, options)]), file=sys.stderr)
        if options.dry_run:
            emit(options, plan.value(), "nothing was sent")
            return None
        order = Order(
            shots=options.shots, fee=options.fee, deposit=options.deposit or options.fee, phases=phases(plan),
            join_seconds=options.window, phase_seconds=options.window, report_seconds=options.window,
        )  # fmt: skip
        group = await requester.create(plan, plan.crews, order)
        progress(f"group {group} created")
        outcome = await requester.drive(group, progress)
        if outcome.verdict is not None or attempt == options.retries:
            return plan, outcome
        excluded |= set(outcome.absent)
        progress(f"no result; absent: {outcome.absent or 'nobody named'}; once more, on others")
    raise AssertionError("the last attempt returns")


def _cost(plan: Planned, options: argparse.Namespace) -> str:
    total = options.fee * sum(len(crew.members) for crew in plan.crews)
    return f"fees {coin(total)} coin for {options.runs} runs; returned for runs that do not count"


def session_value(session: Session) -> dict[str, Any]:
    """Return what is told of a run to machines."""
    return {
        "id": session.session,
        "label": "link=emulated",
        "group": session.group,
        "processors": list(session.members),
        "status": session.status.name,
        "phase": session.phase,
        "absent": absent_of(session),
        "channels": {use.channel: use.pairs for use in session.uses},
    }


def outcome_value(outcome: Outcome, plan: Planned) -> dict[str, Any]:
    """Return what is told of an order to machines."""
    return {
        "group": outcome.group,
        "label": "link=emulated",
        "verdict": None if outcome.verdict is None else outcome.verdict.name,
        "sessions": [session_value(session) for session in outcome.sessions],
        "absent": list(outcome.absent),
        "quote": plan.value(),
    }


def outcome_lines(outcome: Outcome) -> list[str]:
    """Return what is told of an order's runs to people."""
    name = "without a result" if outcome.verdict is None else outcome.verdict.name
    lines = [f"group {outcome.group}  {name}", EMULATED]
    for session in outcome.sessions:
        absent = f", absent {absent_of(session)}" if session.absent else ""
        members = ", ".join(map(str, session.members))
        lines.append(f"session {session.session}  {session.status.name}  processors {members}{absent}")
        if session.status is SessionStatus.Cancelled and session.channel:
            lines.append(f"  channel {session.channel} could not be used")
    return lines


def absent_of(session: Session) -> str:
    """Return which processors were absent."""
    return ",".join(str(p) for index, p in enumerate(session.members) if session.absent >> index & 1)
