"""The reservation's statuses and edges: twin of ``contracts/lifecycle/Reservation.sol``."""

from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move


class ReservationStatus(IntEnum):
    """Where a reservation stands."""

    Unset = 0
    Granted = 1
    Prepared = 2
    Active = 3
    Ended = 4
    Cancelled = 5
    Lapsed = 6


class UnexpectedReservationStatus(UnexpectedStatus):
    """The reservation's status does not allow the step."""


_S = ReservationStatus
SOURCES: dict[ReservationStatus, frozenset[ReservationStatus]] = {
    _S.Granted: frozenset({_S.Unset}),
    _S.Prepared: frozenset({_S.Granted}),
    _S.Active: frozenset({_S.Prepared}),
    _S.Ended: frozenset({_S.Active}),
    _S.Cancelled: frozenset({_S.Granted}),
    _S.Lapsed: frozenset({_S.Granted, _S.Prepared}),
}


def advance(status: ReservationStatus, to: ReservationStatus) -> ReservationStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedReservationStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedReservationStatus)
