"""What shows that an answer is false, looked for in the chain's events and the histograms in the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.chain.codec import Event
from qcrs.errors import QcrsError
from qcrs.model.challenge import Fault
from qcrs.model.decision import Decision
from qcrs.model.story import Duty, Story
from qcrs.rules.audit_trail import leaf_of, prove
from qcrs.rules.count_sketch import MAX_HISTOGRAM_BITS, unpack
from qcrs.rules.evidence import NO_RUN, Precedence, Revealed, forged_sketch, is_plausible, malformed
from qcrs.rules.histogram import HistogramInvalid, binding_of, counts_root, unpack_leaf
from qcrs.sdk.result import HistogramUnavailable
from qcrs.store import ContentMismatch, ContentUnavailable, Store


class NothingContradicts(QcrsError):
    """The histogram behind an answer is what was revealed of it."""


@dataclass(frozen=True)
class Contradiction:
    """What shows that an answer is false.

    Attributes:
        function: Of ``Challenges``. arguments: Its arguments after what was revealed. words: What they show.
    """

    fault: Fault
    function: str
    arguments: tuple[Any, ...]
    words: str


def revealed_of(duty: Duty) -> Revealed:
    """Return what *duty* revealed, as ``Challenges`` takes it."""
    return Revealed(duty.counts_root, duty.salt, duty.sketch)


def histogram_behind(story: Story, duty: Duty, store: Store) -> dict[int, int]:
    """Return the histogram that the root of *duty* binds, whatever else was revealed of it.

    Raises:
        HistogramUnavailable: It cannot be had.
    """
    bits = story.request.outcome_bits
    if bits <= MAX_HISTOGRAM_BITS:
        counts = {outcome: count for outcome, count in enumerate(unpack(duty.sketch, bits)) if count}
        if counts_root(counts) == duty.counts_root:
            return counts
    try:
        return store.get_histogram(duty.counts_root)
    except (ContentUnavailable, ContentMismatch) as error:
        raise HistogramUnavailable(
            f"computation {story.computation}, seat {duty.index}: {error}; 'qcrs challenge demand "
            f"{story.computation} {duty.index}' makes its processor show it"
        ) from error


def contradiction(story: Story, duty: Duty, counts: Mapping[int, int]) -> Contradiction | None:
    """Return what shows that the answer of *duty* is false, given the histogram under its root; None if nothing does.

    Raises:
        HistogramUnavailable: A leaf is wrong, and fits no proof; a demand makes its processor show it.
    """
    bits, shots = story.request.outcome_bits, story.request.shots
    binding = binding_of(counts)
    try:
        wrong = malformed(counts, bits, shots)
    except HistogramInvalid as error:
        if is_plausible(binding, shots):
            raise HistogramUnavailable(
                f"computation {story.computation}, seat {duty.index}: {error}, so it cannot be shown here; demand it"
            ) from error
        wrong = binding, NO_RUN
    if wrong is not None:
        words = f"the root binds {binding.leaf_count} outcomes and {binding.shots} shots, expected {shots} shots"
        for outcome, count in map(unpack_leaf, wrong[1].leaves):
            words = f"under the root, outcome {outcome} has {count} shots; expected some, of an outcome of {bits} bits"
        return Contradiction(Fault.MalformedHistogram, "proveMalformed", wrong, words)
    if story.seed is None:
        return None
    forged = forged_sketch(counts, duty.sketch, bits, story.seed)
    if forged is None:
        return None
    leaves = sum(len(run.leaves) for run in forged.runs)
    words = (
        f"the {leaves} outcomes shown hold more shots of bucket {forged.bucket} in row {forged.row} than the revealed "
        "sketch has there"
    )
    return Contradiction(Fault.ForgedSketch, "proveForgedSketch", tuple(forged), words)


def precedence_of(events: Sequence[Event], computation: int, index: int, other: int) -> Precedence | None:
    """Return the trail's entries which show that *other* was settled before assignment *index* was drawn.

    Args:
        events: All of the chain's. computation: Whose assignment it is.

    Returns:
        None when it was not.
    """
    entries = [event for event in events if event.name == "EntryAppended"]

    def of(decision: Decision, subject: int) -> list[Event]:
        return [e for e in entries if (e["decision"], e["subject"]) == (decision, subject)]

    draws = [e for e in events if e.name == "ComputationAllocated" and e["computation"] == computation]
    drawn = list(zip(of(Decision.ComputationAllocated, computation), draws, strict=True))
    drawn = [(entry, draw) for entry, draw in drawn if draw["firstIndex"] <= index]
    settled = [e for e in of(Decision.ComputationSettled, other) if drawn and e["index"] < drawn[-1][0]["index"]]
    if not settled:
        return None
    (allocation, draw), settlement = drawn[-1], settled[-1]
    leaves = [leaf_of(e["index"], Decision(e["decision"]), e["subject"], e["recorder"], e["digest"]) for e in entries]
    return Precedence(
        settlement["index"],
        settlement["digest"],
        prove(leaves, settlement["index"]),
        allocation["index"],
        draw["attempt"],
        draw["firstIndex"],
        draw["processors"],
        draw["seed"],
        prove(leaves, allocation["index"]),
    )
