"""The escrow's books, rebuilt: twin of ``contracts/Escrow.sol`` and ``contracts/libraries/Ledger.sol``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.model.computation import ESCALATION
from qcrs.model.decision import Decision
from qcrs.model.records import Policy, Request
from qcrs.rules.replay.computation import Computation
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite

MAX_WINDOW_SECONDS = 7 * 86_400
NOBODY = "0x" + "00" * 20


@dataclass
class Account:
    """One holder's money in wei."""

    available: int = 0
    locked: int = 0


class Book:
    """All money that the escrow owes.

    Attributes:
        prepaid: A keeper's bounty for each computation in a queue.
    """

    def __init__(self) -> None:
        self.accounts: defaultdict[str, Account] = defaultdict(Account)
        self.treasury = 0
        self.prepaid = 0
        self._policy: Policy | None = None

    @property
    def policy(self) -> Policy:
        """The rules in force."""
        if self._policy is None:
            raise Contradiction(Rule.Policy, "policy in force", "set at deployment", "none")
        return self._policy

    @policy.setter
    def policy(self, policy: Policy) -> None:
        self._policy = policy

    @property
    def has_policy(self) -> bool:
        """Whether the constructor's policy has been seen."""
        return self._policy is not None

    @property
    def round_seconds(self) -> int:
        """The longest that one round of commit, disclosure and reveal takes."""
        p = self.policy
        return p.commit_seconds + p.disclose_seconds + p.reveal_seconds

    def owed(self) -> int:
        """Return the wei that the contract must hold."""
        return sum(a.available + a.locked for a in self.accounts.values()) + self.treasury + self.prepaid

    def credit(self, holder: str, amount: int) -> None:
        """Add to what *holder* has available."""
        self.accounts[holder].available += amount

    def debit(self, holder: str, amount: int) -> None:
        """Take from what *holder* has available."""
        self._require(f"wei available to {holder}", self.accounts[holder].available, amount)
        self.accounts[holder].available -= amount

    def lock(self, holder: str, amount: int, bounties: int) -> None:
        """Lock *amount* of what *holder* has available, and set *bounties* of it aside for keepers."""
        self.debit(holder, amount + bounties)
        self.accounts[holder].locked += amount
        self.prepaid += bounties

    def pay_prepaid(self, holder: str, bounty: int) -> None:
        """Give a bounty that was set aside to *holder*, or back to it."""
        self.prepaid -= bounty
        self.credit(holder, bounty)

    def seize(self, holder: str, amount: int) -> None:
        """Take locked money of *holder*."""
        self._require(f"wei locked for {holder}", self.accounts[holder].locked, amount)
        self.accounts[holder].locked -= amount

    def unlock(self, holder: str, amount: int) -> None:
        """Free locked money of *holder*."""
        self.seize(holder, amount)
        self.credit(holder, amount)

    def spend(self, amount: int) -> None:
        """Take from the treasury."""
        self._require("wei in the treasury", self.treasury, amount)
        self.treasury -= amount

    def _require(self, what: str, actual: int, amount: int) -> None:
        if actual < amount:
            raise Contradiction(Rule.Books, what, f"at least {amount}", actual)


def escrow_of(suite: Suite, request: Request) -> int:
    """Return the wei that a submission locks; a keeper's bounty for the allocation is set aside besides."""
    r = request
    bounties = 2 + (r.replica_cap - r.replicas) // ESCALATION
    return r.price * r.qubits * r.shots * r.replica_cap + suite.constants.keeper_bounty * bounties


def pay_of(suite: Suite, c: Computation) -> int:
    """Return the wei that a replica of an unsettled computation earns."""
    bounties = (1 if c.withheld else 2) + (c.request.replica_cap - c.replicas) // ESCALATION
    return (c.escrow - bounties * suite.constants.keeper_bounty) // c.request.replica_cap


def distribute(
    suite: Suite,
    log: Transcript,
    computation: Computation,
    total: int,
    source: str = NOBODY,
    payees: Sequence[str] = (),
    each: int = 0,
    bounty: int = 0,
    keeper: str | None = None,
) -> None:
    """Hold the next event to be the division of *total* wei, and book it.

    Args:
        source: Whose locked money it was; nobody's when the treasury gives it.
        keeper: Who gets the bounty; None when the caller did, whom no other event names.
    """
    paid = log.expect(
        "ComputationPaid",
        Rule.Payment,
        computation=computation.id,
        source=source,
        total=total,
        payees=list(payees),
        each=each,
        bounty=bounty,
    )
    if keeper is not None:
        log.require(Rule.Payment, "keeper of ComputationPaid", keeper, paid["keeper"])
    book, rest = suite.book, total - bounty - each * len(payees)
    if source == NOBODY:
        book.spend(total)
        book.treasury += rest
    else:
        book.seize(source, total)
        book.credit(source, rest)
    for payee in payees:
        book.credit(payee, each)
    book.credit(paid["keeper"], bounty)


def deposit(suite: Suite, log: Transcript) -> None:
    """Replay ``deposit`` and ``depositFor``."""
    event = log.take("Deposited")
    suite.book.credit(event["holder"], event["amount"])


def withdraw(suite: Suite, log: Transcript) -> None:
    """Replay ``withdraw``."""
    event = log.take("Withdrawn")
    suite.book.debit(event["holder"], event["amount"])


def disburse(suite: Suite, log: Transcript) -> None:
    """Replay ``disburse``."""
    suite.book.spend(log.take("TreasurySpent")["amount"])


def endow(suite: Suite, log: Transcript) -> None:
    """Replay ``endow``."""
    suite.book.treasury += log.take("TreasuryEndowed")["amount"]


def change_policy(suite: Suite, log: Transcript) -> None:
    """Replay ``setPolicy``, or the constructor's policy, which is no audit entry."""
    policy = Policy.from_chain(log.take("PolicyChanged")["policy"])
    windows = (
        policy.commit_seconds,
        policy.disclose_seconds,
        policy.reveal_seconds,
        policy.challenge_seconds,
        policy.response_seconds,
    )
    sound = all(0 < w <= MAX_WINDOW_SECONDS for w in windows) and policy.slash <= policy.minimum_bond
    log.hold(Rule.Policy, sound, "policy", "windows up to 7 days, slash within the bond", policy)
    recorded = suite.book.has_policy
    suite.book.policy = policy
    if recorded:
        facts = (policy.to_chain(),)
        suite.record(log, "ComputationAllocator", Decision.PolicyChanged, 0, facts)
