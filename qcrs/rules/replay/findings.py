"""What an examination finds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qcrs.rules.replay.transcript import Rule


@dataclass(frozen=True)
class Fault:
    """The first thing that does not follow.

    Attributes:
        entry: The first audit entry that rests on it; None when there is none (yet), or it cannot
            be told. computation: What it is about, if about a computation.
        block: Where it was met; None in the final state.
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
            f"{', '.join(where) or 'final state'}: {self.rule}: {self.what} is {self.actual}, expected {self.expected}"
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
class Report:
    """What an audit found.

    Attributes:
        entries: Audit entries that follow. computations: Replayed, whether ended or not. events: Replayed.
        checks: Comparisons made, by rule. fault: The first that failed; None when all hold.
        surplus: Wei that is held beyond what is owed. Anyone can force coin on a contract,
            so this is no fault.
        block: The last one examined. genesis: Where the first value of the beacon was read.
    """

    entries: int
    computations: int
    events: int
    checks: Mapping[str, int]
    fault: Fault | None
    surplus: int = 0
    block: int = 0
    genesis: str = ""

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
            "block": self.block,
            "genesis": self.genesis,
            "fault": None if self.fault is None else self.fault.to_json(),
        }
