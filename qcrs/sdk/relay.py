"""A relayer: posts what daemons left in a spool, many reports in one transaction, at its own cost.

It can leave reports out or be late, and no more: see ``contracts/interfaces/IReportRelay.sol``.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from qcrs.chain.codec import ContractRefused, decode_revert
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount
from qcrs.chain.report import RevealReport, SignedCommit, Spool

log = logging.getLogger(__name__)

MOST_ITEMS = 32  # in one transaction, whose gas ceiling is made for them
KEEP_SECONDS = 3600.0  # a report that no chain took by then belongs to a computation that went on without it
Waiting = tuple[Path, SignedCommit | RevealReport]


@dataclass(frozen=True)
class Posted:
    """What one batch came to.

    Attributes:
        commits, reveals: How many were taken. skipped: How many were not, another having been faster.
        gas: Of the transaction; 0 when there was nothing to post.
    """

    commits: int = 0
    reveals: int = 0
    skipped: int = 0
    gas: int = 0


class Relay:
    """Empties a spool onto one chain.

    Args:
        gateway: Connected. account: Who pays for the gas.
    """

    def __init__(self, gateway: Gateway, account: LocalAccount, spool: Spool) -> None:
        self._gateway, self._account, self._spool = gateway, account, spool

    async def post(self) -> Posted:
        """Post what waits and would be taken now, up to ``MOST_ITEMS``; the rest goes on waiting.

        Raises:
            ChainUnreachable, TransactionRefused, TransactionLost: The files stay; posting them again does no harm.
        """
        waiting = await asyncio.to_thread(lambda: list(self._spool.read(KEEP_SECONDS)))
        batch: list[Waiting] = []
        for path, item in waiting:
            if len(batch) == MOST_ITEMS:
                break
            # Looked at one by one: what would be refused is not paid for, whoever put it there.
            if await self._would_be_taken(item) and not any(_seat(item) == _seat(other) for _, other in batch):
                batch.append((path, item))
        if not batch:
            return Posted()
        receipt = await self._gateway.send(
            self._account, "ReportRelay", "relay", *relay_arguments([item for _, item in batch])
        )
        skipped = set()
        for event in receipt.events:
            if event.name in ("CommitSkipped", "RevealSkipped"):
                skipped.add((event.name == "CommitSkipped", event["computation"], event["index"]))
                log.info("%s %s", event.name, decode_revert(event["reason"], self._gateway.interfaces))
        taken = [(path, item) for path, item in batch if _seat(item) not in skipped]
        for path, _ in taken:
            path.unlink(missing_ok=True)
        commits = sum(isinstance(item, SignedCommit) for _, item in taken)
        return Posted(commits, len(taken) - commits, len(skipped), receipt.gas_used)

    async def _would_be_taken(self, item: SignedCommit | RevealReport) -> bool:
        arguments = relay_arguments([item])
        try:
            return await self._gateway.call("ReportRelay", "relay", *arguments, sender=self._account.address) == 1
        except ContractRefused as refusal:
            log.warning("a report that the relay cannot read: %s", refusal)
            return False


def relay_arguments(items: Sequence[SignedCommit | RevealReport]) -> tuple[list[tuple], list[bytes], list[tuple]]:
    """Return the arguments of ``ReportRelay.relay``, commits in the order in which it takes them."""
    commits = [item for item in items if isinstance(item, SignedCommit)]
    commits.sort(key=lambda item: (item.report.computation, item.report.index))
    reveals = [item.to_chain() for item in items if isinstance(item, RevealReport)]
    return [item.report.to_chain() for item in commits], [item.signature for item in commits], reveals


def _seat(item: SignedCommit | RevealReport) -> tuple[bool, int, int]:
    is_commit = isinstance(item, SignedCommit)
    report = item.report if is_commit else item
    return is_commit, report.computation, report.index
