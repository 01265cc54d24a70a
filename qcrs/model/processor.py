"""The processor's statuses and edges: twin of ``contracts/lifecycle/Processor.sol``."""

from enum import IntEnum

from qcrs.model.lifecycle import UnexpectedStatus, move


class ProcessorStatus(IntEnum):
    """Where a processor stands. Only ``Certified`` ones can be drawn."""

    Unset = 0
    Applied = 1
    Certified = 2
    Suspended = 3
    Retired = 4


class UnexpectedProcessorStatus(UnexpectedStatus):
    """The processor's status does not allow the step."""


_S = ProcessorStatus
SOURCES: dict[ProcessorStatus, frozenset[ProcessorStatus]] = {
    _S.Applied: frozenset({_S.Unset}),
    _S.Certified: frozenset({_S.Applied, _S.Suspended}),
    _S.Suspended: frozenset({_S.Certified}),
    _S.Retired: frozenset({_S.Applied, _S.Certified, _S.Suspended}),
}


def advance(status: ProcessorStatus, to: ProcessorStatus) -> ProcessorStatus:
    """Return *to* when the contract would accept the move.

    Raises:
        UnexpectedProcessorStatus: *to* is not an edge out of *status*.
    """
    return move(SOURCES, status, to, UnexpectedProcessorStatus)
