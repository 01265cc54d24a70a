"""What ``contracts/Channels.sol`` keeps of channels, as their replay knows it: records, and who gets what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from qcrs.model.channel import ChannelStatus, advance
from qcrs.rules import link_test
from qcrs.rules.replay.links import Links
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

DEPOSIT_BOUNTIES = 10
FIRST, SECOND, LINK = 1, 2, 4  # who was silent, as bits
_S = ChannelStatus


@dataclass
class Channel:
    """One channel.

    Attributes:
        seeds, commitments: What each end is bound to, by end; commitments in the order in which they came.
        openings: What each end has revealed. due: When the step is overdue, unix seconds.
        divided: What it holds has been, while it is Open.
    """

    id: int
    link: int
    ends: tuple[int, int]
    terms: Mapping[str, int]
    status: ChannelStatus = ChannelStatus.Unset
    attempt: int = 0
    asker: int = 0
    fee: int = 0
    used: int = 0
    due: int = 0
    divided: bool = False
    seeds: dict[int, bytes] = field(default_factory=dict)
    commitments: dict[int, bytes] = field(default_factory=dict)
    openings: dict[int, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def transcript(self) -> bytes:
        """What the ends have committed to, as the contract keeps it."""
        later = [seed for end, seed in self.seeds.items() if end != self.asker]
        first = self.seeds[self.asker][: link_test.TRANSCRIPT_BYTES]
        return reduce(link_test.extend, [*later, *self.commitments.values()], first)

    def record(self) -> dict[str, object]:
        """Return what the contract must have on record; no event tells by which call an end's outcomes were shown."""
        kept = ("pairs", "errorPpm", "capacity", "lifetimeSeconds", "windowSeconds")
        return {
            "status": self.status,
            "attempt": self.attempt,
            "marks": ...,
            "phaseEndsAt": self.due,
            "transcript": self.transcript,
            **{name: self.terms[name] for name in kept},
            "used": self.used,
            "link": self.link,
            "first": self.ends[0],
            "second": self.ends[1],
        }

    @property
    def asking(self) -> int:
        """The processor that asked."""
        return self.ends[self.asker]

    def advance(self, log: Transcript, to: ChannelStatus) -> None:
        """Move along one edge."""
        self.status = log.advance(advance, self.status, to, f"status of channel {self.id}")


class Channels(Links):
    """All links, purses and channels; *margin* is what a deposit has beyond the price of the pairs."""

    def __init__(self, margin: int) -> None:
        super().__init__()
        self.margin = margin
        self.by_id: dict[int, Channel] = {}

    def held(self) -> int:
        """Return the wei that the contract must hold."""
        stakes = sum(link.stake for link in self.links.values())
        return sum(self.purses.values()) + stakes + sum(self.held_by(c) for c in self.by_id.values())

    def held_by(self, c: Channel) -> int:
        """Return the wei that a channel holds."""
        if c.status is _S.Requested:
            return 2 * c.fee + self.margin
        holds = _S.Heralding <= c.status <= _S.Open and not c.divided
        return 3 * c.fee + 2 * self.margin if holds else 0

    def divide(self, c: Channel, passed: bool) -> None:
        """Divide what a channel holds whose test was decided; nothing when that has been done."""
        if c.divided:
            return
        link, c.divided = self.links[c.link], True
        link.reserved -= c.fee + self.margin
        for processor in c.ends:
            self.purses[processor] += c.fee + self.margin
        if passed:
            link.stake += c.fee
        else:
            self.purses[c.asking] += c.fee

    def charge(self, c: Channel, silent: int) -> None:
        """Divide what an undecided test holds, *silent* having kept it so; the treasury's part has been told before."""
        link, deposit = self.links[c.link], c.fee + self.margin
        link.reserved -= deposit
        if silent == LINK:
            link.stake -= deposit
            self.purses[c.asking] += c.fee
            self.purses[c.ends[0]] += deposit + (deposit - deposit // 2)
            self.purses[c.ends[1]] += deposit + deposit // 2
            return
        link.stake += c.fee
        if silent != FIRST | SECOND:
            self.purses[c.ends[1 if silent == FIRST else 0]] += 2 * deposit

    def channel(self, id_: int) -> Channel:
        """Return a channel."""
        if id_ not in self.by_id:
            raise Contradiction(Rule.Sequence, f"channel {id_}", "asked for", "unknown")
        return self.by_id[id_]
