"""Organisations and accounts, replayed: twin of ``contracts/Consortium.sol``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.model.decision import Decision
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite


@dataclass
class Organisation:
    """A member, present or past."""

    admin: str
    weight: int
    name: str
    admitted: bool = True


class Consortium:
    """Who acts for whom.

    Attributes:
        accounts: All that ever joined an organisation.
    """

    def __init__(self) -> None:
        self.organisations: dict[int, Organisation] = {}
        self._organisation_of: dict[str, int] = {}
        self.accounts: set[str] = set()
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
        self.accounts.add(account)

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


def admit(suite: Suite, log: Transcript) -> None:
    """Replay ``admit``."""
    event = log.take("OrganisationAdmitted")
    organisation = event["organisation"]
    next_id = len(suite.consortium.organisations) + 1
    log.require(Rule.Membership, "organisation admitted", next_id, organisation)
    log.hold(Rule.Membership, event["weight"] > 0, "weight", "1 or more", event["weight"])
    suite.consortium.organisations[organisation] = Organisation(event["admin"], event["weight"], event["name"])
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
    log.hold(Rule.Membership, event["weight"] > 0, "weight", "1 or more", event["weight"])
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
