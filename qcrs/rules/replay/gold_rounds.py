"""Gold rounds, replayed: twin of ``contracts/GoldRounds.sol``.

Scores are recomputed from the counts and answers in the log. That the counts are under the replica's root and the
answer under the gold list's, the contract has checked by proofs that no event carries.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import MAX_ATTEMPTS, VERDICTS, ComputationStatus
from qcrs.rules.commitment import of_secret
from qcrs.rules.gold import Answer, AnswerUnsound, Opening, RoundKind, last_secret, round_bits, score, unpack_answer
from qcrs.rules.replay.computation import Computation, Fates
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

MAX_WIDTH = 32


@dataclass
class GoldList:
    """What a requester has shown of one computation's rounds.

    Attributes:
        gold_failures, trap_failures: Proven, by assignment index. scored: (index, round) pairs.
        accused: How assignments end, once closed. stakes: Wei by assignment index. cases: Open disputes.
    """

    opening: Opening | None = None
    closed: bool = False
    gold_failures: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    trap_failures: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    scored: set[tuple[int, int]] = field(default_factory=set)
    accused: dict[int, AssignmentStatus] = field(default_factory=dict)
    stakes: dict[int, int] = field(default_factory=dict)
    cases: int = 0


class GoldRounds:
    """The gold lists of all computations."""

    def __init__(self) -> None:
        self.lists: defaultdict[int, GoldList] = defaultdict(GoldList)

    def failures(self, suite: Suite, log: Transcript, c: Computation) -> Fates:
        """Return how the assignments of *c* end that failed its gold rounds or traps; hold its time to be over."""
        known = self.lists.get(c.id)
        if known is not None and known.closed:
            return {i: fate for i, fate in known.accused.items() if c.seats[i].status is AssignmentStatus.Revealed}
        if c.request.gold and not c.withheld:
            waited = c.phase_ends_at + suite.book.policy.disclose_seconds
            log.hold(Rule.Window, log.now > waited, "time of a settlement without gold rounds", waited, log.now)
        return {}

    def hold(self, computation: int) -> None:
        """Replay ``hold``."""
        self.lists[computation].cases += 1

    def let_go(self, computation: int) -> None:
        """Replay ``letGo``."""
        self.lists[computation].cases -= 1

    def held(self) -> int:
        """Return the wei that the contract must hold."""
        return sum(sum(known.stakes.values()) for known in self.lists.values())

    def forfeit(self, suite: Suite, log: Transcript, c: Computation, index: int, operator: str) -> None:
        """Replay ``forfeit``: half of a stake is burned, half is the operator's."""
        stake = self.lists[c.id].stakes.pop(index, 0)
        log.hold(Rule.Dispute, stake > 0, "stake on the false accusation", "positive", stake)
        paid = stake // 2
        log.expect(
            "StakeForfeited",
            Rule.Dispute,
            computation=c.id,
            index=index,
            operator=operator,
            burned=stake - paid,
            paid=paid,
        )
        log.expect("Deposited", Rule.Payment, holder=operator, amount=paid)
        suite.book.credit(operator, paid)


def open_(suite: Suite, log: Transcript) -> None:
    """Replay ``open``, or the first half of ``acquit``."""
    event = log.take("GoldListOpened")
    c, known = _turn(suite, log, event["computation"])
    log.hold(Rule.Gold, c.request.gold and not c.withheld, "computation", "with gold rounds bound", c.id)
    log.hold(Rule.Gold, known.opening is None, "gold list", "not open", "open")
    if c.revealed < len(c.on_duty()):
        c.require_elapsed(log)
        log.hold(Rule.Gold, c.revealed >= c.quorum, "reveals", f"{c.quorum} or more", c.revealed)
    shown = dict(event["opening"])
    opening = Opening(
        shown["goldRoot"], shown["rounds"], shown["goldTolerance"], shown["trapTolerance"], shown["blind"]
    )
    secret = last_secret(
        opening.gold_root, opening.rounds, opening.gold_tolerance, opening.trap_tolerance, opening.blind
    )
    chain = [secret]
    while len(chain) < MAX_ATTEMPTS:
        chain.append(of_secret(chain[-1]))
    log.hold(Rule.Secret, c.secret in chain, "secret behind the gold list", "the disclosed one", secret)
    width = c.request.outcome_bits - round_bits(opening.rounds)
    sound = c.request.shots % opening.rounds == 0 and 1 <= width <= MAX_WIDTH
    log.hold(Rule.Gold, sound, "rounds of the sweep", "dividing shots and outcome bits", opening.rounds)
    known.opening = opening


def score_(suite: Suite, log: Transcript) -> None:
    """Replay ``score``."""
    event = log.take("RoundScored")
    c, known = _turn(suite, log, event["computation"])
    opening = _require_open(known)
    index, round_, kind = event["index"], event["round"], RoundKind(event["kind"])
    log.hold(Rule.Gold, round_ < opening.rounds, "round", f"below {opening.rounds}", round_)
    log.hold(Rule.Gold, (index, round_) not in known.scored, "round", "not scored before", round_)
    known.scored.add((index, round_))
    if index >= len(c.seats):
        raise Contradiction(Rule.Sequence, "assignment index", f"below {len(c.seats)}", index)
    log.require(Rule.Lifecycle, "status of the scored seat", AssignmentStatus.Revealed, c.seats[index].status)
    counts, shots = dict(_entries(event["counts"])), c.request.shots // opening.rounds
    passed, fidelity = False, 0
    if kind is RoundKind.Target:
        log.hold(Rule.Gold, sum(counts.values()) != shots, "shots of a failed target", f"not {shots}", shots)
    else:
        answer = event["answer"]
        passed, fidelity = score(counts, shots, Answer(_entries(answer["entries"]), answer["ideal"], answer["uniform"]))
    log.require(Rule.Gold, "whether the round passes", passed, event["passed"])
    log.require(Rule.Gold, "fidelity of the round", fidelity, event["fidelity"])
    if not passed:
        failures = known.trap_failures if kind is RoundKind.Trap else known.gold_failures
        failures[index] += 1


def close(suite: Suite, log: Transcript) -> None:
    """Replay ``close``, or the second half of ``acquit``."""
    event = log.take("GoldListClosed")
    _, known = _turn(suite, log, event["computation"])
    opening = _require_open(known)
    gold = {i for i, n in known.gold_failures.items() if n > opening.gold_tolerance}
    trap = {i for i, n in known.trap_failures.items() if n > opening.trap_tolerance}
    each = 2 * suite.book.policy.slash if gold | trap else 0
    log.require(Rule.Gold, "accused of gold rounds (bitmap)", sum(1 << i for i in gold), event["goldFailed"])
    log.require(Rule.Gold, "accused of traps (bitmap)", sum(1 << i for i in trap), event["trapFailed"])
    log.require(Rule.Gold, "stake on each accusation", each, event["stakeEach"])
    known.closed = True
    known.accused = dict.fromkeys(trap, AssignmentStatus.TrapFailed) | dict.fromkeys(gold, AssignmentStatus.GoldFailed)
    known.stakes = dict.fromkeys(gold | trap, each)


def reclaim(suite: Suite, log: Transcript) -> None:
    """Replay ``reclaim``."""
    event = log.take("StakeReclaimed")
    c = suite.computation(log, event["computation"])
    known = suite.gold_rounds.lists[c.id]
    over = c.status is ComputationStatus.Failed or (c.status in VERDICTS and log.now > c.phase_ends_at)
    log.hold(Rule.Window, over and not known.cases, "time to reclaim", f"after {c.phase_ends_at}", log.now)
    amount = sum(known.stakes.values())
    log.require(Rule.Gold, "stake reclaimed", amount, event["amount"])
    log.require(Rule.Gold, "who reclaims", c.requester, event["requester"])
    known.stakes = {}
    log.expect("Deposited", Rule.Payment, holder=c.requester, amount=amount)
    suite.book.credit(c.requester, amount)


def _entries(packed: bytes) -> tuple[tuple[int, int], ...]:
    try:
        return unpack_answer(packed)
    except AnswerUnsound as error:
        raise Contradiction(Rule.Gold, "packed outcomes", "ascending", str(error)) from error


def _turn(suite: Suite, log: Transcript, id_: int) -> tuple[Computation, GoldList]:
    c = suite.computation(log, id_)
    c.require_status(log, ComputationStatus.Revealing)
    ends_at = c.phase_ends_at + suite.book.policy.disclose_seconds
    log.hold(Rule.Window, log.now <= ends_at, "time of the requester's step", f"by {ends_at}", log.now)
    return c, suite.gold_rounds.lists[c.id]


def _require_open(known: GoldList) -> Opening:
    if known.opening is None or known.closed:
        raise Contradiction(Rule.Gold, "gold list", "open", "closed" if known.closed else "not opened")
    return known.opening
