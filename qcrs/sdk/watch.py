"""The audit that never ends: new blocks are replayed as they come, and whatever does not follow raises an alarm.

A replay stays in memory and is fed whole blocks. After each batch the head of the hash chain is held to the contract's;
the records of what was touched are, from time to time; and each settled computation's histograms are fetched and held
to what was revealed of them, which no contract does.

What the chain says twice counts: when something does not follow, everything is read and replayed again before the
alarm, since a node may serve an incomplete log for a moment. When the block that was followed last is no longer there,
the chain was reorganised, and all begins anew. When it cannot be read, that is said, and tried again.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from qcrs.chain.gateway import Gateway, WrongChain
from qcrs.chain.network import NetworkFileInvalid
from qcrs.errors import QcrsError
from qcrs.model.finding import Finding, Level, Standing
from qcrs.rules.replay import Claim, Examination, Fault, LoggedEvent, Rule
from qcrs.sdk.inspection import Evidence, Inspection
from qcrs.sdk.reader import BlockGone, Reader
from qcrs.store import Store

POLL_SECONDS = 2.0
RETRY_SECONDS = (1.0, 30.0)
CLAIMS_SECONDS = 300.0

Tell = Callable[[Finding], None]


class Watch:
    """An audit of one chain that can be taken up again at any time.

    Args:
        gateway: Connected before ``look``. store: Where histograms are kept.
        tell: Told of every finding, alarms included. evidence: See ``Evidence``.
        claims_seconds: How often the contracts' records are compared; the head always is.
    """

    def __init__(
        self,
        gateway: Gateway,
        store: Store,
        tell: Tell,
        evidence: Evidence | None = None,
        claims_seconds: float = CLAIMS_SECONDS,
    ) -> None:
        self.gateway, self._tell, self._claims_seconds = gateway, tell, claims_seconds
        self._inspection = Inspection(store, tell, evidence)
        self._begin()

    def _begin(self) -> None:
        """Forget what was replayed."""
        self._examination: Examination | None = None
        self._block, self._hash = -1, ""
        self._fault: Fault | None = None
        self._touched: set[int] = set()
        self._claimed_at = float("-inf")
        self._inspection.restart()

    @property
    def standing(self) -> Standing:
        """How things stand."""
        suite = None if self._examination is None else self._examination.suite
        fault = () if self._fault is None else (str(self._fault),)
        return Standing(
            block=self._block,
            entries=suite.trail.size if suite else 0,
            computations=len(suite.computations) if suite else 0,
            histograms=self._inspection.done,
            missing=self._inspection.missing,
            alarms=(*fault, *self._inspection.alarms),
        )

    async def look(self) -> Standing:
        """Follow the chain up to its latest block, and return how things stand.

        Raises:
            ChainUnreachable, WrongChain, GenesisUnknown: The chain cannot be read; nothing is lost, look again.
        """
        latest = await self.gateway.block_number()
        try:
            if self._block >= 0 and latest >= self._block and await self._hash_of(self._block) != self._hash:
                await self._reorganised()
            if latest < self._block:
                # The node lags, went back, or is another: the next blocks tell the first two apart.
                await self.gateway.connect()
            elif latest > self._block or self._is_claims_time():
                await self._follow(latest)
            await self._inspection.inspect(self._block)
        except BlockGone:  # while it was read
            await self._reorganised()
        return self.standing

    async def _follow(self, latest: int) -> None:
        """Replay up to block *latest*; what does not follow must not follow a second time either."""
        before = self._fault
        if before is not None and not self._is_claims_time():
            return  # nothing follows from what is wrong; from time to time it is looked at again
        fault = before or await self._replayed(latest)
        if fault is None:
            return
        if before is None:
            self._say(Level.Warning, fault, latest, f"{fault}; reading everything again")
        self._begin()
        self._fault = await self._replayed(latest)
        self._claimed_at = time.monotonic()
        if self._fault is None:
            self._say(Level.Note, fault, latest, "on another reading everything follows: the node's log had a gap")
        elif str(self._fault) != str(before):
            self._say(Level.Alarm, self._fault, latest, str(self._fault))

    async def _replayed(self, latest: int) -> Fault | None:
        """Feed the replay up to block *latest* and return what does not follow.

        Raises:
            BlockGone: The chain was reorganised meanwhile.
        """
        reader = Reader(self.gateway, latest)
        hash_ = await self._hash_of(latest)
        logged = await reader.logs(None if self._block < 0 else self._block + 1) if latest > self._block else []
        events = await reader.timed(logged)
        if self._examination is None:
            entropy, _ = await reader.genesis(logged)
            self._examination = Examination([], await reader.constants(entropy))
        examination = self._examination
        examination.extend(events)
        fault = await asyncio.to_thread(_defect, examination)
        if fault is None:
            await self._compare(reader, events)
            fault = examination.fault
        if await self._hash_of(latest) != hash_:
            raise BlockGone(f"block {latest} was replaced while it was read")
        self._block, self._hash = latest, hash_
        if fault is None:
            for event in events:
                self._inspection.learn(event)
        return fault

    async def _compare(self, reader: Reader, events: Sequence[LoggedEvent]) -> None:
        """Hold the head of the hash chain, and when it is time the records, to what the chain says."""
        examination = self._examination
        self._touched |= {e["computation"] for e in events if "computation" in e.arguments}
        trail = examination.suite.trail
        head = Claim("AuditTrail", "head", (), Rule.HashChain, (trail.head, trail.size))
        examination.hold(head, await reader.view("AuditTrail", "head"))
        if examination.fault is None and self._is_claims_time():
            await reader.answer(
                examination, lambda claim: claim.computation is None or claim.computation in self._touched
            )
            self._claimed_at = time.monotonic()
            self._touched.clear()

    def _is_claims_time(self) -> bool:
        return time.monotonic() - self._claimed_at >= self._claims_seconds

    async def _reorganised(self) -> None:
        """Begin anew, if it is still the same chain."""
        self._tell(Finding(Level.Warning, "chain", "the chain was reorganised; replaying it anew", self._block))
        self._begin()
        await self.gateway.connect()

    async def _hash_of(self, number: int) -> str:
        return (await Reader(self.gateway, number).header(number))["hash"]

    def _say(self, level: Level, fault: Fault, block: int, text: str) -> None:
        self._tell(Finding(level, "replay", text, block, fault.computation, entry=fault.entry))


async def follow(
    open_watch: Callable[[Tell], Watch],
    tell: Tell,
    told: Callable[[Standing], None],
    stop: asyncio.Event,
    poll_seconds: float = POLL_SECONDS,
) -> None:
    """Watch until *stop* is set, whatever happens to the chain.

    Args:
        open_watch: Makes the watch, and makes another when the chain turns out to be a new one; it reads the network
            file, which then names that one.
        told: Told how things stand after each look.
    """
    watch, connected, pause, said = None, False, RETRY_SECONDS[0], None
    while not stop.is_set():
        wait = poll_seconds
        try:
            watch = watch or open_watch(tell)
            if not connected:
                await watch.gateway.connect()
                connected = True
            told(await watch.look())
            pause, said = RETRY_SECONDS[0], None
        except QcrsError as error:
            if type(error) is not said:  # its words may differ with every try
                tell(Finding(Level.Warning, "chain", f"cannot be followed, will try again: {error}"))
            said, connected = type(error), False
            wait, pause = pause, min(2 * pause, RETRY_SECONDS[1])
            if watch is not None and isinstance(error, WrongChain | NetworkFileInvalid):
                await watch.gateway.close()
                watch = None
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), wait)
    if watch is not None:
        await watch.gateway.close()


def _defect(examination: Examination) -> Fault | None:
    """Replay, and return what does not follow.

    A log that breaks the replay itself does not follow either: an auditor must not be silenced by one.
    """
    try:
        examination.run()
    except Exception as error:
        return Fault(Rule.Sequence, "the log", "events that can be replayed", f"{type(error).__name__}: {error}")
    return examination.fault
