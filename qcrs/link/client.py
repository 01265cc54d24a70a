"""What a daemon asks of a link: pairs and their measurement, letters, barriers, programs, live sessions.

Every request can be sent twice and is carried out once, so nothing is lost with a connection; what the link itself
holds is lost when it is started again.
"""

import base64
from collections.abc import Sequence
from typing import Any, Self

from qcrs.chain.keys import LocalAccount
from qcrs.chain.link_login import LinkDomain
from qcrs.link.answers import MadePairs, OwnBits, Witnessed, words_of
from qcrs.link.line import PATIENCE_SECONDS, Line
from qcrs.link.live_member import LiveMember
from qcrs.link.wire import (
    MAX_LETTER_BYTES,
    Describe,
    Fetch,
    Measure,
    Meet,
    OpenLive,
    Post,
    Prepare,
    Purpose,
    RunProgram,
    Usage,
    Witness,
    understood,
)
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.quantum.fragment import Fragment


class LinkClient:
    """One processor's connection to a link, used as ``async with LinkClient(...) as link``.

    Args:
        account: The processor's daemon account, which signs.
        domain: Chain, contract and link, from the chain: what the link says of itself is not believed.

    All methods raise ``LinkUnreachable`` when nobody answers for ``PATIENCE_SECONDS``, ``LoginRefused`` or
    ``MemberNotAllowed`` when the link does not want the processor, and what the link refuses by name: see
    ``qcrs.link.errors``.
    """

    def __init__(
        self, url: str, account: LocalAccount, domain: LinkDomain, processor: int, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._line = Line(url, account, domain, processor, patience)

    @property
    def label(self) -> str:
        """What the link marks everything with; known once connected."""
        return self._line.label

    async def __aenter__(self) -> Self:
        await self.describe()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._line.close()

    async def describe(self) -> dict[str, Any]:
        """Return the link's descriptor, its digest, and what it has made so far."""
        return await self._line.ask(Describe())

    async def prepare(
        self,
        channel: int,
        attempt: int,
        peer: int,
        pairs: int,
        purpose: Purpose = Purpose.Test,
        wait: float | None = None,
    ) -> MadePairs:
        """Ask for pairs with *peer*, and return when it has asked too and they are there.

        For a test the link then tells the chain.

        Raises:
            WaitTimedOut: The peer did not ask. OutOfReach: The source is too slow for so many.
        """
        request = Prepare(purpose=purpose, channel=channel, attempt=attempt, peer=peer, pairs=pairs, wait=wait)
        return MadePairs.of(await self._line.ask(request), self.label)

    async def measure(
        self,
        channel: int,
        attempt: int,
        peer: int,
        positions: Sequence[int],
        bases: Sequence[int],
        purpose: Purpose = Purpose.Test,
        readout_ppm: int = 0,
    ) -> list[int]:
        """Measure the own halves at *positions* in *bases*, both words of 256 bits, and return outcomes as words.

        Bit i of word w is pair 256 w + i. Bases: 0 is Z, 1 is X; for ``Purpose.Chsh`` they are the end's two settings.

        Raises:
            PairsUnknown, PairUsed, PairTooOld: There is nothing to measure there.
        """
        request = Measure(
            purpose=purpose, channel=channel, attempt=attempt, peer=peer, positions=tuple(positions),
            bases=tuple(bases), readout_ppm=readout_ppm,
        )  # fmt: skip
        return words_of(await self._line.ask(request), len(positions))

    async def usage(self, channel: int, attempt: int) -> int:
        """Return how many pairs keys and reports have used of *channel* since its test number *attempt*."""
        answer = await self._line.ask(Usage(channel=channel, attempt=attempt))
        with understood("a number of pairs"):
            return int(answer["pairs"])

    async def post(self, peer: int, topic: str, data: bytes) -> None:
        """Leave *data* for *peer* under *topic*; the link passes it on as it is.

        Raises:
            AccountMismatch: There is something else under that topic.
        """
        await self._line.ask(Post(peer=peer, topic=topic, data=data))

    async def fetch(self, peer: int, topic: str, wait: float | None = None) -> bytes:
        """Return what *peer* left under *topic*, once it is there.

        Raises:
            WaitTimedOut: Nothing came.
        """
        answer = await self._line.ask(Fetch(peer=peer, topic=topic, wait=wait))
        with understood("a letter"):
            letter = base64.b64decode(answer["data"])
            if len(letter) > MAX_LETTER_BYTES:
                raise ValueError(f"{len(letter)} bytes, expected at most {MAX_LETTER_BYTES}")
            return letter

    async def meet(self, session: int, number: int, members: Sequence[int], wait: float | None = None) -> None:
        """Wait until all *members* (processors) are at barrier *number* of *session*.

        Raises:
            WaitTimedOut: Somebody is missing; the message names who.
        """
        await self._line.ask(Meet(session=session, number=number, members=tuple(members), wait=wait))

    async def run(
        self,
        session: int,
        members: Sequence[int],
        fragment: Fragment,
        shots: int,
        noise: LocalNoise | None = None,
        wait: float | None = None,
    ) -> OwnBits:
        """Submit the own *fragment*, and return the own bits when all have submitted and the program was run.

        Args:
            members: Processors; member k of the program is the k-th.

        Raises:
            WaitTimedOut: Somebody has not submitted; the message names who.
            Deadlock, PairMismatch, FragmentInvalid, TooManyQubits, ProgramFailed: Of the program as a whole.
        """
        request = RunProgram(
            session=session, members=tuple(members), fragment=fragment, noise=noise or LocalNoise(), shots=shots,
            wait=wait,
        )  # fmt: skip
        return OwnBits.of(await self._line.ask(request), shots, fragment.bits, self.label)

    async def witness(self, session: int, members: Sequence[int], shots: int) -> list[Witnessed]:
        """Return what each member measured in a run of *shots* shots, once the chain says that all are bound to it.

        Raises:
            SessionUnbound: They are not, or the link does not keep it any more.
        """
        answer = await self._line.ask(Witness(session=session, members=tuple(members)))
        return Witnessed.of(answer, shots, len(members))

    async def open_live(
        self,
        session: int,
        members: Sequence[int],
        qubits: int,
        bits: int,
        noise: LocalNoise | None = None,
        wait: float | None = None,
    ) -> LiveMember:
        """Take part in a live session with so many own *qubits* and *bits*, once all members have opened it.

        Raises:
            WaitTimedOut: Somebody has not; the message names who.
        """
        request = OpenLive(
            session=session, members=tuple(members), qubits=qubits, bits=bits, noise=noise or LocalNoise(), wait=wait
        )
        answer = await self._line.ask(request)
        with understood("a member"):
            return LiveMember(self._line, session, tuple(members), int(answer["member"]))
