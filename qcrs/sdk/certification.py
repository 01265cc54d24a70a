"""Benchmarks as operators and auditors see them: enlist, request, watch, and hold scores to the counts in the store."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from qcrs.chain.action import act
from qcrs.chain.codec import Event
from qcrs.chain.contracts import Benchmarks
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount, salt_root
from qcrs.model.certification import ENDED, CertificationStatus
from qcrs.model.records import Capability, Certification, Measured
from qcrs.quantum.examination import examine, task_of
from qcrs.rules.certifying import chain_of
from qcrs.rules.measurement import (
    AS_CLAIMED,
    AS_MEASURED,
    AS_TESTED,
    LEAST_MIRROR_PPM,
    LEAST_VOLUME_LOG2,
    PPM,
    is_heavy,
)
from qcrs.store import ContentMismatch, ContentUnavailable, Store

CONTRACT = "Certifications"
POLL_SECONDS = 1.0
MEANING = (
    "It shows that whoever holds the processor's key answered, in time, circuits that nobody knew before, as a "
    "processor of this size and noise would. A classical simulator could do so too: it certifies correct, calibrated "
    "service, not quantumness."
)
_EVENTS = (
    "CertificationRequested", "CertificationChallenged", "CertificationAnswered", "ScoresRevealed",
    "CertificationEnded",
)  # fmt: skip


async def enlist(gateway: Gateway, operator: LocalAccount, daemon: LocalAccount, processor: int) -> int:
    """Put *processor* into the pool of certifiers, and return its stake in wei.

    Args:
        daemon: Its daemon's account, from whose key the salts follow.

    Raises:
        ContractRefused: The operator is another, or it is in the pool.
    """
    network = gateway.network
    before = await gateway.logs(network.deployed_at, names=["CertifierEnlisted"])
    # Salts once revealed are no secret any more: each time another chain.
    number = sum(event["certifier"] == processor for event in before)
    root = salt_root(daemon, network.chain_id, network.deployment, processor, number)
    tip = (await asyncio.to_thread(chain_of, root))[-1]
    stake = (await Benchmarks(gateway).terms()).stake
    await act(gateway, operator, CONTRACT, "enlist", processor, tip, value=stake)
    return stake


async def delist(gateway: Gateway, operator: LocalAccount, processor: int) -> None:
    """Take *processor* out of the pool; its stake goes into the operator's balance.

    Raises:
        ContractRefused: It sits on a certification, or is not in the pool.
    """
    await act(gateway, operator, CONTRACT, "delist", processor)


async def request(gateway: Gateway, operator: LocalAccount, processor: int) -> tuple[int, int]:
    """Have the newest capability of *processor* benchmarked; return the certification and the wei sent.

    Raises:
        ContractRefused: One is open, there is no claim or no bond, or the operator is another.
    """
    _, newest = await gateway.call("ProcessorRegistry", "versionsOf", processor)
    price = await Benchmarks(gateway).price(processor)
    receipt = await act(gateway, operator, CONTRACT, "request", processor, newest, value=price)
    return receipt.event("CertificationRequested")["certification"], price


async def watch(gateway: Gateway, certification: int) -> AsyncIterator[Certification]:
    """Yield the record of *certification* whenever its status or round changes, until it has ended."""
    seen: tuple[CertificationStatus, int] | None = None
    while True:
        record, _ = await Benchmarks(gateway).certification(certification)
        if (record.status, record.round) != seen:
            seen = (record.status, record.round)
            yield record
        if record.status in ENDED:
            return
        await asyncio.sleep(POLL_SECONDS)


@dataclass
class Trial:
    """What the log says of one certification's last round.

    Attributes:
        scores: Revealed, with the digest of each certifier's report, by seat. ended: How it ended; None while open.
    """

    id: int
    processor: int
    version: int
    seed: bytes = b""
    answer: bytes = b""
    scores: dict[int, tuple[Measured, bytes]] = field(default_factory=dict)
    ended: Event | None = None

    @property
    def evidence(self) -> bytes | None:
        """What the certificate rests on; None where nothing was measured."""
        evidence = self.ended["evidence"] if self.ended else bytes(32)
        return evidence if any(evidence) else None


async def read_trials(gateway: Gateway) -> list[Trial]:
    """Return every certification, as the log tells it."""
    trials: dict[int, Trial] = {}
    for event in await gateway.logs(gateway.network.deployed_at, names=_EVENTS):
        id_ = event["certification"]
        if event.name == "CertificationRequested":
            trials[id_] = Trial(id_, event["processor"], event["version"])
        elif event.name == "CertificationChallenged":
            trials[id_].seed, trials[id_].scores = event["seed"], {}
        elif event.name == "CertificationAnswered":
            trials[id_].answer = event["answer"]
        elif event.name == "ScoresRevealed":
            trials[id_].scores[event["seat"]] = (Measured.from_chain(dict(event["measured"])), event["report"])
        else:
            trials[id_].ended = event
    return list(trials.values())


def shortfalls(measured: Measured, claim: Capability) -> list[str]:
    """Return in words why *measured* is not enough for *claim*; nothing when it is, as ``is_enough`` says."""
    m, found = measured, []
    if m.qubits < claim.qubits:
        found.append("not every circuit was answered, or not as such a device could answer it")
    shown = claim.quantum_volume_log2 < LEAST_VOLUME_LOG2 or is_heavy(m.circuits, m.shots, m.heavy_outputs)
    if m.quantum_volume_log2 < claim.quantum_volume_log2 or not shown:
        share = m.heavy_outputs / m.shots if m.shots else 0.0
        found.append(f"a quantum volume of 2^{claim.quantum_volume_log2} not shown: {share:.1%} heavy outputs")
    if m.noise_class != claim.noise_class:
        found.append(f"noise class {m.noise_class}, claimed {claim.noise_class}")
    if m.mirror_ppm < LEAST_MIRROR_PPM:
        found.append(f"{m.mirror_ppm / PPM:.1%} of the mirror blocks of the worst shape passed; most must")
    return found


@dataclass(frozen=True)
class Outcome:
    """What a benchmark measured, beside the claim that it was about.

    Attributes:
        figures: What was claimed and what was measured, by name in the capability, of what takes effect as measured.
        lacks: Why it was not enough, in words; empty when it was.
    """

    figures: Mapping[str, tuple[int, int]]
    lacks: Sequence[str]

    @classmethod
    def of(cls, claim: Capability, measured: Measured) -> Self:
        """Return what *measured* is beside *claim*."""
        names = {name: _alias(name) for name in AS_MEASURED}
        figures = {alias: (getattr(claim, name), getattr(measured, name)) for name, alias in names.items()}
        return cls(figures, shortfalls(measured, claim))

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it."""
        pairs = {name: {"claimed": claimed, "measured": found} for name, (claimed, found) in self.figures.items()}
        return {"figures": pairs, "lacks": list(self.lacks)}


async def outcome_of(gateway: Gateway, certification: int) -> Outcome | None:
    """Return what *certification* found; None when it has not ended, or nothing was measured."""
    trial = next((trial for trial in await read_trials(gateway) if trial.id == certification), None)
    if trial is None or trial.ended is None or trial.evidence is None:
        return None
    claim = await Benchmarks(gateway).claim(trial.processor, trial.version)
    return Outcome.of(claim, Measured.from_chain(dict(trial.ended["measured"])))


async def measured_processors(gateway: Gateway) -> dict[int, bool]:
    """Return of each processor that was ever certified whether its certificate in effect rests on a measurement."""
    certified = await gateway.logs(gateway.network.deployed_at, names=["ProcessorCertified"])
    return {event["processor"]: any(event["evidence"]) for event in certified}


def _alias(name: str) -> str:
    return Capability.model_fields[name].alias or name


async def certificate_of(gateway: Gateway, processor: int) -> dict[str, Any] | None:
    """Return what the capability in effect of *processor* rests on, and what of it is a claim; None without one."""
    version, _ = await gateway.call("ProcessorRegistry", "versionsOf", processor)
    if not version:
        return None
    certified = await gateway.logs(gateway.network.deployed_at, names=["ProcessorCertified"])
    own = [event for event in certified if (event["processor"], event["version"]) == (processor, version)]
    evidence = own[-1]["evidence"] if own else bytes(32)
    if not any(evidence):
        claimed = [_alias(name) for name in (*AS_TESTED, *AS_MEASURED, *AS_CLAIMED)]
        meaning = "approved by the certification role, unmeasured"
        return {"version": version, "measured": False, "meaning": meaning, "claimed": claimed}
    trial = next((t for t in await read_trials(gateway) if t.evidence == evidence), None)
    found = {"version": version, "measured": True, "evidence": "0x" + evidence.hex(), "meaning": MEANING}
    found["claimed"] = [_alias(name) for name in AS_CLAIMED]
    if trial is None:
        return found
    outcome = await outcome_of(gateway, trial.id)
    figures = {} if outcome is None else {"figures": outcome.to_json()["figures"]}
    return found | {"certification": trial.id, "counts": "0x" + trial.answer.hex()} | figures


@dataclass(frozen=True)
class Recheck:
    """One certificate held to the counts in the store.

    Attributes:
        departs: What does not follow, in words; empty when all does. missing: Why it could not be held to them, or "".
    """

    certification: int
    departs: str = ""
    missing: str = ""


async def recheck(gateway: Gateway, store: Store, trial: Trial) -> Recheck:
    """Derive the circuits of *trial* again and score the counts in *store*: as every certifier must have done.

    Raises:
        ExaminerFailed: The scoring process ended without an answer.
    """
    claim = await Benchmarks(gateway).claim(trial.processor, trial.version)
    try:
        calibration = await asyncio.to_thread(store.get, claim.calibration_digest)
        bundle = await asyncio.to_thread(store.get, trial.answer)
    except (ContentUnavailable, ContentMismatch) as error:
        return Recheck(trial.id, missing=str(error))
    found = await examine(task_of(trial.seed, calibration.decode(errors="replace"), claim, bundle))
    expected = Measured.from_chain(found["measured"]), bytes.fromhex(found["report"])
    for seat, told in sorted(trial.scores.items()):
        if told != expected:
            return Recheck(
                trial.id, departs=f"seat {seat} scored {told[0]}, the counts in the store give {expected[0]}"
            )
    return Recheck(trial.id)
