"""The delivery's statuses and edges: twin of ``contracts/lifecycle/Delivery.sol``."""

from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move


class DeliveryStatus(IntEnum):
    """Where the telling of a result to a consumer contract stands."""

    Unset = 0
    Pending = 1
    Delivered = 2
    Failed = 3


class UnexpectedDeliveryStatus(UnexpectedStatus):
    """The delivery's status does not allow the step."""


_S = DeliveryStatus
SOURCES: dict[DeliveryStatus, frozenset[DeliveryStatus]] = {
    _S.Pending: frozenset({_S.Unset}),
    _S.Delivered: frozenset({_S.Pending, _S.Failed}),
    _S.Failed: frozenset({_S.Delivered}),
}


def advance(status: DeliveryStatus, to: DeliveryStatus) -> DeliveryStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedDeliveryStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedDeliveryStatus)
