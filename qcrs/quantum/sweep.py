"""Sweeps: many circuits of one shape as one computation, each a *round* of it.

The payload is the concatenation of the rounds' canonical texts, so a round begins at each header line. Every round
runs the same number of shots, and the outcome ``x`` of a round is pooled as ``round << bits | x``: to everyone who
need not look inside, a sweep is one circuit with a wider outcome. A text with one header is a circuit, as ever.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.program import Program
from qcrs.quantum.scan import scan

_HEADER = "OPENQASM 3.0;\n"
_INPUT = re.compile(r"^[ \t]*input\s+float(?:\[\d+\])?\s+([^\W\d]\w*)\s*;", re.MULTILINE)
_NAME = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True, slots=True)
class SweepLimits:
    """Upper bounds on a sweep; each round is under the limits of a circuit besides.

    Attributes:
        operations: Of all rounds together.
    """

    rounds: int = 1_024
    text_bytes: int = 4 << 20
    operations: int = 200_000


SWEEP_LIMITS = SweepLimits()


def texts_of(payload: str) -> list[str]:
    """Return the text of each round of *payload*; the payload itself when it is a plain circuit."""
    if not payload.startswith(_HEADER):
        return [payload]  # not canonical, so not a sweep; it may still be a circuit
    starts = [0]
    while (found := payload.find("\n" + _HEADER, starts[-1])) >= 0:
        starts.append(found + 1)
    return [payload[start:end] for start, end in zip(starts, [*starts[1:], len(payload)], strict=True)]


def join(texts: Sequence[str]) -> str:
    """Return the payload of the rounds *texts*, in this order.

    Raises:
        CircuitRefused: it would be too long, of too many rounds, or read back as other rounds.
    """
    payload = "".join(texts)
    _require_size(payload, len(texts))
    if texts_of(payload) != list(texts):
        raise CircuitRefused(RefusalCode.NotOpenQasm, "round", f"a canonical text from {_HEADER!r} on", "another")
    return payload


def scan_rounds(payload: str, limits: SweepLimits = SWEEP_LIMITS) -> list[Program]:
    """Return the circuits that *payload* spells out: one for a plain circuit, one a round for a sweep.

    Raises:
        CircuitRefused: with one of the codes below 100, naming the round (counted from 0) in a sweep.
    """
    texts = texts_of(payload)
    if len(texts) == 1:
        return [scan(payload)]
    _require_size(payload, len(texts), limits)
    programs: list[Program] = []
    operations = 0
    for number, text in enumerate(texts):
        try:
            program = scan(text)
        except CircuitRefused as error:
            raise CircuitRefused(
                error.code, f"round {number}, {error.subject}", error.expected, error.actual, error.line
            ) from error
        programs.append(program)
        operations += len(program.operations)
        if operations > limits.operations:
            raise CircuitRefused(
                RefusalCode.TooManyOperations, "sweep", f"at most {limits.operations} operations", "more"
            )
        require_equal_widths((programs[0], program), number)
    return programs


def require_equal_widths(programs: Sequence[Program], last: int | None = None) -> None:
    """Check that all of *programs* have the qubits and bits of the first.

    Args:
        last: Number of the last one, if not its place.

    Raises:
        CircuitRefused: ``RoundsDiffer``.
    """
    expected = (programs[0].qubits, programs[0].bits)
    for number, program in enumerate(programs):
        if (program.qubits, program.bits) != expected:
            raise CircuitRefused(
                RefusalCode.RoundsDiffer,
                f"round {number if last is None else last}",
                f"{expected[0]} qubits and {expected[1]} bits as in round 0",
                f"{program.qubits} and {program.bits}",
            )


def bind(template: str, values: Mapping[str, float]) -> str:
    """Return *template* with the parameters that it declares as ``input float NAME;`` given *values*.

    Raises:
        CircuitRefused: *values* lack a declared parameter, or name one that is not declared.
    """
    declared = set(_INPUT.findall(template))
    if declared != set(values):
        expected, actual = (", ".join(sorted(names)) or "none" for names in (declared, values))
        raise CircuitRefused(RefusalCode.ParameterInvalid, "parameters", expected, actual)
    text = _INPUT.sub("", template)
    # In brackets, so that a negative value can follow any operator.
    return _NAME.sub(lambda name: f"({values[name[0]]!r})" if name[0] in values else name[0], text)


def pool(rounds: Iterable[Mapping[int, int]], bits: int) -> dict[int, int]:
    """Return the histogram of a sweep from that of each round, whose outcomes have *bits* bits."""
    return {
        number << bits | outcome: count for number, counts in enumerate(rounds) for outcome, count in counts.items()
    }


def split(counts: Mapping[int, int], rounds: int, bits: int) -> list[dict[int, int]]:
    """Return the histogram of each round from that of a sweep, the inverse of ``pool``.

    Raises:
        IndexError: an outcome belongs to a round that the sweep does not have.
    """
    parts: list[dict[int, int]] = [{} for _ in range(rounds)]
    for outcome, count in counts.items():
        parts[outcome >> bits][outcome & ((1 << bits) - 1)] = count
    return parts


def _require_size(payload: str, rounds: int, limits: SweepLimits = SWEEP_LIMITS) -> None:
    if rounds > limits.rounds:
        raise CircuitRefused(RefusalCode.TooManyRounds, "sweep", f"at most {limits.rounds} rounds", rounds)
    if len(payload) > limits.text_bytes:
        raise CircuitRefused(RefusalCode.TooLarge, "sweep", f"at most {limits.text_bytes} characters", len(payload))
