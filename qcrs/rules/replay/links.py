"""Links and purses, replayed: twin of ``contracts/Links.sol``."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qcrs.rules.replay.disputes import pay
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

if TYPE_CHECKING:
    from qcrs.rules.replay.suite import Suite


@dataclass
class Link:
    """One link; of its stake, *reserved* wei are behind channels."""

    operator: str
    price: int
    stake: int
    reserved: int = 0
    closed: bool = False

    def record(self) -> dict[str, object]:
        """Return what the contract must have on record."""
        return {
            "operator": self.operator,
            "pricePerPair": self.price,
            "closed": self.closed,
            "stake": self.stake,
            "reserved": self.reserved,
        }


class Links:
    """All links, and what processors have in their purses, wei."""

    def __init__(self) -> None:
        self.links: dict[int, Link] = {}
        self.purses: defaultdict[int, int] = defaultdict(int)

    def spend(self, log: Transcript, processor: int, amount: int) -> None:
        """Take *amount* wei out of a purse."""
        purse = self.purses[processor]
        log.hold(Rule.Books, amount <= purse, f"purse of processor {processor}", f"{amount} or more", purse)
        self.purses[processor] -= amount

    def link(self, log: Transcript, id_: int) -> Link:
        """Return a link that is open."""
        if id_ not in self.links:
            raise Contradiction(Rule.Sequence, f"link {id_}", "opened", "unknown")
        log.hold(Rule.Lifecycle, not self.links[id_].closed, f"link {id_}", "open", "closed")
        return self.links[id_]


def open_link(suite: Suite, log: Transcript) -> None:
    """Replay ``openLink``."""
    event, known = log.take("LinkOpened"), suite.channels
    log.require(Rule.Sequence, "link opened", len(known.links) + 1, event["link"])
    organisation = suite.consortium.organisation_of(event["operator"])
    log.require(Rule.Membership, "organisation of the link's operator", organisation, event["organisation"])
    log.hold(Rule.Membership, organisation != 0, "link's operator", "a member's account", event["operator"])
    known.links[event["link"]] = Link(event["operator"], event["pricePerPair"], event["stake"])


def stake(suite: Suite, log: Transcript) -> None:
    """Replay ``stake`` and ``unstake``."""
    event = log.take("LinkStaked")
    link = suite.channels.link(log, event["link"])
    before, link.stake = link.stake, event["stake"]
    log.hold(Rule.Books, link.reserved <= link.stake, "stake of the link", f"{link.reserved} or more", link.stake)
    pay(suite, log, link.operator, max(0, before - link.stake))


def close_link(suite: Suite, log: Transcript) -> None:
    """Replay ``closeLink``."""
    event = log.take("LinkClosed")
    link = suite.channels.link(log, event["link"])
    log.require(Rule.Lifecycle, "stake behind channels of the closed link", 0, link.reserved)
    log.require(Rule.Payment, "refund of the link", link.stake, event["refund"])
    pay(suite, log, link.operator, link.stake)
    link.stake, link.closed = 0, True


def fund(suite: Suite, log: Transcript) -> None:
    """Replay ``fund``, or what came along with another call."""
    event = log.take("PurseFunded")
    suite.channels.purses[event["processor"]] += event["amount"]


def withdraw(suite: Suite, log: Transcript) -> None:
    """Replay ``withdraw``."""
    event = log.take("PurseEmptied")
    operator = suite.registry.processor(event["processor"]).operator
    log.require(Rule.Payment, "operator of the purse", operator, event["operator"])
    suite.channels.spend(log, event["processor"], event["amount"])
    pay(suite, log, operator, event["amount"])
