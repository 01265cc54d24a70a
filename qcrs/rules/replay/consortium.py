"""Organisations, accounts and quotas, replayed: twin of ``contracts/Consortium.sol``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qcrs.model.decision import Decision
from qcrs.model.organisation import Priority, Screen
from qcrs.rules.fair_queue import BacklogFull, FairQueue, Quota, QuotaExhausted, Share
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite


MAX_WEIGHT = 1 << 16


@dataclass
class Organisation:
    """A member, present or past.

    Attributes:
        shortest_first: Whether shorter computations of its own may take the place of longer ones.
        screen, listed: Whom it lets run its computations. quota: What it may submit that is not routine.
    """

    admin: str
    weight: int
    name: str
    quota: Quota
    admitted: bool = True
    shortest_first: bool = False
    screen: Screen = Screen.Everyone
    listed: set[int] = field(default_factory=set)

    def is_screened(self, other: int) -> bool:
        """Return whether processors of organisation *other* are kept from its computations."""
        if self.screen is Screen.Everyone:
            return False
        return (other in self.listed) is (self.screen is Screen.Except)


class Consortium:
    """Who acts for whom.

    Attributes:
        numbers: Of each account that ever joined an organisation, from 1.
        shares: What each organisation has asked of each noise class.
    """

    def __init__(self) -> None:
        self.organisations: dict[int, Organisation] = {}
        self._organisation_of: dict[str, int] = {}
        self.numbers: dict[str, int] = {}
        self.shares: defaultdict[tuple[int, int], Share] = defaultdict(Share)
        self._invited: set[tuple[str, int]] = set()

    def organisation_of(self, account: str) -> int:
        """Return the organisation for which *account* acts; 0 when none or expelled."""
        organisation = self._organisation_of.get(account, 0)
        known = self.organisations.get(organisation)
        return organisation if known is not None and known.admitted else 0

    def admitted(self, organisation: int) -> Organisation:
        """Return an organisation that is a member now."""
        known = self.organisations.get(organisation)
        if known is None or not known.admitted:
            raise Contradiction(Rule.Membership, f"organisation {organisation}", "admitted", "not a member")
        return known

    def assign(self, log: Transcript, account: str, organisation: int) -> None:
        """Let *account* act for *organisation*; it must be free."""
        present = self._organisation_of.get(account, 0)
        log.require(Rule.Membership, f"organisation of {account} before it joins", 0, present)
        log.expect("AccountJoined", Rule.Membership, organisation=organisation, account=account)
        self._organisation_of[account] = organisation
        self.numbers.setdefault(account, len(self.numbers) + 1)

    def invite(self, account: str, organisation: int) -> None:
        """Remember an invitation."""
        self._invited.add((account, organisation))

    def accept(self, log: Transcript, account: str, organisation: int) -> None:
        """Use up an invitation."""
        invited = (account, organisation) in self._invited
        log.hold(Rule.Membership, invited, f"invitation of {account}", f"to {organisation}", "none")
        self._invited.discard((account, organisation))

    def leave(self, log: Transcript, account: str, organisation: int) -> None:
        """Let *account* leave; the admin may once the organisation is expelled."""
        present = self._organisation_of.pop(account, 0)
        log.require(Rule.Membership, f"organisation that {account} leaves", present, organisation)
        left = self.organisations.get(present)
        free = left is not None and not (left.admitted and left.admin == account)
        log.hold(Rule.Membership, free, "account that leaves", "a member, not the admin", account)

    def charge(
        self, log: Transcript, organisation: int, noise_class: int, cost: int, priority: Priority, queue: FairQueue
    ) -> int:
        """Replay ``bill``: take *cost* from the quota and add it to the share; return the bucket to enter."""
        member = self.admitted(organisation)
        log.checks[Rule.Quota] += 1
        try:
            member.quota.spend(priority, cost, log.now)
        except QuotaExhausted as error:
            what = f"quota of organisation {organisation} at priority {priority.name}"
            raise Contradiction(Rule.Quota, what, f"{cost} or more", error.left) from error
        try:
            return self.shares[organisation, noise_class].charge(queue, cost, member.weight, priority)
        except BacklogFull as error:
            raise Contradiction(Rule.Queue, "buckets ahead of a submission", f"up to {error.limit}", error) from error


def admit(suite: Suite, log: Transcript) -> None:
    """Replay ``admit``."""
    event = log.take("OrganisationAdmitted")
    organisation = event["organisation"]
    next_id = len(suite.consortium.organisations) + 1
    log.require(Rule.Membership, "organisation admitted", next_id, organisation)
    _require_weight(log, event["weight"])
    suite.consortium.organisations[organisation] = Organisation(
        event["admin"], event["weight"], event["name"], Quota(organisation, {})
    )
    suite.consortium.assign(log, event["admin"], organisation)
    facts = (organisation, event["admin"], event["name"], event["weight"])
    suite.record(log, "Consortium", Decision.OrganisationAdmitted, organisation, facts)


def expel(suite: Suite, log: Transcript) -> None:
    """Replay ``expel``."""
    organisation = log.take("OrganisationExpelled")["organisation"]
    suite.consortium.admitted(organisation).admitted = False
    suite.record(log, "Consortium", Decision.OrganisationExpelled, organisation, (organisation,))


def set_weight(suite: Suite, log: Transcript) -> None:
    """Replay ``setWeight``."""
    event = log.take("OrganisationWeighted")
    _require_weight(log, event["weight"])
    suite.consortium.admitted(event["organisation"]).weight = event["weight"]


def invite(suite: Suite, log: Transcript) -> None:
    """Replay ``invite``."""
    event = log.take("AccountInvited")
    suite.consortium.admitted(event["organisation"])
    suite.consortium.invite(event["account"], event["organisation"])


def join(suite: Suite, log: Transcript) -> None:
    """Replay ``join``."""
    event = log.peek()
    suite.consortium.accept(log, event["account"], event["organisation"])
    suite.consortium.admitted(event["organisation"])
    suite.consortium.assign(log, event["account"], event["organisation"])


def resign(suite: Suite, log: Transcript) -> None:
    """Replay ``resign``."""
    event = log.take("AccountLeft")
    suite.consortium.leave(log, event["account"], event["organisation"])


def choose_order(suite: Suite, log: Transcript) -> None:
    """Replay ``chooseOrder``."""
    event = log.take("OrderChosen")
    suite.consortium.admitted(event["organisation"]).shortest_first = event["shortestFirst"]


def choose_screen(suite: Suite, log: Transcript) -> None:
    """Replay ``chooseScreen``."""
    event = log.take("ScreenChosen")
    log.hold(Rule.Membership, event["screen"] in list(Screen), "screen", "one that there is", event["screen"])
    suite.consortium.admitted(event["organisation"]).screen = Screen(event["screen"])


def list_(suite: Suite, log: Transcript) -> None:
    """Replay one line of ``list``."""
    event = log.take("OrganisationListed")
    listed = suite.consortium.admitted(event["organisation"]).listed
    if event["listed"]:
        listed.add(event["other"])
    else:
        listed.discard(event["other"])


def grant_quota(suite: Suite, log: Transcript) -> None:
    """Replay ``grantQuota``."""
    event = log.take("QuotaGranted")
    organisation, elevated, critical = event["organisation"], event["elevated"], event["critical"]
    granted = {Priority.Elevated: elevated, Priority.Critical: critical}
    suite.consortium.admitted(organisation).quota.granted = granted
    suite.record(log, "Consortium", Decision.QuotaGranted, organisation, (organisation, elevated, critical))


def _require_weight(log: Transcript, weight: int) -> None:
    log.hold(Rule.Membership, 1 <= weight <= MAX_WEIGHT, "weight", f"1 to {MAX_WEIGHT}", weight)
