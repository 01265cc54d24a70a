"""What the three lifecycles have in common: statuses, edges, and the guard that names a wrong move.

Each lifecycle module holds an ``IntEnum`` whose members have the names and order of its Solidity twin in
``contracts/lifecycle/``, and ``SOURCES``, the statuses from which each can be reached.
"""

from collections.abc import Mapping
from enum import IntEnum

from qcrs.errors import QcrsError


class UnexpectedStatus(QcrsError):
    """A record is in a status from which the wanted one cannot be reached."""

    def __init__(self, actual: IntEnum, to: IntEnum, allowed: frozenset[IntEnum]) -> None:
        expected = ", ".join(status.name for status in sorted(allowed)) or "none"
        super().__init__(f"status is {actual.name}; {to.name} can be reached from {expected}")
        self.actual, self.to, self.allowed = actual, to, allowed


def move(
    sources: Mapping[IntEnum, frozenset[IntEnum]],
    actual: IntEnum,
    to: IntEnum,
    error: type[UnexpectedStatus],
) -> IntEnum:
    """Return *to* when *sources* has an edge to it from *actual*.

    Raises:
        UnexpectedStatus: of the class *error*, when it has not.
    """
    allowed = sources.get(to, frozenset())
    if actual not in allowed:
        raise error(actual, to, allowed)
    return to
