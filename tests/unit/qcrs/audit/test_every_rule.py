"""For each rule, lies in the log that break it: the audit names rule, computation and entry."""

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.rules.count_sketch import pack
from qcrs.rules.replay import LoggedEvent, Rule
from tests.scenario import account
from tests.unit.qcrs.audit.allocation_lies import ALLOCATION_LIES
from tests.unit.qcrs.audit.history import History
from tests.unit.qcrs.audit.lies import (
    OTHER_SECRET,
    OTHER_WORD,
    STRANGER,
    Lie,
    change,
    drop,
    insert,
    late,
    request,
    second,
    swap,
    within,
)
from tests.unit.qcrs.audit.stories import (
    ALONE,
    CANCELLED,
    CHALLENGED,
    CLEARED,
    DISPROVEN,
    DOUBTED,
    ESCALATED,
    EXPIRED,
    FAILED,
    FRAMED,
    GOLDEN,
    HONEST,
    LAPSED,
    LAST,
    LATE,
    NOISY,
    REFUSED,
    ROGUE,
    RUNNING,
    SILENT,
    WAITING,
    WIDE,
    WITHHELD,
)
from tests.unit.qcrs.audit.test_bodies import LIES as BODIES_LIES


def less_trust(history: History):
    """Shows when the verdict is told."""
    _, events = request(DOUBTED, trust=16)(history)
    return history.position("ComputationSettled", computation=DOUBTED), events


def reversed_draw(history: History):
    position = history.position("ComputationAllocated", computation=HONEST)
    processors = history.events[position]["processors"][::-1]
    return position, history.changed(position, processors=processors)


def revealed_twice(history: History):
    position = history.position("ResultRevealed", computation=RUNNING)
    revealed = history.events[position]
    return position + 1, history.inserted(position + 1, "ResultRevealed", **revealed.arguments)


def exchanged_salts(history: History):
    first, second, *_ = history.positions("ResultRevealed", computation=WIDE)
    events = history.changed(first, salt=history.events[second]["salt"])
    events[second] = history.changed(second, salt=history.events[first]["salt"])[second]
    return first, events


def queue_jumped(history: History):
    """The fifth in the queue is drawn for; what is drawn does not come into it."""
    facts = {"attempt": 1, "firstIndex": 0, "processors": [], "seed": OTHER_WORD, "phaseEndsAt": 0}
    position = len(history.events)
    last = history.events[-1]
    arguments = {"computation": LAST, **facts}
    in_time = history.event("ComputationSubmitted", computation=LAST).timestamp
    drawn = LoggedEvent("ComputationAllocated", "ComputationAllocator", arguments, last.block, in_time)
    return position, [*history.events, drawn]


def other_promise(history: History):
    """Shows when the secret is disclosed."""
    _, events = request(HONEST, secretCommitment=OTHER_SECRET)(history)
    return history.position("SeedFixed", computation=HONEST), events


def stolen_payees(history: History):
    position = history.position("ComputationPaid", computation=HONEST)
    payees = [STRANGER, *history.events[position]["payees"][1:]]
    return position, history.changed(position, payees=payees)


def flat_sketch(history: History):
    """Totals stay right, so only the verdict can tell."""
    position = history.position("ResultRevealed", computation=HONEST)
    return position, history.changed(position, sketch=pack([1024] * 4))


def asleep(history: History):
    """A drawn processor's heartbeats before the draw came long ago."""
    position = history.position("ComputationAllocated", computation=HONEST)
    drawn = history.events[position]["processors"][0]
    beats = [i for i in history.positions("HeartbeatReceived", processor=drawn) if i < position]
    events = history.retimed(beats[-1], history.events[beats[-1]].timestamp - 10_000)
    return position, events


L, S = Lie, AssignmentStatus
LIES: dict[str, Lie] = {
    "entry left out": L(Rule.Sequence, drop("EntryAppended", subject=SILENT, decision=6), SILENT),
    "draw left out": L(Rule.Sequence, drop("ComputationAllocated", computation=WIDE), WIDE),
    "payment left out": L(Rule.Sequence, drop("ComputationPaid", computation=ROGUE), ROGUE),
    "commit left out": L(Rule.Sequence, drop("ResultCommitted", computation=WIDE), WIDE),
    "submission left out": L(Rule.Sequence, drop("ComputationSubmitted", computation=LATE), LATE),
    "registration left out": L(Rule.Sequence, drop("ProcessorRegistered", processor=3)),
    "digest": L(Rule.Entry, change("EntryAppended", {"digest": OTHER_WORD}, subject=LATE, decision=8), LATE),
    "recorder": L(Rule.Entry, change("EntryAppended", {"recorder": STRANGER}, subject=1, decision=1)),
    "decision": L(Rule.Entry, change("EntryAppended", {"decision": 8}, subject=HONEST, decision=7), HONEST),
    "entries swapped": L(Rule.Entry, swap("EntryAppended", decision=1)),
    "requester's organisation": L(
        Rule.Membership, change("ComputationSubmitted", {"organisation": 2}, computation=HONEST), HONEST
    ),
    "joined uninvited": L(Rule.Membership, drop("AccountInvited"), entry=True),
    "weight": L(Rule.Membership, change("OrganisationWeighted", {"weight": 0})),
    "noise class": L(Rule.Certification, change("ProcessorCertified", {"noiseClass": 9}, processor=4)),
    "version": L(Rule.Certification, change("ProcessorCertified", {"version": 7}, processor=4)),
    "declaration left out": L(Rule.Certification, drop("CapabilityDeclared", processor=4)),
    "identity of another suspension": L(
        Rule.Certification, change("IdentityUpdated", {"identityDigest": OTHER_WORD}, processor=4)
    ),
    "certified too late": L(Rule.Certification, late("ProcessorCertified", 10**9, processor=1)),
    "cancelled twice": L(
        Rule.Lifecycle,
        insert("ComputationCancelled", "ComputationSubmitted", WAITING, computation=CANCELLED, refund=0),
        CANCELLED,
        entry=False,
    ),
    "retired twice": L(Rule.Lifecycle, insert("ProcessorRetired", "ComputationSubmitted", RUNNING, processor=5)),
    "revealed twice": L(Rule.Lifecycle, revealed_twice, RUNNING, entry=False),
    "round number": L(Rule.Lifecycle, change("ComputationRequeued", {"attempt": 9}, computation=SILENT), SILENT),
    "jumped the queue": L(Rule.Queue, queue_jumped, LAST, entry=False),
    "draw seed": L(
        Rule.DrawSeed, change("ComputationAllocated", {"seed": OTHER_WORD}, computation=ROGUE), ROGUE
    ),
    "draw": L(Rule.Draw, change("ComputationAllocated", {"processors": [1, 2, 3]}, computation=ROGUE), ROGUE),
    "order of the draw": L(Rule.Draw, reversed_draw, HONEST),
    "heartbeat": L(Rule.Draw, asleep, HONEST),
    "first assignment": L(
        Rule.Draw, change("ComputationAllocated", {"firstIndex": 1}, computation=ROGUE), ROGUE
    ),
    "commit deadline": L(
        Rule.Window, change("ComputationAllocated", {"phaseEndsAt": 1}, computation=ROGUE), ROGUE
    ),
    "drawn too late": L(Rule.Window, late("ComputationAllocated", 10**6, computation=NOISY), NOISY),
    "reallocated too early": L(
        Rule.Window, late("ComputationRequeued", -100, computation=SILENT), SILENT
    ),
    "expired too early": L(Rule.Window, late("ComputationFailed", -90, computation=LATE), LATE),
    "refusal excused that is not": L(
        Rule.Slash, change("AssignmentEnded", {"fate": S.Excused}, computation=REFUSED, fate=S.Refused), REFUSED
    ),
    "refusal for want of a key": L(
        Rule.Slash, within("AssignmentEnded", "PayloadRefused", {"code": 106}, computation=REFUSED), REFUSED
    ),
    "quorum's refusal not excused": L(
        Rule.Slash, change("AssignmentEnded", {"fate": S.Refused}, computation=FAILED, fate=S.Excused), FAILED
    ),
    "refused too late": L(Rule.Window, late("AssignmentEnded", 10**4, computation=REFUSED), REFUSED),
    "salt": L(Rule.Commitment, change("ResultRevealed", {"salt": OTHER_WORD}, computation=WIDE), WIDE),
    "root": L(Rule.Commitment, change("ResultRevealed", {"countsRoot": OTHER_WORD}, computation=WIDE), WIDE),
    "payload": L(Rule.Commitment, request(HONEST, payload=b"another circuit"), HONEST),
    "salts exchanged": L(Rule.Commitment, exchanged_salts, WIDE),
    "secret": L(Rule.Secret, change("SeedFixed", {"secret": OTHER_SECRET}, computation=NOISY), NOISY),
    "substitute": L(Rule.Secret, change("SeedFixed", {"secret": OTHER_SECRET}, computation=WITHHELD), WITHHELD),
    "secret commitment": L(Rule.Secret, other_promise, HONEST),
    "seed": L(Rule.SketchSeed, change("SeedFixed", {"seed": OTHER_WORD}, computation=NOISY), NOISY),
    "commitment": L(
        Rule.SketchSeed, change("ResultCommitted", {"commitment": OTHER_SECRET}, computation=NOISY), NOISY
    ),
    "sketch": L(Rule.SketchTotals, change("ResultRevealed", {"sketch": [5] * 16}, computation=WIDE), WIDE),
    "wide sketch": L(Rule.SketchTotals, change("ResultRevealed", {"sketch": [4096]}, computation=WIDE), WIDE),
    "flat sketch": L(Rule.Verdict, flat_sketch, HONEST),
    "verdict": L(Rule.Verdict, change("ComputationSettled", {"verdict": 1}, computation=NOISY), NOISY),
    "accepted": L(Rule.Verdict, change("ComputationSettled", {"accepted": 7}, computation=ROGUE), ROGUE),
    "concluded": L(Rule.Verdict, change("ComputationConcluded", {"verdict": 6}, computation=ROGUE), ROGUE),
    "answer": L(
        Rule.Answer, change("ComputationSettled", {"answerDigest": OTHER_WORD}, computation=WIDE), WIDE
    ),
    "beacon": L(Rule.Beacon, change("ComputationConcluded", {"beacon": OTHER_WORD[:24]}, computation=WIDE), WIDE),
    "escrow": L(Rule.Escrow, change("ComputationSubmitted", {"escrow": 1}, computation=WIDE), WIDE),
    "shots": L(Rule.Escrow, request(WIDE, shots=5000), WIDE),
    "fee": L(Rule.Escrow, request(WIDE, maxFee=1), WIDE),
    "fate": L(Rule.Slash, change("AssignmentEnded", {"fate": S.Accepted}, computation=ROGUE, index=1), ROGUE),
    "slashed": L(Rule.Slash, change("BondSlashed", {"amount": 1}, computation=ROGUE), ROGUE),
    "slashed another": L(Rule.Slash, change("BondSlashed", {"processor": 9}, computation=SILENT), SILENT),
    "endowed": L(Rule.Slash, within("ComputationSettled", "TreasuryEndowed", {"amount": 1}, computation=ROGUE), ROGUE),
    "bonded all the same": L(Rule.Sequence, drop("ProcessorBonded", bonded=False), ROGUE),
    "bonded by another": L(Rule.Books, change("BondAdded", {"operator": STRANGER}, processor=4)),
    "free too early": L(Rule.Window, change("UnbondingBegun", {"freeAt": 1})),
    "unbonded too early": L(Rule.Window, late("BondRemoved", -5)),
    "escalation left out": L(Rule.Sequence, drop("ComputationEscalated", computation=ESCALATED), ESCALATED),
    "escalated verdict": L(
        Rule.Verdict, change("ComputationEscalated", {"verdict": 3}, computation=ESCALATED), ESCALATED
    ),
    "replicas": L(Rule.Verdict, change("ComputationEscalated", {"replicas": 4}, computation=ESCALATED), ESCALATED),
    "escalation's beacon": L(
        Rule.Beacon, change("ComputationEscalated", {"beacon": OTHER_WORD[:24]}, computation=ESCALATED), ESCALATED
    ),
    "verdict for an escalation": L(
        Rule.Verdict, change("ComputationSettled", {"verdict": 2}, computation=ESCALATED), ESCALATED
    ),
    "answer changed after an escalation": L(
        Rule.Commitment, second("ResultRevealed", {"countsRoot": OTHER_WORD}, computation=ESCALATED, index=1), ESCALATED
    ),
    "escalation's bounty": L(Rule.Payment, change("ComputationPaid", {"bounty": 2}, computation=EXPIRED), EXPIRED),
    "unpaid after an escalation": L(
        Rule.Payment, second("ComputationPaid", {"payees": []}, computation=EXPIRED), EXPIRED
    ),
    "challenge window": L(Rule.Window, change("ComputationConcluded", {"phaseEndsAt": 1}, computation=WIDE), WIDE),
    "verified alone": L(Rule.Verdict, change("ComputationSettled", {"verdict": 1}, computation=ALONE), ALONE),
    "nothing answered alone": L(Rule.Verdict, change("ComputationSettled", {"accepted": 0}, computation=ALONE), ALONE),
    "trusted": L(Rule.Verdict, change("ComputationSettled", {"verdict": 1}, computation=DOUBTED), DOUBTED),
    "less trust asked for": L(Rule.Verdict, less_trust, DOUBTED),
    "opener": L(Rule.Dispute, change("DisputeOpened", {"opener": STRANGER}, computation=FRAMED), FRAMED),
    "dispute's bond": L(Rule.Dispute, change("DisputeOpened", {"bond": 1}, computation=CLEARED), CLEARED),
    "dispute's number": L(Rule.Dispute, change("DisputeOpened", {"dispute": 77}, computation=CLEARED), CLEARED),
    "dispute's kind": L(Rule.Dispute, change("DisputeOpened", {"kind": 2}, computation=CLEARED), CLEARED),
    "disputed twice": L(Rule.Dispute, second("DisputeOpened", {"index": 0}, computation=DISPROVEN), DISPROVEN),
    "dispute's end": L(Rule.Window, change("DisputeOpened", {"endsAt": 1}, computation=CLEARED), CLEARED),
    "disputed too late": L(Rule.Window, late("DisputeOpened", 10**5, computation=CLEARED), CLEARED),
    "answered by another": L(Rule.Dispute, change("DisputeAnswered", {"account": STRANGER}, dispute=1), ALONE),
    "ruled too late": L(Rule.Window, late("DisputeRuled", 10**7, computation=CLEARED), CLEARED),
    "ruled twice": L(
        Rule.Lifecycle,
        insert(
            "DisputeRuled", "ComputationSubmitted", RUNNING, dispute=1, computation=ALONE,
            upheld=True, reason=OTHER_WORD
        ),
        ALONE,
        entry=False,
    ),
    "ruling": L(Rule.Sequence, change("DisputeRuled", {"upheld": False}, computation=DISPROVEN), DISPROVEN),
    "reason": L(Rule.Entry, change("DisputeRuled", {"reason": OTHER_WORD}, computation=CLEARED), CLEARED),
    "disproven": L(
        Rule.Dispute, change("AssignmentEnded", {"fate": S.Vindicated}, computation=DISPROVEN, fate=S.Disproven),
        DISPROVEN
    ),
    "overturned": L(Rule.Sequence, drop("ComputationOverturned", computation=DISPROVEN), DISPROVEN),
    "division": L(
        Rule.Dispute, within("DisputeRuled", "DisputeDivided", {"burned": 1}, computation=CLEARED), CLEARED
    ),
    "compensated": L(
        Rule.Payment, within("DisputeRuled", "Deposited", {"holder": STRANGER}, computation=CLEARED), CLEARED
    ),
    "made good": L(Rule.Dispute, change("FaultVindicated", {"paid": 1}, computation=FRAMED), FRAMED),
    "lapsed too early": L(Rule.Window, late("DisputeLapsed", -9, computation=LAPSED), LAPSED, entry=False),
    "given back": L(
        Rule.Payment, within("DisputeLapsed", "Deposited", {"amount": 1}, computation=LAPSED), LAPSED, entry=False
    ),
    "round passed": L(Rule.Gold, change("RoundScored", {"passed": True}, computation=GOLDEN), GOLDEN),
    "accused": L(Rule.Gold, change("GoldListClosed", {"goldFailed": 0}, computation=GOLDEN), GOLDEN),
    "stake": L(Rule.Gold, change("GoldListClosed", {"stakeEach": 1}, computation=GOLDEN), GOLDEN),
    "forfeited": L(Rule.Dispute, within("DisputeRuled", "StakeForfeited", {"paid": 1}, computation=GOLDEN), GOLDEN),
    "reclaimed": L(Rule.Gold, change("StakeReclaimed", {"amount": 1}, computation=GOLDEN), GOLDEN, entry=False),
    "demand's bond": L(Rule.Challenge, change("HistogramDemanded", {"bond": 1}, computation=CHALLENGED), CHALLENGED),
    "time to answer": L(
        Rule.Window, change("HistogramDemanded", {"deadlineAt": 1}, computation=CHALLENGED), CHALLENGED
    ),
    "reward": L(
        Rule.Challenge, within("SketchRefuted", "PenaltyDivided", {"reward": 1}, computation=CHALLENGED), CHALLENGED
    ),
    "payees": L(Rule.Payment, stolen_payees, HONEST),
    "pay": L(Rule.Payment, change("ComputationPaid", {"each": 1}, computation=NOISY), NOISY),
    "bounty": L(Rule.Payment, change("ComputationPaid", {"bounty": 1}, computation=WITHHELD), WITHHELD),
    "total": L(Rule.Payment, change("ComputationPaid", {"total": 1}, computation=FAILED), FAILED),
    "refund": L(
        Rule.Payment, change("ComputationCancelled", {"refund": 1}, computation=CANCELLED), CANCELLED, entry=False
    ),
    "deposit left out": L(Rule.Books, drop("Deposited", holder=account("requester")), HONEST),
    "withdrawal": L(Rule.Books, change("Withdrawn", {"amount": 10**20})),
    "treasury": L(Rule.Books, change("TreasurySpent", {"amount": 10**20})),
    "bond returned": L(Rule.Books, change("BondRemoved", {"amount": 1})),
    "policy": L(Rule.Policy, lambda h: (h.positions("PolicyChanged")[1], bad_policy(h))),
    "certifier's stake": L(Rule.Benchmark, change("CertifierEnlisted", {"stake": 1})),
    "price of a benchmark": L(Rule.Benchmark, change("CertificationRequested", {"escrow": 1}, certification=4)),
    "end of a benchmark": L(Rule.Benchmark, change("CertificationEnded", {"status": 8}, certification=4)),
    "scores": L(Rule.Commitment, change("ScoresRevealed", {"report": OTHER_WORD}, certification=1, seat=2)),
    "certifiers": L(Rule.Draw, change("CertificationConvened", {"certifiers": [1, 2, 3]}, certification=1)),
}  # fmt: skip
LIES |= ALLOCATION_LIES


def bad_policy(history: History) -> list[LoggedEvent]:
    position = history.positions("PolicyChanged")[1]
    policy = {**history.events[position]["policy"], "revealSeconds": 10**7}
    return history.changed(position, policy=policy)


@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_named(history, name):
    lie = LIES[name]
    position, events = lie.told(history)
    fault = history.examine(events).fault
    assert fault is not None
    entry = history.entry_after(position, lie.computation) if lie.entry else None
    assert (fault.rule, fault.computation, fault.entry) == (lie.rule, lie.computation, entry), str(fault)


def test_the_lies_break_every_rule_that_a_log_can_break():
    final_state = {Rule.HashChain, Rule.Record}
    of_bodies = set(BODIES_LIES.values())
    assert {Rule.Motion, Rule.Pause} <= of_bodies
    of_keys = {Rule.Key}  # by those of test_keys
    assert {lie.rule for lie in LIES.values()} | final_state | of_bodies | of_keys == set(Rule)
