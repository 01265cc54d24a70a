"""The life of one computation, played by all its parties as the daemons would."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eth_hash.auto import keccak

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ESCALATION, MAX_ASSIGNMENTS, ComputationStatus
from qcrs.model.records import Assignment, Computation, Request
from qcrs.rules import commitment, count_sketch, histogram
from tests.evm import CHAIN_ID, Receipt

if TYPE_CHECKING:
    from tests.scenario import Node, World

MINIMUM_SHOTS = 4096

Counts = Mapping[int, int]


def honest(index: int, outcome_bits: int = 2, shots: int = MINIMUM_SHOTS) -> Counts:
    """Return what an honest replica measures of a GHZ state: like the others, never equal."""
    zeros = shots // 2 + 7 * index
    return {0: zeros, (1 << outcome_bits) - 1: shots - zeros}


def rogue(index: int, outcome_bits: int = 2, shots: int = MINIMUM_SHOTS) -> Counts:
    """Return a wrong but peaked answer that agrees with no other."""
    outcome = 1 + index % ((1 << outcome_bits) - 2)
    return {outcome: shots}


def noise(index: int, outcome_bits: int = 2, shots: int = MINIMUM_SHOTS) -> Counts:
    """Return counts that noise alone gives: the same for each outcome, give or take *index*."""
    outcomes = 1 << outcome_bits
    counts = dict.fromkeys(range(outcomes), shots // outcomes)
    counts[0] += index + shots % outcomes
    counts[1] -= index
    return counts


@dataclass
class Job:
    """One computation and its processors' answers."""

    world: "World"
    id: int
    request: Request
    counts: dict[int, Counts] = field(default_factory=dict)

    secrets = commitment.secret_chain(keccak(b"last secret")[:24], 3)

    @property
    def record(self) -> Computation:
        """The computation's record."""
        return Computation.from_chain(self.world.records.computationOf(self.id))

    @property
    def status(self) -> ComputationStatus:
        """Where the computation stands."""
        return self.record.status

    @property
    def assignments(self) -> list[Assignment]:
        """The assignments, in order."""
        return [Assignment.from_chain(a) for a in self.world.records.assignmentsOf(self.id)]

    @property
    def fates(self) -> list[AssignmentStatus]:
        """The assignments' statuses, in order."""
        return [a.status for a in self.assignments]

    @property
    def fee(self) -> int:
        """What was taken at submission: locked, but for the bounty of the allocation."""
        return self.world.quote(self.request)

    @property
    def escrow(self) -> int:
        """What was locked at submission."""
        return self.fee - self.world.bounty

    @property
    def pay(self) -> int:
        """Wei that each paid replica earns."""
        r = self.request
        bounties = 3 + (r.replica_cap - r.replicas) // ESCALATION
        return (self.fee - bounties * self.world.bounty) // r.replica_cap

    def indices(self, *statuses: AssignmentStatus) -> list[int]:
        """Return the assignments that are in one of *statuses*."""
        return [index for index, fate in enumerate(self.fates) if fate in statuses]

    def node(self, index: int) -> "Node":
        """Return the node behind assignment *index*."""
        return self.world.node(self.world.records.dutyOf(self.id, index)[1]["processor"])

    def operator(self, index: int) -> str:
        """Return the operator behind assignment *index*."""
        return self.node(index).operator

    # --- steps ---

    def allocate(self) -> "Job":
        """Let all processors beat, then draw."""
        self.world.beat()
        self.world.allocator.allocate(self.id, sender=self.world.keeper)
        return self

    def salt(self, index: int) -> bytes:
        """Return the salt of assignment *index*."""
        return keccak(b"salt" + self.id.to_bytes(8, "big") + bytes([index]))

    def root(self, index: int) -> bytes:
        """Return the counts root of assignment *index*."""
        return histogram.counts_root(self.counts[index])

    def commitment(self, index: int) -> bytes:
        """Return what assignment *index* commits to."""
        return commitment.of_result(
            CHAIN_ID,
            self.world.verifier.address,
            self.id,
            self.record.attempt,
            self.node(index).id,
            self.root(index),
            self.salt(index),
        )

    def sketch(self, index: int) -> list[int]:
        """Return the wire sketch of assignment *index* under the running seed."""
        seed = self.world.records.seedOf(self.id)
        return count_sketch.sketch_of(self.counts[index], self.request.outcome_bits, seed)

    def commit(self, index: int, counts: Counts | None = None, bundled: bool = False) -> Receipt:
        """Let assignment *index* commit to *counts*, an honest answer unless told otherwise, by itself or *bundled*."""
        self.counts[index] = counts or honest(index, self.request.outcome_bits, self.request.shots)
        verifier, node, digest = self.world.verifier, self.node(index), self.commitment(index)
        if not bundled:
            return verifier.commit(self.id, index, digest, sender=node.daemon)
        lane = self.lane(index)
        before = verifier.bundleOf(node.id, lane)
        return verifier.commitBundle(node.id, lane, before, [(self.id, index, digest)], sender=node.daemon)

    def lane(self, index: int) -> int:
        """Return where assignment *index* is bundled, alone."""
        return (self.id * MAX_ASSIGNMENTS + index) % 256

    def commit_all(self, answers: Mapping[int, Counts] | None = None) -> "Job":
        """Let all who still owe a commit do so."""
        for index in self.indices(AssignmentStatus.Assigned):
            self.commit(index, (answers or {}).get(index))
        return self

    def refuse(self, index: int, code: int = 1) -> Receipt:
        """Let assignment *index* refuse."""
        return self.world.verifier.refuse(self.id, index, code, sender=self.node(index).daemon)

    def disclose(self) -> "Job":
        """Let the requester disclose the running round's secret."""
        secret = self.secrets[self.record.attempt - 1]
        self.world.verifier.disclose(self.id, secret, sender=self.request_account)
        return self

    def reveal(self, index: int) -> Receipt:
        """Let assignment *index* reveal what it committed to, by itself or alone in a bundle."""
        verifier, daemon = self.world.verifier, self.node(index).daemon
        opening = (self.id, index, self.root(index), self.salt(index), self.sketch(index))
        seat = self.assignments[index]
        if seat.status is AssignmentStatus.Committed and seat.digest == commitment.NO_COMMITMENT:
            return verifier.revealBundled(*opening, self.lane(index), [], sender=daemon)
        return verifier.reveal(*opening, sender=daemon)

    def reveal_all(self, *but: int) -> "Job":
        """Let all who have committed reveal, *but* some."""
        for index in self.indices(AssignmentStatus.Committed):
            if index not in but:
                self.reveal(index)
        return self

    def settlement(self) -> tuple[list[bytes], list[bytes], list[int]]:
        """Return the roots, salts and sketches of all that revealed."""
        indices = self.indices(AssignmentStatus.Revealed)
        sketches = [word for index in indices for word in self.sketch(index)]
        return [self.root(i) for i in indices], [self.salt(i) for i in indices], sketches

    def settle(self) -> Receipt:
        """Let the keeper settle."""
        return self.world.verifier.settle(self.id, *self.settlement(), sender=self.world.keeper)

    @property
    def request_account(self) -> str:
        """The requester."""
        return self.world.allocator.requesterOf(self.id)

    def end_phase(self) -> "Job":
        """Let the running phase's deadline pass."""
        self.world.chain.warp(self.record.phase_ends_at + 1)
        return self

    def to_revealing(self, answers: Mapping[int, Counts] | None = None) -> "Job":
        """Bring a queued computation to where reveals are due."""
        return self.allocate().commit_all(answers).disclose()

    def to_settled(self, answers: Mapping[int, Counts] | None = None) -> Receipt:
        """Bring a queued computation to its verdict."""
        return self.to_revealing(answers).reveal_all().settle()
