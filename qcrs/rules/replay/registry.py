"""Processors, replayed: twin of ``contracts/ProcessorRegistry.sol`` but for the draw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.decision import Decision
from qcrs.model.processor import ProcessorStatus, advance
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

_S = AssignmentStatus
# The counter, with its maximum, that each way to end adds to.
CONDUCT = {
    _S.Accepted: ("accepted", 2**24 - 1),
    _S.Vindicated: ("accepted", 2**24 - 1),
    _S.Outlier: ("outliers", 2**24 - 1),
    _S.Disproven: ("outliers", 2**24 - 1),
    _S.Silent: ("silent", 2**16 - 1),
    _S.Refused: ("refused", 2**16 - 1),
    _S.GoldFailed: ("failed", 2**16 - 1),
    _S.TrapFailed: ("failed", 2**16 - 1),
}


@dataclass
class Processor:
    """One processor's identity and standing.

    Attributes:
        capabilities: Declared versions, the first at index 0. conduct: How its assignments ended, by counter.
    """

    id: int
    operator: str
    daemon: str
    organisation: int
    status: ProcessorStatus = ProcessorStatus.Applied
    noise_class: int = 0
    qubits: int = 0
    leased: int = 0
    last_beat_at: int = 0
    expires_at: int = 0
    bonded: bool = False
    capabilities: list[Mapping[str, Any]] = field(default_factory=list)
    conduct: dict[str, int] = field(default_factory=dict)

    def release(self, fate: AssignmentStatus, qubits: int) -> None:
        """End a lease of *qubits* and remember how it ended."""
        self.leased -= qubits
        self._remember(fate)

    def reconsider(self, was: AssignmentStatus, fate: AssignmentStatus) -> None:
        """Correct, after the verdict, how an assignment ended."""
        counter, _ = CONDUCT.get(was, ("", 0))
        if counter and self.conduct.get(counter, 0):
            self.conduct[counter] -= 1
        self._remember(fate)

    def _remember(self, fate: AssignmentStatus) -> None:
        if fate in CONDUCT:
            counter, most = CONDUCT[fate]
            self.conduct[counter] = min(self.conduct.get(counter, 0) + 1, most)

    def standing(self) -> dict[str, Any]:
        """Return what the contract must have on record."""
        return {
            "status": self.status,
            "noiseClass": self.noise_class,
            "qubits": self.qubits,
            "leasedQubits": self.leased,
            "organisation": self.organisation,
            "lastBeatAt": self.last_beat_at,
            "expiresAt": self.expires_at,
            "bonded": self.bonded,
            **{counter: self.conduct.get(counter, 0) for counter, _ in CONDUCT.values()},
        }


class Registry:
    """All processors.

    Attributes:
        members: The order in which each noise class is drawn from.
        first_organisation: For which each operator registers, for good.
    """

    def __init__(self, heartbeat_seconds: int) -> None:
        self.heartbeat_seconds = heartbeat_seconds
        self.processors: dict[int, Processor] = {}
        self.members: defaultdict[int, list[int]] = defaultdict(list)
        self.daemons: set[str] = set()
        self.first_organisation: dict[str, int] = {}

    def processor(self, id_: int) -> Processor:
        """Return a processor that is registered."""
        if id_ not in self.processors:
            raise Contradiction(Rule.Sequence, f"processor {id_}", "registered", "unknown")
        return self.processors[id_]

    def unlist(self, processor: Processor) -> None:
        """Take a processor out of its class; the last member takes its place."""
        members = self.members[processor.noise_class]
        members[members.index(processor.id)] = members[-1]
        members.pop()


def register(suite: Suite, log: Transcript) -> None:
    """Replay ``register``."""
    event = log.take("ProcessorRegistered")
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
    registry.processors[id_] = Processor(id_, event["operator"], event["daemon"], organisation)


def declare(suite: Suite, log: Transcript) -> None:
    """Replay ``declareCapability``."""
    event = log.take("CapabilityDeclared")
    processor, capability = suite.registry.processor(event["processor"]), event["capability"]
    version = len(processor.capabilities) + 1
    log.require(Rule.Certification, "capability version", version, event["version"])
    sound = 1 <= capability["qubits"] <= 255 and capability["noiseClass"] != 0
    log.hold(Rule.Certification, sound, "capability", "1 to 255 qubits and a noise class", capability)
    processor.capabilities.append(capability)


def certify(suite: Suite, log: Transcript) -> None:
    """Replay ``certify``."""
    event = log.take("ProcessorCertified")
    processor, version = suite.registry.processor(event["processor"]), event["version"]
    declared = len(processor.capabilities)
    log.hold(Rule.Certification, 1 <= version <= declared, "version", f"1 to {declared}", version)
    capability = processor.capabilities[version - 1]
    expires_at = capability["expiresAt"]
    log.require(Rule.Certification, "noise class", capability["noiseClass"], event["noiseClass"])
    log.require(Rule.Certification, "expiry", expires_at, event["expiresAt"])
    log.hold(Rule.Certification, expires_at > log.now, "expiry", f"after {log.now}", expires_at)
    fits = processor.leased <= capability["qubits"]
    log.hold(Rule.Certification, fits, "leased qubits", f"up to {capability['qubits']}", processor.leased)
    if processor.status is ProcessorStatus.Certified:
        suite.registry.unlist(processor)
    else:
        _move(log, processor, ProcessorStatus.Certified)
    processor.noise_class, processor.qubits = capability["noiseClass"], capability["qubits"]
    processor.expires_at = expires_at
    suite.registry.members[processor.noise_class].append(processor.id)
    facts = (processor.id, version, tuple(capability.values()))
    suite.record(log, "ProcessorRegistry", Decision.ProcessorCertified, processor.id, facts)


def suspend(suite: Suite, log: Transcript) -> None:
    """Replay ``suspend``."""
    event = log.take("ProcessorSuspended")
    processor = suite.registry.processor(event["processor"])
    _move(log, processor, ProcessorStatus.Suspended)
    suite.registry.unlist(processor)
    facts = (processor.id, event["reason"])
    suite.record(log, "ProcessorRegistry", Decision.ProcessorSuspended, processor.id, facts)


def retire(suite: Suite, log: Transcript) -> None:
    """Replay ``retire``."""
    processor = suite.registry.processor(log.take("ProcessorRetired")["processor"])
    listed = processor.status is ProcessorStatus.Certified
    _move(log, processor, ProcessorStatus.Retired)
    if listed:
        suite.registry.unlist(processor)


def beat(suite: Suite, log: Transcript) -> None:
    """Replay ``heartbeat``."""
    processor = suite.registry.processor(log.take("HeartbeatReceived")["processor"])
    processor.last_beat_at = log.now


def _move(log: Transcript, processor: Processor, to: ProcessorStatus) -> None:
    processor.status = log.advance(advance, processor.status, to, f"status of processor {processor.id}")
