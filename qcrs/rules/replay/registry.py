"""Processors, replayed: twin of ``contracts/ProcessorRegistry.sol`` but for the draw.

Each stands in the index where it stands on chain: whatever moves it there is in the log. Whether one whose certificate
has expired comes in again is a matter of time, so times are read of all that can let one in (see ``timed_blocks``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.decision import Decision
from qcrs.model.processor import ProcessorStatus, advance
from qcrs.model.records import Terms
from qcrs.rules import processor_index, reputation
from qcrs.rules.processor_index import ProcessorIndex
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript
from qcrs.rules.reputation import CONDUCT, weight_of

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

MISSED_BEATS = 2
CONDUCT_REASON = b"conduct".ljust(32, b"\0")


NO_TERMS = Terms(quantum_volume_log2=0, profile=0, two_qubit_error_ppm=0, price=0, minimum=0, offer_expires_at=0)


@dataclass(eq=False, kw_only=True)
class Processor(processor_index.Processor):
    """One processor's identity and standing.

    Attributes:
        draining: Finishes what it has and takes nothing new. offered: Has an offer of its own.
        capabilities: Declared versions, the first at index 0. certified_version: The one in effect.
        conduct: How its assignments ended, by counter.
    """

    operator: str
    daemon: str
    status: ProcessorStatus = ProcessorStatus.Applied
    noise_class: int = 0
    last_beat_at: int = 0
    expires_at: int = 0
    bonded: bool = False
    draining: bool = False
    offered: bool = False
    terms: Terms = NO_TERMS
    capabilities: list[Mapping[str, Any]] = field(default_factory=list)
    certified_version: int = 0
    conduct: dict[str, int] = field(default_factory=dict)

    def is_open(self, now: int, beaten_since: int = 0) -> bool:
        """Return whether it can be drawn at all."""
        able = self.status is ProcessorStatus.Certified and self.bonded and not self.draining
        return able and self.expires_at > now and self.last_beat_at >= beaten_since

    def reconsider(self, was: AssignmentStatus, fate: AssignmentStatus) -> None:
        """Correct, after the verdict, how an assignment ended."""
        self.conduct = reputation.forgotten(self.conduct, was)
        self.remember(fate)

    def remember(self, fate: AssignmentStatus) -> None:
        """Add one more assignment that ended as *fate* to the conduct."""
        self.behave(reputation.noted(self.conduct, fate))

    def behave(self, conduct: Mapping[str, int]) -> None:
        """Have *conduct* on record from now on."""
        self.conduct = dict(conduct)
        self.weight = weight_of(**self.conduct)

    def standing(self) -> dict[str, Any]:
        """Return what the contract must have on record."""
        return {
            "status": self.status,
            "noiseClass": self.noise_class,
            "qubits": self.qubits,
            "leasedQubits": self.leased,
            "heldQubits": self.held,
            "entry": self.entry,
            "bonded": self.bonded,
            "draining": self.draining,
            "offered": self.offered,
            "organisation": self.organisation,
            "lastBeatAt": self.last_beat_at,
            "expiresAt": self.expires_at,
            **{counter: self.conduct.get(counter, 0) for counter, _ in CONDUCT.values()},
        }


class Registry:
    """All processors.

    Attributes:
        indices: Who can be drawn, by noise class.
        first_organisation: For which each operator registers, for good.
        devices: Processor of an organisation's hardware. disgraced: Who left an organisation with most faults.
    """

    def __init__(self, heartbeat_seconds: int) -> None:
        self.heartbeat_seconds = heartbeat_seconds
        self.processors: dict[int, Processor] = {}
        self.indices: defaultdict[int, ProcessorIndex] = defaultdict(ProcessorIndex)
        self.daemons: set[str] = set()
        self.first_organisation: dict[str, int] = {}
        self.devices: dict[tuple[int, bytes], int] = {}
        self.disgraced: dict[int, int] = {}

    def processor(self, id_: int) -> Processor:
        """Return a processor that is registered."""
        if id_ not in self.processors:
            raise Contradiction(Rule.Sequence, f"processor {id_}", "registered", "unknown")
        return self.processors[id_]

    def part(self, processor: Processor) -> None:
        """Remember a processor that leaves, when it has most faults of its organisation's."""
        worst = self.disgraced.get(processor.organisation)
        most = 0 if worst is None else reputation.faults_of(self.processors[worst].conduct)
        if reputation.faults_of(processor.conduct) > most:
            self.disgraced[processor.organisation] = processor.id

    def beaten_since(self, now: int) -> int:
        """Return the earliest heartbeat that still counts."""
        return now - MISSED_BEATS * self.heartbeat_seconds

    def enlist(self, processor: Processor, now: int) -> None:
        """Index a processor that is in no list and has qubits free, if it can work."""
        if processor.is_open(now):
            self.indices[processor.noise_class].enlist(processor)

    def unlist(self, processor: Processor) -> None:
        """Take a processor out of the index."""
        self.indices[processor.noise_class].remove(processor)

    def relist(self, processor: Processor, now: int) -> None:
        """Index a processor anew when it is not, or no longer, where it belongs."""
        if processor.listed:
            fits = processor.free.bit_length() == processor.listed
            if fits and processor.bonded and not processor.draining:
                return
            self.unlist(processor)
        self.enlist(processor, now)

    def release(self, processor: Processor, fate: AssignmentStatus, qubits: int, now: int) -> None:
        """End a lease of *qubits* and remember how it ended."""
        processor.leased -= qubits
        processor.remember(fate)
        self.relist(processor, now)


def register(suite: Suite, log: Transcript) -> None:
    """Replay ``register``."""
    event = log.take("ProcessorRegistered")
    suite.pause.require_over(log, "the registration")
    registry, id_ = suite.registry, event["processor"]
    log.require(Rule.Membership, "processor registered", len(registry.processors) + 1, id_)
    organisation = suite.consortium.organisation_of(event["operator"])
    log.require(Rule.Membership, "organisation of the operator", organisation, event["organisation"])
    log.hold(Rule.Membership, organisation != 0, "operator", "a member's account", event["operator"])
    first = registry.first_organisation.setdefault(event["operator"], organisation)
    log.require(Rule.Membership, "organisation that the operator registers for", first, organisation)
    free = event["daemon"] not in registry.daemons
    log.hold(Rule.Membership, free, "daemon", "serving no other processor", event["daemon"])
    registry.daemons.add(event["daemon"])
    processor = Processor(
        id=id_, organisation=organisation, qubits=0, operator=event["operator"], daemon=event["daemon"]
    )
    registry.processors[id_] = processor
    device = (organisation, event["hardwareDigest"])
    former = registry.devices.get(device)
    registry.devices[device] = id_
    if former is not None:
        before = registry.processor(former)
        log.require(Rule.Membership, f"status of processor {former}", ProcessorStatus.Retired, before.status)
        accepted = {"accepted": before.conduct.get("accepted", 0)}
        processor.behave(reputation.inherited(accepted, before.conduct))
        log.expect("ConductInherited", Rule.Certification, processor=id_, former=former)


def suspend(suite: Suite, log: Transcript, expected: int | None = None) -> bytes:
    """Replay ``suspend`` or ``suspendByRule``; return the reason.

    Args:
        expected: The processor that must be, where something before has said so.
    """
    event = log.take("ProcessorSuspended")
    if expected is not None:
        log.require(Rule.Benchmark, "processor suspended", expected, event["processor"])
    processor = suite.registry.processor(event["processor"])
    if event["reason"] == CONDUCT_REASON and expected is None:
        log.hold(Rule.Slash, reputation.is_unfit(processor.conduct), "conduct", "one that suspends", processor.conduct)
    move_to(log, processor, ProcessorStatus.Suspended)
    suite.registry.unlist(processor)
    suite.registry.part(processor)
    facts = (processor.id, event["reason"])
    suite.record(log, "ProcessorRegistry", Decision.ProcessorSuspended, processor.id, facts)
    return event["reason"]


def update_identity(suite: Suite, log: Transcript) -> None:
    """Replay ``updateIdentity``."""
    event = log.take("IdentityUpdated")
    if suite.registry.processor(event["processor"]).status is ProcessorStatus.Certified:
        reason = suspend(suite, log, event["processor"])
        log.require(Rule.Certification, "reason of the suspension", event["identityDigest"], reason)


def retire(suite: Suite, log: Transcript) -> None:
    """Replay ``retire``."""
    processor = suite.registry.processor(log.take("ProcessorRetired")["processor"])
    move_to(log, processor, ProcessorStatus.Retired)
    suite.registry.unlist(processor)
    suite.registry.part(processor)


def beat(suite: Suite, log: Transcript) -> None:
    """Replay ``heartbeat``."""
    processor = suite.registry.processor(log.take("HeartbeatReceived")["processor"])
    if log.now:  # one whose time is not read changes nothing that a later one does not
        processor.last_beat_at = log.now
        suite.registry.enlist(processor, log.now)


def drain(suite: Suite, log: Transcript) -> None:
    """Replay ``drain``."""
    event = log.take("ProcessorDrained")
    processor = suite.registry.processor(event["processor"])
    processor.draining = event["draining"]
    suite.registry.relist(processor, log.now)


def offer(suite: Suite, log: Transcript) -> None:
    """Replay ``offer``."""
    event = log.take("OfferMade")
    processor, ends_at = suite.registry.processor(event["processor"]), event["expiresAt"]
    log.hold(Rule.Offer, event["price"] > 0, "price offered", "1 or more", event["price"])
    log.hold(Rule.Offer, ends_at > log.now, "end of the offer", f"after {log.now}", ends_at)
    asked = {"price": event["price"], "minimum": event["minimum"], "offer_expires_at": ends_at}
    processor.terms = processor.terms.model_copy(update=asked)
    processor.offered = True


def withdraw_offer(suite: Suite, log: Transcript) -> None:
    """Replay ``withdrawOffer``."""
    suite.registry.processor(log.take("OfferWithdrawn")["processor"]).offered = False


def move_to(log: Transcript, processor: Processor, to: ProcessorStatus) -> None:
    """Move *processor* along one edge."""
    processor.status = log.advance(advance, processor.status, to, f"status of processor {processor.id}")
