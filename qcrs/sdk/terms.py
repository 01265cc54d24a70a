"""The terms of a submission: what may be asked for, checked before any money moves."""

from collections.abc import Sequence
from dataclasses import dataclass

from qcrs.errors import QcrsError
from qcrs.model.computation import ESCALATION
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

    One replica alone is allowed; its answer is never more than Unverified.

    Raises:
        ReplicasOutOfRange, ShotsOutOfRange: The numbers are outside what the contracts take.
    """
    if replicas != 1 and not MIN_REPLICAS <= replicas <= MAX_REPLICAS:
        raise ReplicasOutOfRange(
            f"{replicas} replicas; expected {MIN_REPLICAS} to {MAX_REPLICAS}, or 1 for an unverified answer. Fewer "
            f"than {MIN_REPLICAS} could not outvote a wrong one"
        )
    if not 1 <= shots <= MAX_SHOTS * replicas:
        raise ShotsOutOfRange(
            f"{shots} shots; expected 1 to {MAX_SHOTS * replicas} with {replicas} replicas of at most {MAX_SHOTS}"
        )
    return max(MIN_SHOTS, -(-shots // replicas))


def capacity(standings: Sequence[Standing], requester: int, qubits: int) -> dict[int, int]:
    """Return how many organisations have processors that fit, by noise class.

    Args:
        standings: All processors. requester: The requester's organisation, whose own are not independent.
    """
    fitting: dict[int, set[int]] = {}
    for standing in _usable(standings, requester):
        if standing.qubits >= qubits:
            fitting.setdefault(standing.noise_class, set()).add(standing.organisation)
    return {noise_class: len(organisations) for noise_class, organisations in fitting.items()}


def cap_of(replicas: int, independent: int) -> int:
    """Return how many replicas escalation may reach: one step more when *independent* processors allow it."""
    step = replicas + ESCALATION
    return step if replicas >= MIN_REPLICAS and step <= min(independent, MAX_REPLICAS) else replicas


def best_class(standings: Sequence[Standing], requester: int, qubits: int, replicas: int) -> int:
    """Return the noise class with most organisations whose processors fit.

    Args:
        standings: All processors. requester: The requester's organisation, whose own are not independent.

    Raises:
        NoCapacity: None has enough for *replicas*.
    """
    usable = _usable(standings, requester)
    fitting = capacity(standings, requester, qubits)
    best = max(fitting, key=lambda key: fitting[key], default=0)
    have = fitting.get(best, 0)
    if have < replicas:
        raise NoCapacity(
            f"{replicas} independent processors with {qubits} qubits are wanted, {have} of one noise class fit; the "
            f"largest processor has {max((s.qubits for s in usable), default=0)} qubits. Try fewer replicas or see "
            "'qcrs processor list'"
        )
    return best


def _usable(standings: Sequence[Standing], requester: int) -> list[Standing]:
    return [s for s in standings if s.status is ProcessorStatus.Certified and s.bonded and s.organisation != requester]
