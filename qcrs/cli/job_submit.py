"""``qcrs job submit``: circuits and sweeps, with what they guarantee said before money moves."""

import argparse
import asyncio
import csv
import json
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qcrs.cli.job_report import narrate, print_result
from qcrs.cli.options import Progress, command, emit, run_with_client, whole
from qcrs.errors import QcrsError
from qcrs.quantum.sweep import SWEEP_LIMITS, bind, texts_of
from qcrs.sdk.client import Circuit, Client

if TYPE_CHECKING:
    from qcrs.quantum.program import Program
    from qcrs.sdk.sweep import Prepared, Wish

ETHER = 10**18
LATEST_SECONDS = 30 * 24 * 3600
_MOST_EXPONENT = 30
_GOLD_FLAGS = ("deviation", "max_cost", "round_shots")


class SubmissionInvalid(QcrsError):
    """Flags or parameters do not go together."""


def add_submit(verbs: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add the verb, without the flags that it shares with others."""
    submit = command(
        verbs, "submit", _submit, "submit a circuit, or a sweep of circuits",
        description="Submit an OpenQASM file. Replicas split the shots, at least 4,096 each; their counts are pooled "
        "when a quorum agrees. Several circuits of one width, in one file or more, make a sweep: one computation, "
        "counts for each circuit. With --soundness, circuits whose answers are known are hidden among them, and what "
        "that guarantees is said before money moves. Without --wait the secret that seeds the comparison is disclosed "
        "by a later 'qcrs job wait'; if that comes too late, the chain's beacon stands in and a bounty is lost.",
    )  # fmt: skip
    submit.add_argument("file", nargs="+", help="OpenQASM 3 (flat) or OpenQASM 2 file, or - for standard input")
    submit.add_argument("--shots", type=whole(0), default=4096, help="shots in all (4096); see --round-shots")
    submit.add_argument("--replicas", "-k", type=whole(0), default=3, help="independent processors (3)")
    submit.add_argument(
        "--max-fee", type=whole(0, 2**96 - 1), metavar="WEI", help="most to lock; whatever is quoted by default"
    )
    submit.add_argument(
        "--deadline", type=whole(1, LATEST_SECONDS), default=3600, metavar="SECONDS",
        help="latest allocation from now (3600)",
    )  # fmt: skip
    submit.add_argument(
        "--replica-cap", type=whole(1, 16), metavar="K",
        help="replicas that escalation may reach when nobody agrees; two more by default, none with golds",
    )  # fmt: skip
    submit.add_argument(
        "--trust", type=whole(0, 255), default=0, metavar="T",
        help="for critical work, with 5 replicas or more: those who agree must be credible beyond 1 - 1/T (0)",
    )  # fmt: skip
    submit.add_argument("--noise-class", type=whole(1, 255), help="where to run; the best populated class by default")
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
        "--soundness", type=between(0, 1), metavar="P", help="most probable escape of false answers, such as 1e-3"
    )
    submit.add_argument(
        "--deviation", type=between(0, 1), metavar="SHARE", help="share of circuits that may be false unnoticed (0.1)"
    )
    submit.add_argument(
        "--max-cost", type=between(1, 1024), metavar="TIMES", help="most rounds to run for each circuit (2)"
    )
    submit.add_argument("--traps", type=whole(0, 512), default=0, help="rounds that measure faults, not malice (0)")
    submit.add_argument("--round-shots", type=whole(1, 65_535), metavar="S", help="shots of each round, per replica")
    submit.add_argument(
        "--dry-run", action="store_true", help="say what a sweep would cost and guarantee, and submit nothing"
    )
    submit.add_argument("--yes", action="store_true", help="do not ask before submitting a sweep with golds")


def between(least: int, most: int) -> Callable[[str], Fraction]:
    """Return what makes an exact number above *least* and below *most*, or *most* beyond 1, of a text, for argparse."""

    def read(text: str) -> Fraction:
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("nan")
        # Exponents without bounds would make numbers without bounds.
        sound = value.is_finite() and abs(value.adjusted()) <= _MOST_EXPONENT
        if not sound or not (least < value < most or value == most > 1):
            raise argparse.ArgumentTypeError(f"expected a number between {least} and {most}, got {text!r}")
        return Fraction(value)

    return read


def circuit_of(source: str) -> Circuit:
    """Return the circuit in *source*, a file, a text or ``-`` for standard input, ready to submit.

    Raises:
        CircuitRefused: It is not a circuit of the profile. OSError: It cannot be read.
    """
    # A second's import that only submission needs.
    from qcrs.quantum.circuit import canonical, facts, load

    loaded = load(_text(source))
    size = facts(loaded)
    return Circuit(canonical(loaded), size.qubits, size.outcome_bits)


def programs_of(sources: Sequence[str], parameters: Path | None = None) -> list[tuple[str, "Program"]]:
    """Return the circuits in the files *sources*, each with a name to tell its counts by.

    Args:
        parameters: Values for the only circuit, a template.

    Raises:
        CircuitRefused, SubmissionInvalid: They are not circuits of the profile, or no template. OSError: Unreadable.
    """
    from qcrs.quantum.circuit import canonical, load
    from qcrs.quantum.scan import scan

    named = []
    for source in sources:
        texts = texts_of(_text(source))
        named += [(source if len(texts) == 1 else f"{source}:{place}", text) for place, text in enumerate(texts)]
    if parameters is not None:
        if len(named) != 1:
            raise SubmissionInvalid(f"--parameters takes one template, got {len(named)} circuits")
        [(name, template)] = named
        named = [(f"{name}:{row}", bind(template, values)) for row, values in enumerate(_values(parameters))]
    return [(name, scan(canonical(load(text)))) for name, text in named]


def _text(source: str) -> str:
    """Return the text that *source* is or names, or one character more of it than any sweep may have."""
    if "\n" in source or ";" in source:
        return source
    if source == "-":
        return sys.stdin.read(SWEEP_LIMITS.text_bytes + 1) + "\n"
    with Path(source).open("rb") as file:
        return file.read(SWEEP_LIMITS.text_bytes + 1).decode(errors="surrogateescape") + "\n"


def _values(path: Path) -> list[dict[str, float]]:
    """Return the rows of a table of parameters."""
    content = path.read_text(encoding="utf-8")
    try:
        if path.suffix.lower() == ".json":
            rows = json.loads(content)
        else:
            rows = list(csv.DictReader(content.splitlines(), strict=True, skipinitialspace=True))
        values = [{str(name): float(value) for name, value in row.items()} for row in rows]
    except (ValueError, TypeError, AttributeError, csv.Error) as error:
        raise SubmissionInvalid(f"{path}: expected rows of numbers under names: {error}") from error
    if not 1 <= len(values) <= SWEEP_LIMITS.rounds:
        raise SubmissionInvalid(f"{path}: {len(values)} rows; expected 1 to {SWEEP_LIMITS.rounds}")
    return values


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
    progress = Progress(options.json)

    async def work(client: Client) -> int | None:
        if wish is None and len(named) == 1:
            if options.dry_run:
                raise SubmissionInvalid("--dry-run says what a sweep costs and guarantees; this is one circuit")
            program = named[0][1]
            circuit, shots, prepared = Circuit(program.text(), program.qubits, program.bits), options.shots, None
            promise: dict[str, Any] = {}
        else:
            prepared = await _prepared(options, client, named, wish)
            circuit, shots = prepared.circuit, prepared.shots * options.replicas
            promise = await _promise(options, client, prepared, progress)
            if options.dry_run or not _agreed(options, prepared):
                emit(options, {"submitted": False, "promise": promise}, "nothing submitted")
                return 0 if options.dry_run else 1
        secret = None
        if prepared is not None and prepared.document is not None:
            # Before the submission that binds it: without the document the golds would be lost among the targets.
            await asyncio.to_thread(client.gold_documents.keep, prepared.document)
            secret = prepared.document.secret
        story = await client.submit(
            circuit, shots, options.replicas, options.max_fee, options.deadline, options.noise_class,
            options.replica_cap, options.trust, secret,
        )  # fmt: skip
        progress(f"job {story.computation} submitted: {story.escrow / ETHER:.6f} coin locked")
        if options.wait:
            await client.drive(story.computation, narrate(progress), story.submitted_in)
            return await print_result(options, client, story.computation)
        value = {"id": story.computation, "status": story.status.name, "escrow": str(story.escrow)}
        if prepared is not None:
            value["promise"] = promise
        emit(options, value, f"job {story.computation} queued; follow it with 'qcrs job wait {story.computation}'")
        return None

    return run_with_client(options, work)


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
        options.noise_class = await client.choose_class(qubits, options.replicas)
    return await asyncio.to_thread(prepare, programs, names, wish, options.noise_class)


async def _promise(
    options: argparse.Namespace, client: Client, prepared: "Prepared", progress: Progress
) -> dict[str, Any]:
    """Say what *prepared* costs and guarantees, and return it as figures."""
    promise = prepared.to_json()
    if prepared.document is not None:
        # Golds allow no escalation, so this is all that is locked.
        price = await client.allocator.quote(
            prepared.circuit.qubits, prepared.shots, options.replicas, options.replicas
        )
        promise["price"] = str(price)
        progress(f"{price / ETHER:.6f} coin for {options.replicas} replicas")
    for line in prepared.promises():
        progress(line)
    return promise


def _agreed(options: argparse.Namespace, prepared: "Prepared") -> bool:
    """Ask whoever sits at the terminal; scripts have seen the figures in vain if they did not look first."""
    if prepared.document is None or options.yes or options.json or not sys.stdin.isatty():
        return True
    print("Submit it? [y/N] ", end="", file=sys.stderr, flush=True)
    return next(chain(sys.stdin, [""])).strip().lower() in ("y", "yes")
