"""How sessions end, replayed: verdicts of groups, and how the money of a run is divided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qcrs.model.decision import Decision
from qcrs.model.session import SessionStatus
from qcrs.rules import agreement, count_sketch, session_digest
from qcrs.rules.agreement import Verdict
from qcrs.rules.replay.disputes import endow, pay
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.sessions import Group, Session
    from qcrs.rules.replay.suite import Suite

CONTRACT = "EntanglementCoordinator"
_S = SessionStatus
_LIVE = (_S.Forming, _S.Armed, _S.Running, _S.Reporting)


def end(suite: Suite, log: Transcript) -> None:
    """Replay ``enforce``, or ``conclude``, which both begin with a run's end or with what follows from it."""
    head = log.peek()
    if head.name == "SessionsConcluded" or (
        head.name == "SessionEnded" and head["status"] in (_S.Paid, _S.Outlier, _S.Released)
    ):
        _conclude(suite, log)
        return
    told = head if head.name == "SessionEnded" else log.peek(1)
    if told is None or told.name != "SessionEnded":
        raise Contradiction(Rule.Sequence, f"event after {head.name}", "SessionEnded", told and told.name)
    s = suite.sessions.session(told["session"])
    reporting = s.status is _S.Reporting
    due = (s.group.due if s.group.seeded else 0) if reporting else s.due
    log.hold(Rule.Window, 0 < due < log.now, "time of the enforcement", f"after {due}", log.now)
    s.advance(log, _S.Cancelled if s.status is _S.Forming else _S.Aborted)
    if not reporting:
        leave(log, s.group)
    close(suite, log, s, s.absent)


def _conclude(suite: Suite, log: Transcript) -> None:
    first = log.peek()
    known = suite.sessions
    group = known.session(first["session"]).group if first.name == "SessionEnded" else known.group(first["group"])
    runs = [known.by_id[id_] for id_ in group.ids]
    over = group.verdict is Verdict.Unset and not any(s.status in _LIVE for s in runs)
    log.hold(Rule.Verdict, over, f"group {group.id}", "over, and not concluded", group.verdict)
    final = [s for s in runs if s.status is _S.Final]
    group.verdict, members = _judge(group, final)
    agreeing, roots = 0, []
    for number, s in enumerate(final):
        fate = _S.Outlier if members else _S.Released
        if members >> number & 1:
            fate = _S.Paid
            agreeing |= 1 << (s.id - group.id)
            roots.append(s.report[0])
        s.advance(log, fate)
        close(suite, log, s, 0)
    answer = session_digest.of_answer(group.id, agreeing, roots) if roots else bytes(32)
    told = log.take("SessionsConcluded")
    for rule, name, expected in (
        (Rule.Sequence, "group", group.id),
        (Rule.Verdict, "verdict", group.verdict),
        (Rule.Verdict, "agreeing", agreeing),
        (Rule.Answer, "answerDigest", answer),
    ):
        log.require(rule, f"{name} of SessionsConcluded", expected, told[name])
    suite.record(log, CONTRACT, Decision.SessionsConcluded, group.id, (group.id, group.verdict, agreeing, answer))


def _judge(group: Group, final: Sequence[Session]) -> tuple[Verdict, int]:
    """Return what the results are worth, and which of them count, as bits."""
    if not final:
        return Verdict.Rejected, 0
    if group.runs == 1:
        return Verdict.Unverified, 1
    bits, shots = group.request["outcomeBits"], group.request["shots"]
    sketches = [count_sketch.unpack(s.report[1], bits) for s in final]
    judged = agreement.judge(sketches, bits, shots, agreement.quorum_of(group.runs))
    return judged.verdict, judged.members


def close(suite: Suite, log: Transcript, s: Session, absent: int, unusable: int = 0) -> None:
    """Hold the money of a run that is over to be divided as its end says."""
    asked = s.group.request
    shares = session_digest.divide(s.status, len(s.members), absent, asked["fee"], asked["deposit"])
    told = {"session": s.id, "status": s.status, "absent": absent, "channel": unusable, "pay": list(shares.pay)}
    log.expect("SessionEnded", Rule.Payment, **told, refund=shares.refund, forfeit=shares.forfeit)
    if s.status is _S.Aborted:
        facts = (s.id, s.phase, absent, list(shares.pay), shares.refund, shares.forfeit)
        suite.record(log, CONTRACT, Decision.SessionAborted, s.id, facts)
    payer = suite.constants.contracts[CONTRACT].lower()
    for processor, share in zip(s.members, shares.pay, strict=True):
        if share:
            log.expect("PurseFunded", Rule.Payment, processor=processor, **{"from": payer}, amount=share)
            suite.channels.purses[processor] += share
    pay(suite, log, s.group.requester, shares.refund)
    if shares.forfeit:
        endow(suite, log, CONTRACT, shares.forfeit)


def leave(log: Transcript, group: Group) -> None:
    """A run is not on its way any more; with the last of them reporting opens."""
    group.running -= 1
    if group.running:
        return
    group.due = log.now + group.request["reportSeconds"]
    group.seeded = group.request["outcomeBits"] <= count_sketch.MAX_HISTOGRAM_BITS
    log.expect("ReportingOpened", Rule.Window, group=group.id, phaseEndsAt=group.due)
