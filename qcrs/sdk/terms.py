"""The terms of a submission: what may be asked for, checked before any money moves."""

from collections.abc import Sequence
from dataclasses import dataclass

from qcrs.errors import QcrsError
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Standing

# As in contracts/libraries/Admission.sol.
MIN_REPLICAS, MAX_REPLICAS = 3, 16
MIN_SHOTS, MAX_SHOTS = 4096, 65_535


class ShotsOutOfRange(QcrsError):
    """The number of shots cannot be had from this many replicas."""


class ReplicasOutOfRange(QcrsError):
    """The number of replicas is outside what the contracts take."""


class NoCapacity(QcrsError):
    """No noise class has enough independent processors that fit the circuit."""


class FeeTooLow(QcrsError):
    """The quote is above what the requester is willing to pay."""


class NotAMember(QcrsError):
    """The account belongs to no admitted organisation."""


@dataclass(frozen=True)
class Circuit:
    """A circuit ready to submit.

    Attributes:
        text: Canonical OpenQASM 3. qubits, outcome_bits: Its width.
    """

    text: str
    qubits: int
    outcome_bits: int


def shots_per_replica(shots: int, replicas: int) -> int:
    """Return how many shots each of *replicas* runs so that together they make at least *shots*.

    Raises:
        ReplicasOutOfRange, ShotsOutOfRange: The numbers are outside what the contracts take.
    """
    if not MIN_REPLICAS <= replicas <= MAX_REPLICAS:
        raise ReplicasOutOfRange(
            f"{replicas} replicas; expected {MIN_REPLICAS} to {MAX_REPLICAS}. Fewer than {MIN_REPLICAS} could not "
            "outvote a wrong answer"
        )
    if not 1 <= shots <= MAX_SHOTS * replicas:
        raise ShotsOutOfRange(
            f"{shots} shots; expected 1 to {MAX_SHOTS * replicas} with {replicas} replicas of at most {MAX_SHOTS}"
        )
    return max(MIN_SHOTS, -(-shots // replicas))


def best_class(standings: Sequence[Standing], requester: int, qubits: int, replicas: int) -> int:
    """Return the noise class with most organisations whose processors fit.

    Args:
        standings: All processors. requester: The requester's organisation, whose own are not independent.

    Raises:
        NoCapacity: None has enough for *replicas*.
    """
    usable = [
        s for s in standings if s.status is ProcessorStatus.Certified and s.bonded and s.organisation != requester
    ]
    fitting: dict[int, set[int]] = {}
    for standing in usable:
        if standing.qubits >= qubits:
            fitting.setdefault(standing.noise_class, set()).add(standing.organisation)
    best = max(fitting, key=lambda key: len(fitting[key]), default=0)
    have = len(fitting.get(best, ()))
    if have < replicas:
        raise NoCapacity(
            f"{replicas} independent processors with {qubits} qubits are wanted, {have} of one noise class fit; the "
            f"largest processor has {max((s.qubits for s in usable), default=0)} qubits. Try fewer replicas or see "
            "'qcrs processor list'"
        )
    return best
