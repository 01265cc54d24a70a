"""The certification's statuses and edges: twin of ``contracts/lifecycle/Certification.sol``."""

from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move


class CertificationStatus(IntEnum):
    """Where a certification stands. A round that certifiers spoil leads back to ``Requested``."""

    Unset = 0
    Requested = 1
    Convened = 2
    Challenged = 3
    Answered = 4
    Scoring = 5
    Certified = 6
    Failed = 7
    Lapsed = 8


class CertificationCause(IntEnum):
    """Why a processor is benchmarked."""

    Unset = 0
    Request = 1
    Surprise = 2
    Drift = 3


class UnexpectedCertificationStatus(UnexpectedStatus):
    """The certification's status does not allow the step."""


_S = CertificationStatus
_CERTIFYING = frozenset({_S.Convened, _S.Answered, _S.Scoring})
SOURCES: dict[CertificationStatus, frozenset[CertificationStatus]] = {
    _S.Requested: frozenset({_S.Unset}) | _CERTIFYING,
    _S.Convened: frozenset({_S.Requested}),
    _S.Challenged: frozenset({_S.Convened}),
    _S.Answered: frozenset({_S.Challenged}),
    _S.Scoring: frozenset({_S.Answered}),
    _S.Certified: frozenset({_S.Scoring}),
    _S.Failed: frozenset({_S.Challenged, _S.Scoring}),
    _S.Lapsed: frozenset({_S.Requested}) | _CERTIFYING,
}
ENDED = frozenset({_S.Certified, _S.Failed, _S.Lapsed})


def advance(status: CertificationStatus, to: CertificationStatus) -> CertificationStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedCertificationStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedCertificationStatus)
