"""What a daemon asks of a link: pairs and their measurement, letters, barriers, programs, live sessions.

Every request can be sent twice and is carried out once, so nothing is lost with a connection; what the link itself
holds is lost when it is started again.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy

from qcrs.chain.keys import LocalAccount
from qcrs.chain.link_login import LinkDomain
from qcrs.link.line import PATIENCE_SECONDS, Line
from qcrs.link.live_member import LiveMember
from qcrs.link.wire import (
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
)
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.quantum.fragment import Fragment


@dataclass(frozen=True)
class MadePairs:
    """Pairs that a link holds for two ends.

    Attributes:
        end: Which end the caller is to the link: 0 for the lower processor. root: Digest of the link's record of them.
        seconds: How long it took. tries: Of the source. discarded: Too old before the last had come.
        label: ``link=emulated``, and which test equipment is on.
    """

    end: int
    root: bytes
    pairs: int
    seconds: float
    tries: int
    discarded: int
    label: str


@dataclass(frozen=True)
class OwnBits:
    """One member's bits of all shots.

    Attributes:
        bits: One shot after the other, each in whole bytes, bit 0 the lowest of the first.
        pairs: Used by all members. raw_pairs: What they took, purification included.
        engine: "stim" or "aer". label: ``link=emulated``, and which test equipment is on.
    """

    bits: bytes
    shots: int
    width: int
    pairs: int
    raw_pairs: int
    engine: str
    label: str

    def table(self) -> numpy.ndarray:
        """Return a row of booleans a shot, a column a bit."""
        packed = numpy.frombuffer(self.bits, dtype=numpy.uint8).reshape(self.shots, (self.width + 7) // 8)
        return numpy.unpackbits(packed, axis=1, count=self.width, bitorder="little").view(bool)


@dataclass(frozen=True)
class Witnessed:
    """What a member measured, as the link saw it.

    Attributes:
        bits: As in ``OwnBits``. outputs: Which of them are outcome bits: (own bit, outcome bit).
    """

    bits: bytes
    shots: int
    width: int
    outputs: tuple[tuple[int, int], ...]

    def rows(self) -> dict[int, bytes]:
        """Return its outcome bits, each with all shots packed: see ``qcrs.rules.outcomes``."""
        return rows_of(self.bits, self.shots, self.width, self.outputs)


def rows_of(bits: bytes, shots: int, width: int, outputs: Sequence[tuple[int, int]]) -> dict[int, bytes]:
    """Return the bits that are outcome bits, each with its shots packed as ``qcrs.rules.outcomes`` has them."""
    packed = numpy.frombuffer(bits, dtype=numpy.uint8).reshape(shots, (width + 7) // 8)
    table = numpy.unpackbits(packed, axis=1, count=width, bitorder="little")
    return {outcome: numpy.packbits(table[:, own], bitorder="little").tobytes() for own, outcome in outputs}


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
        answer = await self._line.ask(request)
        facts = {name: answer[name] for name in ("end", "pairs", "seconds", "tries", "discarded")}
        return MadePairs(root=bytes.fromhex(answer["root"][2:]), label=self.label, **facts)

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
        return [int(word, 16) for word in (await self._line.ask(request))["outcomes"]]

    async def usage(self, channel: int, attempt: int) -> int:
        """Return how many pairs keys and reports have used of *channel* since its test number *attempt*."""
        return (await self._line.ask(Usage(channel=channel, attempt=attempt)))["pairs"]

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
        return base64.b64decode((await self._line.ask(Fetch(peer=peer, topic=topic, wait=wait)))["data"])

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
        answer = await self._line.ask(request)
        return OwnBits(
            base64.b64decode(answer["bits"]), answer["shots"], fragment.bits, answer["pairs"], answer["rawPairs"],
            answer["engine"], self.label,
        )  # fmt: skip

    async def witness(self, session: int, members: Sequence[int]) -> list[Witnessed]:
        """Return what each member measured in a run, once the chain says that all are bound to it.

        Raises:
            SessionUnbound: They are not, or the link does not keep it any more.
        """
        answer = await self._line.ask(Witness(session=session, members=tuple(members)))
        return [
            Witnessed(
                base64.b64decode(told["bits"]), answer["shots"], told["width"],
                tuple((own, outcome) for own, outcome in told["outputs"]),
            )
            for told in answer["members"]
        ]  # fmt: skip

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
        return LiveMember(self._line, session, tuple(members), answer["member"])
