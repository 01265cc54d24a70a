"""Submission, queue, draw and replacement, replayed: twin of ``contracts/ComputationAllocator.sol``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ESCALATION, MAX_ATTEMPTS, ComputationStatus, FailureReason
from qcrs.model.decision import Decision
from qcrs.model.organisation import Priority, Screen
from qcrs.model.records import Request
from qcrs.model.refusal import EXCUSED
from qcrs.rules.commitment import draw_seed_of
from qcrs.rules.digest import keccak
from qcrs.rules.replay.computation import Computation, Seat
from qcrs.rules.replay.draws import draw
from qcrs.rules.replay.endings import dismiss, fail, is_spent, operators, requeue, revise
from qcrs.rules.replay.money import deposit, distribute, escrow_of
from qcrs.rules.replay.transcript import Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

MAX_ESCROW = 1 << 80
MIN_REPLICAS, MIN_TRUSTED_REPLICAS, MAX_REPLICAS = 3, 5, 16
MAX_OUTCOME_BITS = 240
MIN_SHOTS = 4096
MAX_DEADLINE_SECONDS = 30 * 86_400


def submit(suite: Suite, log: Transcript) -> None:
    """Replay ``submit`` or ``submitMany``: coin that came with them is told of after the last."""
    requester, escrow, bounties = log.peek()["requester"], 0, 0
    while (head := log.peek()) and head.name == "ComputationSubmitted" and head["requester"] == requester:
        if head.block != log.events[log.start].block:
            break
        escrow += _enter(suite, log)
        bounties += suite.constants.keeper_bounty
    sent = log.peek()
    if sent and sent.name == "Deposited" and sent["holder"] == requester and sent.block == log.events[log.start].block:
        deposit(suite, log)
    suite.book.lock(requester, escrow, bounties)


def allocate(suite: Suite, log: Transcript) -> None:
    """Replay ``allocate`` or ``backfill``: turn, seed, draw, leases, bounty."""
    event = log.take("ComputationAllocated")
    c = suite.computation(log, event["computation"])
    c.require_status(log, ComputationStatus.Queued)
    deadline = c.request.deadline_at
    suite.pause.require_over(log, "the draw")
    log.hold(Rule.Window, log.now <= deadline, "time of the draw", f"by {deadline}", log.now)
    first, most, least, bounty = len(c.seats), 0, 0, 0
    if c.waits:
        most, least = suite.queues.serve(log, c)
        bounty = suite.constants.keeper_bounty
        c.attempt = 1

    seed = draw_seed_of(suite.beacon, c.id, first)
    log.require(Rule.DrawSeed, "seed of the draw", seed, event["seed"])
    drawn = draw(suite, log, c, seed, most, least)
    log.require(Rule.Draw, "processors drawn", [p.id for p in drawn], event["processors"])
    log.require(Rule.Draw, "attempt of the draw", c.attempt, event["attempt"])
    log.require(Rule.Draw, "first assignment of the draw", first, event["firstIndex"])
    c.seats += [Seat(p.id, p.organisation, drawn_in=suite.trail.size) for p in drawn]
    c.phase_ends_at = log.now + suite.book.policy.commit_seconds
    log.require(Rule.Window, "end of the commit phase", c.phase_ends_at, event["phaseEndsAt"])
    # Who replaces others has been paid when they were struck.
    log.require(Rule.Payment, "bounty for the draw", bounty, event["bounty"])
    suite.book.pay_prepaid(event["keeper"], bounty)
    c.advance(log, ComputationStatus.Allocated)
    facts = (c.id, c.attempt, first, event["processors"], seed)
    suite.record(log, "ComputationAllocator", Decision.ComputationAllocated, c.id, facts)


def reallocate(suite: Suite, log: Transcript, c: Computation) -> None:
    """Replay ``reallocate``: the silent pay for what they held up."""
    c.require_status(log, ComputationStatus.Allocated, ComputationStatus.Revealing)
    c.require_elapsed(log)
    revealing = c.status is ComputationStatus.Revealing
    fates = {AssignmentStatus.Assigned: AssignmentStatus.Silent}
    fates[AssignmentStatus.Revealed] = AssignmentStatus.Released
    if revealing:
        fates[AssignmentStatus.Committed] = AssignmentStatus.Silent
        few = c.revealed < c.quorum
        log.hold(Rule.Verdict, few, "reveals of a restarted round", f"below {c.quorum}", c.revealed)
    ended = c.fates(fates)
    seized = dismiss(suite, log, c, ended)
    payees = operators(suite, c, (i for i, fate in ended.items() if fate is AssignmentStatus.Released))
    bounty = min(seized, 2 * suite.constants.keeper_bounty)  # for this, and for the draw of those who replace them
    each = (seized - bounty) // len(payees) if payees else 0
    distribute(suite, log, c, seized, payees=payees, each=each, bounty=bounty)
    if revealing:
        c.restart()
    if c.attempt > MAX_ATTEMPTS or is_spent(c):
        fail(suite, log, c, FailureReason.AttemptsExhausted)
    else:
        requeue(suite, log, c)


def refuse(suite: Suite, log: Transcript, c: Computation, index: int) -> None:
    """Replay ``refuse``; the refusal's own event closes the call."""
    in_time = log.now <= c.phase_ends_at
    log.hold(Rule.Window, in_time, "time of the refusal", f"by {c.phase_ends_at}", log.now)
    fate = AssignmentStatus(log.events[log.start]["fate"])
    dismiss(suite, log, c, {index: fate})
    c.refused += 1
    if c.refused >= c.quorum:
        for other, seat in enumerate(c.seats):
            if seat.status is AssignmentStatus.Refused:
                revise(suite, log, c, other, AssignmentStatus.Excused, Rule.Slash)
        fail(suite, log, c, FailureReason.PayloadRefused)
    elif is_spent(c):
        fail(suite, log, c, FailureReason.AttemptsExhausted)
    elif c.status is not ComputationStatus.Queued:
        requeue(suite, log, c)
    processor = c.seats[index].processor
    refused = log.expect("PayloadRefused", Rule.Sequence, computation=c.id, index=index, processor=processor)
    log.hold(Rule.Sequence, refused["code"] != 0, "refusal code", "1 or more", refused["code"])
    excused = c.refused >= c.quorum or refused["code"] in EXCUSED
    expected = AssignmentStatus.Excused if excused else AssignmentStatus.Refused
    log.require(Rule.Slash, f"fate of the refusal of seat {index}", expected, fate)


def expire(suite: Suite, log: Transcript, c: Computation) -> None:
    """Replay ``expire``."""
    c.require_status(log, ComputationStatus.Queued)
    # Processors on duty wait for others to join them no longer than a round.
    deadline = c.request.deadline_at
    ends_at = min(deadline, c.phase_ends_at) if c.on_duty() else deadline
    log.hold(Rule.Window, log.now > ends_at, "time of the expiry", f"after {ends_at}", log.now)
    if c.waits:
        suite.queues.leave(c)
        suite.book.pay_prepaid(c.requester, suite.constants.keeper_bounty)
    fail(suite, log, c, FailureReason.DeadlinePassed, keeper=None)


def cancel(suite: Suite, log: Transcript) -> None:
    """Replay ``cancel``."""
    event = log.take("ComputationCancelled")
    c = suite.computation(log, event["computation"])
    log.require(Rule.Lifecycle, "processors of a cancelled computation", 0, len(c.seats))
    waits = c.waits
    c.advance(log, ComputationStatus.Cancelled)
    if waits:
        suite.queues.leave(c)
    bounty = suite.constants.keeper_bounty
    log.require(Rule.Payment, "refund", c.escrow + bounty, event["refund"])
    suite.book.unlock(c.requester, c.escrow)
    suite.book.pay_prepaid(c.requester, bounty)
    c.escrow = 0


def _enter(suite: Suite, log: Transcript) -> int:
    """Replay the submission of one computation; return the wei to lock for it."""
    event = log.take("ComputationSubmitted")
    id_, requester = event["computation"], event["requester"]
    log.subject = id_
    suite.pause.require_over(log, "the submission")
    log.require(Rule.Sequence, "computation submitted", len(suite.computations) + 1, id_)
    organisation = suite.consortium.organisation_of(requester)
    log.require(Rule.Membership, "organisation of the requester", organisation, event["organisation"])
    log.hold(Rule.Membership, organisation != 0, "requester", "a member's account", requester)
    priority = event["request"]["priority"]
    log.hold(Rule.Queue, priority in list(Priority), "priority", "one that there is", priority)
    request = Request.from_chain(dict(event["request"]))
    _require_sound(log, request)
    escrow, bounty = escrow_of(suite, request), suite.constants.keeper_bounty
    log.require(Rule.Escrow, "escrow", escrow, event["escrow"])
    log.hold(Rule.Escrow, escrow < MAX_ESCROW, "escrow", f"below {MAX_ESCROW}", escrow)
    allowed = request.max_fee >= escrow + bounty
    log.hold(Rule.Escrow, allowed, "maximum fee", f"{escrow + bounty} or more", request.max_fee)
    bucket = suite.queues.enter(suite, log, organisation, request)
    log.require(Rule.Queue, "bucket of the submission", bucket, event["bucket"])
    c = Computation(
        id_,
        requester,
        suite.consortium.numbers[requester],
        organisation,
        suite.consortium.organisations[organisation].screen is not Screen.Everyone,
        request.price < suite.book.policy.price_per_qubit_shot,
        escrow,
        bucket,
        request,
        secret=request.secret_commitment,
        replicas=request.replicas,
    )
    c.advance(log, ComputationStatus.Queued)
    suite.computations[id_] = c
    suite.queues.add(c)
    return escrow


def _require_sound(log: Transcript, request: Request) -> None:
    """Hold a request to the limits of ``contracts/libraries/Admission.sol``."""
    alone = request.replicas == 1 and request.trust == 0
    least = 1 if alone else MIN_TRUSTED_REPLICAS if request.trust else MIN_REPLICAS
    highest = (
        request.replicas
        if alone or request.gold
        else min(MAX_REPLICAS, request.replicas + (MAX_ATTEMPTS - 1) * ESCALATION)
    )
    steps = (request.replica_cap - request.replicas) % ESCALATION
    log.require(Rule.Escrow, "replicas beyond whole escalations", 0, steps)
    limits = (
        ("replicas", request.replicas, least, MAX_REPLICAS),
        ("replica cap", request.replica_cap, request.replicas, highest),
        ("shots", request.shots, MIN_SHOTS, 2**16 - 1),
        ("qubits", request.qubits, 1, 2**8 - 1),
        ("depth class", request.depth_class, 1, 2**8 - 1),
        ("profile", request.profile, 1, 2**8 - 1),
        ("outcome bits", request.outcome_bits, 1, MAX_OUTCOME_BITS),
        ("deadline", request.deadline_at, log.now + 1, log.now + MAX_DEADLINE_SECONDS),
    )
    for what, actual, least, most in limits:
        log.hold(Rule.Escrow, least <= actual <= most, what, f"{least} to {most}", actual)
    if request.payload:
        digest = keccak(request.payload)
        log.require(Rule.Commitment, "digest of the inline payload", request.circuit_digest, digest)
