"""A court in session: opening and ruling in few words, and whose coin went where."""

from dataclasses import dataclass

import pytest

from qcrs.model.dispute import DisputeKind, DisputeStatus
from tests.evm import Receipt
from tests.job import Job
from tests.scenario import NOBODY, World

EVIDENCE, REASON = b"\x11" * 32, b"\x22" * 32
RULING_SECONDS = 7 * 86_400


@dataclass
class Court:
    """The contract of disputes in a consortium."""

    world: World

    @property
    def slash(self) -> int:
        """What one fault, and the bond of a dispute, is."""
        return self.world.policy["slash"]

    @property
    def burned(self) -> int:
        """Wei that have left circulation."""
        return self.world.chain.balance(NOBODY)

    def open(self, job: Job, index: int, kind: DisputeKind = DisputeKind.WrongAnswer, sender=None, value=None):
        """Open a dispute as a stranger, with the right bond, unless told otherwise."""
        value = self.slash if value is None else value
        sender = sender or self.world.stranger
        return self.world.disputes.open(job.id, index, kind, EVIDENCE, sender=sender, value=value)

    def rule(self, dispute: int, upheld: bool) -> Receipt:
        """Rule as the council."""
        return self.world.disputes.rule(dispute, upheld, REASON, sender=self.world.council)

    def lapse(self, dispute: int) -> Receipt:
        """Let the time to rule pass, and end the dispute."""
        self.world.chain.warp(max(self.world.chain.now, self.record(dispute)["endsAt"] + 1))
        return self.world.disputes.lapse(dispute, sender=self.world.keeper)

    def record(self, dispute: int) -> dict:
        """Return a dispute's record."""
        return self.world.disputes.disputeOf(dispute)

    def status(self, dispute: int) -> DisputeStatus:
        """Return where a dispute stands."""
        return DisputeStatus(self.record(dispute)["status"])

    def coin(self) -> int:
        """All coin of the suite, in escrow, bonds and court, and what was burned."""
        world = self.world
        held = (world.allocator, world.bonds, world.disputes)
        return self.burned + sum(world.chain.balance(contract.address) for contract in held)

    def require_balanced(self) -> None:
        """Check that the court holds the bonds of open disputes, and nothing else."""
        records = [self.record(id_) for id_ in range(1, self.world.disputes.disputeCount() + 1)]
        bonds = sum(record["bond"] for record in records if record["status"] == DisputeStatus.Open)
        assert bonds == self.world.chain.balance(self.world.disputes.address)


@pytest.fixture
def court(world):
    """The court; afterwards its coin must be that of open disputes."""
    court = Court(world)
    yield court
    court.require_balanced()
