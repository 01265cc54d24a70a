"""What one member of a session does: join, run its part, pass barriers, bind itself to the result, report.

Whoever arrives at the arming barrier has given its fragment to the link, so from then on nobody who goes away keeps the
others from their outcomes. What a run yields in each phase, and what histogram the members' files make, is for ``runs``
to know; here are barriers, commitments and what stands behind them. In the last phase each member arrives with a
commitment to the histogram.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qcrs.chain.gateway import Gateway
from qcrs.crypto.envelope import EnvelopeRefused
from qcrs.crypto.keys import Keys
from qcrs.crypto.parcel import open_parcel
from qcrs.daemon.journal import Journal
from qcrs.daemon.links import Links
from qcrs.daemon.runs import Run, RunRefused, run_of
from qcrs.daemon.seat import Seat
from qcrs.daemon.sender import Sender
from qcrs.link.client import LinkClient
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, Group, Session
from qcrs.model.session import SessionStatus
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.quantum.fragment import FragmentInvalid
from qcrs.quantum.session_part import part_of
from qcrs.rules import session_digest
from qcrs.rules.count_sketch import sketch_of
from qcrs.rules.digest import keccak
from qcrs.rules.histogram import counts_root
from qcrs.rules.session_plan import context_of
from qcrs.store import ContentUnavailable, Store, decode_histogram, encode_histogram

RESULT = "session-result"
NOTHING = bytes(32)  # the digest of who has nothing to show


@dataclass
class Member:
    """The means with which a daemon is a member of sessions.

    Attributes:
        root: Secret that salts follow from. keys: What parts are opened with; None on a processor without.
        noise: Of the processor's own device.
    """

    gateway: Gateway
    sender: Sender
    links: Links
    journal: Journal
    store: Store
    root: Callable[[], bytes]
    noise: LocalNoise
    keys: Keys | None = None

    async def join(self, session: Session, group: Group, channels: Mapping[int, Channel], index: int) -> None:
        """Join *session* as member *index*, once it is known that its part can be done.

        Raises:
            RunRefused: It cannot. LinkUnreachable: The link does not answer.
        """
        await self._run(session, group, channels, index)
        client = await self._client(session, channels)
        for use in session.uses:
            channel = channels[use.channel]
            # Of keys and reports the contract knows nothing; the link does, and would give no pairs.
            spent = channel.used + await client.usage(channel.channel, channel.attempt)
            if spent + use.pairs > channel.terms.capacity:
                raise RunRefused(
                    f"session {session.session}: {use.pairs} pairs of channel {use.channel}, of which {spent} of "
                    f"{channel.terms.capacity} are used"
                )
        await self.sender.send("EntanglementCoordinator", "join", session.session, index)

    async def arrive(self, session: Session, index: int, phase: int, digest: bytes) -> None:
        """Arrive at the barrier of *phase* with *digest*."""
        await self.sender.send("EntanglementCoordinator", "arrive", session.session, index, phase, digest)

    async def arm(self, session: Session, group: Group, channels: Mapping[int, Channel], index: int) -> None:
        """Give the fragment to the link, and arrive: from then on nobody's part is needed for the others to get theirs.

        Raises:
            RunRefused: The part cannot be had. LinkError: The link refuses its fragment.
        """
        await (await self._run(session, group, channels, index)).begin()
        await self.arrive(session, index, 0, NOTHING)

    async def run(self, session: Session, group: Group, channels: Mapping[int, Channel], index: int) -> None:
        """Arrive with the digest of what was measured in this phase."""
        run = await self._run(session, group, channels, index)
        content = await run.measured(session.phase, self._until(session, group))
        await self.arrive(session, index, session.phase, NOTHING if content is None else keccak(content))

    async def bind(self, session: Session, group: Group, channels: Mapping[int, Channel], index: int) -> None:
        """Make the histogram of what all members show, and arrive with a commitment to it."""
        counts = await self._result(session, group, channels, index)
        commitment = session_digest.of_result(
            self.gateway.network.chain_id, self.gateway.addresses["EntanglementCoordinator"], session.session,
            session.members[index], counts_root(counts), self._salt(session),
        )  # fmt: skip
        await self.arrive(session, index, group.request.phases, commitment)

    async def report(self, session: Session, group: Group, channels: Mapping[int, Channel], index: int) -> None:
        """Open the commitment, once the histogram is published."""
        if group.seed is None:
            raise AssertionError(f"session {session.session} is to be reported without a seed")
        counts = await self._result(session, group, channels, index)
        root = counts_root(counts)
        sketch = await asyncio.to_thread(sketch_of, counts, group.request.outcome_bits, group.seed)
        await asyncio.to_thread(self.store.put_histogram, root, counts)
        arguments = (session.session, index, root, self._salt(session), sketch)
        await self.sender.send("EntanglementCoordinator", "report", *arguments, keyed=False)

    async def _result(
        self, session: Session, group: Group, channels: Mapping[int, Channel], index: int
    ) -> dict[int, int]:
        """Return the histogram of all shots: what was bound before, if anything."""
        kept = self.journal.kept(RESULT, session.session, 0)
        if kept is None:
            run = await self._run(session, group, channels, index)
            counts = await run.counts(self._until(session, group))
            kept = self.journal.keep(RESULT, session.session, 0, encode_histogram(counts))
        return decode_histogram(kept)

    async def _run(self, session: Session, group: Group, channels: Mapping[int, Channel], index: int) -> Run:
        if self.keys is None:
            raise RunRefused(f"session {session.session}: this processor has no key to open its part with")
        try:
            content = await asyncio.to_thread(self.store.get, session.fragment_digests[index])
            context = context_of(self.gateway.network.deployment, group.request.program_digest)
            text = await asyncio.to_thread(open_parcel, content, context, self.keys.opening)
            part = await asyncio.to_thread(part_of, text)
        except (ContentUnavailable, EnvelopeRefused, FragmentInvalid) as error:
            raise RunRefused(f"session {session.session}: its part cannot be had: {error}") from error
        seat = Seat(
            session, group, index, self.journal, self.store, self.noise, self.root,
            lambda: self._client(session, channels),
        )  # fmt: skip
        return run_of(seat, part)

    async def _client(self, session: Session, channels: Mapping[int, Channel]) -> LinkClient:
        """Return the connection to the one link that all channels of *session* are over."""
        used = [channels[use.channel] for use in session.uses if use.channel in channels]
        links = sorted({channel.link for channel in used})
        shut = [channel.channel for channel in used if channel.status is not ChannelStatus.Open]
        if len(links) != 1 or (shut and session.status is SessionStatus.Forming):
            raise RunRefused(
                f"session {session.session}: channels over links {links}, not open {shut}; expected one link"
            )
        return await self.links.of(links[0])

    def _until(self, session: Session, group: Group) -> float:
        """Return until when others are waited for, by ``time.monotonic``: not in the last third of a phase.

        By then whoever has nothing to arrive with takes the run for spoilt: see ``spoilt``.
        """
        return time.monotonic() + session.phase_ends_at - group.request.phase_seconds / 3 - self.gateway.now

    def _salt(self, session: Session) -> bytes:
        return keccak(self.root() + b"result" + session.session.to_bytes(8, "big"))
