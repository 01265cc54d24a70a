"""The channel's statuses and edges: twin of ``contracts/lifecycle/Channel.sol``."""

from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move


class ChannelStatus(IntEnum):
    """Where a channel stands."""

    Unset = 0
    Requested = 1
    Heralding = 2
    Committing = 3
    Revealing = 4
    Open = 5
    Failed = 6
    Expired = 7
    Cancelled = 8


class UnexpectedChannelStatus(UnexpectedStatus):
    """The channel's status does not allow the step."""


_S = ChannelStatus
SOURCES: dict[ChannelStatus, frozenset[ChannelStatus]] = {
    _S.Requested: frozenset({_S.Unset, _S.Open}),
    _S.Heralding: frozenset({_S.Requested}),
    _S.Committing: frozenset({_S.Heralding}),
    _S.Revealing: frozenset({_S.Committing}),
    _S.Open: frozenset({_S.Revealing}),
    _S.Failed: frozenset({_S.Revealing}),
    _S.Expired: frozenset({_S.Requested, _S.Heralding, _S.Committing, _S.Revealing, _S.Open}),
    _S.Cancelled: frozenset({_S.Requested}),
}
ENDED = frozenset({_S.Failed, _S.Expired, _S.Cancelled})


def advance(status: ChannelStatus, to: ChannelStatus) -> ChannelStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedChannelStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedChannelStatus)
