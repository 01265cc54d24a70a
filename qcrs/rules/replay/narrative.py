"""The trail in words: what each entry decides, told by the events beside it, unchecked."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.channel import ChannelStatus
from qcrs.model.computation import FailureReason
from qcrs.model.decision import Decision
from qcrs.model.motion import COMMITTEES, CONSTITUTION
from qcrs.model.reservation import ReservationStatus
from qcrs.rules.agreement import Verdict
from qcrs.rules.audit_trail import EMPTY_HEAD, leaf_of, next_head
from qcrs.rules.replay.entry import Entry
from qcrs.rules.replay.past_motions import ENDS
from qcrs.rules.replay.trail import COMPUTATION_DECISIONS
from qcrs.rules.replay.transcript import LoggedEvent

# How processors leave a computation that goes on, or fails, without them.
_LOST = (AssignmentStatus.Silent, AssignmentStatus.Refused, AssignmentStatus.Excused, AssignmentStatus.Released)


@dataclass
class _Facts:
    """What the log said since the last entry.

    Attributes:
        latest: Arguments of the last event of each name. ended: Processors by fate. teller: Who told of something last.
    """

    latest: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ended: defaultdict[AssignmentStatus, list[int]] = field(default_factory=lambda: defaultdict(list))
    teller: str = ""

    def learn(self, event: LoggedEvent) -> None:
        self.latest[event.name] = event.arguments
        self.teller = event.contract
        if event.name in ENDS:
            self.latest["MotionEnded"] = {**event.arguments, "end": ENDS[event.name]}
        if event.name == "AssignmentEnded" and event["fate"] in list(AssignmentStatus):
            self.ended[AssignmentStatus(event["fate"])].append(event["processor"])

    def carried(self) -> "_Facts":
        """Return what later entries of the same call may rest on: a ruling is told before all that it decides."""
        return _Facts({name: fact for name, fact in self.latest.items() if name == "DisputeRuled"})

    def fates(self, *shown: AssignmentStatus) -> str:
        return "".join(f"; {fate.name.lower()}: {_numbers(self.ended[fate])}" for fate in shown if self.ended[fate])


def narrate(events: Iterable[LoggedEvent]) -> list[Entry]:
    """Return every entry in *events*, in the order of the log."""
    entries, facts, head = [], _Facts(), EMPTY_HEAD
    for event in events:
        if event.name != "EntryAppended":
            facts.learn(event)
            continue
        decision = Decision(event["decision"])
        index, subject, digest = event["index"], event["subject"], event["digest"]
        head = next_head(head, leaf_of(index, decision, subject, event["recorder"], digest))
        tell = _WORDS.get(decision)
        fact = facts.latest.get(_FACT.get(decision, decision.name))
        words = tell(fact, facts) if tell and fact else "the log does not say"
        if decision in COMPUTATION_DECISIONS:
            words = f"computation {subject}: {words}"
        entries.append(
            Entry(
                index,
                decision,
                subject,
                event["recorder"],
                digest,
                head,
                event.block,
                event.timestamp,
                words,
            )
        )
        facts = facts.carried()
    return entries


def _admitted(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"organisation {fact['organisation']} admitted: {fact['name']}, weight {fact['weight']}"


def _expelled(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"organisation {fact['organisation']} expelled"


def _certified(fact: Mapping[str, Any], facts: _Facts) -> str:
    return (
        f"processor {fact['processor']} certified for noise class {fact['noiseClass']}, "
        f"capability version {fact['version']}, {_origin(fact['evidence'])}"
    )


def _origin(evidence: bytes) -> str:
    return f"measured, evidence 0x{evidence.hex()}" if any(evidence) else "approved without a measurement"


def _suspended(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"processor {fact['processor']} suspended, reason 0x{fact['reason'].hex()}"


def _allocated(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"round {fact['attempt']}, drew processors {_numbers(fact['processors'])}"


def _reallocated(fact: Mapping[str, Any], facts: _Facts) -> str:
    lost = facts.fates(*_LOST)
    return f"back in the queue for round {fact['attempt']}{lost}"


def _settled(fact: Mapping[str, Any], facts: _Facts) -> str:
    shown = (
        AssignmentStatus.Accepted,
        AssignmentStatus.Outlier,
        AssignmentStatus.Released,
        AssignmentStatus.Silent,
        AssignmentStatus.GoldFailed,
        AssignmentStatus.TrapFailed,
    )
    return f"verdict {Verdict(fact['verdict']).name}{facts.fates(*shown)}"


def _escalated(fact: Mapping[str, Any], facts: _Facts) -> str:
    lost = facts.fates(AssignmentStatus.Silent, AssignmentStatus.GoldFailed, AssignmentStatus.TrapFailed)
    return f"{Verdict(fact['verdict']).name.lower()}, so that there are to be {fact['replicas']} replicas{lost}"


def _disproven(fact: Mapping[str, Any], facts: _Facts) -> str:
    fell = "; the verdict is overturned" if "ComputationOverturned" in facts.latest else ""
    return f"the answer of processor {fact['processor']} is disproven{fell}"


def _vindicated(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"processor {fact['processor']} is vindicated; {fact['paid']} wei made good"


def _ruled(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"dispute {fact['dispute']} {'upheld' if fact['upheld'] else 'dismissed'}"


def _failed(fact: Mapping[str, Any], facts: _Facts) -> str:
    lost = facts.fates(*_LOST)
    return f"failed and refunded, {FailureReason(fact['reason']).name}{lost}"


def _quota(fact: Mapping[str, Any], facts: _Facts) -> str:
    amounts = f"{fact['elevated']} elevated and {fact['critical']} critical cost units a day"
    return f"organisation {fact['organisation']} granted {amounts}"


def _reserved(fact: Mapping[str, Any], facts: _Facts) -> str:
    what = f"{fact['qubits']} qubits of each of processors {_numbers(fact['processors'])}"
    return f"reservation {fact['reservation']}: {what}, from {fact['startsAt']} to {fact['endsAt']}"


def _closed(fact: Mapping[str, Any], facts: _Facts) -> str:
    status = ReservationStatus(fact["status"]).name.lower()
    return f"reservation {fact['reservation']}: {status}; {fact['refund']} wei refunded"


def _body(facts: _Facts) -> str:
    return COMMITTEES.get(facts.teller, CONSTITUTION)


def _carried(fact: Mapping[str, Any], facts: _Facts) -> str:
    times = f"to be executed from {fact['executableAt']} to {fact['lapsesAt']}"
    return f"{_body(facts)}: motion {fact['motion']} carried, {times}"


def _executed(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"{_body(facts)}: motion {fact['motion']} executed"


def _unexecuted(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"{_body(facts)}: motion {fact['motion']} {fact['end'].name.lower()}"


def _composed(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"{_body(facts)}: {len(fact['members'])} members, {fact['quorum']} of whom carry a motion"


def _tempo(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"{_body(facts)}: " + ", ".join(f"{key} {value}" for key, value in fact["tempo"].items())


def _paused(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"no new work until {fact['endsAt']}, reason 0x{fact['reason'].hex()}"


def _resumed(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"new work again, reason 0x{fact['reason'].hex()}"


def _linked(fact: Mapping[str, Any], facts: _Facts) -> str:
    errors = f"{fact['errorsZ']} errors in Z and {fact['errorsX']} in X among {fact['tested']} tested pairs"
    return f"channel {fact['channel']}, test {fact['attempt']}: {errors}, {ChannelStatus(fact['verdict']).name.lower()}"


def _unlinked(fact: Mapping[str, Any], facts: _Facts) -> str:
    names = ("end 0", "end 1", "the link")
    silent = " and ".join(name for bit, name in enumerate(names) if fact["silent"] >> bit & 1)
    ending = ChannelStatus(fact["status"]).name.lower()
    return f"channel {fact['channel']} {ending}" + (f", {silent} being silent" if silent else "")


def _aborted(fact: Mapping[str, Any], facts: _Facts) -> str:
    absent = [number for number in range(fact["absent"].bit_length()) if fact["absent"] >> number & 1]
    return f"session {fact['session']} broken off, absent: members {_numbers(absent)}; {fact['refund']} wei returned"


def _concluded(fact: Mapping[str, Any], facts: _Facts) -> str:
    return f"sessions from {fact['group']} on: {Verdict(fact['verdict']).name.lower()}"


def _policy(fact: Mapping[str, Any], facts: _Facts) -> str:
    return "policy changed: " + ", ".join(f"{key} {value}" for key, value in fact["policy"].items())


def _numbers(values: Iterable[int]) -> str:
    return ", ".join(map(str, values))


# The event that states the facts of a decision, where it is not called the same.
_FACT = {
    Decision.ComputationReallocated: "ComputationRequeued",
    Decision.AnswerDisproven: "AssignmentEnded",
    Decision.ReservationEnded: "ReservationClosed",
    Decision.SessionAborted: "SessionEnded",
}

_WORDS: Mapping[Decision, Callable[[Mapping[str, Any], _Facts], str]] = {
    Decision.OrganisationAdmitted: _admitted,
    Decision.OrganisationExpelled: _expelled,
    Decision.ProcessorCertified: _certified,
    Decision.ProcessorSuspended: _suspended,
    Decision.ComputationAllocated: _allocated,
    Decision.ComputationReallocated: _reallocated,
    Decision.ComputationSettled: _settled,
    Decision.ComputationFailed: _failed,
    Decision.PolicyChanged: _policy,
    Decision.ComputationEscalated: _escalated,
    Decision.AnswerDisproven: _disproven,
    Decision.FaultVindicated: _vindicated,
    Decision.DisputeRuled: _ruled,
    Decision.QuotaGranted: _quota,
    Decision.ReservationGranted: _reserved,
    Decision.ReservationEnded: _closed,
    Decision.MotionCarried: _carried,
    Decision.MotionExecuted: _executed,
    Decision.MotionEnded: _unexecuted,
    Decision.BodyComposed: _composed,
    Decision.TempoSet: _tempo,
    Decision.WorkPaused: _paused,
    Decision.WorkResumed: _resumed,
    Decision.ChannelSettled: _linked,
    Decision.ChannelEnded: _unlinked,
    Decision.SessionAborted: _aborted,
    Decision.SessionsConcluded: _concluded,
}
