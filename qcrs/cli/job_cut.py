"""``qcrs job cut``: circuits larger than any processor, in pieces, where there is no link."""

import argparse
import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qcrs.chain.codec import Event
from qcrs.cli.job_circuits import SubmissionInvalid, text_of
from qcrs.cli.job_report import narrate
from qcrs.cli.job_terms import add_conditions, conditions_of
from qcrs.cli.options import Progress, command, emit, positive, run_with_client, table, whole
from qcrs.model.story import Story
from qcrs.sdk.client import Client
from qcrs.sdk.cut_plan import Plan, PlanExists, Task
from qcrs.sdk.quote import Quote, coin

if TYPE_CHECKING:
    from qcrs.sdk.cut_run import Outcome
    from qcrs.sdk.cutting import Pieces

_FREE_CUTS, _MAX_CUTS = 2, 4  # as in qcrs.quantum.distribution.cutting, whose import takes a second
_PLANNED = ("observables", "qubits", "cuts_allowed", "shots")


def add_cut(verbs: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the verb, without the flags that it shares with others."""
    cut = command(
        verbs, "cut", _cut, "run a circuit larger than any processor, in pieces",
        description="Cut an OpenQASM circuit in pieces that processors can hold, run each in all its variants as "
        "ordinary computations, and reconstruct expectation values from their verified counts. Each cut multiplies "
        "the shots for a given error by 9 or 16: what that takes is said before anything is sent. Unless all are "
        "accepted there is no result. The plan file, without secrets, lets --resume go on after an interruption.",
    )  # fmt: skip
    cut.add_argument("file", nargs="?", help="OpenQASM 3 (flat) or OpenQASM 2 file, or - for standard input")
    cut.add_argument("--qubits", type=positive, metavar="N", help="of the largest piece")
    cut.add_argument(
        "--observable", action="append", dest="observables", metavar="PAULIS",
        help="such as ZIZ, the last letter for q[0]; may be given several times",
    )  # fmt: skip
    cut.add_argument(
        "--cuts-allowed", type=whole(0, _MAX_CUTS), metavar="C",
        help=f"most cuts ({_FREE_CUTS}); 3 or {_MAX_CUTS} are consent to hundreds or thousands of times the shots",
    )  # fmt: skip
    cut.add_argument(
        "--shots", type=whole(1), help="of all pieces and replicas together; by default 4,096 of each replica"
    )
    cut.add_argument(
        "--plan", type=Path, metavar="FILE", help="the new plan's file (FILE's name with .plan.jsonl, here)"
    )
    cut.add_argument(
        "--resume", type=Path, metavar="PLAN", help="go on with a plan, by its own terms; FILE if that was moved"
    )
    cut.add_argument("--again", action="store_true", help="with --resume: submit anew what was not accepted")
    cut.add_argument("--dry-run", action="store_true", help="say what it would take, and submit nothing")
    cut.add_argument("--wait", action="store_true", help="drive all to their verdicts and print the values")
    add_conditions(cut)
    return cut


def _cut(options: argparse.Namespace) -> int | None:
    _require_sense(options)
    work = _begin if options.resume is None else _resume
    return run_with_client(options, lambda client: work(options, client, Progress(options.json)))


def _require_sense(options: argparse.Namespace) -> None:
    if options.resume is not None:
        given = [name for name in (*_PLANNED, "plan") if getattr(options, name) is not None]
        if given:
            raise SubmissionInvalid(f"--resume goes by the plan's own terms; expected no {', '.join(given)}")
        return
    wanted = {"FILE": options.file, "--qubits": options.qubits, "--observable": options.observables}
    missing = [name for name, value in wanted.items() if value is None]
    if missing or options.again:
        raise SubmissionInvalid(
            f"a circuit to cut needs {', '.join(missing)}" if missing else "--again means nothing without --resume"
        )


async def _begin(options: argparse.Namespace, client: Client, progress: Progress) -> int | None:
    from qcrs.sdk.cutting import pieces_of, quotes_of

    path = options.plan or Path("cut" if options.file == "-" else Path(options.file).name).with_suffix(".plan.jsonl")
    if path.exists() and not options.dry_run:
        raise PlanExists(path)
    conditions = conditions_of(options)
    allowed = _FREE_CUTS if options.cuts_allowed is None else options.cuts_allowed
    asked = (options.observables, options.qubits, allowed, options.shots or 0, conditions)
    pieces = await asyncio.to_thread(pieces_of, text_of(options.file), *asked)
    quotes = await quotes_of(client, pieces, conditions)
    told = _tell(progress, pieces, quotes)
    if options.dry_run:
        fees = coin(int(told["total"]))
        emit(options, {"submitted": False, **told}, "\n".join([*pieces.lines(), f"{fees} coin; nothing submitted"]))
        return 0
    task = Task(
        source="-" if options.file == "-" else str(Path(options.file).absolute()),
        digest=pieces.digest,
        observables=tuple(options.observables),
        qubits=options.qubits,
        allowed=allowed,
        shots=options.shots or 0,
        conditions=conditions,
        deployment=client.gateway.network.deployment,
        requester=client.signer.address,
        since=await client.gateway.block_number(),
    )
    with closing(Plan.create(path, task)) as plan:
        progress(f"plan kept in {path}")
        return await _carry_out(options, client, progress, plan, pieces, quotes)


async def _resume(options: argparse.Namespace, client: Client, progress: Progress) -> int | None:
    from qcrs.sdk.cut_run import take_up
    from qcrs.sdk.cutting import pieces_of, quotes_of

    with closing(Plan.open(options.resume)) as plan:
        task = plan.task
        if options.file is None and task.source == "-":
            raise SubmissionInvalid(f"{options.resume}: its circuit came from standard input; name its FILE, or -")
        asked = (task.observables, task.qubits, task.allowed, task.shots, task.conditions)
        pieces = await asyncio.to_thread(pieces_of, text_of(options.file or task.source), *asked)
        lost = await take_up(client, pieces, plan)
        done = {place for place, number in plan.ids.items() if not (options.again and number in lost)}
        quotes = await quotes_of(client, pieces, task.conditions, done)
        told = _tell(progress, pieces, quotes)
        progress(f"{len(done)} of {len(pieces.circuits)} circuits have been submitted before")
        if options.dry_run:
            emit(options, {"submitted": False, "plan": str(plan.path), **told}, "nothing submitted")
            return 0
        if options.again:
            plan.drop(lost)
        options.wait = True
        return await _carry_out(options, client, progress, plan, pieces, quotes)


def _tell(progress: Progress, pieces: "Pieces", quotes: Mapping[int, Quote]) -> dict[str, Any]:
    """Say what is to be paid and what for, and return it as figures."""
    total = sum(quote.total for quote in quotes.values())
    for line in pieces.lines():
        progress(line)
    progress(f"{coin(total)} coin are taken for {len(quotes)} computations; what is not needed returns")
    fewest = min(quotes.values(), key=lambda quote: quote.organisations, default=None)
    for line in [] if fewest is None else fewest.lines()[1:]:
        progress(line)
    return {"cut": pieces.to_json(), "total": str(total), "quotes": [quote.to_json() for quote in quotes.values()]}


async def _carry_out(
    options: argparse.Namespace,
    client: Client,
    progress: Progress,
    plan: Plan,
    pieces: "Pieces",
    quotes: Mapping[int, Quote],
) -> int | None:
    from qcrs.sdk.cut_run import carry_out, outcome_of

    tellers: dict[int, Callable] = {}

    def observe(story: Story, event: Event | None) -> None:
        number = story.computation
        if number not in tellers:
            place = next(place for place, known in plan.ids.items() if known == number)
            tellers[number] = narrate(progress, f"circuit {place}")
        tellers[number](story, event)

    stories = await carry_out(client, plan, quotes, observe, progress, options.wait)
    ids = [plan.ids[place] for place in sorted(plan.ids)]
    told = {"plan": str(plan.path), "ids": ids, "cut": pieces.to_json()}
    if not options.wait:
        emit(options, told, f"{len(ids)} jobs submitted; 'qcrs job cut --resume {plan.path}' prints the values")
        return None
    outcome = await outcome_of(client, pieces, stories)
    emit(options, told | outcome.to_json(), _pretty(outcome, plan))
    return 1 if outcome.values is None else 0


def _pretty(outcome: "Outcome", plan: Plan) -> str:
    """Return *outcome* for people."""
    if outcome.values is not None:
        rows = [[one.observable, f"{one.value:+.5f}", f"{one.error:.5f}"] for one in outcome.values]
        return f"{outcome.shots:,} verified shots\n" + table(["observable", "value", "standard error"], rows)
    lines = [f"circuit {place}: job {number} is {status}" for place, number, status in outcome.unaccepted]
    if outcome.unsubmitted:
        lines.append(f"{outcome.unsubmitted} circuits were not submitted after that")
    lines.append("no values: they would be guessed from what is not verified")
    lines.append(f"'qcrs job cut --resume {plan.path} --again' submits anew what was not accepted")
    return "\n".join(lines)
