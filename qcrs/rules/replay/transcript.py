"""The log under examination, and what it means for it to contradict the rules.

A transcript is read call by call. Each call of the suite is a run of events in one block; its twin in this package
takes them one after the other, works out what each must say from what came before, and compares.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Any

from qcrs.errors import QcrsError
from qcrs.model.lifecycle import UnexpectedStatus


class Rule(StrEnum):
    """What can be broken; the value is how reports name it."""

    Sequence = "sequence"  # an event is missing, superfluous, or out of place
    Entry = "entry"  # an audit entry is not the one that its facts make
    HashChain = "hash-chain"  # head, size or root differ from the contract's
    Membership = "membership"  # organisations, their accounts, consent
    Benchmark = "benchmark"  # who scores, what scores make together, and what follows
    Certification = "certification"  # capabilities, their versions and validity
    Lifecycle = "lifecycle"  # a move that is no edge of the status tables
    Queue = "queue"  # a place in the queue that is not the organisation's, or is passed over
    Quota = "quota"  # more that is not routine than the organisation may submit
    DrawSeed = "draw-seed"  # the seed of a draw is not the beacon's
    Draw = "draw"  # other processors than the seed, the index and the weights say
    Offer = "offer"  # prices that processors ask
    Reservation = "reservation"  # processors for a time: their calendars, and who gets what
    Window = "window"  # a step too early or too late, or a wrong deadline
    Commitment = "commitment"  # a reveal that does not open its commitment
    Secret = "secret"  # a secret other than the one bound
    SketchSeed = "sketch-seed"  # not the seed of the round's commits and secret
    SketchTotals = "sketch-totals"  # rows that do not add up to the shots
    Verdict = "verdict"  # not what the sketches say, or on too few of them
    Answer = "answer"  # the digest of the verified result
    Beacon = "beacon"  # not folded from the revealed salts and the secret
    Escrow = "escrow"  # not the quote, or above what the requester allows
    Slash = "slash"  # fates of assignments and what they cost
    Payment = "payment"  # pay, bounty, refund
    Books = "books"  # money that is not there
    Gold = "gold"  # openings, scores and accusations of gold rounds
    Challenge = "challenge"  # what proves a fault, and what it costs
    Dispute = "dispute"  # what may be disputed, how rulings divide money
    Policy = "policy"  # rules in force
    Motion = "motion"  # who may propose and vote, quorums, compositions of bodies
    Key = "key"  # which hash key an account has, and leaves that sign once
    Pause = "pause"  # new work while there must be none, or a pause that may not be
    Record = "record"  # a contract's record differs from what its events make of it


@dataclass(frozen=True)
class LoggedEvent:
    """One event of the suite.

    Attributes:
        contract: Name of the emitting contract. arguments: By Solidity name, structs as dicts.
        timestamp: Of the block, unix seconds; read only where ``timed_blocks`` says so.
    """

    name: str
    contract: str
    arguments: Mapping[str, Any]
    block: int
    timestamp: int = 0

    def __getitem__(self, argument: str) -> Any:
        return self.arguments[argument]


class Contradiction(QcrsError):
    """The log does not follow from what came before.

    Attributes:
        rule: The rule broken. what: What was compared. entry: The audit entry concerned, when it is known.
    """

    def __init__(self, rule: Rule, what: str, expected: Any, actual: Any) -> None:
        self.rule, self.what = rule, what
        self.expected, self.actual = show(expected), show(actual)
        self.entry: int | None = None
        super().__init__(f"{rule}: {what} is {self.actual}, expected {self.expected}")


EMITTERS: Mapping[str, str] = {
    name: contract
    for contract, names in {
        "AuditTrail": "EntryAppended",
        "Consortium": "OrganisationAdmitted OrganisationExpelled OrganisationWeighted AccountInvited"
        " AccountJoined AccountLeft OrderChosen ScreenChosen OrganisationListed QuotaGranted",
        "ProcessorRegistry": "ProcessorRegistered IdentityUpdated CapabilityDeclared ProcessorCertified"
        " ProcessorSuspended ProcessorRetired ProcessorBonded HeartbeatReceived ProcessorDrained OfferMade"
        " OfferWithdrawn QubitsReserved ConductInherited",
        "Bonds": "BondAdded UnbondingBegun BondRemoved BondSlashed",
        "ComputationAllocator": "Deposited Withdrawn TreasurySpent TreasuryEndowed PolicyChanged WorkPaused WorkResumed"
        " ComputationSubmitted ComputationAllocated ComputationRequeued ComputationRevealing"
        " ComputationCommitted ComputationCancelled ComputationFailed ComputationConcluded ComputationPaid"
        " AssignmentEnded ComputationEscalated ComputationOverturned FaultVindicated ComputationDeferred"
        " ComputationsExchanged",
        "Reservations": "RateSet ReservationGranted ReservationPrepared ReservationBegun ReservationClosed",
        "Certifications": "CertificationTermsChanged CertifierEnlisted CertifierDelisted CertificationRequested"
        " CertificationConvened SaltRevealed CertificationChallenged CertificationAnswered ScoresCommitted"
        " CertificationScoring ScoresRevealed CertificationEnforced CertifierSlashed CertificationRepeated"
        " CertificationEnded EpochOpened ReserveWithdrawn",
        "Channels": "LinkOpened LinkStaked LinkClosed PurseFunded PurseEmptied ChannelRequested ChannelRetested"
        " ChannelAccepted PairsHeralded OutcomesCommitted OutcomesRevealed ChannelSettled ChannelReleased"
        " PairsConsumed ChannelEnded",
        "EntanglementCoordinator": "SessionsCreated SessionFormed SessionJoined SessionArmed MemberArrived"
        " BarrierPassed ReportingOpened SketchSeedFixed SessionReported SessionFinished SessionEnded"
        " SessionsConcluded",
        "GoldRounds": "GoldListOpened RoundScored GoldListClosed StakeReclaimed StakeForfeited",
        "Challenges": "HistogramDemanded HistogramOpened ChallengeEnded SketchRefuted HistogramRefuted AnswerRepeated"
        " FaultProven PenaltyDivided",
        "Disputes": "DisputeOpened DisputeAnswered DisputeRuled DisputeDivided DisputeLapsed",
        "ResultDelivery": "ResultSubscribed OutcomesSubscribed ResultDelivered ResultDeliveryFailed OutcomesDelivered"
        " OutcomesDeliveryFailed",
        # Any body: see Transcript.take.
        "Committee": "MotionProposed MotionVoted MotionCarried MotionExecuted MotionRejected MotionLapsed"
        " MotionWithdrawn BodyFounded BodyComposed TempoSet DelayWaived",
        "HashKeys": "KeyInstalled KeyRotated KeyRecovered ActionPerformed ActionFailed Attested RecoveryProposed"
        " RecoveryObjected",
        "ResultVerifier": "ResultCommitted CommitsBundled PayloadRefused SeedFixed ResultRevealed ComputationSettled",
    }.items()
    for name in names.split()
}

# What OpenZeppelin's parts say about roles, which reports were passed over, who has to come with which keys: no rule
# replayed here depends on it.
UNREPLAYED = frozenset(
    "AuthorityUpdated EIP712DomainChanged CommitSkipped RevealSkipped CommitPassedOver KeysAdopted"
    " HashKeysRequired".split()
)

_TIMED = frozenset(
    "ComputationSubmitted ComputationAllocated ComputationCommitted ComputationRevealing ComputationSettled"
    " ComputationPaid ComputationDeferred AssignmentEnded ProcessorCertified UnbondingBegun BondRemoved"
    " ProcessorBonded ProcessorDrained OfferMade CapabilityDeclared CertificationRequested CertificationConvened"
    " SaltRevealed CertificationAnswered ScoresCommitted ScoresRevealed CertificationEnforced EpochOpened"
    " QubitsReserved ReservationGranted ReservationPrepared ReservationBegun ReservationClosed"
    " DisputeOpened DisputeRuled DisputeLapsed GoldListOpened RoundScored GoldListClosed StakeReclaimed"
    " HistogramDemanded HistogramOpened ChallengeEnded SketchRefuted HistogramRefuted AnswerRepeated"
    " ResultDelivered ResultDeliveryFailed OutcomesDelivered OutcomesDeliveryFailed"
    " MotionProposed MotionVoted MotionExecuted MotionRejected MotionLapsed WorkPaused ProcessorRegistered"
    " ChannelRequested ChannelRetested ChannelAccepted PairsHeralded OutcomesCommitted ChannelSettled ChannelEnded"
    " SessionsCreated SessionJoined MemberArrived SketchSeedFixed SessionReported ReportingOpened SessionEnded"
    " SessionsConcluded"
    " RecoveryProposed KeyRecovered".split()
)
# Steps for which processors must have been heard of.
_ATTENDED = frozenset({"ComputationAllocated", "ComputationDeferred", "ReservationGranted", "ReservationPrepared"})


class Transcript:
    """A cursor over the events of the suite, in chain order, that keeps count of what it has checked.

    Attributes:
        checks: Comparisons made, by rule. subject: The computation that the running call is about.
        start: Position of the first event of the running call.
    """

    def __init__(self, events: Iterable[LoggedEvent]) -> None:
        self.events: list[LoggedEvent] = []
        self.extend(events)
        self.checks: Counter[Rule] = Counter()
        self.subject: int | None = None
        self.start = self._position = 0
        self._block = 0

    def extend(self, events: Iterable[LoggedEvent]) -> None:
        """Take in the events that follow; a call must be in the log as a whole when it is replayed."""
        self.events += [e for e in events if e.contract != "Authority" and e.name not in UNREPLAYED]

    @property
    def now(self) -> int:
        """The running call's block time, unix seconds."""
        return self.events[self.start].timestamp

    def begin(self) -> LoggedEvent | None:
        """Begin another call and return its first event, or None at the end of the log."""
        self.start, self.subject = self._position, None
        head = self.peek()
        if head is not None:
            self.subject = head.arguments.get("computation")
            self.hold(
                Rule.Sequence,
                head.block >= self._block,
                f"block of {head.name}",
                f"{self._block} or later",
                head.block,
            )
            self._block = head.block
        return head

    def peek(self, ahead: int = 0) -> LoggedEvent | None:
        """Return the event *ahead* of the next one without taking it, or None past the end."""
        position = self._position + ahead
        return self.events[position] if position < len(self.events) else None

    def take(self, name: str, emitter: str | None = None) -> LoggedEvent:
        """Take the next event, which must be called *name* and be part of the running call.

        Args:
            emitter: Name of the contract that must have emitted it, where several may.
        """
        event = self.peek()
        emitter = emitter or EMITTERS[name]
        if event is None:
            raise Contradiction(Rule.Sequence, "next event", f"{emitter}.{name}", "the end of the log")
        self.require(
            Rule.Sequence,
            "next event",
            f"{emitter}.{name} in block {self._block}",
            f"{event.contract}.{event.name} in block {event.block}",
        )
        self._position += 1
        return event

    def expect(self, name: str, rule: Rule, emitter: str | None = None, **arguments: Any) -> LoggedEvent:
        """Take the event *name*, of *emitter* where several may emit it, and hold it to *arguments* under *rule*."""
        event = self.take(name, emitter)
        for argument, expected in arguments.items():
            self.require(rule, f"{argument} of {name}", expected, event[argument])
        return event

    def require(self, rule: Rule, what: str, expected: Any, actual: Any) -> None:
        """Hold *actual* to be *expected*."""
        self.hold(rule, expected == actual, what, expected, actual)

    def hold(self, rule: Rule, condition: bool, what: str, expected: Any, actual: Any) -> None:
        """Hold *condition* to be true; *expected* and *actual* say in words what it compares."""
        self.checks[rule] += 1
        if not condition:
            raise Contradiction(rule, what, expected, actual)

    def advance(self, lifecycle: Callable[[Any, Any], Any], status: Any, to: Any, what: str) -> Any:
        """Return *to* when *lifecycle*, an ``advance`` of ``qcrs.model``, has an edge to it from *status*."""
        self.checks[Rule.Lifecycle] += 1
        try:
            return lifecycle(status, to)
        except UnexpectedStatus as error:
            allowed = " or ".join(s.name for s in sorted(error.allowed))
            raise Contradiction(Rule.Lifecycle, f"{what} before {to.name}", allowed, status) from error


def timed_blocks(events: Iterable[LoggedEvent]) -> set[int]:
    """Return the blocks whose timestamps a replay of *events* reads.

    Of heartbeats, which are most of a quiet chain, only some count: the last before each step that asks who is there,
    and the last of all; and the first after it, with which comes back whom a draw has met and not heard of.
    """
    blocks: set[int] = set()
    latest: dict[int, int] = {}
    for event in events:
        if event.name == "HeartbeatReceived":
            if event["processor"] not in latest:
                blocks.add(event.block)
            latest[event["processor"]] = event.block
        elif event.name in _TIMED:
            blocks.add(event.block)
            if event.name in _ATTENDED:
                blocks.update(latest.values())
                latest.clear()
    return blocks | set(latest.values())


def show(value: Any) -> str:
    """Return *value* as people read it: bytes in hexadecimal, statuses by name."""
    if isinstance(value, Enum):
        return str(value.name)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {show(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(show, value)) + "]"
    return "anything" if value is ... else str(value)
