"""What correction across a boundary refuses.

QcrsError
|-- SeamTooNoisy             the link is worse than what a surface code over it can bear
|-- LogicalErrorUnreachable  no distance and purification allowed gives the wanted logical error rate
|-- RecordInvalid            bits of a node do not belong to the memory that it is to have kept
`-- DecodingFailed           the process that decodes ended at its limits, or broke
"""

from qcrs.errors import QcrsError


class SeamTooNoisy(QcrsError):
    """The link's infidelity, after all purification allowed, exceeds what a seam bears."""


class LogicalErrorUnreachable(QcrsError):
    """No plan within the limits has the wanted logical error rate, or none could be shown to have it."""


class RecordInvalid(QcrsError):
    """A node's record has another size or shape than the memory and the number of shots ask for."""


class DecodingFailed(QcrsError):
    """The process that decodes ended without an answer: at its limits, or by a fault of its own."""
