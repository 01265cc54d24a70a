"""Why a processor would not run a computation, as one number that fits a contract's ``uint16``."""

from enum import IntEnum


class RefusalCode(IntEnum):
    """A refusal, by whose fault it is.

    1-99: the circuit itself is invalid, and every processor must refuse it alike.
    100-199: the circuit does not fit what the chain recorded, or what this processor can do.
    200-299: the circuit was accepted and its run failed.

    Numbers are permanent: they are stored on chain. New ones are appended to their group.
    """

    Unset = 0

    NotOpenQasm = 1
    SyntaxInvalid = 2
    TooLarge = 3
    NestingTooDeep = 4
    TokenTooLong = 5
    ForbiddenStatement = 6
    IncludeRefused = 7
    GateDefinitionRefused = 8
    FeedForwardUnsupported = 9
    UnknownGate = 10
    UnknownRegister = 11
    OperandInvalid = 12
    ParameterInvalid = 13
    NonFiniteParameter = 14
    TooManyQubits = 15
    TooManyBits = 16
    TooManyOperations = 17
    NoMeasurement = 18
    TooManyRounds = 19
    RoundsDiffer = 20

    DigestMismatch = 100
    WidthMismatch = 101
    PayloadUnavailable = 102
    ShotsInvalid = 103
    OperationUnsupported = 104
    DepthExceeded = 105
    PayloadSealed = 106
    EnvelopeInvalid = 107

    SimulationTimedOut = 200
    SimulationOutOfMemory = 201
    SimulationFailed = 202


# A requester can bring these about of whomever it likes, so they are no part of a processor's conduct.
EXCUSED = frozenset({RefusalCode.PayloadSealed, RefusalCode.EnvelopeInvalid})
