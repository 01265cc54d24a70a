"""What an entry's digest binds: the decision's facts, found again in the log, and told in words.

The facts are kept as the contracts encoded them, so that their hash is the digest and anyone, a contract too, can check
them without the log.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError, EncodingError

from qcrs.model.computation import ComputationStatus, FailureReason
from qcrs.model.decision import Decision
from qcrs.rules.digest import keccak
from qcrs.rules.replay.trail import fact_types
from qcrs.rules.replay.transcript import LoggedEvent, show

UNKNOWN = "the facts are not known"


def encoded_facts(events: Iterable[LoggedEvent], index: int) -> bytes | None:
    """Return the facts of entry *index*, encoded, or None where *events* do not say them.

    Args:
        events: The log up to the entry, or beyond.
    """
    past = _Past()
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


def words_of(decision: Decision, subject: int, facts: bytes | None) -> str:
    """Return in words what an entry decides; the facts must be those that its digest binds."""
    about = f"{decision.name}, {_SUBJECTS.get(decision, 'computation')} {subject}"
    if decision is Decision.PolicyChanged:
        about = decision.name
    names = _NAMES.get(decision)
    if facts is None or names is None:
        return f"{about}: {UNKNOWN}"
    try:
        values = decode(fact_types(decision), facts)
    except DecodingError:
        return f"{about}: {UNKNOWN}"
    told = [f"{name} {_told(name, value)}" for name, value in zip(names, values, strict=True) if name]
    return ": ".join([about, ", ".join(told)]) if told else about


class _Past:
    """What the log has said so far that a later entry may bind."""

    def __init__(self) -> None:
        self.latest: dict[str, Mapping[str, Any]] = {}
        self.capabilities: dict[tuple[int, int], Mapping[str, Any]] = {}
        self.drawn: dict[int, int] = {}

    def learn(self, event: LoggedEvent) -> None:
        self.latest[event.name] = event.arguments
        if event.name == "CapabilityDeclared":
            self.capabilities[event["processor"], event["version"]] = event["capability"]
        elif event.name == "ComputationAllocated":
            self.drawn[event["computation"]] = event["firstIndex"] + len(event["processors"])

    def facts(self, decision: Decision, subject: int) -> Sequence[Any] | None:
        """Return the facts of the entry that comes next, or None when nothing says them."""
        name = "ComputationRequeued" if decision is Decision.ComputationReallocated else decision.name
        event, source = self.latest.get(name), _SOURCES.get(decision)
        if event is None or source is None:
            return None
        try:
            return source(self, event, subject)
        except KeyError:
            return None


def _settled(past: _Past, event: Mapping[str, Any], subject: int) -> Sequence[Any]:
    concluded = past.latest["ComputationConcluded"]
    return subject, concluded["verdict"], event["accepted"], event["answerDigest"], concluded["beacon"]


def _certified(past: _Past, event: Mapping[str, Any], subject: int) -> Sequence[Any]:
    capability = past.capabilities[subject, event["version"]]
    return subject, event["version"], tuple(capability.values())


def _allocated(past: _Past, event: Mapping[str, Any], subject: int) -> Sequence[Any]:
    return subject, event["attempt"], event["firstIndex"], event["processors"], event["seed"]


def _fields(*names: str) -> Callable[[_Past, Mapping[str, Any], int], Sequence[Any]]:
    """Return what takes the subject and then these arguments of the event."""
    return lambda past, event, subject: (subject, *(event[name] for name in names))


_SOURCES: Mapping[Decision, Callable[[_Past, Mapping[str, Any], int], Sequence[Any]]] = {
    Decision.OrganisationAdmitted: _fields("admin", "name", "weight"),
    Decision.OrganisationExpelled: _fields(),
    Decision.ProcessorCertified: _certified,
    Decision.ProcessorSuspended: _fields("reason"),
    Decision.ComputationAllocated: _allocated,
    Decision.ComputationReallocated: lambda past, event, subject: (subject, event["attempt"], past.drawn[subject]),
    Decision.ComputationSettled: _settled,
    Decision.ComputationFailed: _fields("reason"),
    Decision.PolicyChanged: lambda past, event, subject: (tuple(event["policy"].values()),),
}

# What the facts are called, in order; those without a name are the subject, which is told before them.
_NAMES: Mapping[Decision, Sequence[str]] = {
    Decision.OrganisationAdmitted: ("", "administrator", "name", "weight"),
    Decision.OrganisationExpelled: ("",),
    Decision.ProcessorCertified: ("", "version", "capability"),
    Decision.ProcessorSuspended: ("", "reason"),
    Decision.ComputationAllocated: ("", "round", "first seat", "processors", "seed"),
    Decision.ComputationReallocated: ("", "round", "seats used"),
    Decision.ComputationSettled: ("", "status", "accepted seats", "answer", "beacon"),
    Decision.ComputationFailed: ("", "reason for failure"),
    Decision.PolicyChanged: ("policy",),
}

_SUBJECTS: Mapping[Decision, str] = {
    Decision.OrganisationAdmitted: "organisation",
    Decision.OrganisationExpelled: "organisation",
    Decision.ProcessorCertified: "processor",
    Decision.ProcessorSuspended: "processor",
}


def _told(name: str, value: Any) -> str:
    if name == "accepted seats":
        return show([seat for seat in range(value.bit_length()) if value >> seat & 1])
    known = {"status": ComputationStatus, "reason for failure": FailureReason}.get(name)
    if known is not None and value in list(known):
        return known(value).name
    return show(value)
