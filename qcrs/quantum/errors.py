"""What goes wrong on the quantum side.

QcrsError
|-- CircuitRefused      a circuit, or its run, was refused for a numbered reason
|-- CalibrationInvalid  a calibration file cannot describe a device
`-- EngineFailed        the engine process could not start or answer
"""

from qcrs.errors import QcrsError
from qcrs.model.refusal import RefusalCode


class CircuitRefused(QcrsError):
    """*subject* was *actual* where *expected* was needed.

    Attributes:
        code: The reason, as recorded on chain.
        line: The line of the circuit's text, counted from 1; 0 when no line is to blame.
    """

    def __init__(self, code: RefusalCode, subject: str, expected: object, actual: object, line: int = 0):
        where = f" (line {line})" if line else ""
        super().__init__(f"{code.name}: {subject}{where}: expected {expected}, got {actual}")
        self.code = code
        self.subject = subject
        self.expected = expected
        self.actual = actual
        self.line = line


class CalibrationInvalid(QcrsError):
    """A calibration file is unreadable, incomplete or contradicts itself."""


class EngineFailed(QcrsError):
    """The engine process did not start, or died again on the same request."""
