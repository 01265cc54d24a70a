"""Disputes: complaints that nothing on chain can prove, with their evidence in the consortium's store.

The chain keeps digests; what they are digests of has to be in the store for the council to read it, so it goes there
before the digest is sent.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from qcrs.chain.action import act
from qcrs.chain.codec import Event
from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount
from qcrs.errors import QcrsError
from qcrs.model.dispute import DisputeKind, DisputeStatus
from qcrs.rules.digest import keccak
from qcrs.store import MAX_BYTES, Store

CONTRACT = "Disputes"


class DisputeUnknown(QcrsError):
    """There is no dispute with this id."""


class EvidenceTooLong(QcrsError):
    """The store gives back nothing as long as this."""


@dataclass(frozen=True)
class Exhibit:
    """Evidence, or the reasons of a ruling.

    Attributes:
        digest: keccak-256, 32 bytes. content: What it is the digest of; None when that is left to others to keep.
    """

    digest: bytes
    content: bytes | None = None

    @classmethod
    def of(cls, content: bytes) -> "Exhibit":
        """Return *content* as an exhibit.

        Raises:
            EvidenceTooLong: The store would not give it back.
        """
        if len(content) > MAX_BYTES:
            raise EvidenceTooLong(f"evidence of {len(content)} bytes, expected at most {MAX_BYTES}")
        return cls(keccak(content), content)


@dataclass
class Case:
    """A dispute as the events tell it.

    Attributes:
        evidence: The opener's. answers: Of the other side: account and digest of each. reason: Of the ruling.
        division: What the ruling did with the losing bond, in wei.
    """

    dispute: int
    computation: int
    index: int
    kind: DisputeKind
    opener: str
    bond: int
    evidence: bytes
    ends_at: int
    status: DisputeStatus = DisputeStatus.Open
    answers: list[tuple[str, bytes]] = field(default_factory=list)
    reason: bytes = b""
    division: dict[str, int] = field(default_factory=dict)

    @property
    def exhibits(self) -> list[tuple[str, bytes]]:
        """Who put what on record, in order, the ruling last."""
        ruled = [("council", self.reason)] if self.reason else []
        return [(self.opener, self.evidence), *self.answers, *ruled]

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it."""
        return {
            "dispute": self.dispute,
            "computation": self.computation,
            "seat": self.index,
            "kind": self.kind.name,
            "status": self.status.name,
            "opener": self.opener,
            "bond": str(self.bond),
            "evidence": "0x" + self.evidence.hex(),
            "answers": [{"account": account, "evidence": "0x" + digest.hex()} for account, digest in self.answers],
            "endsAt": self.ends_at,
            "reason": "0x" + self.reason.hex() if self.reason else None,
            "division": {name: str(amount) for name, amount in self.division.items()} or None,
        }


def cases_in(events: Sequence[Event]) -> dict[int, Case]:
    """Return all disputes that *events* tell of, by id."""
    cases: dict[int, Case] = {}
    for event in events:
        if event.contract != CONTRACT or "dispute" not in event.arguments:
            continue
        if event.name == "DisputeOpened":
            fields = [event[name] for name in ("dispute", "computation", "index")]
            rest = [event[name] for name in ("opener", "bond", "evidence", "endsAt")]
            cases[event["dispute"]] = Case(*fields, DisputeKind(event["kind"]), *rest)
            continue
        case = cases[event["dispute"]]
        if event.name == "DisputeAnswered":
            case.answers.append((event["account"], event["evidence"]))
        elif event.name == "DisputeRuled":
            case.status = DisputeStatus.Upheld if event["upheld"] else DisputeStatus.Dismissed
            case.reason = event["reason"]
        elif event.name == "DisputeDivided":
            case.division = {name: value for name, value in event.arguments.items() if name != "dispute"}
        elif event.name == "DisputeLapsed":
            case.status = DisputeStatus.Lapsed
    return cases


class Disputant:
    """Takes part in disputes on one chain, for one account. Every transaction is looked at first.

    Args:
        gateway: Connected. store: Where evidence is kept.

    Raises (each method): ContractRefused: The contract says no, and nothing was sent. ContentUnavailable: The store
        would not keep the evidence, and nothing was sent.
    """

    def __init__(self, gateway: Gateway, account: LocalAccount, store: Store) -> None:
        self._gateway, self._account, self._store = gateway, account, store

    async def open(self, computation: int, index: int, kind: DisputeKind, evidence: Exhibit, bond: int) -> Receipt:
        """Complain about assignment *index*, putting up *bond* wei."""
        return await self._send("open", computation, index, int(kind), evidence.digest, exhibit=evidence, value=bond)

    async def answer(self, dispute: int, evidence: Exhibit) -> Receipt:
        """Put the other side's evidence on record."""
        return await self._send("answer", dispute, evidence.digest, exhibit=evidence)

    async def rule(self, dispute: int, upheld: bool, reason: Exhibit) -> Receipt:
        """Rule, as the Dispute Resolution Council."""
        return await self._send("rule", dispute, upheld, reason.digest, exhibit=reason)

    async def lapse(self, dispute: int) -> Receipt:
        """End a dispute that nobody ruled on in time."""
        return await self._send("lapse", dispute)

    async def _send(self, function: str, *arguments: Any, exhibit: Exhibit | None = None, value: int = 0) -> Receipt:
        if exhibit is not None and exhibit.content is not None:
            # Before the look: what a refusal leaves behind in the store is named by nobody, and harms nobody.
            await asyncio.to_thread(self._store.put, exhibit.content)
        return await act(self._gateway, self._account, CONTRACT, function, *arguments, value=value)


async def dispute_of(gateway: Gateway, dispute: int) -> dict[str, Any]:
    """Return the record of *dispute*.

    Raises:
        DisputeUnknown: There is none.
    """
    record = await gateway.call(CONTRACT, "disputeOf", dispute)
    if DisputeStatus(record["status"]) is DisputeStatus.Unset:
        raise DisputeUnknown(f"there is no dispute {dispute}; see 'qcrs dispute list'")
    return record
