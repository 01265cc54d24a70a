"""The dispute's statuses and edges: twin of ``contracts/lifecycle/Dispute.sol``."""

from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move


class DisputeStatus(IntEnum):
    """Where a dispute stands."""

    Unset = 0
    Open = 1
    Upheld = 2
    Dismissed = 3
    Lapsed = 4


class DisputeKind(IntEnum):
    """What is complained about."""

    Unset = 0
    WrongAnswer = 1
    WrongFault = 2


class UnexpectedDisputeStatus(UnexpectedStatus):
    """The dispute's status does not allow the step."""


_S = DisputeStatus
SOURCES: dict[DisputeStatus, frozenset[DisputeStatus]] = {
    _S.Open: frozenset({_S.Unset}),
    _S.Upheld: frozenset({_S.Open}),
    _S.Dismissed: frozenset({_S.Open}),
    _S.Lapsed: frozenset({_S.Open}),
}


def advance(status: DisputeStatus, to: DisputeStatus) -> DisputeStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedDisputeStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedDisputeStatus)
