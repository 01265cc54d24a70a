"""Benchmarks as operators and auditors see them: enlist, request, watch, and hold scores to the counts in the store."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from qcrs.chain.codec import Event
from qcrs.chain.contracts import Benchmarks
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount, salt_root
from qcrs.model.certification import ENDED, CertificationStatus
from qcrs.model.records import Certification, Measured
from qcrs.quantum.examination import examine, task_of
from qcrs.rules.certifying import chain_of
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
    await gateway.simulate(operator, CONTRACT, "enlist", processor, tip, value=stake)
    await gateway.send(operator, CONTRACT, "enlist", processor, tip, value=stake)
    return stake


async def delist(gateway: Gateway, operator: LocalAccount, processor: int) -> None:
    """Take *processor* out of the pool; its stake goes into the operator's balance.

    Raises:
        ContractRefused: It sits on a certification, or is not in the pool.
    """
    await gateway.simulate(operator, CONTRACT, "delist", processor)
    await gateway.send(operator, CONTRACT, "delist", processor)


async def request(gateway: Gateway, operator: LocalAccount, processor: int) -> tuple[int, int]:
    """Have the newest capability of *processor* benchmarked; return the certification and the wei sent.

    Raises:
        ContractRefused: One is open, there is no claim or no bond, or the operator is another.
    """
    _, newest = await gateway.call("ProcessorRegistry", "versionsOf", processor)
    price = await Benchmarks(gateway).price(processor)
    await gateway.simulate(operator, CONTRACT, "request", processor, newest, value=price)
    receipt = await gateway.send(operator, CONTRACT, "request", processor, newest, value=price)
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


async def certificate_of(gateway: Gateway, processor: int) -> dict[str, Any] | None:
    """Return what the capability in effect of *processor* rests on; None when it has none."""
    version, _ = await gateway.call("ProcessorRegistry", "versionsOf", processor)
    if not version:
        return None
    certified = await gateway.logs(gateway.network.deployed_at, names=["ProcessorCertified"])
    own = [event for event in certified if (event["processor"], event["version"]) == (processor, version)]
    evidence = own[-1]["evidence"] if own else bytes(32)
    if not any(evidence):
        return {"version": version, "measured": False, "meaning": "approved by the certification role, unmeasured"}
    trial = next((t for t in await read_trials(gateway) if t.evidence == evidence), None)
    found = {"version": version, "measured": True, "evidence": "0x" + evidence.hex(), "meaning": MEANING}
    return found if trial is None else found | {"certification": trial.id, "counts": "0x" + trial.answer.hex()}


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
