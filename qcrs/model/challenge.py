"""Demands to show a histogram, and what challenges prove: twin of ``contracts/lifecycle/Challenge.sol``."""

from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move


class ChallengeStatus(IntEnum):
    """Where a demand stands."""

    Unset = 0
    Open = 1
    Answered = 2
    Refuted = 3
    Defaulted = 4
    Dropped = 5


class Fault(IntEnum):
    """What an answer was shown to be."""

    Unset = 0
    MalformedHistogram = 1
    ForgedSketch = 2
    HistogramWithheld = 3
    ReplayedAnswer = 4
    CopiedAnswer = 5


class UnexpectedChallengeStatus(UnexpectedStatus):
    """The demand's status does not allow the step."""


_S = ChallengeStatus
SOURCES: dict[ChallengeStatus, frozenset[ChallengeStatus]] = {
    _S.Open: frozenset({_S.Unset}),
    _S.Answered: frozenset({_S.Open}),
    _S.Refuted: frozenset({_S.Open}),
    _S.Defaulted: frozenset({_S.Open}),
    _S.Dropped: frozenset({_S.Open}),
}

ENDED = frozenset({_S.Answered, _S.Refuted, _S.Defaulted, _S.Dropped})


def advance(status: ChallengeStatus, to: ChallengeStatus) -> ChallengeStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedChallengeStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedChallengeStatus)
