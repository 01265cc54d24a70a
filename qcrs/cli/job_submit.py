"""``qcrs job submit``: circuits and sweeps, with what they take and guarantee said before money moves."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qcrs.cli.job_circuits import SubmissionInvalid, programs_of
from qcrs.cli.job_circuits import circuit_of as circuit_of
from qcrs.cli.job_report import narrate, print_result, print_results
from qcrs.cli.job_terms import add_conditions, conditions_of
from qcrs.cli.options import Progress, command, emit, number, run_with_client, whole
from qcrs.sdk.client import Client
from qcrs.sdk.quote import Quote, coin
from qcrs.sdk.terms import Circuit

if TYPE_CHECKING:
    from qcrs.quantum.program import Program
    from qcrs.sdk.sweep import Prepared, Wish

_STAYING = "staying until processors are drawn: only then can they be let in (--plain would not encrypt)"
PART = number("a number between 0 and 1", lambda value: 0 < value < 1, Fraction)
TIMES = number("a number above 1 and up to 1024", lambda value: 1 < value <= 1024, Fraction)
_GOLD_FLAGS = ("deviation", "max_cost", "round_shots")


def add_submit(verbs: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the verb, without the flags that it shares with others."""
    submit = command(
        verbs, "submit", _submit, "submit a circuit, or a sweep of circuits",
        description="Submit an OpenQASM file. Replicas split the shots, at least 4,096 each; their counts are pooled "
        "when a quorum agrees. Several circuits of one width, in one file or more, make a sweep: one computation, "
        "counts for each circuit; with --each they are computations of their own, submitted in one transaction. What "
        "is taken, and who could run it at that price, is said before anything is sent. With --soundness, circuits "
        "whose answers are known are hidden among them, and what "
        "that guarantees is said before money moves. Without --wait the secret that seeds the comparison is disclosed "
        "by a later 'qcrs job wait'; if that comes too late, the chain's beacon stands in and a bounty is lost.",
    )  # fmt: skip
    submit.add_argument("file", nargs="+", help="OpenQASM 3 (flat) or OpenQASM 2 file, or - for standard input")
    submit.add_argument("--shots", type=whole(0), default=4096, help="shots in all (4096); see --round-shots")
    add_conditions(submit)
    submit.add_argument("--each", action="store_true", help="each circuit is a computation of its own, not a sweep")
    submit.add_argument(
        "--dry-run", action="store_true", help="say what it would take and guarantee, and submit nothing"
    )
    submit.add_argument("--wait", action="store_true", help="drive it to its verdict and print the counts")
    _add_sweep_flags(submit)
    return submit


def _add_sweep_flags(submit: argparse.ArgumentParser) -> None:
    submit.add_argument(
        "--parameters", type=Path, metavar="FILE",
        help="a sweep from one template: values of its 'input float NAME;', a CSV with a heading or a JSON list of "
        "objects",
    )  # fmt: skip
    submit.add_argument(
        "--soundness", type=PART, metavar="P", help="most probable escape of false answers, such as 1e-3"
    )
    submit.add_argument(
        "--deviation", type=PART, metavar="SHARE", help="share of circuits that may be false unnoticed (0.1)"
    )
    submit.add_argument("--max-cost", type=TIMES, metavar="TIMES", help="most rounds to run for each circuit (2)")
    submit.add_argument("--traps", type=whole(0, 512), default=0, help="rounds that measure faults, not malice (0)")
    submit.add_argument("--round-shots", type=whole(1, 65_535), metavar="S", help="shots of each round, per replica")
    submit.add_argument("--yes", action="store_true", help="do not ask before submitting a sweep with golds")


def _wish(options: argparse.Namespace) -> "Wish | None":
    """Return what the flags ask of golds, if anything."""
    if options.soundness is None:
        given = [f"--{name.replace('_', '-')}" for name in _GOLD_FLAGS if getattr(options, name) is not None]
        if given or options.traps:
            raise SubmissionInvalid(f"{', '.join(given) or '--traps'} mean nothing without --soundness")
        return None
    from qcrs.sdk.sweep import Wish

    return Wish(
        options.soundness,
        options.deviation or Fraction(1, 10),
        options.max_cost or Fraction(2),
        options.traps,
        options.round_shots,
    )


def _submit(options: argparse.Namespace) -> int | None:
    wish = _wish(options)
    named = programs_of(options.file, options.parameters)
    if options.each and wish is not None:
        raise SubmissionInvalid("--each makes computations of their own, and --soundness hides golds in a sweep")
    progress = Progress(options.json)
    if options.each:
        return run_with_client(options, lambda client: _submit_each(options, client, named, progress))
    return run_with_client(options, lambda client: _submit_one(options, client, named, wish, progress))


async def _submit_one(
    options: argparse.Namespace,
    client: Client,
    named: "Sequence[tuple[str, Program]]",
    wish: "Wish | None",
    progress: Progress,
) -> int | None:
    """Submit a circuit, or a sweep."""
    prepared, promise = None, {}
    if wish is None and len(named) == 1:
        program = named[0][1]
        circuit, shots = Circuit.of(program.text(), [program]), options.shots
    else:
        prepared = await _prepared(options, client, named, wish)
        circuit, shots = prepared.circuit, prepared.shots * options.replicas
    golds = prepared is not None and prepared.document is not None
    conditions = conditions_of(options)
    quote = await client.quote(circuit, shots, conditions, golds)
    for line in quote.lines():
        progress(line)
    if prepared is not None:
        promise = _promise(prepared, quote, progress)
    told = {"quote": quote.to_json(), **({"promise": promise} if promise else {})}
    if options.dry_run or not (prepared is None or _agreed(options, prepared)):
        emit(options, {"submitted": False, **told}, "\n".join([*quote.lines(), "nothing submitted"]))
        return 0 if options.dry_run else 1
    secret = None
    if golds:
        # Before the submission that binds it: without the document the golds would be lost among the targets.
        await asyncio.to_thread(client.gold_documents.keep, prepared.document)
        secret = prepared.document.secret
    story = await client.order(quote, conditions, secret)
    progress(f"job {story.computation} submitted: {coin(story.escrow)} coin locked")
    if options.wait:
        await client.drive(story.computation, narrate(progress), story.submitted_in, progress)
        return await print_result(options, client, story.computation)
    if not options.plain:
        progress(_STAYING)
        story = await client.let_in(story.computation, story.submitted_in, progress)
    value = {"id": story.computation, "status": story.status.name, "escrow": str(story.escrow), **told}
    emit(
        options,
        value,
        f"job {story.computation} {story.status.name.lower()}; follow it with 'qcrs job wait {story.computation}'",
    )
    return None


async def _submit_each(
    options: argparse.Namespace, client: Client, named: "Sequence[tuple[str, Program]]", progress: Progress
) -> int | None:
    """Submit each circuit as a computation of its own, all in one transaction."""
    conditions = conditions_of(options)
    quotes = []
    for name, program in named:
        quotes.append(await client.quote(Circuit.of(program.text(), [program]), options.shots, conditions))
        progress(f"{name}: {quotes[-1].lines()[0]}")
    for line in quotes[-1].lines()[1:]:
        progress(line)
    total = sum(quote.total for quote in quotes)
    progress(f"{coin(total)} coin in all for {len(quotes)} computations")
    told = {"total": str(total), "quotes": [quote.to_json() for quote in quotes]}
    if options.dry_run:
        emit(options, {"submitted": False, **told}, f"{coin(total)} coin in all; nothing submitted")
        return 0
    stories = await client.order_many(quotes, conditions)
    ids = [story.computation for story in stories]
    progress(f"jobs {ids[0]} to {ids[-1]} submitted")
    if options.wait:
        tellers = {number: narrate(progress, name) for number, (name, _) in zip(ids, named, strict=True)}
        await client.drive_many(
            ids, lambda story, event: tellers[story.computation](story, event), stories[0].submitted_in
        )
        return await print_results(options, client, ids)
    if not options.plain:
        progress(_STAYING)
        await client.drive_many(ids, since=stories[0].submitted_in, notice=progress, enough=client.sealer.has_served)
    emit(options, {"ids": ids, **told}, f"jobs {ids[0]} to {ids[-1]} submitted; follow them with 'qcrs job list'")
    return None


async def _prepared(
    options: argparse.Namespace, client: Client, named: "Sequence[tuple[str, Program]]", wish: "Wish | None"
) -> "Prepared":
    from qcrs.sdk.sweep import plain, prepare
    from qcrs.sdk.terms import shots_per_replica

    names, programs = zip(*named, strict=True)
    if wish is None:
        return plain(programs, shots_per_replica(options.shots, options.replicas))
    if options.noise_class is None:
        qubits = max(program.qubits for program in programs)
        options.noise_class = await client.choose_class(qubits, options.replicas, conditions_of(options))
    return await asyncio.to_thread(prepare, programs, names, wish, options.noise_class)


def _promise(prepared: "Prepared", quote: Quote, progress: Progress) -> dict[str, Any]:
    """Say what *prepared* guarantees, and return it as figures."""
    promise = prepared.to_json()
    if prepared.document is not None:
        promise["price"] = str(quote.total)
    for line in prepared.promises():
        progress(line)
    return promise


def _agreed(options: argparse.Namespace, prepared: "Prepared") -> bool:
    """Ask whoever sits at the terminal; scripts have seen the figures in vain if they did not look first."""
    if prepared.document is None or options.yes or options.json or not sys.stdin.isatty():
        return True
    print("Submit it? [y/N] ", end="", file=sys.stderr, flush=True)
    return next(chain(sys.stdin, [""])).strip().lower() in ("y", "yes")
