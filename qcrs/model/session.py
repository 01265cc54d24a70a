"""The session's statuses and edges: twin of ``contracts/lifecycle/Session.sol``."""

from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move


class SessionStatus(IntEnum):
    """Where a session stands."""

    Unset = 0
    Forming = 1
    Armed = 2
    Running = 3
    Reporting = 4
    Final = 5
    Disputed = 6
    Aborted = 7
    Cancelled = 8
    Paid = 9
    Outlier = 10
    Released = 11


class UnexpectedSessionStatus(UnexpectedStatus):
    """The session's status does not allow the step."""


_S = SessionStatus
SOURCES: dict[SessionStatus, frozenset[SessionStatus]] = {
    _S.Forming: frozenset({_S.Unset}),
    _S.Armed: frozenset({_S.Forming}),
    _S.Running: frozenset({_S.Armed}),
    _S.Reporting: frozenset({_S.Running}),
    _S.Final: frozenset({_S.Reporting}),
    _S.Disputed: frozenset({_S.Reporting}),
    _S.Aborted: frozenset({_S.Armed, _S.Running, _S.Reporting}),
    _S.Cancelled: frozenset({_S.Forming}),
    _S.Paid: frozenset({_S.Final}),
    _S.Outlier: frozenset({_S.Final}),
    _S.Released: frozenset({_S.Final}),
}
# Until one of these its daemons, or a keeper, have something to do.
ENDED = frozenset({_S.Disputed, _S.Aborted, _S.Cancelled, _S.Paid, _S.Outlier, _S.Released})


def advance(status: SessionStatus, to: SessionStatus) -> SessionStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedSessionStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedSessionStatus)
