"""A relayer: posts what daemons left in a spool, many reports in one transaction, at its own cost.

It can leave reports out or be late, and no more: see ``contracts/interfaces/IReportRelay.sol``. Daemons send themselves
what it has not posted when half of the time is over.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from qcrs.chain.codec import ContractRefused, decode_revert
from qcrs.chain.gateway import ChainUnreachable, Gateway, TransactionLost, TransactionRefused
from qcrs.chain.keys import LocalAccount
from qcrs.chain.report import RevealReport, SignedCommit
from qcrs.chain.spool import Item, Spool
from qcrs.errors import QcrsError

log = logging.getLogger(__name__)

MOST_ITEMS = 32  # in one transaction, whose gas ceiling is made for them
KEEP_SECONDS = 3600.0  # a report that no chain took by then belongs to a computation that went on without it
POLL_SECONDS = 0.25
# Between tries: of a report that would be refused, and of a chain that does not answer.
RETRY_SECONDS = (0.5, 15.0)
Waiting = tuple[Path, Item]


class NoCoinForGas(QcrsError):
    """The relayer's account cannot pay for a batch."""


@dataclass(frozen=True)
class Posted:
    """What one batch, or several, came to.

    Attributes:
        commits, reveals: How many were taken. skipped: How many were not, another having been faster.
        gas: Of the transaction; 0 when there was nothing to post. transaction: The last one's hash.
        transactions: How many there were.
    """

    commits: int = 0
    reveals: int = 0
    skipped: int = 0
    gas: int = 0
    transaction: str = field(default="", compare=False)
    transactions: int = field(default=0, compare=False)

    def __add__(self, other: Self) -> "Posted":
        sums = {name: value + getattr(other, name) for name, value in asdict(self).items() if name != "transaction"}
        return Posted(**sums, transaction=other.transaction or self.transaction)


class Relay:
    """Empties a spool onto one chain.

    Args:
        gateway: Connected. account: Who pays for the gas. most: Reports in one transaction.
    """

    def __init__(self, gateway: Gateway, account: LocalAccount, spool: Spool, most: int = MOST_ITEMS) -> None:
        self._gateway, self._account, self._spool = gateway, account, spool
        self.most = most
        # When to look again at a report that would be refused, and how long to wait after that.
        self._refused: dict[Path, tuple[Item, float, float]] = {}

    async def post(self) -> Posted:
        """Post what waits and would be taken now, up to ``most``; the rest goes on waiting.

        Raises:
            ChainUnreachable, TransactionRefused, TransactionLost: The files stay; posting them again does no harm.
            NoCoinForGas: The files stay.
        """
        return await self.send(await self.collect())

    async def collect(self) -> list[Waiting]:
        """Return what waits and would be taken now, up to ``most``."""
        waiting = await asyncio.to_thread(lambda: list(self._spool.read(KEEP_SECONDS)))
        there = dict(waiting)  # a report that was replaced is another one, and looked at right away
        self._refused = {path: late for path, late in self._refused.items() if there.get(path) == late[0]}
        batch: list[Waiting] = []
        for path, item in waiting:
            if len(batch) == self.most:
                break
            if path in self._refused and self._refused[path][1] > time.monotonic():
                continue
            if any(_seat(item) == _seat(other) for _, other in batch):
                continue
            # Looked at one by one: what would be refused is not paid for, whoever put it there.
            if await self._would_be_taken(item):
                batch.append((path, item))
            else:
                self._put_off(path, item)
        return batch

    async def send(self, batch: Sequence[Waiting]) -> Posted:
        """Post *batch* in one transaction, and remove from the spool what was taken."""
        if not batch:
            return Posted()
        try:
            receipt = await self._gateway.send(
                self._account, "ReportRelay", "relay", *relay_arguments([item for _, item in batch])
            )
        except TransactionRefused as error:
            if "insufficient funds" in str(error).lower():
                raise NoCoinForGas(f"{self._account.address} cannot pay for a batch: {error}") from error
            raise
        skipped = set()
        for event in receipt.events:
            if event.name in ("CommitSkipped", "RevealSkipped"):
                skipped.add((event.name == "CommitSkipped", event["computation"], event["index"]))
                log.info("%s %s", event.name, decode_revert(event["reason"], self._gateway.interfaces))
        taken = [(path, item) for path, item in batch if _seat(item) not in skipped]
        for path, _ in taken:
            path.unlink(missing_ok=True)
        commits = sum(isinstance(item, SignedCommit) for _, item in taken)
        return Posted(commits, len(taken) - commits, len(skipped), receipt.gas_used, receipt.transaction, 1)

    async def require_coin(self) -> None:
        """Check that there is anything to pay with.

        Raises:
            NoCoinForGas: There is nothing.
        """
        if await self._gateway.balance(self._account.address) == 0:
            raise NoCoinForGas(
                f"{self._account.address} has no coin for gas; send it some, or act with another account"
            )

    async def reconnect(self) -> None:
        """Make sure of the chain, and learn its fees.

        Raises:
            ChainUnreachable, WrongChain: It does not answer, or is another.
        """
        await self._gateway.connect()

    async def learn_fees(self) -> None:
        """Learn the latest block's base fee; without a subscription nobody tells."""
        await self._gateway.look()

    def _put_off(self, path: Path, item: Item) -> None:
        _, _, wait = self._refused.get(path, (item, 0.0, RETRY_SECONDS[0]))
        self._refused[path] = (item, time.monotonic() + wait, min(2 * wait, RETRY_SECONDS[1]))

    async def _would_be_taken(self, item: Item) -> bool:
        arguments = relay_arguments([item])
        try:
            return await self._gateway.call("ReportRelay", "relay", *arguments, sender=self._account.address) == 1
        except ContractRefused as refusal:
            log.warning("a report that the relay cannot read: %s", refusal)
            return False


async def empty(relay: Relay) -> Posted:
    """Post all that waits now, batch after batch, and return what came of it."""
    total = Posted()
    while (posted := await relay.post()).commits + posted.reveals:
        total += posted
    return total + posted


async def serve(
    relay: Relay, gather_seconds: float, stop: asyncio.Event, tell: Callable[[Posted | QcrsError], None]
) -> None:
    """Post whatever comes into the spool until *stop* is set.

    Args:
        gather_seconds: How long to wait, once there is something, for more to go with it.
        tell: Is given what each batch came to, and each fault that is waited out.

    Raises:
        WrongChain: The chain was replaced by another meanwhile.
    """
    pause = RETRY_SECONDS[0]
    faulty = False
    while not stop.is_set():
        try:
            if faulty:
                await relay.reconnect()
                faulty = False
            posted = await _next(relay, gather_seconds, stop)
        except (ChainUnreachable, TransactionLost, TransactionRefused, NoCoinForGas) as error:
            tell(error)
            faulty = True
            await _sleep(stop, pause)
            pause = min(2 * pause, RETRY_SECONDS[1])
            continue
        if posted.transactions:
            pause = RETRY_SECONDS[0]
            tell(posted)
        else:
            await _sleep(stop, POLL_SECONDS)


async def _next(relay: Relay, gather_seconds: float, stop: asyncio.Event) -> Posted:
    batch = await relay.collect()
    if batch and len(batch) < relay.most and gather_seconds > 0:
        await _sleep(stop, gather_seconds)
        batch = await relay.collect()
    if not batch or stop.is_set():
        return Posted()
    await relay.learn_fees()
    return await relay.send(batch)


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def relay_arguments(items: Sequence[Item]) -> tuple[list[tuple[Any, ...]], list[bytes], list[tuple[Any, ...]]]:
    """Return the arguments of ``ReportRelay.relay``, commits in the order in which it takes them."""
    commits = [item for item in items if isinstance(item, SignedCommit)]
    commits.sort(key=lambda item: (item.report.computation, item.report.index))
    reveals = [item.to_chain() for item in items if isinstance(item, RevealReport)]
    return [item.report.to_chain() for item in commits], [item.signature for item in commits], reveals


def _seat(item: Item) -> tuple[bool, int, int]:
    is_commit = isinstance(item, SignedCommit)
    report = item.report if is_commit else item
    return is_commit, report.computation, report.index
