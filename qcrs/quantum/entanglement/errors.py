"""What goes wrong with entanglement.

QcrsError
|-- FragmentInvalid     a fragment, or several as a program (qcrs.quantum.fragment)
|   |-- Deadlock        members wait for one another, or for one that has ended
|   `-- PairMismatch    two members ask for a pair with each other and for different purification
|-- TooManyQubits       a program that is not Clifford has more qubits than can be simulated
|-- HeraldFailed        a shot does not count: what two members compared was different
|-- ProgramFailed       a run ended at its limits, or broke
|-- OutOfReach          so many pairs cannot be held at once: the first is discarded before the last has come
|-- PairUsed            a half was measured already
`-- PairTooOld          pairs have waited beyond the cut-off age and were discarded
"""

from qcrs.errors import QcrsError
from qcrs.quantum.fragment import FragmentInvalid


class Deadlock(FragmentInvalid):
    """Members wait for one another, or for one that has ended."""


class PairMismatch(FragmentInvalid):
    """Two members ask for a pair with each other and for different purification."""


class TooManyQubits(QcrsError):
    """A program that is not Clifford has more qubits than can be simulated."""


class HeraldFailed(QcrsError):
    """What two members compared was different: the shot does not count, and is to be begun anew."""


class ProgramFailed(QcrsError):
    """A run ended at its limits, or broke."""


class OutOfReach(QcrsError):
    """So many pairs cannot be held at once: the first would be discarded before the last has come."""


class PairUsed(QcrsError):
    """A half was measured already."""


class PairTooOld(QcrsError):
    """Pairs have waited beyond the cut-off age and were discarded."""
