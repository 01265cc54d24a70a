"""Benchmarks, replayed: twin of ``contracts/Certifications.sol`` and ``Inspections.sol``.

Every draw of certifiers, seed, commitment, median and verdict is worked out again. What a certifier's report rests on
is off the chain: see ``qcrs.sdk.certification`` for the recomputation of scores from the bundles in the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qcrs.model.certification import CertificationCause, CertificationStatus, advance
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Capability, Measured
from qcrs.rules import certifying, measurement
from qcrs.rules.certifying import EVERYBODY, MAX_ROUNDS
from qcrs.rules.measurement import NOTHING, SEATS
from qcrs.rules.replay import approvals, registry
from qcrs.rules.replay.disputes import endow, pay
from qcrs.rules.replay.inspections import Inspections
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

_C = CertificationStatus


@dataclass
class Certification:
    """One certification.

    Attributes:
        seed: The entropy not to draw from, that of the draw with the salts so far, or the seed of the circuits.
        seats: Certifiers. commitments, scores, reports: By seat. done: Seats that have done their part, as a bitmap.
    """

    id: int
    processor: int
    version: int
    cause: CertificationCause
    escrow: int
    fee: int
    seed: bytes
    status: CertificationStatus = CertificationStatus.Unset
    round: int = 1
    done: int = 0
    deadline_at: int = 0
    answer: bytes = bytes(32)
    seats: list[int] = field(default_factory=lambda: [0] * SEATS)
    commitments: dict[int, bytes] = field(default_factory=dict)
    scores: dict[int, Measured] = field(default_factory=dict)
    reports: dict[int, bytes] = field(default_factory=dict)

    def advance(self, log: Transcript, to: CertificationStatus, deadline_at: int) -> None:
        """Move along one edge into a phase in which nobody has done anything yet."""
        self.status = log.advance(advance, self.status, to, f"status of certification {self.id}")
        self.deadline_at, self.done = deadline_at, 0

    def require(self, log: Transcript, status: CertificationStatus) -> None:
        """Hold the status to be *status*, and the time not to be up."""
        log.require(Rule.Lifecycle, f"status of certification {self.id}", status, self.status)
        log.hold(Rule.Window, log.now <= self.deadline_at, "time of the step", f"by {self.deadline_at}", log.now)

    def finish(self, log: Transcript, seat: int) -> bool:
        """Note that *seat* has done its part, and return whether all have."""
        due = 0 <= seat < SEATS and not self.done >> seat & 1
        log.hold(Rule.Benchmark, due, "seat of the step", "one that has not done its part", seat)
        self.done |= 1 << seat
        return self.done == EVERYBODY

    def record(self) -> dict[str, object]:
        """Return what the contract must have on record."""
        return {
            "status": self.status, "cause": self.cause, "round": self.round, "done": self.done,
            "version": self.version, "processor": self.processor, "deadlineAt": self.deadline_at,
            "escrow": self.escrow, "seed": self.seed, "answer": self.answer, "fee": self.fee,
        }  # fmt: skip


def convene(suite: Suite, log: Transcript) -> None:
    """Replay ``convene``."""
    event, known = log.take("CertificationConvened"), suite.certifications
    c = _certification(suite, event["certification"])
    entropy = certifying.entropy_of(suite.beacon, known.folded)
    due = entropy != c.seed or log.now > c.deadline_at
    log.hold(Rule.Window, due, "time of the draw", f"after {c.deadline_at}, or when the beacon has turned", log.now)
    seed = certifying.draw_seed(entropy, c.id, c.round)
    log.require(Rule.DrawSeed, "entropy of the draw of certifiers", seed, event["entropy"])
    organisation = suite.registry.processor(c.processor).organisation
    drawn = certifying.drawn_certifiers(seed, known.pool, organisation, lambda id_: _fitness(suite, id_))
    log.require(Rule.Draw, "certifiers drawn", drawn, list(event["certifiers"]))
    log.hold(Rule.Draw, len(drawn) == SEATS, "certifiers drawn", str(SEATS), len(drawn))
    for id_ in drawn:
        known.certifiers[id_].busy = True
    c.advance(log, _C.Convened, log.now + known.terms.window_seconds)
    log.require(Rule.Window, "deadline for salts", c.deadline_at, event["deadlineAt"])
    c.seats, c.seed = drawn, seed
    c.escrow -= suite.constants.keeper_bounty
    pay(suite, log, event["keeper"], suite.constants.keeper_bounty)


def reveal_salt(suite: Suite, log: Transcript) -> None:
    """Replay ``revealSalt``."""
    event, known = log.take("SaltRevealed"), suite.certifications
    c, seat, salt = _certification(suite, event["certification"]), event["seat"], event["salt"]
    c.require(log, _C.Convened)
    last = c.finish(log, seat)
    certifier = known.certifiers[c.seats[seat]]
    log.require(Rule.Commitment, "what binds the salt", certifier.tip, certifying.tip_of(salt))
    certifier.tip = salt
    c.seed = certifying.folded_with(c.seed, seat, salt)
    if not last:
        return
    contract = suite.constants.contracts["Certifications"].lower()
    c.seed = certifying.challenge_seed(suite.constants.chain_id, contract, c.id, c.round, c.processor, c.seed)
    known.folded = certifying.folded_by(known.folded, c.seed)
    c.advance(log, _C.Challenged, log.now + known.terms.answer_seconds)
    told = {"certification": c.id, "seed": c.seed, "deadlineAt": c.deadline_at}
    log.expect("CertificationChallenged", Rule.Benchmark, **told)


def answer(suite: Suite, log: Transcript) -> None:
    """Replay ``answer``."""
    event = log.take("CertificationAnswered")
    c = _certification(suite, event["certification"])
    c.require(log, _C.Challenged)
    c.answer = event["answer"]
    c.advance(log, _C.Answered, log.now + suite.certifications.terms.window_seconds)
    log.require(Rule.Window, "deadline for scores", c.deadline_at, event["deadlineAt"])


def commit_scores(suite: Suite, log: Transcript) -> None:
    """Replay ``commitScores``."""
    event = log.take("ScoresCommitted")
    c = _certification(suite, event["certification"])
    c.require(log, _C.Answered)
    last = c.finish(log, event["seat"])
    c.commitments[event["seat"]] = event["commitment"]
    if last:
        c.advance(log, _C.Scoring, log.now + suite.certifications.terms.window_seconds)
        told = {"certification": c.id, "deadlineAt": c.deadline_at}
        log.expect("CertificationScoring", Rule.Benchmark, **told)


def reveal_scores(suite: Suite, log: Transcript) -> None:
    """Replay ``revealScores``, and the decision that the last one brings."""
    event = log.take("ScoresRevealed")
    c, seat = _certification(suite, event["certification"]), event["seat"]
    c.require(log, _C.Scoring)
    last = c.finish(log, seat)
    measured, report = Measured.from_chain(dict(event["measured"])), event["report"]
    contract = suite.constants.contracts["Certifications"].lower()
    bound = certifying.commitment_of(
        suite.constants.chain_id, contract, c.id, c.round, c.seats[seat], measured, report, event["salt"]
    )
    log.require(Rule.Commitment, "commitment that the scores open", c.commitments[seat], bound)
    c.scores[seat], c.reports[seat] = measured, report
    if last:
        _decide(suite, log, c)


def enforce(suite: Suite, log: Transcript) -> None:
    """Replay ``enforce``."""
    event, known = log.take("CertificationEnforced"), suite.certifications
    c, keeper = _certification(suite, event["certification"]), event["keeper"]
    waiting = c.status is _C.Requested
    due_at = c.deadline_at + (known.terms.window_seconds if waiting else 0)
    log.hold(Rule.Window, log.now > due_at, "time to enforce", f"after {due_at}", log.now)
    if not waiting and c.status is not _C.Challenged:
        _repeat(suite, log, c, EVERYBODY & ~c.done, keeper)
        return
    c.escrow -= suite.constants.keeper_bounty
    pay(suite, log, keeper, suite.constants.keeper_bounty)
    if waiting:
        _end(suite, log, c, _C.Lapsed, NOTHING, bytes(32))
    else:
        _fail(suite, log, c, NOTHING, bytes(32), certifying.SILENT)


def _decide(suite: Suite, log: Transcript, c: Certification) -> None:
    known = suite.certifications
    scores = [c.scores[seat] for seat in range(SEATS)]
    median, outliers = measurement.median_of(scores, known.terms.tolerance_ppm)
    if outliers:
        _repeat(suite, log, c, outliers, None)
        return
    evidence = certifying.evidence_of(c.seed, c.answer, [c.reports[seat] for seat in range(SEATS)], median)
    p = suite.registry.processor(c.processor)
    claim = Capability.from_chain(dict(p.capabilities[c.version - 1]))
    fits = p.status is not ProcessorStatus.Retired and claim.qubits >= p.leased + p.held
    if not fits or not measurement.is_enough(median, claim):
        _fail(suite, log, c, median, evidence, certifying.UNFIT)
        return
    capability = measurement.capability_of(median, claim, log.now, log.now + known.terms.valid_seconds)
    approvals.award(suite, log, p, capability, evidence)
    _dismiss(suite, log, c)
    _end(suite, log, c, _C.Certified, median, evidence)


def _fail(suite: Suite, log: Transcript, c: Certification, median: Measured, evidence: bytes, reason: bytes) -> None:
    _dismiss(suite, log, c)
    if reason == certifying.SILENT:
        endow(suite, log, "Certifications", c.escrow)
        c.escrow = 0
    certified = suite.registry.processor(c.processor).status is ProcessorStatus.Certified
    if certified and c.cause is not CertificationCause.Request:
        log.require(Rule.Benchmark, "reason of the suspension", reason, registry.suspend(suite, log, c.processor))
    _end(suite, log, c, _C.Failed, median, evidence)


def _dismiss(suite: Suite, log: Transcript, c: Certification) -> None:
    c.escrow -= SEATS * c.fee
    for id_ in c.seats:
        suite.certifications.certifiers[id_].busy = False
        pay(suite, log, suite.registry.processor(id_).operator, c.fee)


def _repeat(suite: Suite, log: Transcript, c: Certification, faulty: int, keeper: str | None) -> None:
    known, pot = suite.certifications, 0
    for seat, id_ in enumerate(c.seats):
        if not faulty >> seat & 1:
            known.certifiers[id_].busy = False
            continue
        stake = known.strike(id_)
        pot += stake
        log.expect("CertifierSlashed", Rule.Benchmark, certification=c.id, certifier=id_, amount=stake)
    payees = [] if keeper is None else [(keeper, suite.constants.keeper_bounty)]
    honest = [id_ for seat, id_ in enumerate(c.seats) if not faulty >> seat & 1]
    payees += [(suite.registry.processor(id_).operator, c.fee) for id_ in honest]
    for payee, amount in payees:
        paid = min(amount, pot)
        pay(suite, log, payee, paid)
        pot -= paid
    if pot:
        endow(suite, log, "Certifications", pot)
    if c.round == MAX_ROUNDS:
        _end(suite, log, c, _C.Lapsed, NOTHING, bytes(32))
        return
    c.round += 1
    c.seed = certifying.entropy_of(suite.beacon, known.folded)
    c.advance(log, _C.Requested, log.now + known.terms.window_seconds)
    told = {"certification": c.id, "round": c.round, "entropy": c.seed, "deadlineAt": c.deadline_at}
    log.expect("CertificationRepeated", Rule.Benchmark, **told)


def _end(
    suite: Suite, log: Transcript, c: Certification, to: CertificationStatus, median: Measured, evidence: bytes
) -> None:
    known = suite.certifications
    c.advance(log, to, 0)
    refund, c.escrow = c.escrow, 0
    known.open[c.processor] = 0
    if c.cause is not CertificationCause.Request:
        known.reserves[c.processor] += refund
        refund = 0
    told = {"certification": c.id, "status": to, "measured": median.model_dump(by_alias=True), "evidence": evidence}
    told |= {"refund": refund, "reserve": known.reserves[c.processor]}
    log.expect("CertificationEnded", Rule.Benchmark, **told)
    pay(suite, log, suite.registry.processor(c.processor).operator, refund)


def _fitness(suite: Suite, id_: int) -> tuple[int, int] | None:
    """Return the organisation and the weight of a certifier that may be drawn."""
    p = suite.registry.processor(id_)
    able = p.status in (ProcessorStatus.Applied, ProcessorStatus.Certified)
    return (p.organisation, p.weight) if able and not suite.certifications.certifiers[id_].busy else None


def _certification(suite: Suite, id_: int) -> Certification:
    known: Inspections = suite.certifications
    if id_ not in known.by_id:
        raise Contradiction(Rule.Sequence, f"certification {id_}", "requested", "unknown")
    return known.by_id[id_]
