"""Bodies and their motions, replayed: twin of ``contracts/governance/Assembly.sol``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qcrs.model.decision import Decision
from qcrs.model.motion import COMMITTEES, CONSTITUTION, MotionStatus, advance
from qcrs.rules.digest import abi_digest, keccak
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

MAX_MEMBERS = 32
MAX_TEMPO_SECONDS = 180 * 86_400
TEMPO = ("votingSeconds", "delaySeconds", "executionSeconds")
_ANNUL = keccak(b"annul(uint64)")[:4]


@dataclass
class Motion:
    """One motion.

    Attributes:
        term: Composition of the body in which it was proposed. in_favour, against: A bit for each seat.
        voting_ends_at, executable_at, lapses_at: Unix seconds. delay_seconds: From being carried until it may be done.
        digest: What a vote is for. call_digest: Of target and call data.
    """

    term: int
    proposer: str
    voting_ends_at: int
    delay_seconds: int
    digest: bytes
    call_digest: bytes
    in_favour: int = 0
    against: int = 0
    executable_at: int = 0
    lapses_at: int = 0
    status: MotionStatus = MotionStatus.Open

    def record(self) -> dict[str, Any]:
        """Return what the contract keeps of it."""
        return {
            "status": self.status,
            "term": self.term,
            "proposer": self.proposer,
            "votingEndsAt": self.voting_ends_at,
            "inFavour": self.in_favour,
            "against": self.against,
            "delaySeconds": self.delay_seconds,
            "executableAt": self.executable_at,
            "lapsesAt": self.lapses_at,
            "digest": self.digest,
            "callDigest": self.call_digest,
        }


@dataclass
class Body:
    """One body, as far as the log has told of it.

    Attributes:
        tempo: By Solidity's names, in seconds. waived: Targets and selectors that have no delay.
        motions: By id. minority: Whether less than a majority may decide, as in bodies for development.
    """

    name: str
    members: list[str] = field(default_factory=list)
    quorum: int = 0
    term: int = 0
    tempo: Mapping[str, int] = field(default_factory=dict)
    waived: set[tuple[str, bytes]] = field(default_factory=set)
    motions: dict[int, Motion] = field(default_factory=dict)
    minority: bool = False

    def ballot(self, member: str) -> int:
        """Return the bit of a member's seat."""
        if member not in self.members:
            raise Contradiction(Rule.Motion, f"account that acts in {self.name}", "a member", member)
        return 1 << self.members.index(member)

    def delay(self, address: str, target: str, selector: bytes) -> int:
        """Return the delay of a call, of a body at *address*."""
        annulling = target == address and selector == _ANNUL
        return 0 if annulling or (target, selector) in self.waived else self.tempo["delaySeconds"]

    def least_quorum(self, size: int) -> int:
        """Return the fewest votes that may carry a motion in this body when it has *size* members."""
        if self.name == CONSTITUTION:
            return (4 * size + 4) // 5
        return 1 if self.minority else max(2, size // 2 + 1)


class Bodies:
    """The bodies that have told of themselves, by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, Body] = {}

    def of(self, log: Transcript) -> Body:
        """Return the body of which the next event tells."""
        head = log.peek()
        return self.by_name.setdefault(head.contract, Body(head.contract))


def _motion(body: Body, id_: int) -> Motion:
    if id_ not in body.motions:
        raise Contradiction(Rule.Motion, f"motion {id_} of {body.name}", "proposed", "unknown")
    return body.motions[id_]


def found(suite: Suite, log: Transcript) -> None:
    """Replay the first that a body tells of itself."""
    body = suite.bodies.of(log)
    event = log.take("BodyFounded", body.name)
    log.require(Rule.Motion, f"title of {body.name}", COMMITTEES.get(body.name, body.name), event["title"])
    log.require(Rule.Motion, f"compositions of {body.name} before it was founded", 0, body.term)
    body.minority = event["minorityAllowed"]


def waive(suite: Suite, log: Transcript) -> None:
    """Replay one line of the table of what has no delay, which is fixed before a body is composed."""
    body = suite.bodies.of(log)
    event = log.take("DelayWaived", body.name)
    log.require(Rule.Motion, f"compositions of {body.name} before its table", 0, body.term)
    body.waived.add((event["target"], event["selector"]))


def set_tempo(suite: Suite, log: Transcript) -> None:
    """Replay ``setTempo``, or the constructor's tempo, which is no audit entry."""
    body = suite.bodies.of(log)
    tempo = log.take("TempoSet", body.name)["tempo"]
    voting, delay, execution = (tempo[name] for name in TEMPO)
    sound = 0 < voting <= MAX_TEMPO_SECONDS and 0 < execution <= MAX_TEMPO_SECONDS and delay <= MAX_TEMPO_SECONDS
    log.hold(Rule.Motion, sound, f"tempo of {body.name}", "within its bounds", tempo)
    body.tempo = tempo
    if body.term:
        suite.record(log, body.name, Decision.TempoSet, 0, ((voting, delay, execution),))


def compose(suite: Suite, log: Transcript) -> None:
    """Replay ``compose``, or the constructor's composition, which is no audit entry."""
    body = suite.bodies.of(log)
    event = log.take("BodyComposed", body.name)
    members, quorum = event["members"], event["quorum"]
    log.require(Rule.Motion, f"term of {body.name}", body.term + 1, event["term"])
    least = body.least_quorum(len(members))
    sound = 0 < len(members) <= MAX_MEMBERS and len(set(members)) == len(members) and least <= quorum <= len(members)
    expected = f"1 to {MAX_MEMBERS} members, each once, and a quorum of {least} at least"
    log.hold(Rule.Motion, sound, f"composition of {body.name}", expected, (members, quorum))
    body.members, body.quorum, body.term = list(members), quorum, event["term"]
    if body.term > 1:
        suite.record(log, body.name, Decision.BodyComposed, body.term, (body.term, members, quorum))


def propose(suite: Suite, log: Transcript) -> None:
    """Replay ``propose``: the motion, its proposer's vote, and what that decides."""
    body = suite.bodies.of(log)
    event = log.take("MotionProposed", body.name)
    id_, target, data = event["motion"], event["target"], event["data"]
    log.require(Rule.Motion, f"motion proposed to {body.name}", len(body.motions) + 1, id_)
    body.ballot(event["proposer"])
    contracts = suite.constants.contracts
    address = contracts[body.name].lower()
    forbidden = {contracts["AuditTrail"].lower()} | (
        set() if body.name == CONSTITUTION else {contracts["Authority"].lower()}
    )
    log.hold(Rule.Motion, target not in forbidden, f"target of a motion of {body.name}", "one it may call", target)
    call_digest = abi_digest(("address", "bytes"), (target, data))
    digest = abi_digest(
        ("uint256", "address", "uint64", "bytes32", "bytes32"),
        (suite.constants.chain_id, address, id_, call_digest, event["reason"]),
    )
    log.require(Rule.Motion, f"digest of motion {id_} of {body.name}", digest, event["digest"])
    ends_at = log.now + body.tempo["votingSeconds"]
    log.require(Rule.Window, f"end of the vote on motion {id_} of {body.name}", ends_at, event["votingEndsAt"])
    delay = body.delay(address, target, data[:4].ljust(4, b"\0"))
    body.motions[id_] = Motion(body.term, event["proposer"], ends_at, delay, digest, call_digest)
    voted = log.expect("MotionVoted", Rule.Motion, body.name, motion=id_, member=event["proposer"], inFavour=True)
    _count(suite, log, body, id_, voted["member"], True)


def vote(suite: Suite, log: Transcript) -> None:
    """Replay ``vote``."""
    body = suite.bodies.of(log)
    event = log.take("MotionVoted", body.name)
    id_ = event["motion"]
    motion = _motion(body, id_)
    log.require(Rule.Lifecycle, f"status of motion {id_} of {body.name}", MotionStatus.Open, motion.status)
    log.require(Rule.Motion, f"term of motion {id_} of {body.name}", body.term, motion.term)
    in_time = log.now <= motion.voting_ends_at
    log.hold(Rule.Window, in_time, f"time of a vote of {body.name}", f"by {motion.voting_ends_at}", log.now)
    ballot = body.ballot(event["member"])
    fresh = not (motion.in_favour | motion.against) & ballot
    log.hold(Rule.Motion, fresh, f"vote of {event['member']} on motion {id_}", "the first", "another")
    _count(suite, log, body, id_, event["member"], event["inFavour"])


def _count(suite: Suite, log: Transcript, body: Body, id_: int, member: str, in_favour: bool) -> None:
    """Enter a vote, and hold what follows to be what it decides."""
    motion, ballot = body.motions[id_], body.ballot(member)
    if not in_favour:
        motion.against |= ballot
        if motion.against.bit_count() > len(body.members) - body.quorum:
            log.expect("MotionRejected", Rule.Motion, body.name, motion=id_)
            _end(suite, log, body, id_, MotionStatus.Rejected)
        return
    motion.in_favour |= ballot
    if motion.in_favour.bit_count() < body.quorum:
        return
    motion.status = log.advance(advance, motion.status, MotionStatus.Carried, f"status of motion {id_}")
    motion.executable_at = log.now + motion.delay_seconds
    motion.lapses_at = motion.executable_at + body.tempo["executionSeconds"]
    times = {"executableAt": motion.executable_at, "lapsesAt": motion.lapses_at}
    log.expect("MotionCarried", Rule.Window, body.name, motion=id_, **times)
    facts = (id_, motion.digest, motion.in_favour, motion.against, motion.executable_at, motion.lapses_at)
    suite.record(log, body.name, Decision.MotionCarried, id_, facts)


def execute(suite: Suite, log: Transcript) -> None:
    """Replay ``execute``; what the call did is told by the events that follow, each by its own rules."""
    body = suite.bodies.of(log)
    id_ = log.take("MotionExecuted", body.name)["motion"]
    motion = _motion(body, id_)
    motion.status = log.advance(advance, motion.status, MotionStatus.Executed, f"status of motion {id_}")
    expected = f"from {motion.executable_at} to {motion.lapses_at}"
    in_time = motion.executable_at <= log.now <= motion.lapses_at
    log.hold(Rule.Window, in_time, f"time of executing motion {id_} of {body.name}", expected, log.now)
    suite.record(log, body.name, Decision.MotionExecuted, id_, (id_, motion.digest))


def reject(suite: Suite, log: Transcript) -> None:
    """Replay ``expire`` of a motion that too few voted for in time."""
    body = suite.bodies.of(log)
    id_ = log.take("MotionRejected", body.name)["motion"]
    motion = _motion(body, id_)
    log.require(Rule.Motion, f"term of motion {id_} of {body.name}", body.term, motion.term)
    over = log.now > motion.voting_ends_at
    log.hold(Rule.Window, over, f"time of rejecting motion {id_}", f"after {motion.voting_ends_at}", log.now)
    _end(suite, log, body, id_, MotionStatus.Rejected)


def lapse(suite: Suite, log: Transcript) -> None:
    """Replay ``expire`` of a motion that nobody executed, or that another composition of the body had before it."""
    body = suite.bodies.of(log)
    id_ = log.take("MotionLapsed", body.name)["motion"]
    motion = _motion(body, id_)
    if motion.status is MotionStatus.Carried:
        over = log.now > motion.lapses_at
        log.hold(Rule.Window, over, f"time at which motion {id_} lapses", f"after {motion.lapses_at}", log.now)
    else:
        outdated = motion.term != body.term
        log.hold(Rule.Motion, outdated, f"term of motion {id_} of {body.name}", f"before {body.term}", motion.term)
    _end(suite, log, body, id_, MotionStatus.Lapsed)


def withdraw(suite: Suite, log: Transcript) -> None:
    """Replay ``withdraw``, or ``annul``; who did it no event says."""
    body = suite.bodies.of(log)
    id_ = log.take("MotionWithdrawn", body.name)["motion"]
    _end(suite, log, body, id_, MotionStatus.Withdrawn)


def _end(suite: Suite, log: Transcript, body: Body, id_: int, to: MotionStatus) -> None:
    motion = _motion(body, id_)
    motion.status = log.advance(advance, motion.status, to, f"status of motion {id_} of {body.name}")
    suite.record(log, body.name, Decision.MotionEnded, id_, (id_, motion.digest, to))
