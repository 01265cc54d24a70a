"""What pairs may be used for: those that a session took on the chain, and what no session took for keys and reports.

The chain counts what sessions take of a channel, and knows nothing of what its ends measure for keys and CHSH: the link
counts that, and gives no more than the channel has left until it is tested again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from qcrs.link.errors import ChannelMismatch, PairsExceeded
from qcrs.link.file import LinkFile
from qcrs.link.meeting import Shelf
from qcrs.link.talked import OpenChannel, Talked

Ends = tuple[int, int]  # two members by their numbers, the lower first
_WHOLE = 1e-6  # of a pair, that sums of expectations may be off by


@dataclass(frozen=True)
class Taken:
    """Pairs that a session took of one channel."""

    channel: OpenChannel
    pairs: int


@dataclass
class Allowance:
    """Pairs that a session may still use, by the members that share them.

    Attributes:
        channels: By two members, the numbers of their channels.
    """

    session: int
    left: dict[Ends, float] = field(default_factory=dict)
    channels: dict[Ends, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, session: int, taken: Mapping[Ends, list[Taken]]) -> "Allowance":
        """Return what *session* may use that has *taken* so much, by two members."""
        left = {ends: float(sum(one.pairs for one in some)) for ends, some in taken.items()}
        return cls(session, left, {ends: [one.channel.channel for one in some] for ends, some in taken.items()})

    def reserve(self, raw: Mapping[Ends, float], wanted: int) -> int:
        """Use the pairs of as many shots as there are pairs for, each *raw* on average, and return how many these are.

        Raises:
            PairsExceeded: Not for the *wanted* ones. ChannelMismatch: Members share pairs and have no channel.
        """
        enough = {ends: int((self._left(ends) + _WHOLE) / pairs) for ends, pairs in raw.items()}
        for ends, shots in enough.items():
            if shots < wanted:
                raise self._exceeded(ends, raw[ends] * wanted)
        most = min(enough.values(), default=wanted)
        self.release(raw, -most)
        return most

    def release(self, raw: Mapping[Ends, float], shots: int) -> None:
        """Give back the pairs of *shots* that were not begun."""
        for ends, pairs in raw.items():
            self.left[ends] += pairs * shots

    def spend(self, ends: Ends, pairs: float) -> None:
        """Use *pairs*.

        Raises:
            PairsExceeded: There are not so many left. ChannelMismatch: Members share pairs and have no channel.
        """
        if self._left(ends) + _WHOLE < pairs:
            raise self._exceeded(ends, pairs)
        self.left[ends] -= pairs

    def _left(self, ends: Ends) -> float:
        if ends not in self.left:
            raise ChannelMismatch(
                f"session {self.session}: members {ends[0]} and {ends[1]} share pairs, and it took none of a channel "
                "between them"
            )
        return self.left[ends]

    def _exceeded(self, ends: Ends, pairs: float) -> PairsExceeded:
        return PairsExceeded(
            f"session {self.session}: members {ends[0]} and {ends[1]} ask for {pairs:.0f} raw pairs, of those that it "
            f"took on the chain of channel {', '.join(map(str, self.channels[ends]))} {self.left[ends]:.0f} are left"
        )


class TakenBy(Protocol):
    """What is needed of the chain: see qcrs.link.chain."""

    async def taken(self, session: int, members: tuple[int, ...]) -> dict[Ends, list[Taken]]:
        """Return what *session* has taken of channels."""
        ...


class Allowances:
    """What sessions may still use, asked of the *chain* once and kept; without a chain nothing is limited."""

    def __init__(self, link: LinkFile, chain: TakenBy | None, talked: Talked) -> None:
        self._chain, self._talked = chain, talked
        held, seconds = link.service.held, link.service.keep_seconds
        self._kept: Shelf[Allowance] = Shelf("allowances", held, seconds, lambda _: True)

    async def of(self, session: int, members: tuple[int, ...]) -> Allowance | None:
        """Return what *session* of processors *members* may still use; None when nothing limits it.

        Raises:
            SessionUnready, ChannelMismatch: The chain knows of no such session with pairs, or channels have ended.
            PairsExceeded: Keys and reports have used what it took.
        """
        if self._chain is None:
            return None
        taken = await self._chain.taken(session, members)
        for one in (one for some in taken.values() for one in some):
            self._talked.require(one.channel)
        return self._kept.made(session, members[0], lambda: Allowance.of(session, taken))
