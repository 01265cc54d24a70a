"""What a computation came to: verdict, pooled counts, and who agreed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qcrs.errors import QcrsError
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import VERDICTS, ComputationStatus
from qcrs.model.story import Duty, Story
from qcrs.rules.commitment import of_answer
from qcrs.rules.count_sketch import MAX_HISTOGRAM_BITS, sketch_of, unpack
from qcrs.rules.histogram import HistogramInvalid, counts_root, require_histogram
from qcrs.store import ContentMismatch, ContentUnavailable, Store

# The event whose transaction is a step of the life of a computation.
_STEPS = {
    "ComputationSubmitted": "submit",
    "ComputationAllocated": "allocate",
    "ResultCommitted": "commit",
    "SeedFixed": "disclose",
    "ResultRevealed": "reveal",
    "ComputationSettled": "settle",
    "ComputationRequeued": "reallocate",
    "ComputationCancelled": "cancel",
    "ComputationFailed": "fail",
}


class HistogramUnavailable(QcrsError):
    """A replica's histogram cannot be had, or is not the one that the chain binds."""


@dataclass(frozen=True)
class Result:
    """One computation, as its requester wants to see it.

    Attributes:
        counts: Pooled over the accepted replicas that were not disproven since, by outcome, or of the only replica
            when that is Unverified; None without an answer.
        shots: Shots in *counts*. accepted, outliers, silent: Processor ids. failed: Those that failed gold rounds or
            traps. disproven: Those whose answers were shown to be false after the verdict.
        challengeable_until: When the verdict is beyond challenge, unix seconds; 0 without one.
        gas: By step, summed over its transactions, and ``total``.
        seconds: Chain time from submission to the last event.
        result_digest: What the chain keeps of the verified result, 0x-prefixed; empty without one.
        signatures: Whether each accepted processor has signed its histogram with its ML-DSA-65 key, or why not.
    """

    id: int
    status: ComputationStatus
    counts: Mapping[int, int] | None
    shots: int
    replicas: int
    outcome_bits: int
    accepted: Sequence[int]
    outliers: Sequence[int]
    silent: Sequence[int]
    failed: Sequence[int]
    disproven: Sequence[int]
    challengeable_until: int
    gas: Mapping[str, int]
    seconds: float
    result_digest: str
    failure: str = ""
    signatures: Mapping[int, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the result as ``--json`` prints it; outcomes are bit strings, most significant bit first."""
        return {
            "id": self.id,
            "status": self.status.name,
            "verdict": self.status.name if self.status in VERDICTS else None,
            "counts": None if self.counts is None else bitstrings(self.counts, self.outcome_bits),
            "shots": self.shots,
            "replicas": self.replicas,
            "accepted": list(self.accepted),
            "outliers": list(self.outliers),
            "silent": list(self.silent),
            "failed": list(self.failed),
            "disproven": list(self.disproven),
            "challengeableUntil": self.challengeable_until,
            "gas": dict(self.gas),
            "seconds": round(self.seconds, 3),
            "resultDigest": self.result_digest,
            "signatures": {str(processor): state for processor, state in self.signatures.items()},
            **({"failure": self.failure} if self.failure else {}),
        }


def bitstrings(counts: Mapping[int, int], outcome_bits: int) -> dict[str, int]:
    """Return *counts* by bit string, most significant bit first, most frequent outcome first."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {f"{outcome:0{outcome_bits}b}": count for outcome, count in ordered}


def replica_counts(story: Story, duty: Duty, store: Store) -> dict[int, int]:
    """Return the histogram that a replica revealed, checked against the chain's root and sketch.

    Up to 8 outcome bits the sketch is the histogram, so nothing but the chain is needed.

    Raises:
        HistogramUnavailable: The store has not got it, or it contradicts root, shots or sketch.
    """
    request = story.request
    where = f"computation {story.computation}, processor {duty.processor}"
    if request.outcome_bits <= MAX_HISTOGRAM_BITS:
        lanes = unpack(duty.sketch, request.outcome_bits)
        counts = {outcome: count for outcome, count in enumerate(lanes) if count}
    else:
        try:
            counts = store.get_histogram(duty.counts_root)
        except (ContentUnavailable, ContentMismatch) as error:
            raise HistogramUnavailable(f"{where}: {error}") from error
    try:
        require_histogram(counts, request.outcome_bits, request.shots)
    except HistogramInvalid as error:
        raise HistogramUnavailable(f"{where}: {error}") from error
    if counts_root(counts) != duty.counts_root:
        raise HistogramUnavailable(f"{where}: the revealed sketch is not that of the committed histogram")
    if story.seed is None or sketch_of(counts, request.outcome_bits, story.seed) != list(duty.sketch):
        raise HistogramUnavailable(f"{where}: the committed histogram does not have the revealed sketch")
    return counts


def pooled_counts(story: Story, store: Store) -> dict[int, int]:
    """Return the accepted replicas' counts, added up.

    Raises:
        HistogramUnavailable: One of them cannot be had or is not what the chain binds.
    """
    accepted = [duty for duty in story.duties if story.accepted >> duty.index & 1]
    digest = of_answer(story.computation, story.accepted, [duty.counts_root for duty in accepted])
    if digest != story.answer_digest:
        raise HistogramUnavailable(f"computation {story.computation}: roots do not make up the verified digest")
    pooled: Counter[int] = Counter()
    for duty in accepted:
        if duty.status is AssignmentStatus.Disproven:
            continue  # shown to be false since
        pooled.update(replica_counts(story, duty, store))
    return dict(pooled)


def result_of(
    story: Story, store: Store, gas: Mapping[str, int], seconds: float, signatures: Mapping[int, str]
) -> Result:
    """Return the result that *story* tells.

    Raises:
        HistogramUnavailable: The counts of an accepted computation cannot be had.
    """

    def processors(*statuses: AssignmentStatus) -> list[int]:
        return [duty.processor for duty in story.with_status(*statuses)]

    answered = story.status in (ComputationStatus.Accepted, ComputationStatus.Unverified)
    counts = pooled_counts(story, store) if answered else None
    return Result(
        id=story.computation,
        status=story.status,
        counts=counts,
        shots=sum(counts.values()) if counts else 0,
        replicas=story.request.replicas,
        outcome_bits=story.request.outcome_bits,
        accepted=processors(AssignmentStatus.Accepted),
        outliers=processors(AssignmentStatus.Outlier),
        silent=processors(AssignmentStatus.Silent),
        failed=processors(AssignmentStatus.GoldFailed, AssignmentStatus.TrapFailed),
        disproven=processors(AssignmentStatus.Disproven),
        challengeable_until=story.phase_ends_at if story.status in VERDICTS else 0,
        gas=gas,
        seconds=seconds,
        result_digest="0x" + story.answer_digest.hex() if story.accepted else "",
        failure=story.failure.name if story.status is ComputationStatus.Failed else "",
        signatures=signatures,
    )


def step_of(event_name: str) -> str | None:
    """Return the step of a computation's life that an event's transaction is, if it is one."""
    return _STEPS.get(event_name)
