"""One computation's record and its panel, rebuilt: twin of ``Computation.sol`` and ``Panel.sol``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qcrs.model.assignment import ON_DUTY, AssignmentStatus
from qcrs.model.assignment import advance as advance_assignment
from qcrs.model.computation import ESCALATION, MAX_ASSIGNMENTS, MAX_ATTEMPTS, ComputationStatus
from qcrs.model.computation import advance as advance_computation
from qcrs.model.records import Request
from qcrs.rules.agreement import quorum_of
from qcrs.rules.commitment import NO_COMMITMENT, NO_COMMITS
from qcrs.rules.fair_queue import cost_of
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

# What a record keeps of the request as it was; of the replicas, the screen and the secret it has more to say.
_KEPT = frozenset(
    "replica_cap noise_class qubits depth_class profile quantum_volume_log2 two_qubit_error_ppm shots deadline_at"
    " outcome_bits trust gold priority".split()
)
# Processors whose numbers are in the record itself.
_IN_RECORD = 3

# How assignments end, by index.
Fates = Mapping[int, AssignmentStatus]


@dataclass
class Seat:
    """One assignment.

    Attributes:
        digest: The commitment, then the digest of what was revealed. bundled: The chain keeps no commitment of its own.
        drawn_in: Number of the audit entry by which it was drawn.
    """

    processor: int
    organisation: int
    status: AssignmentStatus = AssignmentStatus.Assigned
    digest: bytes = NO_COMMITMENT
    bundled: bool = False
    counts_root: bytes = b""
    salt: bytes = b""
    sketch: list[int] = field(default_factory=list)
    drawn_in: int = 0


@dataclass
class Computation:
    """One computation.

    Attributes:
        requester: Account; *account* is its number.
        escrow: Wei still locked for it; after a verdict, what each paid replica earned.
        bucket: In which it waits, or waited until its first allocation. passed: Times that a shorter one of its
            organisation took its place. screened: Whether its organisation had a list of whom it works with.
        below_policy: Whether it pays less than processors without an offer asked when it was submitted.
        carried: Seats below this one answered before an escalation.
        settled_in: Number of the audit entry of its verdict.
        secret: The commitment to the next secret, or the last one disclosed.
        phase_ends_at: Unix seconds. withheld: Whether the beacon ever stood in for the secret.
    """

    id: int
    requester: str
    account: int
    organisation: int
    screened: bool
    below_policy: bool
    escrow: int
    bucket: int
    request: Request
    secret: bytes
    replicas: int
    status: ComputationStatus = ComputationStatus.Unset
    passed: int = 0
    phase_ends_at: int = 0
    attempt: int = 0
    commits: int = 0
    revealed: int = 0
    refused: int = 0
    withheld: bool = False
    carried: int = 0
    settled_in: int | None = None
    commits_digest: bytes = NO_COMMITS
    seats: list[Seat] = field(default_factory=list)

    @property
    def cost(self) -> int:
        """What it costs in its queue."""
        return cost_of(self.request.qubits, self.request.shots, self.replicas, self.request.depth_class)

    @property
    def lacking(self) -> int:
        """How many processors it lacks."""
        return self.replicas - len(self.on_duty())

    @property
    def waits(self) -> bool:
        """Whether it is in a queue: those that lost processors are not, and are in turn at once."""
        return self.status is ComputationStatus.Queued and not self.seats

    @property
    def quorum(self) -> int:
        """How many replicas must agree."""
        return quorum_of(self.replicas)

    def on_duty(self) -> list[Seat]:
        """Return the assignments that hold leases."""
        return [seat for seat in self.seats if seat.status in ON_DUTY]

    def is_of_last_round(self, index: int) -> bool:
        """Return whether the answer of seat *index*, which has revealed, is of the round that was judged."""
        ended_early = (AssignmentStatus.Silent, AssignmentStatus.Refused, AssignmentStatus.Excused)
        return sum(seat.status not in ended_early for seat in self.seats[index + 1 :]) < self.revealed

    def follows(self, index: int, other: "Computation", other_index: int) -> bool:
        """Return whether seat *other_index* of *other* answered before seat *index* could; contracts take proofs."""
        if other.id == self.id:
            return other_index < index
        seat, earlier = self.seats[index], other.seats[other_index]
        if earlier.processor == seat.processor:
            return other.id < self.id
        return other.settled_in is not None and other.settled_in < seat.drawn_in

    def restart(self) -> None:
        """Open another round: what the last one counted is void."""
        self.commits = self.revealed = self.refused = 0
        self.commits_digest = NO_COMMITS
        self.attempt += 1

    def advance(self, log: Transcript, to: ComputationStatus) -> None:
        """Move along one edge."""
        self.status = log.advance(advance_computation, self.status, to, f"status of computation {self.id}")

    def require_status(self, log: Transcript, *allowed: ComputationStatus) -> None:
        """Hold the status to be one of *allowed*."""
        expected = " or ".join(status.name for status in allowed)
        log.hold(
            Rule.Lifecycle,
            self.status in allowed,
            f"status of computation {self.id}",
            expected,
            self.status,
        )

    def require_elapsed(self, log: Transcript) -> None:
        """Hold the running phase to be over."""
        elapsed = log.now > self.phase_ends_at
        log.hold(Rule.Window, elapsed, "time of the step", f"after {self.phase_ends_at}", log.now)

    def move_seat(self, log: Transcript, index: int, to: AssignmentStatus) -> Seat:
        """Move assignment *index* along one edge and return it."""
        if index >= len(self.seats):
            raise Contradiction(Rule.Sequence, "assignment index", f"below {len(self.seats)}", index)
        seat = self.seats[index]
        seat.status = log.advance(advance_assignment, seat.status, to, f"status of assignment {index}")
        return seat

    def fates(self, by_status: Mapping[AssignmentStatus, AssignmentStatus]) -> Fates:
        """Return how assignments end that are now in a status of *by_status*; the others stay."""
        return {index: by_status[seat.status] for index, seat in enumerate(self.seats) if seat.status in by_status}

    def may_escalate(self, lost: int, now: int) -> bool:
        """Return whether more replicas can be drawn, *lost* of the present ones not going on."""
        return (
            not self.request.gold
            and self.replicas + ESCALATION <= self.request.replica_cap
            and self.attempt < MAX_ATTEMPTS
            and len(self.seats) + ESCALATION + lost <= MAX_ASSIGNMENTS
            and now <= self.request.deadline_at
        )

    def record(self) -> dict[str, Any]:
        """Return what the contract must have on record."""
        asked = self.request.model_dump(include=_KEPT, by_alias=True)
        return asked | {
            "status": self.status,
            "replicas": self.replicas,
            "place": self.bucket & 0xFFFF,
            "passed": self.passed,
            "flags": self.screened | self.below_policy << 1,
            "organisation": self.organisation,
            "escrow": self.escrow,
            "secret": self.secret,
            "requester": self.account,
            "attempt": self.attempt,
            "active": len(self.on_duty()),
            "revealed": self.revealed,
            "refused": self.refused,
            "tried": len(self.seats),
            "carried": self.carried,
            "secretWithheld": self.withheld,
            "phaseEndsAt": self.phase_ends_at,
            "commits": self.commits,
            "commitsDigest": self.commits_digest,
            "drawn": sum(seat.processor << 32 * index for index, seat in enumerate(self.seats[:_IN_RECORD])),
        }

    def panel(self) -> list[dict[str, Any]]:
        """Return what the contract must have on record of the assignments."""
        return [
            {"digest": NO_COMMITMENT if s.bundled else s.digest, "processor": s.processor, "status": s.status}
            for s in self.seats
        ]
