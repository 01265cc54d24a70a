"""Challenges, replayed: twin of ``contracts/Challenges.sol``.

What was shown is judged again. That leaves are under an answer's root is recomputed once a whole histogram has been
shown; of single leaves the contract has checked it by proofs that no event carries.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import ChallengeStatus, Fault, advance
from qcrs.model.computation import VERDICTS, ComputationStatus
from qcrs.rules.commitment import seed_of
from qcrs.rules.count_sketch import bucket_of, dimensions, sketch_of, unpack
from qcrs.rules.histogram import counts_root, unpack_leaf
from qcrs.rules.independence import REPLAY_BITS, surprise_of, too_close
from qcrs.rules.replay import bonds
from qcrs.rules.replay.computation import Computation, Seat
from qcrs.rules.replay.disputes import disprove, endow, pay
from qcrs.rules.replay.transcript import Contradiction, LoggedEvent, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

STANDING = (AssignmentStatus.Accepted, AssignmentStatus.Released)
NOBODY = "0x" + "00" * 20


@dataclass
class Demand:
    """One demand for a whole histogram.

    Attributes:
        bond: Wei that the challenger put up. deadline_at: When the next leaves are due. leaves: Shown so far, packed.
    """

    computation: int
    index: int
    challenger: str
    bond: int
    deadline_at: int
    status: ChallengeStatus = ChallengeStatus.Open
    leaves: list[int] = field(default_factory=list)


def demand(suite: Suite, log: Transcript) -> None:
    """Replay ``demand``."""
    event = log.take("HistogramDemanded")
    c, seat = _accused(suite, log, event["computation"], event["index"])
    log.require(Rule.Challenge, "challenge opened", len(suite.challenges) + 1, event["challenge"])
    log.require(Rule.Challenge, "processor challenged", seat.processor, event["processor"])
    before = {(d.computation, d.index) for d in suite.challenges.values()}
    log.hold(Rule.Challenge, (c.id, event["index"]) not in before, "histogram", "not demanded before", event["index"])
    policy = suite.book.policy
    log.require(Rule.Challenge, "bond of the challenge", policy.slash, event["bond"])
    log.require(Rule.Window, "time to answer", log.now + policy.response_seconds, event["deadlineAt"])
    suite.challenges[event["challenge"]] = Demand(
        c.id, event["index"], event["challenger"], event["bond"], event["deadlineAt"]
    )
    suite.bonds[seat.processor].cases += 1


def answer(suite: Suite, log: Transcript) -> None:
    """Replay ``answer``: leaves are shown, and perhaps they are the last, or contradict what was revealed."""
    event = log.take("HistogramOpened")
    d, c, seat = _open_demand(suite, log, event["challenge"])
    log.hold(Rule.Window, log.now <= d.deadline_at, "time of the answer", f"by {d.deadline_at}", log.now)
    log.require(Rule.Challenge, "number of the first leaf shown", len(d.leaves), event["first"])
    d.leaves += event["leaves"]
    outcomes = [leaf >> 16 for leaf in d.leaves]
    log.hold(Rule.Challenge, outcomes == sorted(set(outcomes)), "outcomes shown", "ascending", event["leaves"])
    d.deadline_at = log.now + suite.book.policy.response_seconds
    log.require(Rule.Window, "time for the next leaves", d.deadline_at, event["deadlineAt"])
    following = log.peek()
    if following is None or following.name != "ChallengeEnded" or following["challenge"] != event["challenge"]:
        return
    counts = dict(map(unpack_leaf, d.leaves))
    sound = _is_as_revealed(c, seat, counts)
    if following["status"] == ChallengeStatus.Answered:
        log.hold(Rule.Challenge, sound, "histogram shown", "the one that was revealed", counts)
        _end(suite, log, event["challenge"], ChallengeStatus.Answered)
        compensation = d.bond // 2
        pay(suite, log, suite.registry.processor(seat.processor).operator, compensation)
        return
    log.hold(Rule.Challenge, not sound, "leaves shown", "contradicting what was revealed", counts)
    _end(suite, log, event["challenge"], ChallengeStatus.Refuted)
    _punish(suite, log, c, d.index, Fault.ForgedSketch, d.challenger, None, d.bond)


def end(suite: Suite, log: Transcript) -> None:
    """Replay ``enforce``, when nobody answered in time, or ``drop``, when the answer was disproven otherwise."""
    event = log.peek()
    d, c, seat = _open_demand(suite, log, event["challenge"])
    if event["status"] == ChallengeStatus.Defaulted:
        log.hold(Rule.Window, log.now > d.deadline_at, "time of the default", f"after {d.deadline_at}", log.now)
        _end(suite, log, event["challenge"], ChallengeStatus.Defaulted)
        keeper = _divided(log)["keeper"]
        _punish(suite, log, c, d.index, Fault.HistogramWithheld, d.challenger, keeper, d.bond)
        return
    log.hold(Rule.Challenge, seat.status not in STANDING, "answer behind a dropped challenge", "fallen", seat.status)
    _end(suite, log, event["challenge"], ChallengeStatus.Dropped)
    pay(suite, log, d.challenger, d.bond)


def refute_histogram(suite: Suite, log: Transcript) -> None:
    """Replay ``proveMalformed``."""
    event = log.take("HistogramRefuted")
    c, _ = _accused(suite, log, event["computation"], event["index"])
    outcome, count = unpack_leaf(event["leaf"])
    unfit = event["leaf"] != 0 and (count == 0 or outcome >> c.request.outcome_bits != 0)
    impossible = event["shots"] != c.request.shots or not 0 < event["leafCount"] <= c.request.shots
    log.hold(Rule.Challenge, unfit or impossible, "refuted histogram", "none of the computation", event["shots"])
    _punish(suite, log, c, event["index"], Fault.MalformedHistogram, _divided(log)["challenger"])


def refute_sketch(suite: Suite, log: Transcript) -> None:
    """Replay ``proveForgedSketch``."""
    event = log.take("SketchRefuted")
    c, seat = _accused(suite, log, event["computation"], event["index"])
    bits, row, bucket = c.request.outcome_bits, event["row"], event["bucket"]
    rows, buckets = dimensions(bits)
    log.hold(Rule.Challenge, row < rows and bucket < buckets, "bucket", f"of {rows} x {buckets}", (row, bucket))
    claimed = unpack(seat.sketch, bits)[row * buckets + bucket]
    log.require(Rule.Challenge, "shots in the sketch's bucket", claimed, event["claimed"])
    leaves = dict(map(unpack_leaf, event["leaves"]))
    seed = _seed(c)
    places = {outcome if rows == 1 else bucket_of(seed, row, outcome, bits) for outcome in leaves}
    log.hold(Rule.Challenge, places <= {bucket}, "bucket of the leaves shown", bucket, sorted(places))
    log.require(Rule.Challenge, "shots in the leaves shown", sum(leaves.values()), event["shown"])
    log.hold(Rule.Challenge, event["shown"] > claimed, "shots shown", f"above {claimed}", event["shown"])
    _punish(suite, log, c, event["index"], Fault.ForgedSketch, _divided(log)["challenger"])


def repeat(suite: Suite, log: Transcript) -> None:
    """Replay ``proveReplay`` or ``proveCopy``; the fault that follows tells which."""
    event = log.take("AnswerRepeated")
    c = suite.computation(log, event["computation"])
    seat, other = _judged(log, c, event["index"]), _other(suite, event)
    proven = next((e for e in log.events[log.start :] if e.name == "FaultProven"), None)
    if proven is None:
        raise Contradiction(Rule.Challenge, "fault behind a repeated answer", "FaultProven", "none")
    rows, buckets = dimensions(c.request.outcome_bits)
    _require_window(log, c)
    if proven["fault"] == Fault.ReplayedAnswer:
        log.require(Rule.Challenge, "root of the repeated answer", other.counts_root, seat.counts_root)
        surprise = surprise_of(unpack(seat.sketch, c.request.outcome_bits), rows)
        log.hold(Rule.Challenge, surprise >= REPLAY_BITS, "bits of surprise", f"{REPLAY_BITS} or more", surprise)
        earlier = c.follows(event["index"], suite.computations[event["other"]], event["otherIndex"])
        log.hold(Rule.Challenge, earlier, "answer that was repeated", "an earlier one", event["other"])
        _punish(suite, log, c, event["index"], Fault.ReplayedAnswer, _divided(log)["challenger"])
        return
    log.require(Rule.Challenge, "computation of the copies", c.id, event["other"])
    _judged(log, c, event["otherIndex"])
    log.hold(Rule.Challenge, event["otherIndex"] < event["index"], "order of the copies", "ascending", event["index"])
    a, b = (unpack(s.sketch, c.request.outcome_bits) for s in (other, seat))
    log.hold(Rule.Challenge, too_close(a, b, rows, buckets), "answers", "nearer than independent ones", event["index"])
    # In the first round all were bound before any answer was public: who is too close was told.
    both = c.attempt == 1 and other.status in STANDING
    log.hold(Rule.Challenge, both or seat.status in STANDING, "copied answer", "one that stands", seat.status)
    challenger = _divided(log)["challenger"]
    if seat.status in STANDING:
        _punish(suite, log, c, event["index"], Fault.CopiedAnswer, challenger)
    if both:
        _punish(suite, log, c, event["otherIndex"], Fault.CopiedAnswer, challenger)


def _punish(
    suite: Suite,
    log: Transcript,
    c: Computation,
    index: int,
    fault: Fault,
    challenger: str,
    keeper: str | None = None,
    bond: int = 0,
) -> None:
    """Hold the next events to be what a proven fault costs, and how that is divided."""
    had_fallen = c.status is ComputationStatus.Overturned
    seat, earned, overturned = disprove(suite, log, c, index)
    log.expect(
        "FaultProven",
        Rule.Challenge,
        computation=c.id,
        index=index,
        processor=seat.processor,
        fault=fault,
        challenger=challenger,
    )
    due = 0 if had_fallen else earned
    if overturned:
        due += earned * sum(s.status is AssignmentStatus.Accepted for s in c.seats)
    slashed = bonds.take(suite, log, c.id, seat.processor)
    restitution = min(due, slashed)
    rest = slashed - restitution
    bounty = min(suite.constants.keeper_bounty, rest) if keeper else 0
    rest -= bounty
    reward = rest // 2
    log.expect(
        "PenaltyDivided",
        Rule.Challenge,
        computation=c.id,
        index=index,
        slashed=slashed,
        requester=c.requester,
        restitution=restitution,
        keeper=keeper or NOBODY,
        bounty=bounty,
        challenger=challenger,
        reward=reward,
    )
    pay(suite, log, c.requester, restitution)
    if keeper:
        pay(suite, log, keeper, bounty)
    pay(suite, log, challenger, reward + bond)
    endow(suite, log, "Challenges", rest - reward)


def _end(suite: Suite, log: Transcript, id_: int, to: ChallengeStatus) -> None:
    d = suite.challenges[id_]
    d.status = log.advance(advance, d.status, to, "status of the challenge")
    answered = to is ChallengeStatus.Answered
    log.expect(
        "ChallengeEnded",
        Rule.Challenge,
        challenge=id_,
        status=to,
        returned=0 if answered else d.bond,
        compensation=d.bond // 2 if answered else 0,
    )
    suite.bonds[suite.computations[d.computation].seats[d.index].processor].cases -= 1


def _is_as_revealed(c: Computation, seat: Seat, counts: dict[int, int]) -> bool:
    """Return whether *counts* are the histogram of the root, the shots and the sketch that *seat* revealed."""
    bits = c.request.outcome_bits
    fits = all(count > 0 and not outcome >> bits for outcome, count in counts.items())
    return (
        fits
        and sum(counts.values()) == c.request.shots
        and counts_root(counts) == seat.counts_root
        and sketch_of(counts, bits, _seed(c)) == list(seat.sketch)
    )


def _accused(suite: Suite, log: Transcript, id_: int, index: int) -> tuple[Computation, Seat]:
    c = suite.computation(log, id_)
    _require_window(log, c)
    seat = _judged(log, c, index)
    log.hold(Rule.Challenge, seat.status in STANDING, "accused answer", "one that stands", seat.status)
    return c, seat


def _judged(log: Transcript, c: Computation, index: int) -> Seat:
    """Return a seat that revealed in the round that was judged: others were sketched under another seed."""
    seat = _seat(c, index)
    judged = seat.status is AssignmentStatus.Accepted or (bool(seat.counts_root) and c.is_of_last_round(index))
    log.hold(Rule.Challenge, judged, "round of the challenged answer", "the one that was judged", index)
    return seat


def _require_window(log: Transcript, c: Computation) -> None:
    open_ = c.status in VERDICTS and log.now <= c.phase_ends_at
    log.hold(Rule.Window, open_, "time of the challenge", f"after a verdict, by {c.phase_ends_at}", log.now)


def _open_demand(suite: Suite, log: Transcript, id_: int) -> tuple[Demand, Computation, Seat]:
    if id_ not in suite.challenges:
        raise Contradiction(Rule.Sequence, f"challenge {id_}", "opened", "unknown")
    d = suite.challenges[id_]
    c = suite.computation(log, d.computation)
    log.require(Rule.Lifecycle, "status of the challenge", ChallengeStatus.Open, d.status)
    return d, c, c.seats[d.index]


def _divided(log: Transcript) -> LoggedEvent:
    """Return the event that says who challenged, which no other does before the fault is proven."""
    divided = next((e for e in log.events[log.start :] if e.name == "PenaltyDivided"), None)
    if divided is None:
        raise Contradiction(Rule.Challenge, "penalty of a proven fault", "PenaltyDivided", "none")
    return divided


def _other(suite: Suite, event: LoggedEvent) -> Seat:
    if event["other"] not in suite.computations:
        raise Contradiction(Rule.Sequence, f"computation {event['other']}", "submitted", "unknown")
    return _seat(suite.computations[event["other"]], event["otherIndex"])


def _seat(c: Computation, index: int) -> Seat:
    if index >= len(c.seats):
        raise Contradiction(Rule.Sequence, "assignment index", f"below {len(c.seats)}", index)
    return c.seats[index]


def _seed(c: Computation) -> bytes:
    return seed_of(c.id, c.attempt, c.secret, c.commits_digest)
