"""Channels and sessions as the chain's events tell them: projections, like ``qcrs.model.story``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qcrs.model.channel import ENDED as CHANNEL_ENDED
from qcrs.model.channel import ChannelStatus
from qcrs.model.records import Record
from qcrs.model.session import ENDED as SESSION_ENDED
from qcrs.model.session import SessionStatus

ENDS = (0, 1)
# Up to this many outcome bits a result is its own sketch, and no secret has to be disclosed: as in CountSketch.
NARROW_BITS = 8
NO_SEED = bytes(32)
# What of the two contracts' events changes how channels, sessions and groups stand.
ENTANGLEMENT_EVENTS = (
    "ChannelRequested", "ChannelRetested", "ChannelAccepted", "PairsHeralded", "OutcomesCommitted", "OutcomesRevealed",
    "ChannelSettled", "PairsConsumed", "ChannelEnded", "SessionsCreated", "SessionFormed", "SessionJoined",
    "SessionArmed", "MemberArrived", "BarrierPassed", "ReportingOpened", "SketchSeedFixed", "SessionReported",
    "SessionFinished", "SessionEnded", "SessionsConcluded",
)  # fmt: skip


class ChannelTerms(Record):
    """What a channel is asked for with: see ``contracts/interfaces/IChannels.sol``."""

    pairs: int
    error_ppm: int
    fidelity_ppm: int
    capacity: int
    lifetime_seconds: int
    window_seconds: int


class Opening(Record):
    """What one end reveals of a test."""

    seed: bytes
    salt: bytes
    outcomes: list[int]


class Use(Record):
    """Pairs of one channel that a session uses."""

    channel: int
    pairs: int


class SessionRequest(Record):
    """What all runs of a program have in common: see ``contracts/interfaces/IEntanglementCoordinator.sol``."""

    program_digest: bytes
    secret_commitment: bytes
    phases: int
    shots: int
    outcome_bits: int
    fee: int
    deposit: int
    join_seconds: int
    phase_seconds: int
    report_seconds: int


@dataclass
class Channel:
    """Entangled pairs between two processors.

    Attributes:
        ends: Processors, end 0 and end 1. attempt: Number of the test, from 1. asker: The end that asked for it.
        seed_commitments, commitments: By end, of this attempt; the latter in the order in which they were made.
        first_commitment: To the seed with which it was first asked for.
        openings: Revealed, by end. phase_ends_at: When the step is overdue, or the pairs too old, unix seconds.
        used: Of ``terms.capacity``. tested, errors_z, errors_x: Of the last test that was settled.
    """

    channel: int
    link: int
    ends: tuple[int, int]
    terms: ChannelTerms
    seed_commitments: dict[int, bytes]
    first_commitment: bytes
    phase_ends_at: int
    status: ChannelStatus = ChannelStatus.Requested
    attempt: int = 1
    asker: int = 0
    commitments: dict[int, bytes] = field(default_factory=dict)
    openings: dict[int, Opening] = field(default_factory=dict)
    used: int = 0
    tested: int = 0
    errors_z: int = 0
    errors_x: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen."""
        return self.status in CHANNEL_ENDED

    @property
    def left(self) -> int:
        """Pairs that sessions may still use."""
        return self.terms.capacity - self.used if self.status is ChannelStatus.Open else 0

    def end_of(self, processor: int) -> int | None:
        """Return which end *processor* is."""
        return self.ends.index(processor) if processor in self.ends else None

    def apply(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Take in the next event about this channel."""
        self.phase_ends_at = arguments.get("phaseEndsAt", self.phase_ends_at)
        if name == "ChannelRetested":
            self.status, self.attempt, self.asker = ChannelStatus.Requested, arguments["attempt"], arguments["asker"]
            self.seed_commitments = {self.asker: arguments["seedCommitment"]}
            self.commitments, self.openings = {}, {}
        elif name == "ChannelAccepted":
            self.status = ChannelStatus.Heralding
            self.seed_commitments[1 - self.asker] = arguments["seedCommitment"]
        elif name == "PairsHeralded":
            self.status = ChannelStatus.Committing
        elif name == "OutcomesCommitted":
            self.commitments[arguments["end"]] = arguments["commitment"]
            if len(self.commitments) == len(ENDS):
                self.status = ChannelStatus.Revealing
        elif name == "OutcomesRevealed":
            self.openings[arguments["end"]] = Opening.from_chain(arguments["opening"])
        elif name == "ChannelSettled":
            self.status, self.used = ChannelStatus(arguments["verdict"]), 0
            self.tested = arguments["tested"]
            self.errors_z, self.errors_x = arguments["errorsZ"], arguments["errorsX"]
        elif name == "PairsConsumed":
            self.used += arguments["pairs"]
        elif name == "ChannelEnded":
            self.status = ChannelStatus(arguments["status"])


@dataclass
class Group:
    """The runs of one program.

    Attributes:
        group: Id of its first session. runs: How many, with consecutive ids.
        seed: Of the sketches, once it is fixed or none is needed.
        due_at: When the secret, then each report, is overdue, unix seconds; 0 before anything may be reported.
        verdict: Once it is concluded.
    """

    group: int
    requester: str
    request: SessionRequest
    runs: int
    created_in: int
    due_at: int = 0
    seed: bytes | None = None
    verdict: int | None = None
    agreeing: int = 0

    @property
    def sessions(self) -> range:
        """Ids of its runs."""
        return range(self.group, self.group + self.runs)


@dataclass
class Session:
    """One run.

    Attributes:
        phase: Whose barrier is waited at, from 0, the arming barrier. present: Members that have done what is due.
        digests: What each member arrived with, by phase and member. absent: Members that were, once it is Aborted.
        reports: Root and sketch that each member reported.
    """

    session: int
    group: int
    members: tuple[int, ...]
    fragment_digests: tuple[bytes, ...]
    uses: tuple[Use, ...]
    phase_ends_at: int
    status: SessionStatus = SessionStatus.Forming
    phase: int = 0
    present: set[int] = field(default_factory=set)
    digests: dict[tuple[int, int], bytes] = field(default_factory=dict)
    reports: dict[int, tuple[bytes, list[int]]] = field(default_factory=dict)
    absent: int = 0
    channel: int = 0
    refund: int = 0

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen."""
        return self.status in SESSION_ENDED

    def index_of(self, processor: int) -> int | None:
        """Return which member *processor* is."""
        return self.members.index(processor) if processor in self.members else None

    def apply(self, name: str, arguments: Mapping[str, Any], phases: int) -> None:
        """Take in the next event about this session, which has *phases* phases."""
        self.phase_ends_at = arguments.get("phaseEndsAt", self.phase_ends_at)
        if name == "SessionJoined":
            self.present.add(arguments["index"])
        elif name == "SessionArmed":
            self.status, self.present = SessionStatus.Armed, set()
        elif name == "MemberArrived":
            self.present.add(arguments["index"])
            self.digests[arguments["phase"], arguments["index"]] = arguments["digest"]
        elif name == "BarrierPassed":
            self.phase, self.present = arguments["phase"], set()
            self.status = SessionStatus.Running if self.phase <= phases else SessionStatus.Reporting
        elif name == "SessionReported":
            self.present.add(arguments["index"])
            self.reports[arguments["index"]] = (arguments["countsRoot"], list(arguments["sketch"]))
        elif name == "SessionFinished":
            self.status = SessionStatus.Final
        elif name == "SessionEnded":
            self.status, self.absent = SessionStatus(arguments["status"]), arguments["absent"]
            self.channel, self.refund = arguments["channel"], arguments["refund"]


class Entanglement:
    """All channels, sessions and groups seen so far, by id; feed it events in chain order."""

    def __init__(self) -> None:
        self.channels: dict[int, Channel] = {}
        self.sessions: dict[int, Session] = {}
        self.groups: dict[int, Group] = {}

    def apply(self, name: str, arguments: Mapping[str, Any], block: int) -> Channel | Session | Group | None:
        """Take in one event; return what it belongs to, or None when it belongs to nothing here."""
        if name == "ChannelRequested":
            commitment = arguments["seedCommitment"]
            channel = Channel(
                arguments["channel"], arguments["link"], (arguments["first"], arguments["second"]),
                ChannelTerms.from_chain(arguments["terms"]), {0: commitment}, commitment, arguments["phaseEndsAt"],
            )  # fmt: skip
            self.channels[channel.channel] = channel
            return channel
        if name == "SessionsCreated":
            group = Group(
                arguments["group"], arguments["requester"], SessionRequest.from_chain(arguments["request"]),
                arguments["runs"], block,
            )  # fmt: skip
            self.groups[group.group] = group
            return group
        if name == "SessionFormed":
            session = Session(
                arguments["session"], arguments["group"], tuple(arguments["members"]),
                tuple(arguments["fragmentDigests"]), tuple(map(Use.from_chain, arguments["uses"])),
                arguments["phaseEndsAt"],
            )  # fmt: skip
            self.sessions[session.session] = session
            return session
        return self._known(name, arguments)

    def _known(self, name: str, arguments: Mapping[str, Any]) -> Channel | Session | Group | None:
        channel = self.channels.get(arguments.get("channel", 0))
        if channel is not None and name != "SessionEnded":
            channel.apply(name, arguments)
            return channel
        session = self.sessions.get(arguments.get("session", 0))
        if session is not None:
            session.apply(name, arguments, self.groups[session.group].request.phases)
            return session
        group = self.groups.get(arguments.get("group", 0))
        if group is None:
            return None
        if name in ("ReportingOpened", "SketchSeedFixed"):
            group.due_at = arguments["phaseEndsAt"]
            narrow = group.request.outcome_bits <= NARROW_BITS
            group.seed = arguments.get("seed", NO_SEED if narrow else None)
        elif name == "SessionsConcluded":
            group.verdict, group.agreeing = arguments["verdict"], arguments["agreeing"]
        return group

    def runs(self, group: Group) -> list[Session]:
        """Return the runs of *group* that are known, by ascending id."""
        return [self.sessions[number] for number in group.sessions if number in self.sessions]

    def results(self, group: Group) -> tuple[list[bytes], list[int]]:
        """Return roots and sketches of the runs of *group* that are Final, as ``conclude`` takes them."""
        final = [session for session in self.runs(group) if session.status is SessionStatus.Final]
        told = [next(iter(session.reports.values())) for session in final]
        return [root for root, _ in told], [word for _, sketch in told for word in sketch]

    def concludable(self, group: Group) -> bool:
        """Return whether *group* has a result and none of its runs can go on."""
        runs = self.runs(group)
        over = all(session.ended or session.status is SessionStatus.Final for session in runs)
        return over and group.verdict is None and any(session.status is SessionStatus.Final for session in runs)
