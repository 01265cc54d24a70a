"""Serving whoever has reserved the processor: circuits from the consortium's store, counts back into it, signed.

Nothing of it is on the chain but the reservation, and nothing of it is verified: the daemon's key vouches for the
counts, and that is all. One circuit of a reservation runs at a time, so that leased computations, which share the
workers, are never crowded out.
"""

import asyncio
import logging
import os
from dataclasses import dataclass, field
from functools import partial

from qcrs.chain.gateway import Gateway
from qcrs.chain.interactive import MessageInvalid, Run, Seal, answer_name
from qcrs.chain.keys import LocalAccount
from qcrs.daemon.outlook import Outlook
from qcrs.daemon.underway import Underway
from qcrs.model.booking import Booking
from qcrs.model.refusal import RefusalCode
from qcrs.model.reservation import ReservationStatus
from qcrs.quantum.client import EngineClient
from qcrs.quantum.errors import EngineFailed
from qcrs.quantum.request import RunRequest
from qcrs.store import ContentUnavailable, Store

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
MOST_FILES = 10_000  # in one box: beyond, somebody fills it to be a nuisance


@dataclass
class Host:
    """The means with which one daemon serves reservations.

    Attributes:
        time_limit_seconds, memory_limit_bytes: Bounds of one run.
    """

    gateway: Gateway
    account: LocalAccount
    engine: EngineClient
    store: Store
    time_limit_seconds: float
    memory_limit_bytes: int
    _skipped: set[tuple[int, str]] = field(default_factory=set)

    async def run(self, stop: asyncio.Event, outlook: Outlook) -> None:
        """Serve active reservations, as *outlook* knows them, until *stop* is set.

        Raises:
            Exception: A defect; faults of store, engine and requesters are said in the log and passed over.
        """
        async with Underway[int]() as underway:
            while not stop.is_set():
                underway.reap()
                for booking in list(outlook.bookings.by_id.values()):
                    if booking.status is ReservationStatus.Active and self.gateway.now < booking.ends_at:
                        underway.begin(booking.reservation, partial(self._serve, booking, outlook.processor))
                await asyncio.sleep(POLL_SECONDS)

    async def _serve(self, booking: Booking, processor: int) -> None:
        """Answer what has no answer yet."""
        box = f"reservation-{booking.reservation}-{processor}"
        try:
            names = (await asyncio.to_thread(self.store.names, box))[:MOST_FILES]
            answered = set(names)
            for name in names:
                known = (booking.reservation, name) in self._skipped or name.endswith(".answer")
                if known or answer_name(name) in answered or self.gateway.now >= booking.ends_at:
                    continue
                await self._answer(booking, processor, box, name)
        except (ContentUnavailable, EngineFailed) as error:
            log.error("reservation=%s not served: %s", booking.reservation, error)

    async def _answer(self, booking: Booking, processor: int, box: str, name: str) -> None:
        seal = Seal.of(self.gateway.network.chain_id, self.gateway.addresses)
        content = await asyncio.to_thread(self.store.fetch, box, name)
        try:
            run = await asyncio.to_thread(seal.open_run, content, booking.requester)
            if (run.reservation, run.processor, seal.name_of(run)) != (booking.reservation, processor, name):
                raise MessageInvalid("a run of another reservation, of another processor or under another name")
        except MessageInvalid as error:
            log.warning("reservation=%s file=%s passed over: %s", booking.reservation, name, error)
            self._skipped.add((booking.reservation, name))
            return
        counts, refusal = await self._counts(booking, run)
        answer = await asyncio.to_thread(seal.sign_answer, self.account, run, counts, int(refusal))
        await asyncio.to_thread(self.store.post, box, answer_name(name), answer)
        log.info("reservation=%s run=%s answered %s", booking.reservation, name[:8], refusal.name)

    async def _counts(self, booking: Booking, run: Run) -> tuple[dict[int, int] | None, RefusalCode]:
        if run.qubits > booking.qubits:
            return None, RefusalCode.TooManyQubits
        left = max(1.0, booking.ends_at - self.gateway.now)
        result = await self.engine.run(
            RunRequest(
                text=run.text,
                shots=run.shots,
                seed=int.from_bytes(os.urandom(8), "big") >> 1,
                qubits=run.qubits,
                outcome_bits=run.outcome_bits,
                time_limit_seconds=min(self.time_limit_seconds, left),
                memory_limit_bytes=self.memory_limit_bytes,
            )
        )
        return result.counts, result.refusal
