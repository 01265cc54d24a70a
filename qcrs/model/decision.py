"""What an audit entry decides: twin of ``Decision`` in ``contracts/interfaces/IAuditTrail.sol``."""

from enum import IntEnum


class Decision(IntEnum):
    """Kinds of audit entries, in the order of the contract."""

    Unset = 0
    OrganisationAdmitted = 1
    OrganisationExpelled = 2
    ProcessorCertified = 3
    ProcessorSuspended = 4
    ComputationAllocated = 5
    ComputationReallocated = 6
    ComputationSettled = 7
    ComputationFailed = 8
    PolicyChanged = 9
    ComputationEscalated = 10
    AnswerDisproven = 11
    FaultVindicated = 12
    DisputeRuled = 13
    QuotaGranted = 14
    ReservationGranted = 15
    ReservationEnded = 16
    MotionCarried = 17
    MotionExecuted = 18
    MotionEnded = 19
    BodyComposed = 20
    TempoSet = 21
    WorkPaused = 22
    WorkResumed = 23
    ChannelSettled = 24
    ChannelEnded = 25
    SessionAborted = 26
    SessionsConcluded = 27
