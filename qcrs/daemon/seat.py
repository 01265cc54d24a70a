"""A member's place in a session: its journal, the store, the session's link, and what it gets and shows there."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from qcrs.daemon.journal import Journal
from qcrs.daemon.spoilt import AMISS, PASSING, SPOILT, drawn_histogram
from qcrs.errors import QcrsError
from qcrs.link.answers import OwnBits, Witnessed
from qcrs.link.client import LinkClient
from qcrs.link.errors import WaitTimedOut
from qcrs.link.wire import MOST_WAIT_SECONDS
from qcrs.model.entanglement import Group, Session
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.quantum.fragment import Fragment
from qcrs.store import ContentUnavailable, Store

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
ASK_SECONDS = 0.01  # how long the link is asked to wait for others when there is something else to do


@dataclass(frozen=True)
class Seat:
    """A member's place in a session, and what it runs with.

    Attributes:
        noise: Of the processor's own device. root: Secret that salts follow from. link: Reaches the session's link.
    """

    session: Session
    group: Group
    index: int
    journal: Journal
    store: Store
    noise: LocalNoise
    root: Callable[[], bytes]
    link: Callable[[], Awaitable[LinkClient]]

    @property
    def phases(self) -> range:
        """The phases that something is measured in."""
        return range(1, self.group.request.phases)

    def kept(self, kind: str, number: int) -> bytes | None:
        """Return what the journal has."""
        return self.journal.kept(kind, self.session.session, number)

    def keep(self, kind: str, number: int, content: bytes) -> bytes:
        """Have the journal keep *content*, and return what counts."""
        return self.journal.keep(kind, self.session.session, number, content)

    async def run(self, fragment: Fragment, wait: float | None = None) -> OwnBits:
        """Return what the link says that *fragment* measured, once all members have given it theirs.

        Raises:
            WaitTimedOut: Not all have, within *wait* seconds.
        """
        number, members, shots = self.session.session, self.session.members, self.group.request.shots
        return await (await self.link()).run(number, members, fragment, shots, self.noise, wait)

    async def begin(self, fragment: Fragment) -> None:
        """Give *fragment* to the link."""
        try:
            await self.run(fragment, ASK_SECONDS)
        except WaitTimedOut:
            pass  # others have yet to come
        except AMISS as error:
            log.warning("session=%s another member spoils it: %s", self.session.session, error)

    async def outcomes(
        self, kind: str, fragment: Fragment, until: float, content: Callable[[OwnBits], bytes]
    ) -> bytes | None:
        """Return what the journal has under *kind*: the *content* of what *fragment* measured; None if it is spoilt.

        Args:
            until: For so long others' parts are waited for, by ``time.monotonic``.
        """
        kept = self.kept(kind, 0)
        if kept is not None or self.spoilt:
            return kept
        wait = min(max(until - time.monotonic(), ASK_SECONDS), MOST_WAIT_SECONDS)
        try:
            return self.keep(kind, 0, content(await self.run(fragment, wait)))
        except AMISS as error:
            self._bear(error, until)
            return None

    async def reported(self, counts: Callable[[], Awaitable[dict[int, int]]], until: float) -> dict[int, int]:
        """Return the histogram that *counts* gives; one of the own drawing if the run is spoilt.

        Args:
            until: As in ``outcomes``.
        """
        if not self.spoilt:
            try:
                return await counts()
            except AMISS as error:
                self._bear(error, until)
        return drawn_histogram(self.group.request.outcome_bits, self.group.request.shots)

    @property
    def spoilt(self) -> bool:
        """Whether it is known that there will be no outcomes."""
        return self.kept(SPOILT, 0) is not None

    def _bear(self, error: QcrsError, until: float) -> None:
        """Take the run for spoilt, unless *error* may pass before *until*: then it is raised."""
        if isinstance(error, PASSING) and time.monotonic() < until:
            raise error
        log.error("session=%s is spoilt, nobody will be paid: %s", self.session.session, error)
        self.keep(SPOILT, 0, b"")

    async def witness(self, member: int, error: Exception) -> Witnessed:
        """Return what the link saw *member* measure, since *error* keeps it from being known otherwise."""
        number, members = self.session.session, self.session.members
        log.warning("session=%s processor=%s: the link is asked: %s", number, members[member], error)
        return (await (await self.link()).witness(number, members, self.group.request.shots))[member]

    async def show(self, content: bytes) -> None:
        """Show others what this member has bound itself to; all have arrived, so it may be seen."""
        await asyncio.to_thread(self.store.put, content)

    async def shown(self, phase: int, member: int, until: float) -> bytes:
        """Return what *member* showed for *phase*, waiting for it to be there.

        Args:
            until: For so long, by ``time.monotonic``.

        Raises:
            ContentUnavailable: It has not come. ContentMismatch: What the store has is not that.
        """
        while True:
            try:
                return await asyncio.to_thread(self.store.get, self.session.digests[phase, member])
            except ContentUnavailable:
                if time.monotonic() >= until:
                    raise
            await asyncio.sleep(POLL_SECONDS)
