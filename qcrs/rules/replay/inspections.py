"""Who is benchmarked, when, and out of which coin, replayed: twin of ``contracts/Inspections.sol`` and of the pool.

That gold rounds were bad enough for a benchmark is not held against them: no event says which were pointed out, and a
benchmark is no penalty.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.model.certification import CertificationCause, CertificationStatus
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import CertificationTerms
from qcrs.rules import certifying
from qcrs.rules.measurement import PPM, SEATS
from qcrs.rules.replay.disputes import pay
from qcrs.rules.replay.transcript import Contradiction, LoggedEvent, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.certifications import Certification
    from qcrs.rules.replay.suite import Suite

MAX_WINDOW_SECONDS = 7 * 86_400


@dataclass
class Certifier:
    """A certifier of the pool; *stake* in wei, *tip* binds its next salt."""

    stake: int
    tip: bytes
    busy: bool = False


class Inspections:
    """All certifications, and what they draw from.

    Attributes:
        folded: What seeds have added to the beacon. pool: Certifiers in the order of the contract.
        open: The certification that is open, by processor. reserves: Wei for the next one, by processor.
        epochs: Entropy by epoch. benchmarked_at: When each processor last was, unix seconds.
    """

    def __init__(self) -> None:
        self.folded = bytes(32)
        self.pool: list[int] = []
        self.certifiers: dict[int, Certifier] = {}
        self.by_id: dict[int, Certification] = {}
        self.open: defaultdict[int, int] = defaultdict(int)
        self.reserves: defaultdict[int, int] = defaultdict(int)
        self.epochs: dict[int, bytes] = {}
        self.benchmarked_at: dict[int, int] = {}
        self._terms: CertificationTerms | None = None

    @property
    def terms(self) -> CertificationTerms:
        """The terms in force."""
        if self._terms is None:
            raise Contradiction(Rule.Policy, "terms of certifications", "set at deployment", "none")
        return self._terms

    def change(self, terms: CertificationTerms) -> None:
        """Put *terms* in force."""
        self._terms = terms

    def strike(self, id_: int) -> int:
        """Take a certifier out of the pool; the last takes its place. Return its stake."""
        place = self.pool.index(id_)
        self.pool[place] = self.pool[-1]
        self.pool.pop()
        return self.certifiers.pop(id_).stake

    def held(self) -> int:
        """Return the wei that the contract must hold: stakes, escrows, and reserves for the next benchmarks."""
        stakes = sum(certifier.stake for certifier in self.certifiers.values())
        return stakes + sum(c.escrow for c in self.by_id.values()) + sum(self.reserves.values())

    def price(self, bounty: int) -> int:
        """Return what a benchmark costs, wei."""
        return SEATS * self.terms.fee + (certifying.MAX_ROUNDS + 2) * bounty


def change_terms(suite: Suite, log: Transcript) -> None:
    """Replay ``setTerms``, or the constructor."""
    t = CertificationTerms.from_chain(dict(log.take("CertificationTermsChanged")["terms"]))
    timely = all(1 <= window <= MAX_WINDOW_SECONDS for window in (t.window_seconds, t.answer_seconds))
    shares = max(t.surprise_ppm, t.tolerance_ppm, t.drift_ppm) <= PPM
    sound = timely and shares and t.valid_seconds > 0 and t.cadence_seconds > 0
    log.hold(Rule.Policy, sound, "terms of certifications", "within their bounds", t)
    suite.certifications.change(t)


def enlist(suite: Suite, log: Transcript) -> None:
    """Replay ``enlist``."""
    event, known = log.take("CertifierEnlisted"), suite.certifications
    id_ = suite.registry.processor(event["certifier"]).id
    log.hold(Rule.Benchmark, id_ not in known.certifiers, f"certifier {id_}", "not in the pool yet", "in it")
    log.require(Rule.Benchmark, "stake of a certifier", known.terms.stake, event["stake"])
    known.pool.append(id_)
    known.certifiers[id_] = Certifier(event["stake"], event["tip"])


def delist(suite: Suite, log: Transcript) -> None:
    """Replay ``delist``."""
    event, known = log.take("CertifierDelisted"), suite.certifications
    id_ = event["certifier"]
    free = id_ in known.certifiers and not known.certifiers[id_].busy
    log.hold(Rule.Benchmark, free, f"certifier {id_}", "in the pool, and free", "not so")
    stake = known.strike(id_)
    log.require(Rule.Benchmark, "stake given back", stake, event["stake"])
    pay(suite, log, suite.registry.processor(id_).operator, stake)


def open_epoch(suite: Suite, log: Transcript) -> None:
    """Replay ``openEpoch``."""
    event, known = log.take("EpochOpened"), suite.certifications
    epoch = log.now // known.terms.cadence_seconds
    log.require(Rule.Window, "epoch opened", epoch, event["epoch"])
    log.hold(Rule.Benchmark, epoch not in known.epochs, f"epoch {epoch}", "not opened yet", "opened")
    entropy = certifying.entropy_of(suite.beacon, known.folded)
    log.require(Rule.DrawSeed, "entropy of the epoch", entropy, event["entropy"])
    known.epochs[epoch] = entropy


def request(suite: Suite, log: Transcript) -> None:
    """Replay ``request``, ``surprise`` or ``recheck``; the cause tells which."""
    from qcrs.rules.replay.certifications import Certification  # it imports this module

    event, known = log.take("CertificationRequested"), suite.certifications
    id_, processor = event["certification"], suite.registry.processor(event["processor"])
    log.require(Rule.Benchmark, "certification requested", len(known.by_id) + 1, id_)
    log.require(Rule.Benchmark, f"certification open for processor {processor.id}", 0, known.open[processor.id])
    price, reserve = known.price(suite.constants.keeper_bounty), known.reserves[processor.id]
    causes = list(CertificationCause)[1:]
    log.hold(Rule.Benchmark, event["cause"] in causes, "cause", "a known one", event["cause"])
    cause, surprising = CertificationCause(event["cause"]), event["cause"] != CertificationCause.Request
    declared = len(processor.capabilities)
    log.hold(Rule.Benchmark, 1 <= event["version"] <= declared, "version", f"1 to {declared}", event["version"])
    if surprising:
        _require_surprised(suite, log, event, cause)
        escrow, left = price, max(reserve - price, 0)
    else:
        _require_able(suite, log, event)
        escrow, left = price + known.terms.deposit, max(price, reserve - price)
    entropy = certifying.entropy_of(suite.beacon, known.folded)
    told = {"escrow": escrow, "reserve": left, "entropy": entropy}
    for name, value in told.items():
        log.require(Rule.Benchmark, f"{name} of the certification", value, event[name])
    c = Certification(id_, processor.id, event["version"], cause, escrow, known.terms.fee, entropy)
    c.advance(log, CertificationStatus.Requested, log.now + known.terms.window_seconds)
    log.require(Rule.Window, "deadline for the draw", c.deadline_at, event["deadlineAt"])
    known.by_id[id_], known.open[processor.id], known.reserves[processor.id] = c, id_, left
    known.benchmarked_at[processor.id] = log.now
    if surprising:
        c.escrow -= suite.constants.keeper_bounty
        pay(suite, log, event["by"], suite.constants.keeper_bounty)


def withdraw_reserve(suite: Suite, log: Transcript) -> None:
    """Replay ``withdrawReserve``."""
    event, known = log.take("ReserveWithdrawn"), suite.certifications
    p = suite.registry.processor(event["processor"])
    log.require(Rule.Benchmark, f"status of processor {p.id}", ProcessorStatus.Retired, p.status)
    log.require(Rule.Benchmark, "reserve withdrawn", known.reserves[p.id], event["amount"])
    known.reserves[p.id] = 0
    pay(suite, log, p.operator, event["amount"])


def _require_able(suite: Suite, log: Transcript, event: LoggedEvent) -> None:
    p = suite.registry.processor(event["processor"])
    log.require(Rule.Benchmark, "who requests", p.operator, event["by"])
    here = p.status not in (ProcessorStatus.Unset, ProcessorStatus.Retired) and p.bonded
    log.hold(Rule.Benchmark, here, f"processor {p.id}", "bonded, and not retired", p.status)
    qubits = p.capabilities[event["version"] - 1]["qubits"]
    log.hold(Rule.Benchmark, qubits >= p.leased + p.held, "qubits claimed", f"{p.leased + p.held} or more", qubits)


def _require_surprised(suite: Suite, log: Transcript, event: LoggedEvent, cause: CertificationCause) -> None:
    known, p = suite.certifications, suite.registry.processor(event["processor"])
    log.require(Rule.Benchmark, f"status of processor {p.id}", ProcessorStatus.Certified, p.status)
    log.require(Rule.Benchmark, "version in effect", p.certified_version, event["version"])
    cadence = known.terms.cadence_seconds
    epoch = log.now // cadence
    last = known.benchmarked_at.get(p.id, 0) // cadence
    log.hold(Rule.Window, last != epoch, "epoch of the last benchmark", f"before {epoch}", last)
    if cause is CertificationCause.Surprise:
        entropy = known.epochs.get(epoch)
        drawn = entropy is not None and certifying.is_surprised(entropy, p.id, known.terms.surprise_ppm)
        log.hold(Rule.Draw, drawn, f"processor {p.id}", f"drawn in epoch {epoch}", "not drawn")
