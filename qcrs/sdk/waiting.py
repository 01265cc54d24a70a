"""Why a computation waits: where it stands, who is before it, and what it could be given now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.chain.codec import ContractRefused
from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Story
from qcrs.rules.fair_queue import REACH, WINDOW
from qcrs.rules.keeping import Step, cost_of
from qcrs.sdk.backlog import Backlog, Place, place_of
from qcrs.sdk.client import Client
from qcrs.sdk.market import Need

ALLOCATOR = "ComputationAllocator"


@dataclass(frozen=True)
class Reason:
    """What a computation waits for.

    Attributes:
        place: Where it stands; None when it is in no queue. first: The virtual time: the number of the bucket in turn.
        waiting: In its queue, itself included. stalled_seconds: Since somebody was served in turn.
        deferrable_in: Seconds until a head that cannot be placed may be sent back; 0 when it may now.
        fitting, ready: Processors that fit at its price, and that have room now; (processors, organisations).
        refusal: Why it cannot be given processors now, in the contract's words; empty when it can.
        found, required: Processors that the last simulated draw found, when it found too few.
    """

    story: Story
    place: Place | None
    first: int
    waiting: int
    stalled_seconds: int
    deferrable_in: int
    fitting: tuple[int, int]
    ready: tuple[int, int]
    refusal: str
    found: int | None
    required: int | None

    @property
    def sentence(self) -> str:
        """What it waits for, in words."""
        if self.story.ended or self.story.status is not ComputationStatus.Queued:
            return f"it waits for no processors: it is {self.story.status.name}"
        if not self.refusal:
            return "a keeper: it can be given processors now, by anyone"
        if self.refusal == "TooFewEligibleProcessors":
            ahead = "although it is in turn" if self.place is None or not self.place.ahead else "out of turn"
            return (
                f"processors: {self.found} of {self.required} can be had now, {ahead}; {self.fitting[0]} of "
                f"{self.fitting[1]} organisations fit at its price, {self.ready[0]} of {self.ready[1]} have room now"
            )
        if self.refusal == "WorkStopped":
            return "the end of a pause of new work, which the Quantum Security Working Group has called"
        if self.place is not None and len(self.place.ahead) >= WINDOW:
            return f"its turn: {len(self.place.ahead)} are before it, and {WINDOW - 1} may be passed at most"
        if self.refusal == "ComputationOutOfReach":
            return f"its turn: it is {self.story.bucket - self.first} buckets behind, and {REACH} may be passed at most"
        return f"the contract would refuse it now: {self.refusal}"

    def to_json(self) -> dict[str, Any]:
        """Return the reason as figures and ids."""
        request = self.story.request
        return {
            "id": self.story.computation,
            "status": self.story.status.name,
            "waitsFor": self.sentence,
            "noiseClass": request.noise_class,
            "cost": cost_of(request),
            "bucket": self.story.bucket if self.place else None,
            "virtualTime": self.first,
            "position": self.place.position if self.place else None,
            "waiting": self.waiting,
            "ahead": _entries(self.place.ahead if self.place else ()),
            "beside": _entries(self.place.beside if self.place else ()),
            "deferred": self.story.deferred,
            "passed": self.story.passed,
            "stalledSeconds": self.stalled_seconds,
            "headDeferrableIn": self.deferrable_in,
            "fitting": {"processors": self.fitting[0], "organisations": self.fitting[1]},
            "ready": {"processors": self.ready[0], "organisations": self.ready[1]},
            "refusal": self.refusal or None,
            "found": self.found,
            "required": self.required,
        }


async def reason_of(client: Client, computation: int) -> Reason:
    """Return why *computation* waits, if it does.

    Raises:
        ComputationUnknown: There is none with this id.
    """
    story = await client.story(computation)
    request = story.request
    backlog = Backlog(client.gateway)
    await backlog.refresh()
    line = backlog.line(request.noise_class)
    place = place_of(computation, line)
    first, waiting, stalled_since = await client.allocator.queue(request.noise_class)
    policy = await client.allocator.policy()
    round_seconds = policy.commit_seconds + policy.disclose_seconds + policy.reveal_seconds
    stalled = max(0, int(client.gateway.now) - stalled_since) if waiting else 0
    market = await client.market()
    need = Need(
        request.qubits, request.shots, request.profile, request.quantum_volume_log2, request.two_qubit_error_ppm
    )
    fitting = market.willing(need, request.price, request.noise_class)
    refusal, found, required = "", None, None
    if story.status is ComputationStatus.Queued:
        refusal, found, required = await _refusal(client, story, place)
    return Reason(
        story, place, first, waiting, stalled, max(0, round_seconds - stalled) if waiting else 0, _count(fitting),
        _count(market.ready(fitting, request.qubits)), refusal, found, required,
    )  # fmt: skip


async def _refusal(client: Client, story: Story, place: Place | None) -> tuple[str, int | None, int | None]:
    """Return what stands against giving *story* processors now: error, processors found and required."""
    function, arguments = Step.Allocate.value[1], [story.computation]
    if place is not None and 0 < len(place.ahead) < WINDOW:
        function = Step.Backfill.value[1]
        arguments.append(sorted(other.computation for other in place.ahead))
    try:
        await client.gateway.simulate(client.signer, ALLOCATOR, function, *arguments)
    except ContractRefused as error:
        return error.name, error.arguments.get("found"), error.arguments.get("required")
    return "", None, None


def _count(candidates: Sequence) -> tuple[int, int]:
    return len(candidates), len({candidate.standing.organisation for candidate in candidates})


def _entries(stories: Sequence[Story]) -> list[dict[str, int]]:
    return [
        {
            "id": story.computation,
            "organisation": story.organisation,
            "bucket": story.bucket,
            "cost": cost_of(story.request),
        }
        for story in stories
    ]
