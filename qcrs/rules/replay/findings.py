"""What an examination asks of the chain, and what it finds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.rules.replay.transcript import Rule


@dataclass(frozen=True)
class Fault:
    """The first thing that does not follow.

    Attributes:
        entry: The first audit entry that rests on it; None when there is none (yet), or it cannot be told.
        computation: What it is about, if about a computation. block: Where it was met; None in the final state.
        what: What was compared. expected: By the rules. actual: By the chain.
    """

    rule: Rule
    what: str
    expected: str
    actual: str
    entry: int | None = None
    computation: int | None = None
    block: int | None = None

    def __str__(self) -> str:
        where = [
            f"{name} {value}"
            for name, value in (
                ("entry", self.entry),
                ("computation", self.computation),
                ("block", self.block),
            )
            if value is not None
        ]
        return (
            f"{', '.join(where) or 'final state'}: {self.rule}: {self.what} is {self.actual}, "
            f"expected {self.expected}"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fault as ``--json`` prints it."""
        return {
            "entry": self.entry,
            "computation": self.computation,
            "block": self.block,
            "rule": self.rule.value,
            "what": self.what,
            "expected": self.expected,
            "actual": self.actual,
        }


@dataclass(frozen=True)
class Claim:
    """What a view must return once all events are replayed.

    Attributes:
        expected: Dicts name the fields that matter; ``...`` stands for anything.
    """

    contract: str
    function: str
    arguments: tuple
    rule: Rule
    expected: Any
    computation: int | None = None


@dataclass(frozen=True)
class Report:
    """What an audit found.

    Attributes:
        entries: Audit entries that follow. computations: Replayed, whether ended or not. events: Replayed.
        checks: Comparisons made, by rule. fault: The first that failed; None when all hold.
        surplus: Wei that the escrow holds beyond what it owes. Anyone can force coin on a contract, so this is
            no fault.
    """

    entries: int
    computations: int
    events: int
    checks: Mapping[str, int]
    fault: Fault | None
    surplus: int = 0

    @property
    def holds(self) -> bool:
        """Whether everything follows."""
        return self.fault is None

    def to_json(self) -> dict[str, Any]:
        """Return the report as ``--json`` prints it."""
        return {
            "holds": self.holds,
            "entries": self.entries,
            "computations": self.computations,
            "events": self.events,
            "checks": dict(self.checks),
            "surplus": str(self.surplus),
            "fault": None if self.fault is None else self.fault.to_json(),
        }


def difference(expected: Any, actual: Any, where: str = "") -> tuple[str, Any, Any] | None:
    """Return where *actual* first departs from *expected*, with both values there; None when it does not.

    Dicts in *expected* name the fields that matter; ``...`` stands for anything.
    """
    if expected is ...:
        return None
    if isinstance(expected, Mapping):
        pairs = ((f"{where}.{key}", value, actual[key]) for key, value in expected.items())
    elif isinstance(expected, Sequence) and not isinstance(expected, (str, bytes)):
        if len(expected) != len(actual):
            return f"{where} length", len(expected), len(actual)
        pairs = ((f"{where}[{i}]", value, actual[i]) for i, value in enumerate(expected))
    else:
        return None if expected == actual else (where, expected, actual)
    return next((found for pair in pairs if (found := difference(pair[1], pair[2], pair[0]))), None)
