"""The facts that an entry's digest binds, told in words."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from faster_eth_abi import decode
from faster_eth_abi.exceptions import DecodingError

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus, FailureReason
from qcrs.model.decision import Decision
from qcrs.model.motion import MotionStatus
from qcrs.model.reservation import ReservationStatus
from qcrs.rules.agreement import Verdict
from qcrs.rules.replay import past_entanglement
from qcrs.rules.replay.trail import fact_types
from qcrs.rules.replay.transcript import show

UNKNOWN = "the facts are not known"

# What the facts are called, in order; those without a name are the subject, which is told before them.
_NAMES: Mapping[Decision, Sequence[str]] = {
    Decision.OrganisationAdmitted: ("", "administrator", "name", "weight"),
    Decision.OrganisationExpelled: ("",),
    Decision.ProcessorCertified: ("", "version", "capability", "evidence"),
    Decision.ProcessorSuspended: ("", "reason"),
    Decision.ComputationAllocated: ("", "round", "first seat", "processors", "seed"),
    Decision.ComputationReallocated: ("", "round", "seats used"),
    Decision.ComputationSettled: ("", "status", "fates by seat", "answer", "beacon"),
    Decision.ComputationFailed: ("", "reason for failure"),
    Decision.PolicyChanged: ("policy",),
    Decision.ComputationEscalated: ("", "verdict", "fates by seat", "commitments by seat", "beacon"),
    Decision.AnswerDisproven: ("", "seat", "processor", "overturned"),
    Decision.FaultVindicated: ("", "seat", "processor", "paid wei"),
    Decision.DisputeRuled: ("dispute", "", "seat", "upheld", "reason"),
    Decision.QuotaGranted: ("", "elevated", "critical"),
    Decision.ReservationGranted: ("", "requester", "processors", "qubits of each", "from", "to", "price wei"),
    Decision.ReservationEnded: ("", "end", "pay by processor", "refund wei"),
    Decision.MotionCarried: ("", "digest", "seats for, as bits", "seats against, as bits", "executable from", "until"),
    Decision.MotionExecuted: ("", "digest"),
    Decision.MotionEnded: ("", "digest", "end of the motion"),
    Decision.BodyComposed: ("", "members", "quorum"),
    Decision.TempoSet: ("seconds to vote, of delay, to execute",),
    Decision.WorkPaused: ("until", "reason"),
    Decision.WorkResumed: ("reason",),
    **past_entanglement.NAMES,
}

_SUBJECTS: Mapping[Decision, str] = {
    Decision.OrganisationAdmitted: "organisation",
    Decision.OrganisationExpelled: "organisation",
    Decision.ProcessorCertified: "processor",
    Decision.ProcessorSuspended: "processor",
    Decision.QuotaGranted: "organisation",
    Decision.ReservationGranted: "reservation",
    Decision.ReservationEnded: "reservation",
    Decision.MotionCarried: "motion",
    Decision.MotionExecuted: "motion",
    Decision.MotionEnded: "motion",
    Decision.BodyComposed: "term",
    **past_entanglement.SUBJECTS,
}
_WITHOUT_SUBJECT = (Decision.PolicyChanged, Decision.TempoSet, Decision.WorkPaused, Decision.WorkResumed)


# Facts that are members of an enumeration, or lists of such.
_ENUMS: Mapping[str, type[IntEnum]] = {
    "status": ComputationStatus,
    "verdict": Verdict,
    "fates by seat": AssignmentStatus,
    "reason for failure": FailureReason,
    "end": ReservationStatus,
    "end of the motion": MotionStatus,
    **past_entanglement.ENUMS,
}


def words_of(decision: Decision, subject: int, facts: bytes | None) -> str:
    """Return in words what an entry decides; the facts must be those that its digest binds."""
    about = f"{decision.name}, {_SUBJECTS.get(decision, 'computation')} {subject}"
    if decision in _WITHOUT_SUBJECT:
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


def _told(name: str, value: Any) -> str:
    members = _ENUMS.get(name)
    if isinstance(value, (list, tuple)) and members is not None:
        return show([_told(name, one) for one in value])
    return members(value).name if members is not None and value in list(members) else show(value)
