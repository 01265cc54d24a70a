"""The computation's statuses and edges: twin of ``contracts/lifecycle/Computation.sol``."""

from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move

# Processors that one computation may use up, and its commit-reveal rounds.
MAX_ASSIGNMENTS = 32
MAX_ATTEMPTS = 3
# Replicas that join when a committee is split or cannot tell.
ESCALATION = 2


class ComputationStatus(IntEnum):
    """Where a computation stands between submission and a verdict."""

    Unset = 0
    Queued = 1
    Allocated = 2
    Committed = 3
    Revealing = 4
    Accepted = 5
    Rejected = 6
    Inconclusive = 7
    Failed = 8
    Cancelled = 9
    Unverified = 10
    Overturned = 11


class FailureReason(IntEnum):
    """Why a computation ended without a verdict."""

    Unset = 0
    DeadlinePassed = 1
    AttemptsExhausted = 2
    PayloadRefused = 3


class UnexpectedComputationStatus(UnexpectedStatus):
    """The computation's status does not allow the step."""


_S = ComputationStatus
SOURCES: dict[ComputationStatus, frozenset[ComputationStatus]] = {
    _S.Queued: frozenset({_S.Unset, _S.Allocated, _S.Revealing}),
    _S.Allocated: frozenset({_S.Queued}),
    _S.Committed: frozenset({_S.Allocated}),
    _S.Revealing: frozenset({_S.Committed}),
    _S.Accepted: frozenset({_S.Revealing}),
    _S.Rejected: frozenset({_S.Revealing}),
    _S.Inconclusive: frozenset({_S.Revealing}),
    _S.Unverified: frozenset({_S.Revealing}),
    _S.Overturned: frozenset({_S.Accepted, _S.Unverified}),
    _S.Failed: frozenset({_S.Queued, _S.Allocated, _S.Revealing}),
    _S.Cancelled: frozenset({_S.Queued}),
}

VERDICTS = frozenset({_S.Accepted, _S.Rejected, _S.Inconclusive, _S.Unverified, _S.Overturned})
ENDED = VERDICTS | {_S.Failed, _S.Cancelled}


def advance(status: ComputationStatus, to: ComputationStatus) -> ComputationStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedComputationStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedComputationStatus)
