"""Sessions, replayed: twin of ``contracts/EntanglementCoordinator.sol``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus, advance
from qcrs.rules import commitment, count_sketch, session_digest
from qcrs.rules.agreement import Verdict
from qcrs.rules.replay.session_ends import close, leave
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

CONTRACT = "EntanglementCoordinator"
_S = SessionStatus
_HOLDING = (_S.Armed, _S.Running, _S.Reporting, _S.Final)


@dataclass
class Group:
    """The runs of one program.

    Attributes:
        request: By Solidity's names. due: When the secret, then each report, is overdue; 0 before either is due.
    """

    id: int
    requester: str
    request: Mapping[str, Any]
    runs: int
    running: int
    due: int = 0
    seeded: bool = False
    verdict: Verdict = Verdict.Unset

    @property
    def ids(self) -> range:
        """Ids of its sessions."""
        return range(self.id, self.id + self.runs)


@dataclass
class Session:
    """One run.

    Attributes:
        present: Members that have done what is due. results: What each committed to, by member.
        report: Root and sketch that were reported first.
    """

    id: int
    group: Group
    members: Sequence[int]
    uses: Sequence[Mapping[str, int]]
    due: int
    status: SessionStatus = SessionStatus.Forming
    phase: int = 0
    present: set[int] = field(default_factory=set)
    results: dict[int, bytes] = field(default_factory=dict)
    report: tuple[bytes, list[int]] | None = None

    @property
    def absent(self) -> int:
        """Bit i is set when member i has not done what is due."""
        return sum(1 << i for i in range(len(self.members)) if i not in self.present)

    def advance(self, log: Transcript, to: SessionStatus) -> None:
        """Move along one edge."""
        self.status = log.advance(advance, self.status, to, f"status of session {self.id}")

    def attend(self, log: Transcript, index: int) -> bool:
        """Mark a member as present, once; return whether all are."""
        fresh = index < len(self.members) and index not in self.present
        log.hold(Rule.Sequence, fresh, f"member of session {self.id}", "one that was absent", index)
        self.present.add(index)
        return len(self.present) == len(self.members)

    def record(self) -> dict[str, object]:
        """Return what the contract must have on record."""
        asked = self.group.request
        return {
            "status": self.status,
            "group": self.group.id,
            "members": len(self.members),
            "phase": self.phase,
            "phases": asked["phases"],
            "present": sum(1 << index for index in self.present),
            "phaseSeconds": asked["phaseSeconds"],
            "phaseEndsAt": self.due,
            "reportDigest": bytes(32) if self.report is None else session_digest.of_report(*self.report),
        }

    def held(self) -> int:
        """Return the wei that the contract must hold for it."""
        fee, deposit = self.group.request["fee"], self.group.request["deposit"]
        if self.status is _S.Forming:
            return fee * len(self.members) + deposit * len(self.present)
        return (fee + deposit) * len(self.members) if self.status in _HOLDING else 0


class Sessions:
    """All sessions and groups."""

    def __init__(self) -> None:
        self.by_id: dict[int, Session] = {}
        self.groups: dict[int, Group] = {}

    def held(self) -> int:
        """Return the wei that the contract must hold."""
        return sum(s.held() for s in self.by_id.values())

    def session(self, id_: int) -> Session:
        """Return a session."""
        if id_ not in self.by_id:
            raise Contradiction(Rule.Sequence, f"session {id_}", "created", "unknown")
        return self.by_id[id_]

    def group(self, id_: int) -> Group:
        """Return a group."""
        if id_ not in self.groups:
            raise Contradiction(Rule.Sequence, f"group {id_}", "created", "unknown")
        return self.groups[id_]


def create(suite: Suite, log: Transcript) -> None:
    """Replay ``create``."""
    event, known = log.take("SessionsCreated"), suite.sessions
    suite.pause.require_over(log, "the sessions")
    requester, asked = event["requester"], event["request"]
    log.require(Rule.Sequence, "group created", len(known.by_id) + 1, event["group"])
    organisation = suite.consortium.organisation_of(requester)
    log.require(Rule.Membership, "organisation of the requester", organisation, event["organisation"])
    log.hold(Rule.Membership, organisation != 0, "requester", "a member's account", requester)
    group = Group(event["group"], requester, asked, event["runs"], event["runs"])
    known.groups[group.id] = group
    engaged: set[int] = set()
    for id_ in group.ids:
        due = log.now + asked["joinSeconds"]
        told = log.expect("SessionFormed", Rule.Window, session=id_, group=group.id, phaseEndsAt=due)
        log.hold(Rule.Record, not engaged & set(told["members"]), "members", "in no other run", told["members"])
        engaged.update(told["members"])
        known.by_id[id_] = Session(id_, group, told["members"], told["uses"], due)
    log.require(Rule.Escrow, "fees of the sessions", asked["fee"] * len(engaged), event["escrow"])


def join(suite: Suite, log: Transcript) -> None:
    """Replay ``join``."""
    event = log.take("SessionJoined")
    s = _in_time(suite, log, event["session"], _S.Forming)
    complete = s.attend(log, event["index"])
    processor = s.members[event["index"]]
    log.require(Rule.Record, "processor that joins", processor, event["processor"])
    if (following := log.peek()) is not None and following.name == "PurseFunded":
        suite.channels.purses[processor] += log.take("PurseFunded")["amount"]
    suite.channels.spend(log, processor, s.group.request["deposit"])
    if not complete:
        return
    unusable = next((use["channel"] for use in s.uses if not _is_usable(suite, log, use)), 0)
    if unusable:
        s.advance(log, _S.Cancelled)
        leave(log, s.group)
        close(suite, log, s, 0, unusable)
        return
    s.advance(log, _S.Armed)
    _start_phase(log, s)
    log.expect("SessionArmed", Rule.Window, session=s.id, phaseEndsAt=s.due)
    for use in s.uses:
        log.expect("PairsConsumed", Rule.Record, channel=use["channel"], session=s.id, pairs=use["pairs"])
        suite.channels.channel(use["channel"]).used += use["pairs"]


def arrive(suite: Suite, log: Transcript) -> None:
    """Replay ``arrive``."""
    event = log.take("MemberArrived")
    s = _in_time(suite, log, event["session"], _S.Armed, _S.Running)
    log.require(Rule.Sequence, f"barrier of session {s.id}", s.phase, event["phase"])
    last, complete = s.phase == s.group.request["phases"], s.attend(log, event["index"])
    if last:
        s.results[event["index"]] = event["digest"]
    if not complete:
        return
    if last:
        s.advance(log, _S.Reporting)
        s.present = set()
        log.expect("BarrierPassed", Rule.Window, session=s.id, phase=s.phase + 1, phaseEndsAt=0)
        leave(log, s.group)
        return
    if s.phase == 0:
        s.advance(log, _S.Running)
    s.phase += 1
    _start_phase(log, s)
    log.expect("BarrierPassed", Rule.Window, session=s.id, phase=s.phase, phaseEndsAt=s.due)


def disclose(suite: Suite, log: Transcript) -> None:
    """Replay ``disclose`` and ``substituteSecret``."""
    event = log.take("SketchSeedFixed")
    group, secret = suite.sessions.group(event["group"]), event["secret"]
    log.hold(Rule.SketchSeed, group.running == 0 and not group.seeded, "secret", "due, and unknown", secret)
    bound = group.request["secretCommitment"]
    if event["withheld"]:
        log.hold(Rule.Window, log.now > group.due, "time of the substitution", f"after {group.due}", log.now)
        expected = session_digest.substitute_of(group.id, suite.beacon, bound)
        log.require(Rule.Secret, "what replaces the secret", expected, secret)
    else:
        log.require(Rule.Secret, "commitment to the secret", bound, commitment.of_secret(secret))
    log.require(Rule.SketchSeed, "seed of the sketches", session_digest.seed_of(group.id, secret), event["seed"])
    group.seeded, group.due = True, log.now + group.request["reportSeconds"]
    log.require(Rule.Window, "end of the window", group.due, event["phaseEndsAt"])


def report(suite: Suite, log: Transcript) -> None:
    """Replay ``report``."""
    event = log.take("SessionReported")
    s = suite.sessions.session(event["session"])
    log.require(Rule.Lifecycle, f"status of session {s.id}", _S.Reporting, s.status)
    log.hold(Rule.SketchSeed, s.group.seeded, "secret of the group", "known", "unknown")
    log.hold(Rule.Window, log.now <= s.group.due, "time of the report", f"{s.group.due} at most", log.now)
    index, root, sketch = event["index"], event["countsRoot"], list(event["sketch"])
    complete = s.attend(log, index)
    log.require(Rule.Record, "processor that reports", s.members[index], event["processor"])
    about = suite.constants.chain_id, suite.constants.contracts[CONTRACT], s.id, s.members[index]
    actual = session_digest.of_result(*about, root, event["salt"])
    log.require(Rule.Commitment, "commitment to the result", s.results.get(index), actual)
    asked = s.group.request
    sound = count_sketch.has_totals(sketch, asked["outcomeBits"], asked["shots"])
    log.hold(Rule.SketchTotals, sound, "rows of the sketch", f"{asked['shots']} shots each", sketch)
    if s.report is not None and s.report != (root, sketch):
        s.advance(log, _S.Disputed)
        close(suite, log, s, 0)
        return
    s.report = root, sketch
    if complete:
        s.advance(log, _S.Final)
        digest = session_digest.of_report(root, sketch)
        log.expect("SessionFinished", Rule.Answer, session=s.id, reportDigest=digest)


def _start_phase(log: Transcript, s: Session) -> None:
    s.due, s.present = log.now + s.group.request["phaseSeconds"], set()


def _is_usable(suite: Suite, log: Transcript, use: Mapping[str, int]) -> bool:
    c = suite.channels.channel(use["channel"])
    return c.status is ChannelStatus.Open and log.now <= c.due and c.terms["capacity"] - c.used >= use["pairs"]


def _in_time(suite: Suite, log: Transcript, id_: int, *statuses: SessionStatus) -> Session:
    s = suite.sessions.session(id_)
    log.hold(Rule.Lifecycle, s.status in statuses, f"status of session {id_}", statuses, s.status)
    log.hold(Rule.Window, log.now <= s.due, f"time of the step of session {id_}", f"{s.due} at most", log.now)
    return s
