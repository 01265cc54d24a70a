"""Signed reports of a scenario's daemons, and a relayer that posts them."""

from collections.abc import Sequence
from typing import Any

from eth_account import Account
from eth_hash.auto import keccak

from qcrs.chain.codec import ContractRefused, Event, decode_revert
from qcrs.chain.report import CommitReport, RevealReport, SignedCommit, config_digest, sign_commit
from qcrs.model.records import Policy
from qcrs.sdk.relay import relay_arguments
from tests.evm import CHAIN_ID, Receipt, interfaces
from tests.job import Job, honest
from tests.scenario import World, replace_fields


class Office:
    """Who relays, and what daemons hand in."""

    def __init__(self, world: World) -> None:
        self.world, self.contract = world, world.relay

    @property
    def config(self) -> bytes:
        """The digest of the rules in force."""
        world = self.world
        policy = Policy.from_chain(world.policy)
        return config_digest(CHAIN_ID, world.verifier.address, world.allocator.address, world.registry.address, policy)

    def report(self, job: Job, seat: int, **changes: Any) -> CommitReport:
        """Return the report of an honest answer of assignment *seat*, with *changes*."""
        job.counts.setdefault(seat, honest(seat, job.request.outcome_bits, job.request.shots))
        report = CommitReport(
            computation=job.id,
            index=seat,
            attempt=job.record.attempt,
            commitment=job.commitment(seat),
            payee=job.operator(seat),
            config_digest=self.config,
        )
        return replace_fields(report, **changes)

    def daemon_key(self, job: Job, seat: int) -> bytes:
        """Return the private key of the daemon of assignment *seat*."""
        number = self.world.nodes.index(job.node(seat)) + 1
        return keccak(f"daemon {number}".encode())

    def signed(
        self, job: Job, seat: int, chain_id: int = CHAIN_ID, relay: str | None = None, **changes: Any
    ) -> SignedCommit:
        """Return ``report``, signed by the assignment's daemon for this chain and relay, or another."""
        daemon = Account.from_key(self.daemon_key(job, seat))
        return sign_commit(daemon, chain_id, relay or self.contract.address, self.report(job, seat, **changes))

    def reveal(self, job: Job, index: int) -> RevealReport:
        """Return the reveal of assignment *index*."""
        return RevealReport(
            computation=job.id,
            index=index,
            counts_root=job.root(index),
            salt=job.salt(index),
            sketch=job.sketch(index),
        )

    def post(self, *items: SignedCommit | RevealReport) -> Receipt:
        """Let a stranger post *items*."""
        return self.contract.relay(*relay_arguments(items), sender=self.world.stranger)

    def post_as_given(self, items: Sequence[SignedCommit]) -> Receipt:
        """Let a stranger post commits in this very order."""
        reports = [item.report.to_chain() for item in items]
        return self.contract.relay(reports, [item.signature for item in items], [], sender=self.world.stranger)


def reason_of(event: Event) -> ContractRefused:
    """Return why an item was skipped."""
    return decode_revert(event["reason"], interfaces())


def skipped(error: str, receipt: Receipt, **arguments: Any) -> None:
    """Check that the one item posted was skipped, for the custom *error*, with exactly *arguments* if any."""
    assert receipt.result == 0
    (event,) = receipt.events
    reason = reason_of(event)
    assert reason.name == error, str(reason)
    if arguments:
        assert reason.arguments == arguments
