"""Carrying out what the processor's keeper wants of its daemon: see ``qcrs.wishes``."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from qcrs.chain.codec import ContractRefused
from qcrs.daemon.end import End
from qcrs.daemon.execution import TRANSIENT
from qcrs.daemon.talks import Talks
from qcrs.errors import QcrsError
from qcrs.link.errors import LinkError
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import ChannelTerms, Entanglement
from qcrs.rules.invitation import Talk
from qcrs.wishes import Wish, Wishes

log = logging.getLogger(__name__)

CHANNEL, RETEST = "channel", "retest"
PUT_OFF_SECONDS = 2.0
TALKS = {talk.value: talk for talk in Talk}


class ErrandRefused(QcrsError):
    """A wish cannot be granted."""


@dataclass
class Errands:
    """The means with which a daemon does errands.

    Attributes:
        wishes: Where they are left. end: What the daemon does as an end of channels. talks: What it says over them.
        clock: Seconds, which never go back.
    """

    wishes: Wishes
    end: End
    talks: Talks
    clock: Callable[[], float] = time.monotonic
    _put_off: dict[int, float] = field(default_factory=dict)

    async def run(self, known: Entanglement, processor: int) -> bool:
        """Do the next that there is to do for each open wish, and say whether the chain was told anything.

        What was told is not known yet to *known*: it has to be, before this is called again.
        """
        told = False
        for wish in list(self.wishes.open()):
            if self.clock() < self._put_off.get(wish.number, float("-inf")):
                continue
            try:
                answer = await self._grant(wish, known, processor)
            except (LinkError, *TRANSIENT) as error:
                log.warning("wish=%s put off: %s", wish.number, error)
                self._put_off[wish.number] = self.clock() + PUT_OFF_SECONDS
                told = True  # perhaps: what was sent may have been mined all the same
                continue
            except QcrsError as error:
                name = error.name if isinstance(error, ContractRefused) else type(error).__name__
                answer = {"error": name, "message": str(error)}
                log.warning("wish=%s %s", wish.number, error)
            told = told or (answer is None and wish.kind not in TALKS)
            if answer is not None:
                self.wishes.answer(wish.number, answer)
                self._put_off.pop(wish.number, None)
        return told

    async def _grant(self, wish: Wish, known: Entanglement, processor: int) -> dict[str, Any] | None:
        """Return what has become of *wish*; None when that is still to be seen."""
        try:
            if wish.kind == CHANNEL:
                return await self._channel(wish, known, processor)
            if wish.kind == RETEST:
                return await self._retest(wish, known, processor)
            if wish.kind in TALKS:
                return self.talks.ask(TALKS[wish.kind], wish.number, wish.terms, known, processor)
        except (KeyError, TypeError, ValueError) as error:
            raise ErrandRefused(f"a wish for {wish.kind} with terms {wish.terms}: {error!r}") from error
        raise ErrandRefused(f"a wish for {wish.kind!r}, expected one of {', '.join((CHANNEL, RETEST, *TALKS))}")

    async def _channel(self, wish: Wish, known: Entanglement, processor: int) -> dict[str, Any] | None:
        commitment = self.end.commitment_of_wish(wish.number)
        for channel in known.channels.values():
            # Asked for already: perhaps by this daemon before it was killed.
            if channel.ends[0] == processor and channel.first_commitment == commitment:
                return {"channel": channel.channel}
        link, peer = int(wish.terms["link"]), int(wish.terms["peer"])
        await self.end.request(link, processor, peer, ChannelTerms.from_chain(wish.terms["terms"]), commitment)
        return None  # its event tells the number

    async def _retest(self, wish: Wish, known: Entanglement, processor: int) -> dict[str, Any] | None:
        channel = known.channels.get(int(wish.terms["channel"]))
        if channel is None or processor not in channel.ends:
            raise ErrandRefused(f"processor {processor} is no end of a channel {wish.terms['channel']}")
        before = self.end.journal.keep(RETEST, wish.number, 0, channel.attempt.to_bytes(4, "big"))
        if channel.attempt > int.from_bytes(before, "big"):
            return {"channel": channel.channel, "attempt": channel.attempt}
        if channel.status is not ChannelStatus.Open:
            raise ErrandRefused(f"channel {channel.channel} is {channel.status.name}; only an Open one is tested again")
        await self.end.retest(channel, processor)
        return None
