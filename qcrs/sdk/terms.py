"""The terms of a submission: what may be asked for, checked before any money moves."""

from collections.abc import Sequence
from dataclasses import dataclass

from qcrs.errors import QcrsError
from qcrs.model.computation import ESCALATION
from qcrs.model.organisation import Priority
from qcrs.quantum.program import LAYERS_OF_CLASS, MAX_DEPTH_CLASS, Program, depth_class
from qcrs.rules.gold import round_bits

# As in contracts/libraries/Admission.sol.
MIN_REPLICAS, MAX_REPLICAS = 3, 16
MIN_SHOTS, MAX_SHOTS = 4096, 65_535
MAX_BATCH = 64
FLAT_PROFILE = 1
DEFAULT_DEADLINE_SECONDS = 3600


class ShotsOutOfRange(QcrsError):
    """The number of shots cannot be had from this many replicas."""


class ReplicasOutOfRange(QcrsError):
    """The number of replicas is outside what the contracts take."""


class BatchOutOfRange(QcrsError):
    """More computations are to be submitted at once than the contracts take."""


class CircuitTooDeep(QcrsError):
    """The circuit has more layers than a request can declare."""


class NoCapacity(QcrsError):
    """No noise class has enough independent processors that fit the circuit at that price."""


class ProcessorsUnkeyed(QcrsError):
    """Too few of the processors that fit have keys to encrypt a circuit to."""


class FeeTooLow(QcrsError):
    """The quote is above what the requester is willing to pay."""


class NotAMember(QcrsError):
    """The account belongs to no admitted organisation."""


@dataclass(frozen=True)
class Circuit:
    """A circuit ready to submit.

    Attributes:
        text: Canonical OpenQASM 3. qubits, outcome_bits: Its width.
        depth_class: What a shot of it is charged by: see ``qcrs.quantum.program.depth_class``.
    """

    text: str
    qubits: int
    outcome_bits: int
    depth_class: int = 1

    @classmethod
    def of(cls, text: str, programs: Sequence[Program]) -> "Circuit":
        """Return the circuit of *text*, or the sweep, which spells out *programs*."""
        bits = programs[0].bits + round_bits(len(programs))
        return cls(text, programs[0].qubits, bits, depth_class(programs))


@dataclass(frozen=True)
class Conditions:
    """How a circuit is to be run, and for what.

    Attributes:
        max_fee: Most wei to take; whatever is quoted by default. deadline_seconds: Latest allocation from now.
        noise_class: Where to run; the fitting class with most organisations by default.
        replica_cap: Replicas that escalation may reach; by default one escalation when there are processors for it.
            Their price is locked and returns when they are not needed.
        trust: The agreeing processors' credibility must exceed 1 - 1/trust; 0 asks for none.
        priority: Beyond Routine it takes of the organisation's quota.
        profile: Instruction-set profile that a processor must have, from 1.
        quantum_volume_log2, two_qubit_error_ppm: Least and most; 0 asks for none.
        price: Wei a qubit-shot, paid to each replica alike; the policy's by default.
        plain: Whether everybody may read the circuit; otherwise it is encrypted for the processors that are drawn.
    """

    replicas: int = MIN_REPLICAS
    max_fee: int | None = None
    deadline_seconds: int = DEFAULT_DEADLINE_SECONDS
    noise_class: int | None = None
    replica_cap: int | None = None
    trust: int = 0
    priority: Priority = Priority.Routine
    profile: int = FLAT_PROFILE
    quantum_volume_log2: int = 0
    two_qubit_error_ppm: int = 0
    price: int | None = None
    plain: bool = False


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


def require_depth(circuit: Circuit) -> None:
    """Check that a request can declare how deep *circuit* is.

    Raises:
        CircuitTooDeep: It cannot.
    """
    if circuit.depth_class > MAX_DEPTH_CLASS:
        raise CircuitTooDeep(
            f"depth class {circuit.depth_class}; expected at most {MAX_DEPTH_CLASS}: "
            f"{MAX_DEPTH_CLASS * LAYERS_OF_CLASS} layers. Split the circuit"
        )


def cap_of(replicas: int, independent: int) -> int:
    """Return how many replicas escalation may reach: one step more when *independent* processors allow it."""
    step = replicas + ESCALATION
    return step if replicas >= MIN_REPLICAS and step <= min(independent, MAX_REPLICAS) else replicas
