"""Circuits as they are named on the command line: files, texts, standard input, templates with parameters."""

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qcrs.errors import QcrsError
from qcrs.quantum.sweep import SWEEP_LIMITS, bind, texts_of
from qcrs.sdk.terms import Circuit

if TYPE_CHECKING:
    from qcrs.quantum.program import Program


class SubmissionInvalid(QcrsError):
    """Flags or parameters do not go together."""


def circuit_of(source: str) -> Circuit:
    """Return the circuit in *source*, a file, a text or ``-`` for standard input, ready to submit.

    Raises:
        CircuitRefused: It is not a circuit of the profile. OSError: It cannot be read.
    """
    # A second's import that only submission needs.
    from qcrs.quantum.circuit import canonical, load
    from qcrs.quantum.scan import scan

    text = canonical(load(text_of(source)))
    return Circuit.of(text, [scan(text)])


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
        texts = texts_of(text_of(source))
        named += [(source if len(texts) == 1 else f"{source}:{place}", text) for place, text in enumerate(texts)]
    if parameters is not None:
        if len(named) != 1:
            raise SubmissionInvalid(f"--parameters takes one template, got {len(named)} circuits")
        [(name, template)] = named
        named = [(f"{name}:{row}", bind(template, values)) for row, values in enumerate(_values(parameters))]
    return [(name, scan(canonical(load(text)))) for name, text in named]


def text_of(source: str) -> str:
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
