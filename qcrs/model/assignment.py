"""The assignment's statuses and edges: twin of ``contracts/lifecycle/Assignment.sol``."""

from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move


class AssignmentStatus(IntEnum):
    """One processor's share of one computation."""

    Unset = 0
    Assigned = 1
    Committed = 2
    Revealed = 3
    Accepted = 4
    Outlier = 5
    Released = 6
    Refused = 7
    Silent = 8
    GoldFailed = 9
    TrapFailed = 10
    Disproven = 11
    Vindicated = 12
    Excused = 13


class UnexpectedAssignmentStatus(UnexpectedStatus):
    """The assignment's status does not allow the step."""


_S = AssignmentStatus
SOURCES: dict[AssignmentStatus, frozenset[AssignmentStatus]] = {
    _S.Assigned: frozenset({_S.Unset}),
    _S.Committed: frozenset({_S.Assigned, _S.Revealed}),
    _S.Revealed: frozenset({_S.Committed}),
    _S.Accepted: frozenset({_S.Revealed}),
    _S.Outlier: frozenset({_S.Revealed}),
    _S.Released: frozenset({_S.Assigned, _S.Committed, _S.Revealed}),
    _S.Refused: frozenset({_S.Assigned}),
    _S.Silent: frozenset({_S.Assigned, _S.Committed}),
    _S.GoldFailed: frozenset({_S.Revealed}),
    _S.TrapFailed: frozenset({_S.Revealed}),
    _S.Disproven: frozenset({_S.Accepted, _S.Released}),
    _S.Vindicated: frozenset({_S.Outlier, _S.GoldFailed, _S.TrapFailed}),
    _S.Excused: frozenset({_S.Assigned, _S.Refused}),
}

ON_DUTY = frozenset({_S.Assigned, _S.Committed, _S.Revealed})
FAULTS = frozenset({_S.Outlier, _S.Silent, _S.GoldFailed})


def advance(status: AssignmentStatus, to: AssignmentStatus) -> AssignmentStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedAssignmentStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedAssignmentStatus)
