"""Commit, disclose, reveal and verdict, replayed: twin of ``contracts/ResultVerifier.sol``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.decision import Decision
from qcrs.rules import commitment
from qcrs.rules.agreement import Verdict, judge
from qcrs.rules.count_sketch import has_totals, unpack
from qcrs.rules.replay.computation import Computation
from qcrs.rules.replay.endings import dismiss, operators
from qcrs.rules.replay.money import distribute
from qcrs.rules.replay.transcript import Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

_STATUS_OF = {
    Verdict.Accepted: ComputationStatus.Accepted,
    Verdict.Rejected: ComputationStatus.Rejected,
    Verdict.Inconclusive: ComputationStatus.Inconclusive,
}
NO_DIGEST = bytes(32)


def commit(suite: Suite, log: Transcript) -> None:
    """Replay ``commit``; the last commit of a round tells so before its own event."""
    completes = log.peek().name == "ComputationCommitted"
    last = log.take("ComputationCommitted") if completes else None
    event = log.take("ResultCommitted")
    c = suite.computation(log, event["computation"])
    c.require_status(log, ComputationStatus.Queued, ComputationStatus.Allocated)
    index = event["index"]
    seat = c.move_seat(log, index, AssignmentStatus.Committed)
    log.require(Rule.Commitment, "processor of the commit", seat.processor, event["processor"])
    seat.digest = event["commitment"]
    c.commits_digest = commitment.extend(c.commits_digest, index, seat.digest)
    c.committed += 1
    complete = c.committed == c.request.replicas
    log.require(Rule.Sequence, f"commits complete with {c.committed}", complete, completes)
    if last is not None:
        log.require(Rule.Sequence, "computation of ComputationCommitted", c.id, last["computation"])
        c.phase_ends_at = log.now + suite.book.policy.disclose_seconds
        log.require(Rule.Window, "end of the disclosure phase", c.phase_ends_at, last["phaseEndsAt"])
        c.advance(log, ComputationStatus.Committed)


def disclose(suite: Suite, log: Transcript) -> None:
    """Replay ``disclose``, or a ``substituteSecret`` whose bounty is spent."""
    c = suite.computation(log, log.peek()["computation"])
    following = log.peek(1)
    if following is not None and following.name == "SeedFixed" and following["withheld"]:
        substitute(suite, log, c)
        return
    bound = c.secret
    event = _open(suite, log, c, withheld=False)
    log.require(Rule.Secret, "commitment to the secret", bound, commitment.of_secret(event["secret"]))
    _fix_seed(log, c, event["secret"], event["seed"])


def substitute(suite: Suite, log: Transcript, c: Computation) -> None:
    """Replay ``substituteSecret``: the beacon stands in, once at the requester's expense."""
    c.require_status(log, ComputationStatus.Committed)
    c.require_elapsed(log)
    if not c.withheld:
        c.withheld = True
        bounty = suite.constants.keeper_bounty
        c.escrow -= bounty
        distribute(suite, log, c, bounty, c.requester, bounty=bounty)
    event = _open(suite, log, c, withheld=True)
    secret = commitment.beacon_secret(suite.beacon, c.id)
    log.require(Rule.Secret, "the beacon's substitute", secret, event["secret"])
    _fix_seed(log, c, secret, event["seed"])


def reveal(suite: Suite, log: Transcript) -> None:
    """Replay ``reveal``."""
    event = log.take("ResultRevealed")
    c = suite.computation(log, event["computation"])
    c.require_status(log, ComputationStatus.Revealing)
    seat = c.move_seat(log, event["index"], AssignmentStatus.Revealed)
    log.require(Rule.Commitment, "processor of the reveal", seat.processor, event["processor"])
    constants, root, salt = suite.constants, event["countsRoot"], event["salt"]
    verifier = constants.contracts["ResultVerifier"]
    opened = commitment.of_result(constants.chain_id, verifier, c.id, c.attempt, seat.processor, root, salt)
    log.require(Rule.Commitment, "commitment that the reveal opens", seat.digest, opened)
    sketch, request = list(event["sketch"]), c.request
    totals = has_totals(sketch, request.outcome_bits, request.shots)
    log.hold(Rule.SketchTotals, totals, "sketch", f"rows that add up to {request.shots} shots", sketch)
    seat.counts_root, seat.salt, seat.sketch = root, salt, sketch
    seat.digest = commitment.of_reveal(root, salt, sketch)
    c.revealed += 1


def settle(suite: Suite, log: Transcript) -> None:
    """Replay ``settle``: the verdict from the sketches, and all that follows from it."""
    event = log.take("ComputationSettled")
    c = suite.computation(log, event["computation"])
    c.require_status(log, ComputationStatus.Revealing)
    log.hold(Rule.Verdict, c.revealed > 0, "reveals", "1 or more", c.revealed)
    verdict, accepted, answer = _judged(c)
    log.require(Rule.Verdict, "verdict", verdict, event["verdict"])
    log.require(Rule.Verdict, "accepted assignments (bitmap)", accepted, event["accepted"])
    log.require(Rule.Answer, "answer digest", answer, event["answerDigest"])
    if c.revealed < len(c.on_duty()):
        c.require_elapsed(log)
        log.hold(Rule.Verdict, c.revealed >= c.quorum, "reveals", f"{c.quorum} or more", c.revealed)

    salts = [seat.salt for seat in c.seats if seat.status is AssignmentStatus.Revealed]
    status = _STATUS_OF[verdict]
    c.advance(log, status)
    _pay(suite, log, c, verdict, accepted)
    suite.beacon = commitment.next_beacon(suite.beacon, commitment.entropy_of(c.secret, salts))
    concluded = log.expect("ComputationConcluded", Rule.Verdict, computation=c.id, verdict=status)
    log.require(Rule.Beacon, "beacon", suite.beacon, concluded["beacon"])
    facts = (c.id, status, accepted, answer, suite.beacon)
    suite.record(log, "ComputationAllocator", Decision.ComputationSettled, c.id, facts)


def _judged(c: Computation) -> tuple[Verdict, int, bytes]:
    """Return verdict, bitmap of accepted assignments and answer digest that the reveals amount to."""
    revealed = [(i, s) for i, s in enumerate(c.seats) if s.status is AssignmentStatus.Revealed]
    request = c.request
    sketches = [unpack(seat.sketch, request.outcome_bits) for _, seat in revealed]
    judgement = judge(sketches, request.outcome_bits, request.shots, c.quorum)
    if not judgement.members:
        return judgement.verdict, 0, NO_DIGEST
    members = [pair for bit, pair in enumerate(revealed) if judgement.members >> bit & 1]
    accepted = sum(1 << index for index, _ in members)
    roots = [seat.counts_root for _, seat in members]
    return judgement.verdict, accepted, commitment.of_answer(c.id, accepted, roots)


def _pay(suite: Suite, log: Transcript, c: Computation, verdict: Verdict, accepted: int) -> None:
    """Hold slashes and payments to what the verdict asks for."""
    others = AssignmentStatus.Outlier if verdict is Verdict.Accepted else AssignmentStatus.Released
    fates = c.fates(
        {AssignmentStatus.Committed: AssignmentStatus.Silent, AssignmentStatus.Revealed: others},
        accepted,
    )
    suite.book.treasury += dismiss(suite, log, c, fates)
    # Work that nobody could have made conclusive is paid; work of which some is surely wrong is not.
    inconclusive = verdict is Verdict.Inconclusive
    paid = AssignmentStatus.Released if inconclusive else AssignmentStatus.Accepted
    payees = operators(suite, c, (index for index, fate in fates.items() if fate is paid))
    bounty = suite.constants.keeper_bounty
    each = (c.escrow - bounty * (1 if c.withheld else 2)) // c.request.replicas
    escrow, c.escrow = c.escrow, 0
    distribute(suite, log, c, escrow, c.requester, payees, each, bounty)


def _open(suite: Suite, log: Transcript, c: Computation, withheld: bool):
    """Open the reveals and return the event that fixes the seed."""
    c.advance(log, ComputationStatus.Revealing)
    c.phase_ends_at = log.now + suite.book.policy.reveal_seconds
    opened = log.expect("ComputationRevealing", Rule.Sequence, computation=c.id)
    log.require(Rule.Window, "end of the reveal phase", c.phase_ends_at, opened["phaseEndsAt"])
    return log.expect("SeedFixed", Rule.SketchSeed, computation=c.id, attempt=c.attempt, withheld=withheld)


def _fix_seed(log: Transcript, c: Computation, secret: bytes, seed: bytes) -> None:
    c.secret = secret
    expected = commitment.seed_of(c.id, c.attempt, secret, c.commits_digest)
    log.require(Rule.SketchSeed, "sketch seed", expected, seed)
