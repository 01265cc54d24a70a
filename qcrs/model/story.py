"""The story of each computation, told by the chain's events alone.

Daemons decide from it, clients report from it, auditors replay it. It is a projection: feeding the same events in
chain order gives the same stories, whoever does it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from qcrs.model.assignment import ON_DUTY, AssignmentStatus
from qcrs.model.computation import ENDED, ComputationStatus, FailureReason
from qcrs.model.records import Request


@dataclass
class Duty:
    """One assignment, and what its processor has posted.

    Attributes:
        attempt: The round in which it was made. slashed: Wei taken from its processor's bond.
        refusal: Code with which the payload was refused; 0 when it was not.
    """

    index: int
    processor: int
    attempt: int
    status: AssignmentStatus = AssignmentStatus.Assigned
    commitment: bytes = b""
    counts_root: bytes = b""
    salt: bytes = b""
    sketch: list[int] = field(default_factory=list)
    refusal: int = 0
    slashed: int = 0


@dataclass
class Story:
    """One computation from submission to its end.

    Attributes:
        escrow: Wei locked at submission. replicas: Asked for by now; escalation adds to them.
        bucket: Where it waits, or waited, in its class's queue; the lowest is in turn. deferred, passed: How often it
            was sent back there for want of processors, and how often a shorter one took its place.
        keeper: Who was paid for its allocation; empty before.
        attempt: Commit-reveal rounds begun; 0 before the first allocation.
        phase_ends_at: When the running phase's deadline falls, or when the verdict can no longer be challenged,
            unix seconds.
        seed: Seed of the sketches, once fixed; None before. secret: What it was made from.
        pending_secret: The commitment to the secret that the next disclosure must open.
        withheld: The beacon stood in for the requester's secret.
        accepted: Bitmap of the assignments whose answers count. answer_digest: Digest of the verified result.
        gold_opened, gold_closed: Whether the requester has shown its gold list, and had its say.
        gold_scored: Pairs of assignment index and round that were scored on chain.
        beacon: The beacon after settlement.
    """

    computation: int
    requester: str
    organisation: int
    escrow: int
    request: Request
    replicas: int
    submitted_in: int = 0
    bucket: int = 0
    deferred: int = 0
    passed: int = 0
    keeper: str = ""
    status: ComputationStatus = ComputationStatus.Queued
    attempt: int = 0
    phase_ends_at: int = 0
    duties: list[Duty] = field(default_factory=list)
    secret: bytes | None = None
    seed: bytes | None = None
    withheld: bool = False
    pending_secret: bytes = b""
    accepted: int = 0
    answer_digest: bytes = b""
    gold_opened: bool = False
    gold_closed: bool = False
    gold_scored: set[tuple[int, int]] = field(default_factory=set)
    failure: FailureReason = FailureReason.Unset
    beacon: bytes = b""
    payments: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED

    @property
    def waiting(self) -> bool:
        """Whether it waits in its class's queue: one that had processors before is in turn without."""
        return self.status is ComputationStatus.Queued and not self.duties

    def on_duty(self) -> list[Duty]:
        """Return the assignments that still hold leases."""
        return [duty for duty in self.duties if duty.status in ON_DUTY]

    def with_status(self, *statuses: AssignmentStatus) -> list[Duty]:
        """Return the assignments in one of *statuses*, by index."""
        return [duty for duty in self.duties if duty.status in statuses]


class Told(Protocol):
    """An event of the chain's."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def arguments(self) -> Mapping[str, Any]: ...  # noqa: D102

    @property
    def block(self) -> int: ...  # noqa: D102


class Stories:
    """All computations seen so far, by id; feed it events in chain order."""

    def __init__(self) -> None:
        self.by_id: dict[int, Story] = {}

    @classmethod
    def told_by(cls, events: Iterable[Told]) -> Self:
        """Return all that *events* tell of, from the beginning on."""
        stories = cls()
        for event in events:
            stories.apply(event.name, event.arguments, event.block)
        return stories

    def apply(self, name: str, arguments: Mapping[str, Any], block: int = 0) -> Story | None:
        """Take in one event; return the story it belongs to, or None when it belongs to none.

        Args:
            name: The event's name. arguments: Its arguments by Solidity name. block: Where it stands.
        """
        if "computation" not in arguments:
            return None
        if name == "ComputationSubmitted":
            story = Story(
                computation=arguments["computation"],
                requester=arguments["requester"],
                organisation=arguments["organisation"],
                escrow=arguments["escrow"],
                request=(request := Request.from_chain(arguments["request"])),
                replicas=request.replicas,
                submitted_in=block,
                bucket=arguments["bucket"],
            )
            story.pending_secret = story.request.secret_commitment
            self.by_id[story.computation] = story
            return story
        known = self.by_id.get(arguments["computation"])
        handler = _HANDLERS.get(name)
        if known is not None and handler is not None:
            handler(known, arguments)
        if known is not None and name == "ComputationsExchanged":
            self._exchange(known, arguments["longer"])
        return known

    def _exchange(self, shorter: Story, other: int) -> None:
        longer = self.by_id.get(other)
        if longer is not None:  # told of one computation alone, nobody knows where the other waited
            shorter.bucket, longer.bucket = longer.bucket, shorter.bucket
            longer.passed += 1


def _allocated(story: Story, event: Mapping[str, Any]) -> None:
    story.status = ComputationStatus.Allocated
    if event["bounty"]:
        story.keeper = event["keeper"]
    story.attempt = event["attempt"]
    story.phase_ends_at = event["phaseEndsAt"]
    for offset, processor in enumerate(event["processors"]):
        story.duties.append(Duty(event["firstIndex"] + offset, processor, event["attempt"]))


def _deferred(story: Story, event: Mapping[str, Any]) -> None:
    story.bucket = event["bucket"]
    story.deferred += 1


def _result_committed(story: Story, event: Mapping[str, Any]) -> None:
    duty = story.duties[event["index"]]
    duty.status, duty.commitment = AssignmentStatus.Committed, event["commitment"]


def _refused(story: Story, event: Mapping[str, Any]) -> None:
    story.duties[event["index"]].refusal = event["code"]


def _committed(story: Story, event: Mapping[str, Any]) -> None:
    story.status = ComputationStatus.Committed
    story.phase_ends_at = event["phaseEndsAt"]


def _seed_fixed(story: Story, event: Mapping[str, Any]) -> None:
    story.seed, story.secret, story.withheld = event["seed"], event["secret"], event["withheld"]
    story.pending_secret = event["secret"]  # each secret is the commitment to the next


def _revealing(story: Story, event: Mapping[str, Any]) -> None:
    story.status = ComputationStatus.Revealing
    story.phase_ends_at = event["phaseEndsAt"]


def _revealed(story: Story, event: Mapping[str, Any]) -> None:
    duty = story.duties[event["index"]]
    duty.status = AssignmentStatus.Revealed
    duty.counts_root, duty.salt, duty.sketch = event["countsRoot"], event["salt"], event["sketch"]


def _settled(story: Story, event: Mapping[str, Any]) -> None:
    story.accepted, story.answer_digest = event["accepted"], event["answerDigest"]


def _assignment_ended(story: Story, event: Mapping[str, Any]) -> None:
    duty = story.duties[event["index"]]
    duty.status = AssignmentStatus(event["fate"])


def _slashed(story: Story, event: Mapping[str, Any]) -> None:
    for duty in story.duties:
        if duty.processor == event["processor"]:
            duty.slashed += event["amount"]


def _escalated(story: Story, event: Mapping[str, Any]) -> None:
    # Whoever has revealed, and does not end here, is bound to reveal the same answer again.
    story.replicas, story.beacon = event["replicas"], event["beacon"]
    for duty in story.with_status(AssignmentStatus.Revealed):
        duty.status, duty.sketch = AssignmentStatus.Committed, []


def _requeued(story: Story, event: Mapping[str, Any]) -> None:
    story.status, story.attempt = ComputationStatus.Queued, event["attempt"]
    story.phase_ends_at = event["phaseEndsAt"]
    story.seed = story.secret = None  # a further round has a seed of its own


def _concluded(story: Story, event: Mapping[str, Any]) -> None:
    story.status, story.beacon = ComputationStatus(event["verdict"]), event["beacon"]
    story.phase_ends_at = event["phaseEndsAt"]


def _gold_opened(story: Story, event: Mapping[str, Any]) -> None:
    story.gold_opened = True


def _gold_scored(story: Story, event: Mapping[str, Any]) -> None:
    story.gold_scored.add((event["index"], event["round"]))


def _gold_closed(story: Story, event: Mapping[str, Any]) -> None:
    story.gold_closed = True


def _overturned(story: Story, event: Mapping[str, Any]) -> None:
    story.status = ComputationStatus.Overturned


def _failed(story: Story, event: Mapping[str, Any]) -> None:
    story.status, story.failure = ComputationStatus.Failed, FailureReason(event["reason"])


def _cancelled(story: Story, event: Mapping[str, Any]) -> None:
    story.status = ComputationStatus.Cancelled


def _paid(story: Story, event: Mapping[str, Any]) -> None:
    story.payments.append(dict(event))


_HANDLERS = {
    "ComputationAllocated": _allocated,
    "ComputationDeferred": _deferred,
    "ResultCommitted": _result_committed,
    "PayloadRefused": _refused,
    "ComputationCommitted": _committed,
    "SeedFixed": _seed_fixed,
    "ComputationRevealing": _revealing,
    "ResultRevealed": _revealed,
    "ComputationSettled": _settled,
    "AssignmentEnded": _assignment_ended,
    "BondSlashed": _slashed,
    "ComputationEscalated": _escalated,
    "ComputationOverturned": _overturned,
    "GoldListOpened": _gold_opened,
    "RoundScored": _gold_scored,
    "GoldListClosed": _gold_closed,
    "ComputationRequeued": _requeued,
    "ComputationConcluded": _concluded,
    "ComputationFailed": _failed,
    "ComputationCancelled": _cancelled,
    "ComputationPaid": _paid,
}
