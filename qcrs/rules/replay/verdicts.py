"""Settlement, replayed: twin of ``contracts/ResultVerifier.sol`` from the sketches to the verdict.

Gold rounds that a requester closed exclude who failed them; the sketches of the others are judged again; the result
is a conclusion, or an escalation under which more replicas join and all reveal under another seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ESCALATION, ComputationStatus
from qcrs.model.decision import Decision
from qcrs.rules import commitment
from qcrs.rules.agreement import Verdict, judge
from qcrs.rules.count_sketch import unpack
from qcrs.rules.credibility import is_credible, score_of
from qcrs.rules.replay.computation import Computation, Fates, Seat
from qcrs.rules.replay.endings import dismiss, operators, requeue
from qcrs.rules.replay.money import distribute, pay_of
from qcrs.rules.replay.transcript import Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

_STATUS_OF = {
    Verdict.Accepted: ComputationStatus.Accepted,
    Verdict.Rejected: ComputationStatus.Rejected,
    Verdict.Inconclusive: ComputationStatus.Inconclusive,
    Verdict.Unverified: ComputationStatus.Unverified,
}
NO_DIGEST = bytes(32)

# Assignment index and seat of each replica that revealed, ascending.
Revealed = Sequence[tuple[int, Seat]]


def settle(suite: Suite, log: Transcript) -> None:
    """Replay ``settle``: the verdict from the sketches, and all that follows from it."""
    event = log.take("ComputationSettled")
    c = suite.computation(log, event["computation"])
    c.require_status(log, ComputationStatus.Revealing)
    log.hold(Rule.Verdict, c.revealed > 0, "reveals", "1 or more", c.revealed)
    if c.revealed < len(c.on_duty()):
        c.require_elapsed(log)
        log.hold(Rule.Verdict, c.revealed >= c.quorum, "reveals", f"{c.quorum} or more", c.revealed)
    revealed = [(i, s) for i, s in enumerate(c.seats) if s.status is AssignmentStatus.Revealed]
    fates = suite.gold_rounds.failures(suite, log, c) | c.fates({AssignmentStatus.Committed: AssignmentStatus.Silent})
    verdict, members = _judged(suite, c, revealed, fates)
    if not members and c.may_escalate(len(fates), log.now):
        _require_settled(log, event, Verdict.Escalated, 0, NO_DIGEST)
        _escalate(suite, log, c, verdict, fates, revealed)
    else:
        _conclude(suite, log, c, verdict, fates, revealed, members)


def _judged(suite: Suite, c: Computation, revealed: Revealed, fates: Fates) -> tuple[Verdict, int]:
    """Return the verdict and the members, as a bitmap over *revealed*, whose answers count."""
    request = c.request
    excluded = sum(1 << bit for bit, (index, _) in enumerate(revealed) if index in fates)
    sketches = [unpack(seat.sketch, request.outcome_bits) for _, seat in revealed]
    judgement = judge(sketches, request.outcome_bits, request.shots, c.quorum, excluded)
    verdict, members = judgement.verdict, judgement.members
    if c.replicas == 1 and verdict is not Verdict.Rejected:
        return Verdict.Unverified, 1
    if verdict is Verdict.Accepted and request.trust:
        scores = []
        for _, seat in revealed:
            conduct = suite.registry.processor(seat.processor).conduct
            scores.append(score_of(*(conduct.get(key, 0) for key in ("accepted", "outliers", "silent", "failed"))))
        if not is_credible(scores, members, request.trust):
            return Verdict.Inconclusive, 0
    return verdict, members


def _escalate(
    suite: Suite, log: Transcript, c: Computation, verdict: Verdict, fates: Fates, revealed: Revealed
) -> None:
    salts = [seat.salt for _, seat in revealed]
    dismiss(suite, log, c, dict(sorted(fates.items())))
    attempt, secret = c.attempt + 1, c.secret
    c.restart()
    verifier = suite.constants.contracts["ResultVerifier"]
    commitments = [commitment.NO_COMMITMENT] * len(c.seats)
    for index, seat in revealed:
        if index in fates:
            continue
        c.move_seat(log, index, AssignmentStatus.Committed)
        seat.digest = commitments[index] = commitment.of_result(
            suite.constants.chain_id, verifier, c.id, attempt, seat.processor, seat.counts_root, seat.salt
        )
        c.commits |= 1 << index
    c.carried = len(c.seats) if verdict is Verdict.Inconclusive else 0
    c.replicas += ESCALATION
    bounty = suite.constants.keeper_bounty
    c.escrow -= bounty
    distribute(suite, log, c, bounty, c.requester, bounty=bounty)
    suite.beacon = commitment.next_beacon(suite.beacon, commitment.entropy_of(secret, salts))
    escalated = log.expect("ComputationEscalated", Rule.Verdict, computation=c.id, verdict=verdict, replicas=c.replicas)
    log.require(Rule.Beacon, "beacon", suite.beacon, escalated["beacon"])
    facts = (c.id, verdict, _listed(c, fates), commitments, suite.beacon)
    suite.record(log, "ComputationAllocator", Decision.ComputationEscalated, c.id, facts)
    requeue(suite, log, c)


def _conclude(
    suite: Suite,
    log: Transcript,
    c: Computation,
    verdict: Verdict,
    others: Fates,
    revealed: Revealed,
    members: int,
) -> None:
    counted = [(index, seat) for bit, (index, seat) in enumerate(revealed) if members >> bit & 1]
    accepted = sum(1 << index for index, _ in counted)
    roots = [seat.counts_root for _, seat in counted]
    answer = commitment.of_answer(c.id, accepted, roots) if counted else NO_DIGEST
    event = log.events[log.start]
    _require_settled(log, event, verdict, accepted, answer)
    salts = [seat.salt for _, seat in revealed]
    c.advance(log, _STATUS_OF[verdict])
    c.phase_ends_at = log.now + suite.book.policy.challenge_seconds
    fates = dict(others)
    for index, _ in revealed:
        if index not in fates:
            fates[index] = _fate(verdict, bool(accepted >> index & 1))
    fates = dict(sorted(fates.items()))
    dismiss(suite, log, c, fates)
    _pay(suite, log, c, verdict, fates)
    suite.beacon = commitment.next_beacon(suite.beacon, commitment.entropy_of(c.secret, salts))
    concluded = log.expect("ComputationConcluded", Rule.Verdict, computation=c.id, verdict=c.status)
    log.require(Rule.Beacon, "beacon", suite.beacon, concluded["beacon"])
    log.require(Rule.Window, "end of the challenge window", c.phase_ends_at, concluded["phaseEndsAt"])
    facts = (c.id, c.status, _listed(c, fates), answer, suite.beacon)
    c.settled_in = suite.trail.size
    suite.record(log, "ComputationAllocator", Decision.ComputationSettled, c.id, facts)


def _pay(suite: Suite, log: Transcript, c: Computation, verdict: Verdict, fates: Fates) -> None:
    """Hold payments to what the verdict asks for."""
    # Work that nobody could have made conclusive is paid; work of which some is surely wrong is not.
    decided = verdict in (Verdict.Accepted, Verdict.Rejected)
    paid = AssignmentStatus.Accepted if decided else AssignmentStatus.Released
    payees = operators(suite, c, (index for index, fate in fates.items() if fate is paid))
    each = pay_of(suite, c)
    escrow, c.escrow = c.escrow, each if payees else 0
    distribute(suite, log, c, escrow, c.requester, payees, each, suite.constants.keeper_bounty)


def _fate(verdict: Verdict, counts: bool) -> AssignmentStatus:
    if verdict is not Verdict.Accepted:
        return AssignmentStatus.Released
    return AssignmentStatus.Accepted if counts else AssignmentStatus.Outlier


def _listed(c: Computation, fates: Mapping[int, AssignmentStatus]) -> list[AssignmentStatus]:
    return [fates.get(index, AssignmentStatus.Unset) for index in range(len(c.seats))]


def _require_settled(log: Transcript, event, verdict: Verdict, accepted: int, answer: bytes) -> None:
    log.require(Rule.Verdict, "verdict", verdict, event["verdict"])
    log.require(Rule.Verdict, "accepted assignments (bitmap)", accepted, event["accepted"])
    log.require(Rule.Answer, "answer digest", answer, event["answerDigest"])
