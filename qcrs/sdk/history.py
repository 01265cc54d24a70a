"""What a processor has done, from the log: each fate, and what its conduct weighs after it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from qcrs.chain.codec import Event
from qcrs.chain.gateway import Gateway
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.certification import CertificationCause, CertificationStatus
from qcrs.model.processor import ProcessorStatus
from qcrs.rules import reputation
from qcrs.sdk.reader import Reader

_EVENTS = (
    "ProcessorRegistered", "ConductInherited", "CapabilityDeclared", "ProcessorCertified", "ProcessorSuspended",
    "ProcessorRetired", "AssignmentEnded", "CertificationRequested", "CertificationEnded",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One thing that happened to a processor.

    Attributes:
        at: Unix seconds. what: In words. computation: That it was part of; 0 when none.
        weight: In draws, percent, after it. conduct: The counters after it.
    """

    block: int
    what: str
    weight: int
    conduct: Mapping[str, int]
    computation: int = 0
    at: int = 0


async def read_history(gateway: Gateway, processor: int) -> list[Line]:
    """Return what happened to *processor*, in order."""
    reader = Reader(gateway, await gateway.block_number())
    lines = fold(await gateway.logs(gateway.network.deployed_at, names=_EVENTS), processor)
    times = await reader.timestamps({line.block for line in lines})
    return [replace(line, at=times[line.block]) for line in lines]


def fold(events: Iterable[Event], processor: int) -> list[Line]:
    """Return the lines about *processor* in *events*."""
    ledger, lines = _Ledger(), []
    for event in events:
        told = _TOLD[event.name](ledger, event)
        if told is None or told[0] != processor:
            continue
        conduct = ledger.conduct[processor]
        computation = event.arguments.get("computation", 0)
        lines.append(Line(event.block, told[1], reputation.weight_of(**conduct), dict(conduct), computation))
    return lines


class _Ledger:
    """Conduct of all processors: one may take over another's.

    Attributes:
        fates: By computation and seat. trials: Processor by certification.
    """

    def __init__(self) -> None:
        self.conduct: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self.status: dict[int, ProcessorStatus] = {}
        self.fates: dict[tuple[int, int], AssignmentStatus] = {}
        self.trials: dict[int, int] = {}

    def end(self, event: Event) -> tuple[int, str]:
        id_, key = event["processor"], (event["computation"], event["index"])
        fate = AssignmentStatus(event["fate"])
        conduct, was = self.conduct[id_], self.fates.get(key)
        self.conduct[id_] = reputation.noted(conduct if was is None else reputation.forgotten(conduct, was), fate)
        self.fates[key] = fate
        return id_, fate.name if was is None else f"{was.name}, now {fate.name}"

    def inherit(self, event: Event) -> tuple[int, str]:
        id_, former = event["processor"], event["former"]
        own, other = self.conduct[id_], self.conduct[former]
        if self.status.get(id_) is None:  # the same hardware: the good with the bad
            own = {"accepted": other.get("accepted", 0)}
        self.conduct[id_] = reputation.inherited(own, other)
        return id_, f"conduct of processor {former} taken over"

    def certify(self, event: Event) -> tuple[int, str]:
        id_ = event["processor"]
        if self.status.get(id_) is ProcessorStatus.Suspended and reputation.is_unfit(self.conduct[id_]):
            self.conduct[id_] = dict(reputation.PROBATION)
        self.status[id_] = ProcessorStatus.Certified
        origin = f"measured, evidence 0x{event['evidence'].hex()[:16]}" if any(event["evidence"]) else "unmeasured"
        return id_, f"certified, version {event['version']} ({origin})"

    def suspend(self, event: Event) -> tuple[int, str]:
        self.status[event["processor"]] = ProcessorStatus.Suspended
        return event["processor"], f"suspended: {_reason(event['reason'])}"

    def declare(self, event: Event) -> tuple[int, str]:
        self.status.setdefault(event["processor"], ProcessorStatus.Applied)
        return event["processor"], f"capability version {event['version']} declared"

    def request(self, event: Event) -> tuple[int, str]:
        self.trials[event["certification"]] = event["processor"]
        cause = CertificationCause(event["cause"]).name
        return event["processor"], f"benchmark {event['certification']} begun ({cause})"

    def conclude(self, event: Event) -> tuple[int, str] | None:
        id_ = self.trials.get(event["certification"])
        if id_ is None:
            return None
        return id_, f"benchmark {event['certification']} ended: {CertificationStatus(event['status']).name}"


def _reason(reason: bytes) -> str:
    text = reason.rstrip(b"\0").decode("latin-1")
    return text if text and text.isascii() and text.isprintable() else "0x" + reason.hex()


def _registered(ledger: _Ledger, event: Event) -> tuple[int, str]:
    return event["processor"], f"registered for organisation {event['organisation']} by {event['operator']}"


def _retired(ledger: _Ledger, event: Event) -> tuple[int, str]:
    return event["processor"], "retired"


_TOLD: Mapping[str, Callable[[_Ledger, Event], Any]] = {
    "ProcessorRegistered": _registered,
    "ConductInherited": _Ledger.inherit,
    "CapabilityDeclared": _Ledger.declare,
    "ProcessorCertified": _Ledger.certify,
    "ProcessorSuspended": _Ledger.suspend,
    "ProcessorRetired": _retired,
    "AssignmentEnded": _Ledger.end,
    "CertificationRequested": _Ledger.request,
    "CertificationEnded": _Ledger.conclude,
}
