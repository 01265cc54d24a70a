"""Channels, replayed: twin of ``contracts/Channels.sol``.

What the ends revealed is recounted, so that a verdict stands on nobody's word. Which of a processor's accounts acted is
in no event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qcrs.model.channel import ChannelStatus
from qcrs.model.decision import Decision
from qcrs.rules import link_test
from qcrs.rules.replay.channel_books import LINK, Channel
from qcrs.rules.replay.transcript import Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

CONTRACT = "Channels"
MAX_PAIRS = 8192
MAX_LIFETIME_SECONDS = 30 * 86_400
_S = ChannelStatus


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
        known.charge(c, silent)
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
