"""What one member of a session does: join, run its fragment over the link, pass barriers, bind itself, report.

Whoever arrives at the arming barrier has given its fragment to the link, so from then on nobody who goes away keeps the
others from their outcomes. Shots are split over the phases before the last: at the barrier of each, a member arrives
with the digest of what it measured in its share. Only when all are bound does it show that to the others, through the
store, so that nobody can fit its own outcomes to theirs. In the last phase each adds up the histogram of all and
arrives with a commitment to it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.chain.gateway import Gateway
from qcrs.crypto.envelope import EnvelopeRefused
from qcrs.crypto.keys import Keys
from qcrs.crypto.parcel import open_parcel
from qcrs.daemon.journal import Journal
from qcrs.daemon.links import Links
from qcrs.errors import QcrsError
from qcrs.link.client import rows_of
from qcrs.link.errors import WaitTimedOut
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, Entanglement, Group, Session
from qcrs.model.session import SessionStatus
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.quantum.fragment import Fragment, FragmentInvalid
from qcrs.rules import outcomes, session_digest
from qcrs.rules.count_sketch import sketch_of
from qcrs.rules.digest import keccak
from qcrs.rules.histogram import counts_root
from qcrs.rules.session_plan import context_of, shots_of
from qcrs.store import ContentMismatch, ContentUnavailable, Store, decode_histogram, encode_histogram

if TYPE_CHECKING:
    from qcrs.daemon.entangler import Sender

log = logging.getLogger(__name__)

ROWS, RESULT = "session-rows", "session-result"
ASK_SECONDS = 0.01  # how long the link is asked to wait for others when there is something else to do


class RunRefused(QcrsError):
    """A daemon does not join a session, for a reason that its log tells; the session will not form."""


@dataclass
class Member:
    """The means with which a daemon is a member of sessions.

    Attributes:
        root: Secret that salts follow from. keys: What fragments are opened with; None on a processor without.
        noise: Of the processor's own device.
    """

    gateway: Gateway
    sender: "Sender"
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
        await self._fragment(session, group, index)
        await self.links.of(self._link(session, channels))
        await self.sender.send("EntanglementCoordinator", "join", session.session, index)

    async def arrive(self, session: Session, index: int, phase: int, digest: bytes) -> None:
        """Arrive at the barrier of *phase* with *digest*."""
        await self.sender.send("EntanglementCoordinator", "arrive", session.session, index, phase, digest)

    async def arm(self, session: Session, group: Group, channels: Mapping[int, Channel], index: int) -> None:
        """Give the fragment to the link, and arrive: from then on nobody's part is needed for the others to get theirs.

        Raises:
            RunRefused: The fragment cannot be had. LinkError: The link refuses it.
        """
        with suppress(WaitTimedOut):  # others have yet to come
            await self._own(session, group, channels, index, ASK_SECONDS)
        await self.arrive(session, index, 0, bytes(32))

    async def run(self, session: Session, group: Group, channels: Mapping[int, Channel], index: int) -> None:
        """Arrive with the digest of what was measured in this phase's shots."""
        content = self.journal.kept(ROWS, session.session, 0)
        if content is None:
            rows = await self._own(session, group, channels, index)
            content = self.journal.keep(ROWS, session.session, 0, outcomes.encode(rows, group.request.shots))
        await self.arrive(session, index, session.phase, keccak(_part(content, group, session.phase)))

    async def bind(self, session: Session, group: Group, channels: Mapping[int, Channel], index: int) -> None:
        """Add up what all members measured, and arrive with a commitment to the result."""
        counts = await self._result(session, group, self._link(session, channels))
        commitment = session_digest.of_result(
            self.gateway.network.chain_id, self.gateway.addresses["EntanglementCoordinator"], session.session,
            session.members[index], counts_root(counts), self._salt(session),
        )  # fmt: skip
        await self.arrive(session, index, group.request.phases, commitment)

    async def report(self, session: Session, group: Group, channels: Mapping[int, Channel], index: int) -> None:
        """Open the commitment, once the histogram is published."""
        if group.seed is None:
            raise AssertionError(f"session {session.session} is to be reported without a seed")
        counts = await self._result(session, group, self._link(session, channels))
        root = counts_root(counts)
        sketch = await asyncio.to_thread(sketch_of, counts, group.request.outcome_bits, group.seed)
        await asyncio.to_thread(self.store.put_histogram, root, counts)
        arguments = (session.session, index, root, self._salt(session), sketch)
        await self.sender.send("EntanglementCoordinator", "report", *arguments, keyed=False)

    async def conclude(self, group: Group, known: Entanglement) -> None:
        """Have the contract judge the runs of *group*, none of which can go on."""
        arguments = (group.group, *known.results(group))
        await self.sender.send("EntanglementCoordinator", "conclude", *arguments, keyed=False)

    async def _own(
        self, session: Session, group: Group, channels: Mapping[int, Channel], index: int, wait: float | None = None
    ) -> dict[int, bytes]:
        """Return what the link says that this member measured, once all members have given it their fragments.

        Raises:
            WaitTimedOut: Not all have, within *wait* seconds.
        """
        fragment = await self._fragment(session, group, index)
        client = await self.links.of(self._link(session, channels))
        own = await client.run(session.session, session.members, fragment, group.request.shots, self.noise, wait)
        return rows_of(own.bits, own.shots, own.width, fragment.outputs)

    async def _result(self, session: Session, group: Group, link: int) -> dict[int, int]:
        """Return the histogram of all shots: what was bound before, if anything."""
        kept = self.journal.kept(RESULT, session.session, 0)
        if kept is None:
            own = self.journal.kept(ROWS, session.session, 0)
            total: Counter[int] = Counter()
            for phase in range(1, group.request.phases):
                if own is not None:
                    await asyncio.to_thread(self.store.put, _part(own, group, phase))  # now it may be seen
                shots = shots_of(group.request.shots, group.request.phases, phase)
                rows = [await self._rows(session, link, phase, member, shots) for member in range(len(session.members))]
                found = asyncio.to_thread(outcomes.joint_counts, rows, len(shots), group.request.outcome_bits)
                total.update(await found)
            kept = self.journal.keep(RESULT, session.session, 0, encode_histogram(total))
        return decode_histogram(kept)

    async def _rows(self, session: Session, link: int, phase: int, member: int, shots: range) -> dict[int, bytes]:
        """Return what *member* measured in *shots*: the file that it is bound to, or else what the link saw.

        Whoever shows nothing, or something else than it was bound to, must not be able to make others look absent.
        """
        try:
            content = await asyncio.to_thread(self.store.get, session.digests[phase, member])
            return outcomes.decode(content, len(shots))
        except (ContentUnavailable, ContentMismatch, outcomes.OutcomesInvalid) as error:
            client = await self.links.of(link)
            seen = outcomes.part((await client.witness(session.session, session.members))[member].rows(), shots)
            if keccak(outcomes.encode(seen, len(shots))) != session.digests[phase, member]:
                log.error(
                    "session=%s processor=%s is bound to other outcomes than the link saw: %s",
                    session.session, session.members[member], error,
                )  # fmt: skip
            return seen

    async def _fragment(self, session: Session, group: Group, index: int) -> Fragment:
        if self.keys is None:
            raise RunRefused(f"session {session.session}: this processor has no key to open its fragment with")
        try:
            content = await asyncio.to_thread(self.store.get, session.fragment_digests[index])
            context = context_of(self.gateway.network.deployment, group.request.program_digest)
            text = await asyncio.to_thread(open_parcel, content, context, self.keys.opening)
            fragment = Fragment.from_json(text)
        except (ContentUnavailable, EnvelopeRefused, FragmentInvalid) as error:
            raise RunRefused(f"session {session.session}: its fragment cannot be had: {error}") from error
        if fragment.member != index or group.request.phases < 2:
            raise RunRefused(
                f"session {session.session}: a fragment for member {fragment.member} and {group.request.phases} "
                f"phases, expected one for member {index} and at least 2"
            )
        return fragment

    def _link(self, session: Session, channels: Mapping[int, Channel]) -> int:
        """Return the one link that all channels of *session* are over."""
        used = [channels[use.channel] for use in session.uses if use.channel in channels]
        links = sorted({channel.link for channel in used})
        shut = [channel.channel for channel in used if channel.status is not ChannelStatus.Open]
        if len(links) != 1 or (shut and session.status is SessionStatus.Forming):
            raise RunRefused(
                f"session {session.session}: channels over links {links}, not open {shut}; expected one link"
            )
        return links[0]

    def _salt(self, session: Session) -> bytes:
        return keccak(self.root() + b"result" + session.session.to_bytes(8, "big"))


def _part(content: bytes, group: Group, phase: int) -> bytes:
    """Return the file of *phase*'s shots out of that of all."""
    shots = shots_of(group.request.shots, group.request.phases, phase)
    return outcomes.encode(outcomes.part(outcomes.decode(content, group.request.shots), shots), len(shots))
