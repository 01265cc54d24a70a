"""How to tell a history falsely in one place, and what must be found."""

from collections.abc import Callable
from dataclasses import dataclass

from qcrs.rules.replay import LoggedEvent, Rule
from tests.scenario import account
from tests.unit.qcrs.audit.history import History

OTHER_WORD = b"\x5a" * 32
OTHER_SECRET = b"\x5a" * 24
STRANGER = account("somebody else")


@dataclass(frozen=True)
class Lie:
    """One event told falsely.

    Attributes:
        told: Returns where the lie is and the log that tells it. entry: Whether an entry rests on it.
    """

    rule: Rule
    told: Callable[[History], tuple[int, list[LoggedEvent]]]
    computation: int | None = None
    entry: bool = True


def change(name: str, change_: dict, **arguments):
    """Tell an event with other arguments."""

    def told(history: History):
        position = history.position(name, **arguments)
        return position, history.changed(position, **change_)

    return told


def request(computation: int, **fields):
    """Tell a submission with other fields of its request."""

    def told(history: History):
        position = history.position("ComputationSubmitted", computation=computation)
        asked = {**history.events[position]["request"], **fields}
        return position, history.changed(position, request=asked)

    return told


def drop(name: str, **arguments):
    """Leave an event out."""

    def told(history: History):
        position = history.position(name, **arguments)
        return position, history.without(position)

    return told


def within(start: str, name: str, change_: dict, **arguments):
    """Tell another event of the call that *start* begins or is in with other arguments; the lie is in the call."""

    def told(history: History):
        first = history.position(start, **arguments)
        position = next(p for p in history.positions(name) if p > first)
        return first, history.changed(position, **change_)

    return told


def second(name: str, change_: dict, **arguments):
    """Tell the second such event with other arguments."""

    def told(history: History):
        position = history.positions(name, **arguments)[1]
        return position, history.changed(position, **change_)

    return told


def insert(name: str, before: str, of: int, **arguments):
    """Tell an event that never was, before another."""

    def told(history: History):
        position = history.position(before, computation=of)
        return position, history.inserted(position, name, **arguments)

    return told


def late(name: str, seconds: int, **arguments):
    """Move the clock of an event's block."""

    def told(history: History):
        position = history.position(name, **arguments)
        return position, history.retimed(position, history.events[position].timestamp + seconds)

    return told


def swap(name: str, **arguments):
    """Tell two events of a kind in opposite order."""

    def told(history: History):
        first, second, *_ = history.positions(name, **arguments)
        return first, history.swapped(first, second)

    return told
