"""What the contracts keep, as frozen records: the structs of ``contracts/``, field by field.

Field names are the Solidity names in snake_case; ``from_chain`` accepts the decoded struct as it comes.
"""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.certification import CertificationCause, CertificationStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.organisation import Priority, Screen
from qcrs.model.processor import ProcessorStatus
from qcrs.model.reservation import ReservationStatus


class Record(BaseModel):
    """A struct read from, or written to, a contract."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        arbitrary_types_allowed=True,
    )

    @classmethod
    def from_chain(cls, struct: dict[str, Any]) -> Self:
        """Return the record of a decoded struct (camelCase field names)."""
        return cls.model_validate(struct)

    def to_chain(self) -> tuple[Any, ...]:
        """Return the fields in Solidity's order, as an ABI encoder wants them."""
        return tuple(getattr(self, name) for name in type(self).model_fields)


class Request(Record):
    """What a requester asks for."""

    circuit_digest: bytes
    secret_commitment: bytes
    deadline_at: int
    shots: int
    replicas: int
    noise_class: int
    qubits: int
    outcome_bits: int
    replica_cap: int
    gold: bool
    trust: int
    priority: Priority
    depth_class: int
    profile: int
    quantum_volume_log2: int
    two_qubit_error_ppm: int
    price: int
    max_fee: int
    payload: bytes


POLICY_TYPE = (
    "(uint64,uint32,uint32,uint32,uint32,uint32,uint128,uint128)"  # of the fields of Policy, as a digest binds them
)


class Policy(Record):
    """Prices in wei, windows in seconds."""

    price_per_qubit_shot: int
    commit_seconds: int
    disclose_seconds: int
    reveal_seconds: int
    challenge_seconds: int
    response_seconds: int
    minimum_bond: int
    slash: int


class Computation(Record):
    """A computation's record in the allocator; *requester* is the number of its account."""

    replicas: int
    replica_cap: int
    noise_class: int
    qubits: int
    depth_class: int
    profile: int
    quantum_volume_log2: int
    two_qubit_error_ppm: int
    shots: int
    place: int
    outcome_bits: int
    flags: int
    organisation: int
    deadline_at: int
    escrow: int
    secret: bytes
    requester: int
    passed: int
    trust: int
    gold: bool
    priority: Priority
    status: ComputationStatus
    attempt: int
    active: int
    revealed: int
    refused: int
    tried: int
    carried: int
    secret_withheld: bool
    phase_ends_at: int
    commits: int
    commits_digest: bytes
    drawn: int


class Assignment(Record):
    """One processor's share of one computation."""

    digest: bytes
    processor: int
    status: AssignmentStatus


class Standing(Record):
    """Everything a draw and a settlement touch of a processor."""

    status: ProcessorStatus
    noise_class: int
    qubits: int
    leased_qubits: int
    held_qubits: int
    entry: int
    bonded: bool
    draining: bool
    offered: bool
    organisation: int
    last_beat_at: int
    expires_at: int
    accepted: int
    outliers: int
    silent: int
    refused: int
    failed: int


class Terms(Record):
    """What a processor is drawn by beside its noise class and qubits; prices in wei."""

    quantum_volume_log2: int
    profile: int
    two_qubit_error_ppm: int
    price: int
    minimum: int
    offer_expires_at: int


class Capability(Record):
    """What a processor claims it can do; errors and fidelities in parts per million."""

    qubits: int
    quantum_volume_log2: int
    noise_class: int
    profile: int
    two_qubit_error_ppm: int
    readout_error_ppm: int
    layer_fidelity_ppm: int
    clops: int
    measured_at: int
    expires_at: int
    t1_nanoseconds: int
    t2_nanoseconds: int
    coupling_map_digest: bytes
    calibration_digest: bytes


class Organisation(Record):
    """A member of the consortium."""

    admin: str
    weight: int
    admitted: bool
    shortest_first: bool
    screen: Screen
    name: str


class Reservation(Record):
    """Processors for a time; *escrow* in wei."""

    status: ReservationStatus
    qubits: int
    organisation: int
    starts_at: int
    ends_at: int
    requester: str
    escrow: int


class CertificationTerms(Record):
    """What benchmarks cost, in wei, and how long their steps take, in seconds."""

    fee: int
    stake: int
    deposit: int
    window_seconds: int
    answer_seconds: int
    valid_seconds: int
    cadence_seconds: int
    surprise_ppm: int
    tolerance_ppm: int
    drift_ppm: int


class Certification(Record):
    """One benchmark of one processor; *escrow* and *fee* in wei."""

    status: CertificationStatus
    cause: CertificationCause
    round: int
    done: int
    version: int
    processor: int
    deadline_at: int
    escrow: int
    seed: bytes
    answer: bytes
    fee: int


class Certifier(Record):
    """A processor whose daemon scores others; *stake* in wei."""

    place: int
    busy: bool
    stake: int
    tip: bytes


class Measured(Record):
    """What a certifier makes of a processor's counts; errors and fidelities in parts per million."""

    qubits: int
    quantum_volume_log2: int
    noise_class: int
    two_qubit_error_ppm: int
    readout_error_ppm: int
    layer_fidelity_ppm: int
    t1_nanoseconds: int
    t2_nanoseconds: int
    circuits: int
    shots: int
    heavy_outputs: int
    mirror_ppm: int
