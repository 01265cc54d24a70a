"""Conversations of a daemon with the other ends of its channels: asked for by its keeper, or by the other end.

An invitation, signed with the processor's ML-DSA-65 key, lies in the store until it is over; daemons look for those to
their open channels. It is answered once: its number is journalled before anything is measured, so that a daemon that
was killed drops the conversation, its pairs are never used again, and what was recorded of it is worth nothing.

A key is kept in one piece: a file that is written at once, with the report. The end that asked keeps it last, once the
other has told that it did, so what it reports as kept both have. Should it die in between, the other has a key that
nobody shares: one that its first use shows to be worthless, and that tells nothing of any other.
"""

import asyncio
import json
import logging
import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from qcrs.chain.gateway import Gateway
from qcrs.crypto.identity import IdentityInvalid
from qcrs.crypto.keys import SIGNATURE_BYTES, Keys, is_signed
from qcrs.daemon.conversation import AGREED, KEPT, MOST_SECONDS, Side, exchange_key, report_chsh, require_told
from qcrs.daemon.journal import Journal
from qcrs.daemon.key_folder import KeyFolder
from qcrs.daemon.links import Links
from qcrs.daemon.underway import Underway
from qcrs.errors import QcrsError
from qcrs.identities import Identities, ProcessorUnkeyed
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, Entanglement
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.rules.invitation import Invitation, InvitationRefused, Talk
from qcrs.rules.key_exchange import End
from qcrs.vault import Vault

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
INVITED_SECONDS = 25  # within which the other end has to find an invitation; it is waited for a little longer
MOST_AHEAD_SECONDS = 2 * INVITED_SECONDS  # ends do not have quite the same time
PURPOSE = b"QCRS channel invitation"
TALK = "channel-talk"
LOOKING = (0, 0)  # the task that is no conversation


class TalkDropped(QcrsError):
    """A conversation ended before its end; nothing of it is kept."""


class ChannelBusy(QcrsError):
    """There is a conversation over the channel already."""


class ChannelNotOpen(QcrsError):
    """A channel is not the daemon's, or not to be used now."""


@dataclass
class Talks:
    """The means with which one daemon talks over channels.

    Attributes:
        keys: Of the processor; None when it has none, and then nobody is answered. folder: Of keys that were made.
        going: The conversations that go on, by channel.
    """

    gateway: Gateway
    links: Links
    journal: Journal
    vault: Vault
    identities: Identities
    keys: Keys | None
    noise: LocalNoise
    folder: KeyFolder
    going: dict[int, Invitation] = field(default_factory=dict)
    _ended: dict[int, dict[str, Any]] = field(default_factory=dict)
    _judged: dict[bytes, float] = field(default_factory=dict)
    _underway: Underway[tuple[int, int]] = field(default_factory=lambda: Underway((LOOK_SECONDS, LOOK_SECONDS)))

    def ask(self, talk: Talk, number: int, terms: dict[str, Any], known: Entanglement, processor: int) -> dict | None:
        """Return the report of the conversation that the keeper wants, which begins now; None while it lasts.

        Raises:
            TalkDropped: It was begun before the daemon was started. ChannelBusy, ChannelNotOpen, ProcessorUnkeyed: It
            cannot begin. InvitationRefused: Its terms are beyond what there is.
        """
        channel = int(terms["channel"])
        over = _own(known, channel, processor)
        if number in self._ended:
            return self._ended.pop(number)
        running = self.going.get(channel)
        if running is not None and running.number == number:
            return None
        if self.journal.kept(TALK, channel, number) is not None:
            report = self.folder.report(channel, number)
            if report is None:
                raise TalkDropped(f"channel {channel}, conversation {number}: the daemon was stopped; nothing is kept")
            return report
        if running is not None:
            raise ChannelBusy(f"channel {channel}: conversation {running.number} goes on; expected one at a time")
        if not self._is_open(over, processor):
            raise ChannelNotOpen(f"channel {channel} is {over.status.name}, until {over.phase_ends_at}; expected Open")
        invitation = Invitation.read(Invitation.model_construct(
            talk=talk, channel=channel, attempt=over.attempt, asker=processor, peer=_other(over, processor),
            number=number, nonce=secrets.token_hex(32), pairs=int(terms["pairs"]), bits=int(terms.get("bits", 0)),
            until=int(self.gateway.now) + INVITED_SECONDS,
        ).content)  # fmt: skip
        self._begin(invitation, End.Alice, over)
        return None

    def look(self, known: Entanglement, processor: int, willing: bool) -> None:
        """Look for invitations when it is time, if *willing*, and see to conversations that are over.

        Raises:
            Exception: A defect in one of them.
        """
        self._underway.reap()
        if self.keys is not None and willing:
            self._underway.begin(LOOKING, partial(self._look, known, processor))

    async def close(self) -> None:
        """Drop all conversations."""
        await self._underway.close()
        self.going.clear()

    async def _look(self, known: Entanglement, processor: int) -> None:
        now = int(self.gateway.now)
        self._judged = {content: until for content, until in self._judged.items() if until >= now}
        for channel in [one for one in known.channels.values() if self._is_open(one, processor)]:
            try:
                await self._answer(channel, processor, now)
            except QcrsError as error:
                log.warning("channel=%s invitations: %s", channel.channel, error)

    async def _answer(self, channel: Channel, processor: int, now: int) -> None:
        """Begin the first conversation over *channel* that its other end has invited to, if it is to be begun."""
        span = (now, now + MOST_AHEAD_SECONDS)
        for content in await asyncio.to_thread(lambda: list(self.vault.invitations(channel.channel, *span))):
            if content in self._judged:
                continue
            try:
                invitation = await self._accepted(content, channel, processor)
            except (InvitationRefused, IdentityInvalid, ProcessorUnkeyed) as error:
                log.warning("channel=%s invitation refused: %s", channel.channel, error)
                invitation = None
            self._judged[content] = span[1]
            if invitation is not None and self._makes_way(invitation):
                return self._begin(invitation, End.Bob, channel)

    def _makes_way(self, invitation: Invitation) -> bool:
        """End what is going on over the channel of *invitation*, if the other end has given it up, and say whether.

        Whoever invites is in no conversation. Where both have invited at once, the lower processor's counts.
        """
        before = self.going.get(invitation.channel)
        if before is None:
            return True
        own = before.asker == invitation.peer
        if own and before.asker < invitation.asker:
            return False
        self._underway.cancel((before.channel, before.number))
        self._over(before, self._dropped(TalkDropped("the other end has asked for another"), before), own)
        return True

    async def _accepted(self, content: bytes, channel: Channel, processor: int) -> Invitation | None:
        """Return the invitation in *content*; None when it is the own.

        Raises:
            InvitationRefused: It is not the other end's, over *channel* as it is, now, for the first time.
        """
        invitation = Invitation.read(content[:-SIGNATURE_BYTES])
        if invitation.asker == processor:
            return None
        found = (invitation.channel, invitation.attempt, invitation.asker, invitation.peer)
        expected = (channel.channel, channel.attempt, _other(channel, processor), processor)
        if found != expected:
            raise InvitationRefused(f"channel, test, asker and peer {found}, expected {expected}")
        identity = await self.identities.of(invitation.asker)
        signed = await asyncio.to_thread(
            is_signed, identity.document.signing_key, content[-SIGNATURE_BYTES:], self._digest(invitation), PURPOSE
        )
        if not signed:
            raise InvitationRefused(f"not signed by processor {invitation.asker}")
        if not 0 <= invitation.until - self.gateway.now <= MOST_AHEAD_SECONDS:
            raise InvitationRefused(f"good until {invitation.until}; it is {int(self.gateway.now)}")
        if self.journal.kept(TALK, channel.channel, invitation.number) is not None:
            raise InvitationRefused(f"number {invitation.number} was answered before")
        return invitation

    def _begin(self, invitation: Invitation, end: End, channel: Channel) -> None:
        """Begin a conversation; from here on its number is spent."""
        if self.keys is None:
            raise ProcessorUnkeyed("this processor has no keys to sign with; 'qcrs processor rekey' makes them")
        self.journal.keep(TALK, channel.channel, invitation.number, self._digest(invitation))
        self.going[channel.channel] = invitation
        self._underway.begin((channel.channel, invitation.number), partial(self._converse, invitation, end, channel))

    async def _converse(self, invitation: Invitation, end: End, channel: Channel) -> None:
        facts = {"talk": invitation.talk.value, "channel": invitation.channel, "number": invitation.number}
        try:
            async with asyncio.timeout(MOST_SECONDS):
                report = facts | await self._carried_out(invitation, end, channel, facts)
        except TimeoutError:
            report = self._dropped(TalkDropped(f"not over after {MOST_SECONDS:g} s"), invitation)
        except (QcrsError, OSError) as error:  # a full disk is no reason to stop serving
            report = self._dropped(error, invitation)
        self._over(invitation, report, end is End.Alice)

    def _over(self, invitation: Invitation, report: dict[str, Any], own: bool) -> None:
        del self.going[invitation.channel]
        if own:
            self._ended[invitation.number] = report
        bad = report.get("error") or report.get("alarm")
        log.log(logging.WARNING if bad else logging.INFO, "talk=%s %s", invitation.talk, json.dumps(report))

    async def _carried_out(
        self, invitation: Invitation, end: End, channel: Channel, facts: dict[str, Any]
    ) -> dict[str, Any]:
        assert self.keys is not None
        client = await self.links.of(channel.link)
        identity = await self.identities.of(invitation.peer if end is End.Alice else invitation.asker)
        digest, key = self._digest(invitation), self.keys.signing
        side = Side(
            client, invitation, digest, end, key, identity.document.signing_key, self.noise.readout_ppm
        )  # fmt: skip
        if end is End.Alice:
            signed = invitation.content + key.sign(digest, PURPOSE)
            await asyncio.to_thread(self.vault.post_invitation, invitation.channel, invitation.until, signed)
        if invitation.talk is Talk.Chsh:
            return await report_chsh(side)
        report, secret = await exchange_key(side, channel.terms.error_ppm)
        if secret is None:
            self.folder.keep(invitation.channel, invitation.number, facts | report, None)
            return report
        if end is End.Bob:
            await require_told(side, AGREED)
        else:
            await side.tell(AGREED)
            await require_told(side, KEPT)
        path = self.folder.keep(invitation.channel, invitation.number, facts | report, secret)
        if end is End.Bob:
            await side.tell(KEPT)
        return report | {"file": str(path)}

    def _dropped(self, error: Exception, invitation: Invitation) -> dict[str, Any]:
        kept = self.folder.report(invitation.channel, invitation.number)
        what = "nothing is kept" if kept is None else "a key is kept here that the other end may not have"
        subject = f"channel {invitation.channel}, conversation {invitation.number}"
        return {"error": type(error).__name__, "message": f"{subject} dropped, {what}: {error}"}

    def _digest(self, invitation: Invitation) -> bytes:
        return invitation.digest(self.gateway.network.chain_id, self.gateway.addresses["Channels"])

    def _is_open(self, channel: Channel, processor: int) -> bool:
        open_ = channel.status is ChannelStatus.Open and self.gateway.now <= channel.phase_ends_at
        return open_ and processor in channel.ends


def _own(known: Entanglement, channel: int, processor: int) -> Channel:
    found = known.channels.get(channel)
    if found is None or processor not in found.ends:
        raise ChannelNotOpen(f"processor {processor} is no end of a channel {channel}")
    return found


def _other(channel: Channel, processor: int) -> int:
    return channel.ends[1 - channel.ends.index(processor)]
