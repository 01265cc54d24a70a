"""Channels, replayed: twin of ``contracts/Channels.sol``.

What the ends revealed is recounted, so that a verdict stands on nobody's word. Which of a processor's accounts acted is
in no event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, Any

from qcrs.model.channel import ChannelStatus, advance
from qcrs.model.decision import Decision
from qcrs.rules import link_test
from qcrs.rules.replay.links import Links
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

CONTRACT = "Channels"
MAX_PAIRS = 8192
MAX_LIFETIME_SECONDS = 30 * 86_400
DEPOSIT_BOUNTIES = 10
FIRST, SECOND, LINK = 1, 2, 4
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

    def channel(self, id_: int) -> Channel:
        """Return a channel."""
        if id_ not in self.by_id:
            raise Contradiction(Rule.Sequence, f"channel {id_}", "asked for", "unknown")
        return self.by_id[id_]


def request(suite: Suite, log: Transcript) -> None:
    """Replay ``request``."""
    event, known = log.take("ChannelRequested"), suite.channels
    id_, ends, terms = event["channel"], (event["first"], event["second"]), event["terms"]
    log.require(Rule.Sequence, "channel asked for", len(known.by_id) + 1, id_)
    log.hold(Rule.Record, ends[0] != ends[1] and ends[1] != 0, "ends of the channel", "two processors", ends)
    pairs = terms["pairs"]
    shaped = 0 < pairs <= MAX_PAIRS and pairs % link_test.WORD_BITS == 0 and terms["capacity"] > 0
    lasting = 0 < terms["lifetimeSeconds"] <= MAX_LIFETIME_SECONDS and terms["windowSeconds"] > 0
    sound = shaped and lasting and terms["errorPpm"] <= link_test.PER_MILLION
    log.hold(Rule.Record, sound, "terms of the channel", "within their ranges", terms)
    c = Channel(id_, event["link"], ends, terms)
    _ask(suite, log, c, 0, event)
    known.by_id[id_] = c


def retest(suite: Suite, log: Transcript) -> None:
    """Replay ``retest``."""
    event = log.take("ChannelRetested")
    c = suite.channels.channel(event["channel"])
    log.hold(Rule.Window, log.now <= c.due, "time of the next test", f"{c.due} at most", log.now)
    suite.channels.divide(c, passed=True)
    c.used = 0
    _ask(suite, log, c, event["asker"], event)
    log.require(Rule.Record, "number of the test", c.attempt, event["attempt"])


def accept(suite: Suite, log: Transcript) -> None:
    """Replay ``accept``."""
    event, known = log.take("ChannelAccepted"), suite.channels
    c = _step(suite, log, event["channel"], _S.Heralding)
    deposit = c.fee + known.margin
    known.spend(log, c.ends[1 - c.asker], deposit)
    link = known.link(log, c.link)
    link.reserved += deposit
    log.hold(Rule.Books, link.reserved <= link.stake, "stake of the link", f"{link.reserved} or more", link.stake)
    c.seeds[1 - c.asker] = event["seedCommitment"]
    _window(log, c, event["phaseEndsAt"])


def herald(suite: Suite, log: Transcript) -> None:
    """Replay ``herald``."""
    event = log.take("PairsHeralded")
    c = _step(suite, log, event["channel"], _S.Committing)
    _window(log, c, event["phaseEndsAt"])


def commit(suite: Suite, log: Transcript) -> None:
    """Replay ``commit``."""
    event = log.take("OutcomesCommitted")
    c = suite.channels.channel(event["channel"])
    log.require(Rule.Lifecycle, f"status of channel {c.id}", _S.Committing, c.status)
    log.hold(Rule.Window, log.now <= c.due, "time of the commitment", f"{c.due} at most", log.now)
    fresh = event["end"] in (0, 1) and event["end"] not in c.commitments
    log.hold(Rule.Commitment, fresh, "end that commits", "one that has not", event["end"])
    c.commitments[event["end"]] = event["commitment"]
    if len(c.commitments) == len(c.ends):
        c.advance(log, _S.Revealing)
        _window(log, c, event["phaseEndsAt"])
    log.require(Rule.Window, "end of the window", c.due, event["phaseEndsAt"])


def reveal(suite: Suite, log: Transcript) -> None:
    """Replay ``reveal``, or the part of ``settle`` that shows what was not revealed before."""
    event = log.take("OutcomesRevealed")
    c, end, opening = suite.channels.channel(event["channel"]), event["end"], event["opening"]
    log.require(Rule.Lifecycle, f"status of channel {c.id}", _S.Revealing, c.status)
    log.hold(Rule.Commitment, end in (0, 1) and end not in c.openings, "end that reveals", "one that has not", end)
    words = c.terms["pairs"] // link_test.WORD_BITS
    log.require(Rule.Commitment, "words of outcomes", words, len(opening["outcomes"]))
    log.require(Rule.Secret, "commitment to the seed", c.seeds.get(end), link_test.of_seed(opening["seed"]))
    about = suite.constants.chain_id, suite.constants.contracts[CONTRACT], c.id, c.attempt, end
    actual = link_test.of_outcomes(*about, opening["seed"], opening["salt"], opening["outcomes"])
    log.require(Rule.Commitment, "commitment to the outcomes", c.commitments.get(end), actual)
    c.openings[end] = opening


def settle(suite: Suite, log: Transcript) -> None:
    """Replay ``settle``: the errors are counted again."""
    event, known = log.take("ChannelSettled"), suite.channels
    c = known.channel(event["channel"])
    log.require(Rule.Verdict, "ends that have revealed", [0, 1], sorted(c.openings))
    first, second = c.openings[0], c.openings[1]
    about = suite.constants.chain_id, suite.constants.contracts[CONTRACT], c.id, c.attempt
    seed = link_test.seed_of(*about, first["seed"], second["seed"])
    count = link_test.count(seed, first["outcomes"], second["outcomes"])
    passed = link_test.is_passed(count.errors, count.tested, c.terms["errorPpm"])
    for name, expected in (
        ("attempt", c.attempt),
        ("tested", count.tested),
        ("errorsZ", count.errors_z),
        ("errorsX", count.errors_x),
        ("verdict", _S.Open if passed else _S.Failed),
    ):
        log.require(Rule.Verdict, f"{name} of ChannelSettled", expected, event[name])
    c.advance(log, _S.Open if passed else _S.Failed)
    c.due = log.now + c.terms["lifetimeSeconds"]
    log.require(Rule.Window, "end of the channel", c.due, event["phaseEndsAt"])
    if not passed:
        known.divide(c, passed=False)
    facts = (c.id, c.attempt, c.status, count.tested, count.errors_z, count.errors_x)
    suite.record(log, CONTRACT, Decision.ChannelSettled, c.id, facts)


def release(suite: Suite, log: Transcript) -> None:
    """Replay ``release``."""
    c = suite.channels.channel(log.take("ChannelReleased")["channel"])
    log.require(Rule.Lifecycle, f"status of channel {c.id}", _S.Open, c.status)
    log.require(Rule.Payment, f"money of channel {c.id} divided before", False, c.divided)
    suite.channels.divide(c, passed=True)


def end(suite: Suite, log: Transcript) -> None:
    """Replay ``cancel``, or ``enforce`` after what it has put into the treasury."""
    event, known = log.take("ChannelEnded"), suite.channels
    c = known.channel(event["channel"])
    before, silent = c.status, 0
    ended = event["status"] in (_S.Expired, _S.Cancelled)
    log.hold(Rule.Lifecycle, ended, f"status of ended channel {c.id}", "Expired or Cancelled", event["status"])
    c.advance(log, ChannelStatus(event["status"]))
    if c.status is _S.Expired:
        log.hold(Rule.Window, log.now > c.due, "time of the enforcement", f"after {c.due}", log.now)
        silent = _silent(c, before)
        log.hold(Rule.Verdict, silent != 0 or before is not _S.Revealing, "ends that are silent", "one or both", 0)
    log.require(Rule.Payment, "who was silent", silent, event["silent"])
    if silent:
        _charge(suite, c, silent)
    elif before is _S.Requested:
        known.purses[c.asking] += 2 * c.fee + known.margin
    else:
        known.divide(c, passed=True)
    suite.record(log, CONTRACT, Decision.ChannelEnded, c.id, (c.id, c.attempt, c.status, silent))


def _silent(c: Channel, status: ChannelStatus) -> int:
    """Return who should have acted in *status*, and has not."""
    if status is _S.Heralding:
        return LINK
    done = {_S.Committing: c.commitments, _S.Revealing: c.openings}.get(status)
    return 0 if done is None else sum(1 << end for end in (0, 1) if end not in done)


def _charge(suite: Suite, c: Channel, silent: int) -> None:
    """Divide what a test holds that was not decided; what went to the treasury has been told before."""
    known, link = suite.channels, suite.channels.links[c.link]
    deposit = c.fee + known.margin
    link.reserved -= deposit
    if silent == LINK:
        link.stake -= deposit
        known.purses[c.asking] += c.fee
        known.purses[c.ends[0]] += deposit + (deposit - deposit // 2)
        known.purses[c.ends[1]] += deposit + deposit // 2
        return
    link.stake += c.fee
    if silent != FIRST | SECOND:
        known.purses[c.ends[1 if silent == FIRST else 0]] += 2 * deposit


def _ask(suite: Suite, log: Transcript, c: Channel, asker: int, event: Any) -> None:
    suite.pause.require_over(log, "the test of a link")
    log.hold(Rule.Record, asker in (0, 1), "end that asks", "0 or 1", asker)
    c.advance(log, _S.Requested)
    c.attempt, c.asker = c.attempt + 1, asker
    c.fee, c.divided = suite.channels.link(log, c.link).price * c.terms["pairs"], False
    log.require(Rule.Payment, "fee of the link", c.fee, event["fee"])
    suite.channels.spend(log, c.asking, 2 * c.fee + suite.channels.margin)
    c.seeds, c.commitments, c.openings = {asker: event["seedCommitment"]}, {}, {}
    _window(log, c, event["phaseEndsAt"])


def _step(suite: Suite, log: Transcript, id_: int, to: ChannelStatus) -> Channel:
    c = suite.channels.channel(id_)
    c.advance(log, to)
    log.hold(Rule.Window, log.now <= c.due, f"time of the step to {to.name}", f"{c.due} at most", log.now)
    return c


def _window(log: Transcript, c: Channel, told: int) -> None:
    c.due = log.now + c.terms["windowSeconds"]
    log.require(Rule.Window, "end of the window", c.due, told)
