"""Capability versions, declared and approved, replayed: twin of ``contracts/libraries/Approval.sol``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qcrs.model.decision import Decision
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Capability
from qcrs.rules import reputation
from qcrs.rules.replay.registry import Processor, move_to
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite


def declare(suite: Suite, log: Transcript) -> None:
    """Replay ``declareCapability``; what is nowhere better takes effect at once."""
    processor, capability = _declared(suite, log)
    version = len(processor.capabilities)
    if processor.status is ProcessorStatus.Certified and _is_no_better(processor, capability):
        _certify(suite, log, processor, version, bytes(32))


def certify(suite: Suite, log: Transcript) -> None:
    """Replay ``certify``."""
    event = log.peek()
    if event is not None and event.name == "ConductInherited":
        event = log.peek(1)
    if event is None or event.name != "ProcessorCertified":
        raise Contradiction(Rule.Sequence, "next event", "an approval", "none")
    processor = suite.registry.processor(event["processor"])
    _certify(suite, log, processor, event["version"], bytes(32))


def award(suite: Suite, log: Transcript, processor: Processor, capability: Capability, evidence: bytes) -> None:
    """Replay ``award``: of a capability as it was measured."""
    declared, told = _declared(suite, log)
    log.require(Rule.Benchmark, "processor of the measured capability", processor.id, declared.id)
    log.require(Rule.Benchmark, "measured capability", capability.model_dump(by_alias=True), dict(told))
    _certify(suite, log, processor, len(processor.capabilities), evidence)


def _declared(suite: Suite, log: Transcript) -> tuple[Processor, Mapping[str, Any]]:
    event = log.take("CapabilityDeclared")
    processor, capability = suite.registry.processor(event["processor"]), event["capability"]
    version = len(processor.capabilities) + 1
    log.require(Rule.Certification, "capability version", version, event["version"])
    sound = 1 <= capability["qubits"] <= 255 and capability["noiseClass"] != 0
    log.hold(Rule.Certification, sound, "capability", "1 to 255 qubits and a noise class", capability)
    processor.capabilities.append(capability)
    return processor, capability


def _is_no_better(processor: Processor, capability: Mapping[str, Any]) -> bool:
    present = processor.capabilities[processor.certified_version - 1]
    same, least, most = (
        ("noiseClass", "profile"),
        ("twoQubitErrorPpm", "readoutErrorPpm"),
        ("qubits", "quantumVolumeLog2", "layerFidelityPpm", "clops", "t1Nanoseconds", "t2Nanoseconds", "expiresAt"),
    )
    return (
        all(capability[name] == present[name] for name in same)
        and all(capability[name] >= present[name] for name in least)
        and all(capability[name] <= present[name] for name in most)
    )


def _certify(suite: Suite, log: Transcript, processor: Processor, version: int, evidence: bytes) -> None:
    """Replay an approval, and what conduct it brings along."""
    known, declared = suite.registry, len(processor.capabilities)
    log.hold(Rule.Certification, 1 <= version <= declared, "version", f"1 to {declared}", version)
    capability = processor.capabilities[version - 1]
    expires_at, was = capability["expiresAt"], processor.status
    log.hold(Rule.Certification, expires_at > log.now, "expiry", f"after {log.now}", expires_at)
    taken = processor.leased + processor.held
    fits = taken <= capability["qubits"]
    log.hold(Rule.Certification, fits, "leased and promised qubits", f"up to {capability['qubits']}", taken)
    heir = known.disgraced.get(processor.organisation) if was is ProcessorStatus.Applied else None
    if heir is not None:
        processor.behave(reputation.inherited(processor.conduct, known.processor(heir).conduct))
        log.expect("ConductInherited", Rule.Certification, processor=processor.id, former=heir)
    elif was is ProcessorStatus.Suspended and reputation.is_unfit(processor.conduct):
        processor.behave(reputation.PROBATION)
    known.unlist(processor)
    if was is not ProcessorStatus.Certified:
        move_to(log, processor, ProcessorStatus.Certified)
    processor.noise_class, processor.qubits = capability["noiseClass"], capability["qubits"]
    processor.expires_at = expires_at & 0xFFFFFFFF  # a standing has 32 bits for it
    processor.certified_version = version
    processor.terms = processor.terms.model_copy(
        update={
            "quantum_volume_log2": capability["quantumVolumeLog2"],
            "profile": capability["profile"],
            "two_qubit_error_ppm": capability["twoQubitErrorPpm"],
        }
    )
    known.enlist(processor, log.now)
    told = {"processor": processor.id, "version": version, "noiseClass": capability["noiseClass"]}
    log.expect("ProcessorCertified", Rule.Certification, **told, expiresAt=expires_at, evidence=evidence)
    facts = (processor.id, version, tuple(capability.values()), evidence)
    suite.record(log, "ProcessorRegistry", Decision.ProcessorCertified, processor.id, facts)
