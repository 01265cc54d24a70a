"""Commit, disclose and reveal, replayed: twin of ``contracts/ResultVerifier.sol`` up to the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules import commitment
from qcrs.rules.bundle import leaf_of, root_of
from qcrs.rules.count_sketch import has_totals
from qcrs.rules.replay.computation import Computation
from qcrs.rules.replay.money import distribute
from qcrs.rules.replay.transcript import Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite


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
    c.commits |= 1 << index
    complete = c.commits.bit_count() == c.replicas
    log.require(Rule.Sequence, f"commits complete with {c.commits.bit_count()}", complete, completes)
    suite.commits.append((event.block, c, index))
    if last is not None:
        log.require(Rule.Sequence, "computation of ComputationCommitted", c.id, last["computation"])
        c.phase_ends_at = log.now + suite.book.policy.disclose_seconds
        log.require(Rule.Window, "end of the disclosure phase", c.phase_ends_at, last["phaseEndsAt"])
        c.advance(log, ComputationStatus.Committed)


def bundle(suite: Suite, log: Transcript) -> None:
    """Replay the end of ``commitBundle``: the commits just before it are bound by one root."""
    event = log.take("CommitsBundled")
    bound = list(suite.commits)[-event["commits"] :]
    leaves = [
        leaf_of(c.id, index, c.attempt, c.seats[index].digest)
        for block, c, index in bound
        if block == event.block and c.seats[index].processor == event["processor"]
    ]
    log.require(Rule.Commitment, "commits of the bundle", event["commits"], len(leaves))
    log.require(Rule.Commitment, "root of the bundle", root_of(leaves), event["root"])
    for _, c, index in bound:
        c.seats[index].bundled = True
    suite.bundles[event["processor"], event["lane"]] = event["root"]


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
    seat.digest, seat.bundled = commitment.of_reveal(root, salt, sketch), False
    c.revealed += 1


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
