"""Reports that a daemon leaves to a relayer: signed once for each round and rules, and taken back when it sends itself.

Everything signed follows from the journalled answer, and signatures are deterministic: whatever is written again, after
a restart or a change of the rules, commits to the same answer.
"""

import logging
import math
from dataclasses import dataclass, field

from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.chain.report import CommitReport, config_digest, sign_commit
from qcrs.chain.spool import Item, Spool
from qcrs.daemon.duties import Answer, HandIn, Reveal
from qcrs.daemon.journal import Journal, Report
from qcrs.model.records import Policy

log = logging.getLogger(__name__)

_KINDS: dict[type, str] = {Answer: "commit", Reveal: "reveal"}
_REPORTS = {kind: action for action, kind in _KINDS.items()}


@dataclass
class Outbox:
    """What one daemon has left to a relayer.

    Attributes:
        rules: Digest of the rules in force; empty until they are known.
        handed: When each report was handed in, by the chain's clock; before all time when it could not be.
    """

    spool: Spool
    journal: Journal
    rules: bytes = b""
    handed: dict[Answer | Reveal, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for report, at in self.journal.handed_in().items():
            self.handed[_REPORTS[report.kind](*report[1:])] = at

    def follow(self, gateway: Gateway, policy: Policy) -> None:
        """Sign under *policy* from now on."""
        at = gateway.addresses
        self.rules = config_digest(
            gateway.network.chain_id, at["ResultVerifier"], at["ComputationAllocator"], at["ProcessorRegistry"], policy
        )

    def put(self, report: Answer | Reveal, item: Item, now: float) -> None:
        """Leave *item* to the relayer, or have the daemon send *report* at once when that cannot be."""
        handed_at = self.journal.hand_in(_row(report), now)
        try:
            self.spool.put(item)
        except OSError as error:
            # A full disk, a folder that went away: the relayer's trouble must not become the bond's.
            log.error("computation=%s not handed in, sent instead: %s", report.computation, error)
            handed_at = -math.inf
        self.handed[report] = handed_at

    def take_back(self, report: Answer | Reveal) -> None:
        """Remove *report* from the spool, so that no relayer pays for what the daemon sends itself."""
        try:
            self.spool.withdraw(_KINDS[type(report)], report.computation, report.index)
        except OSError as error:
            log.warning("computation=%s cannot take a report back: %s", report.computation, error)

    def drop(self, computation: int) -> None:
        """Forget a computation that has ended, and remove what nobody took."""
        for report in [report for report in self.handed if report.computation == computation]:
            self.take_back(report)
            del self.handed[report]


def signed_commit(account: LocalAccount, gateway: Gateway, action: HandIn, commitment: bytes, payee: str) -> Item:
    """Return the signed report of *commitment*."""
    report = CommitReport(
        computation=action.computation,
        index=action.report.index,
        attempt=action.attempt,
        commitment=commitment,
        payee=payee,
        config_digest=action.rules,
    )
    return sign_commit(account, gateway.network.chain_id, gateway.addresses["ReportRelay"], report)


def _row(report: Answer | Reveal) -> Report:
    return Report(_KINDS[type(report)], report.computation, report.index, report.attempt)
