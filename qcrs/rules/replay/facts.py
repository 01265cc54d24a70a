"""What an entry's digest binds: the decision's facts, found again in the log.

The facts are kept as the contracts encoded them, so that their hash is the digest and anyone, a contract too, can check
them without the log.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from faster_eth_abi import encode
from faster_eth_abi.exceptions import EncodingError

from qcrs.model.decision import Decision
from qcrs.rules.commitment import of_result
from qcrs.rules.digest import keccak
from qcrs.rules.replay import past_entanglement
from qcrs.rules.replay.past_motions import MOTION_DECISIONS, PastMotions
from qcrs.rules.replay.trail import fact_types
from qcrs.rules.replay.transcript import LoggedEvent


def encoded_facts(events: Iterable[LoggedEvent], index: int, chain_id: int, verifier: str) -> bytes | None:
    """Return the facts of entry *index*, encoded, or None where *events* do not say them.

    Args:
        events: The log up to the entry, or beyond. verifier: Address of the contract to which results are committed.
    """
    past = _Past(chain_id, verifier)
    for event in events:
        if event.name != "EntryAppended" or event["index"] != index:
            past.learn(event)
            continue
        decision = Decision(event["decision"])
        values = past.facts(decision, event["subject"])
        try:
            encoded = None if values is None else encode(fact_types(decision), values)
        except EncodingError:
            return None
        return encoded if encoded is not None and keccak(encoded) == event["digest"] else None
    return None


@dataclass
class _Record:
    """What the log has said of one computation.

    Attributes:
        processors: By seat. revealed: Root and salt of each seat that revealed in the running round.
        fates: Of the seats that ended in the running settlement. ended: Seat and processor that ended last.
    """

    attempt: int = 1
    processors: list[int] = field(default_factory=list)
    revealed: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    fates: dict[int, int] = field(default_factory=dict)
    ended: tuple[int, int] = (0, 0)
    overturned: bool = False

    def listed_fates(self) -> list[int]:
        """Return the fate of each seat, 0 for those that did not end in this settlement."""
        return [self.fates.get(seat, 0) for seat in range(len(self.processors))]


class _Past:
    """What the log has said so far that a later entry may bind."""

    def __init__(self, chain_id: int, verifier: str) -> None:
        self.chain_id, self.verifier = chain_id, verifier
        self.latest: dict[str, Mapping[str, Any]] = {}
        self.capabilities: dict[tuple[int, int], Mapping[str, Any]] = {}
        self.computations: defaultdict[int, _Record] = defaultdict(_Record)
        self.disputed: dict[int, int] = {}
        self.motions, self.entanglement = PastMotions(), past_entanglement.PastEntanglement()

    def learn(self, event: LoggedEvent) -> None:
        self.latest[event.name] = event.arguments
        self.motions.learn(event)
        self.entanglement.learn(event)
        learn = _LEARNT.get(event.name)
        if learn is not None:
            learn(self, event)

    def facts(self, decision: Decision, subject: int) -> Sequence[Any] | None:
        """Return the facts of the entry that comes next, or None when nothing says them."""
        if decision in MOTION_DECISIONS:
            return self.motions.facts(decision)
        event = self.latest.get(_EVENTS.get(decision, decision.name))
        source = _SOURCES.get(decision)
        if event is None or source is None:
            return None
        try:
            return source(self, event, subject)
        except (KeyError, IndexError):
            return None


def _learn_capability(past: _Past, event: LoggedEvent) -> None:
    past.capabilities[event["processor"], event["version"]] = event["capability"]


def _learn_draw(past: _Past, event: LoggedEvent) -> None:
    record = past.computations[event["computation"]]
    record.attempt = event["attempt"]
    record.processors += event["processors"]


def _learn_round(past: _Past, event: LoggedEvent) -> None:
    past.computations[event["computation"]].revealed.clear()


def _learn_reveal(past: _Past, event: LoggedEvent) -> None:
    past.computations[event["computation"]].revealed[event["index"]] = (event["countsRoot"], event["salt"])


def _learn_settlement(past: _Past, event: LoggedEvent) -> None:
    past.computations[event["computation"]].fates.clear()


def _learn_ending(past: _Past, event: LoggedEvent) -> None:
    record = past.computations[event["computation"]]
    record.fates[event["index"]] = event["fate"]
    record.ended, record.overturned = (event["index"], event["processor"]), False


def _learn_overturning(past: _Past, event: LoggedEvent) -> None:
    past.computations[event["computation"]].overturned = True


def _learn_dispute(past: _Past, event: LoggedEvent) -> None:
    past.disputed[event["dispute"]] = event["index"]


_LEARNT: Mapping[str, Callable[[_Past, LoggedEvent], None]] = {
    "CapabilityDeclared": _learn_capability,
    "ComputationAllocated": _learn_draw,
    "SeedFixed": _learn_round,
    "ResultRevealed": _learn_reveal,
    "ComputationSettled": _learn_settlement,
    "AssignmentEnded": _learn_ending,
    "ComputationOverturned": _learn_overturning,
    "DisputeOpened": _learn_dispute,
}


def _certified(past: _Past, event: Mapping[str, Any], subject: int) -> Sequence[Any]:
    capability = past.capabilities[subject, event["version"]]
    return subject, event["version"], tuple(capability.values()), event["evidence"]


def _reallocated(past: _Past, event: Mapping[str, Any], subject: int) -> Sequence[Any]:
    return subject, event["attempt"], len(past.computations[subject].processors)


def _settled(past: _Past, event: Mapping[str, Any], subject: int) -> Sequence[Any]:
    answer = past.latest["ComputationSettled"]["answerDigest"]
    return subject, event["verdict"], past.computations[subject].listed_fates(), answer, event["beacon"]


def _escalated(past: _Past, event: Mapping[str, Any], subject: int) -> Sequence[Any]:
    record = past.computations[subject]
    commitments = [bytes(24)] * len(record.processors)
    for seat, (root, salt) in record.revealed.items():
        if seat not in record.fates:
            bound = (subject, record.attempt + 1, record.processors[seat], root, salt)
            commitments[seat] = of_result(past.chain_id, past.verifier, *bound)
    return subject, event["verdict"], record.listed_fates(), commitments, event["beacon"]


def _disproven(past: _Past, event: Mapping[str, Any], subject: int) -> Sequence[Any]:
    record = past.computations[subject]
    return subject, *record.ended, record.overturned


def _ruled(past: _Past, event: Mapping[str, Any], subject: int) -> Sequence[Any]:
    dispute = event["dispute"]
    return dispute, subject, past.disputed[dispute], event["upheld"], event["reason"]


def _fields(*names: str) -> Callable[[_Past, Mapping[str, Any], int], Sequence[Any]]:
    """Return what takes the subject and then these arguments of the event."""
    return lambda past, event, subject: (subject, *(event[name] for name in names))


# The event that tells of a decision, where it is not called the same.
_EVENTS: Mapping[Decision, str] = {
    Decision.ComputationReallocated: "ComputationRequeued",
    Decision.ComputationSettled: "ComputationConcluded",
    Decision.AnswerDisproven: "AssignmentEnded",
    Decision.ReservationEnded: "ReservationClosed",
    Decision.SessionAborted: "SessionEnded",
}

_SOURCES: Mapping[Decision, Callable[[_Past, Mapping[str, Any], int], Sequence[Any]]] = {
    Decision.OrganisationAdmitted: _fields("admin", "name", "weight"),
    Decision.OrganisationExpelled: _fields(),
    Decision.ProcessorCertified: _certified,
    Decision.ProcessorSuspended: _fields("reason"),
    Decision.ComputationAllocated: _fields("attempt", "firstIndex", "processors", "seed"),
    Decision.ComputationReallocated: _reallocated,
    Decision.ComputationSettled: _settled,
    Decision.ComputationFailed: _fields("reason"),
    Decision.PolicyChanged: lambda past, event, subject: (tuple(event["policy"].values()),),
    Decision.ComputationEscalated: _escalated,
    Decision.AnswerDisproven: _disproven,
    Decision.FaultVindicated: _fields("index", "processor", "paid"),
    Decision.DisputeRuled: _ruled,
    Decision.QuotaGranted: _fields("elevated", "critical"),
    Decision.ReservationGranted: _fields("requester", "processors", "qubits", "startsAt", "endsAt", "escrow"),
    Decision.ReservationEnded: _fields("status", "pay", "refund"),
    Decision.BodyComposed: _fields("members", "quorum"),
    Decision.TempoSet: lambda past, event, subject: (tuple(event["tempo"].values()),),
    Decision.WorkPaused: lambda past, event, subject: (event["endsAt"], event["reason"]),
    Decision.WorkResumed: lambda past, event, subject: (event["reason"],),
    **{d: lambda past, event, subject, d=d: past.entanglement.facts(d, subject) for d in past_entanglement.NAMES},
}
