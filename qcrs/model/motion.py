"""Bodies, their motions and these motions' edges: twin of ``contracts/lifecycle/Motion.sol``."""

from collections.abc import Mapping
from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move

# The committees, each one ``Committee``, by the name under which it is deployed, with its title.
COMMITTEES: Mapping[str, str] = {
    "QuantumResourceAllocationCommittee": "Quantum Resource Allocation Committee",
    "ProcessorCertificationAuthority": "Processor Certification Authority",
    "QuantumSecurityWorkingGroup": "Quantum Security Working Group",
    "VerificationStandardsBoard": "Verification Standards Board",
    "DisputeResolutionCouncil": "Dispute Resolution Council",
}
CONSTITUTION = "Constitution"
BODIES = (*COMMITTEES, CONSTITUTION)


class MotionStatus(IntEnum):
    """Where a motion stands."""

    Unset = 0
    Open = 1
    Carried = 2
    Executed = 3
    Rejected = 4
    Lapsed = 5
    Withdrawn = 6


class UnexpectedMotionStatus(UnexpectedStatus):
    """The motion's status does not allow the step."""


_S = MotionStatus
SOURCES: dict[MotionStatus, frozenset[MotionStatus]] = {
    _S.Open: frozenset({_S.Unset}),
    _S.Carried: frozenset({_S.Open}),
    _S.Executed: frozenset({_S.Carried}),
    _S.Rejected: frozenset({_S.Open}),
    _S.Lapsed: frozenset({_S.Open, _S.Carried}),
    _S.Withdrawn: frozenset({_S.Open, _S.Carried}),
}


def advance(status: MotionStatus, to: MotionStatus) -> MotionStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedMotionStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedMotionStatus)
