"""A cut circuit's computations: submitted in batches, driven, taken up again after an interruption, put together.

Expectation values come from verified counts only: a piece that was not Accepted leaves no result, rather than a guess.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qcrs.chain.codec import Event
from qcrs.crypto.envelope import EnvelopeRefused
from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Story
from qcrs.sdk.client import Client
from qcrs.sdk.cut_plan import Plan, PlanInvalid
from qcrs.sdk.cutting import Pieces
from qcrs.sdk.quote import Quote, coin
from qcrs.sdk.result import pooled_counts
from qcrs.sdk.sealing import PayloadUnreadable
from qcrs.sdk.terms import MAX_BATCH
from qcrs.store import ContentMismatch, ContentUnavailable


@dataclass(frozen=True)
class Value:
    """An expectation value, and its standard error for want of more shots."""

    observable: str
    value: float
    error: float


@dataclass(frozen=True)
class Outcome:
    """What the pieces came to.

    Attributes:
        values: None unless all was accepted. shots: Verified.
        unaccepted: (place, id, status) of what was not accepted. unsubmitted: Circuits.
    """

    values: tuple[Value, ...] | None
    shots: int
    unaccepted: tuple[tuple[int, int, str], ...]
    unsubmitted: int

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as figures."""
        values = None
        if self.values is not None:
            values = [{"observable": one.observable, "value": one.value, "error": one.error} for one in self.values]
        return {
            "values": values,
            "verifiedShots": self.shots,
            "unaccepted": [{"circuit": a, "id": b, "status": c} for a, b, c in self.unaccepted],
            "unsubmitted": self.unsubmitted,
        }


async def carry_out(
    client: Client,
    plan: Plan,
    quotes: Mapping[int, Quote],
    observe: Callable[[Story, Event | None], None] = lambda *_: None,
    notice: Callable[[str], None] = lambda _: None,
    wait: bool = True,
) -> list[Story]:
    """Submit what *plan* has no ids for, drive everything, and return the stories by the circuits' places.

    A batch is driven to its end before the next is submitted, and none is after one in which something was not
    accepted: it would be paid for nothing.

    Args:
        quotes: Of what is to be submitted, by place.
        wait: Whether to see computations to their ends, or only until their processors are drawn and let in.
    """
    enough = (lambda _: False) if wait else client.sealer.has_served
    count = len(plan.ids.keys() | quotes.keys())
    stories: list[Story] = []
    for first in range(0, count, MAX_BATCH):
        places = range(first, min(first + MAX_BATCH, count))
        await _submit(client, plan, {place: quotes[place] for place in places if place not in plan.ids}, notice)
        numbers = [plan.ids[place] for place in places]
        stories += await client.drive_many(numbers, observe, plan.task.since, notice, enough)
        if wait and not all(story.status is ComputationStatus.Accepted for story in stories):
            break
    return stories


async def _submit(client: Client, plan: Plan, quotes: Mapping[int, Quote], notice: Callable[[str], None]) -> None:
    """Submit one batch, and note its ids."""
    if not quotes:
        return
    conditions = replace(plan.task.conditions, max_fee=None)  # each quote is the most that is taken for it
    ordered = await client.order_many(list(quotes.values()), conditions)
    ids = [story.computation for story in ordered]
    plan.submitted(dict(zip(quotes, ids, strict=True)))
    fee = sum(quote.total for quote in quotes.values())
    notice(f"{len(ids)} jobs, {ids[0]} to {ids[-1]}, submitted: {coin(fee)} coin taken")


async def take_up(client: Client, pieces: Pieces, plan: Plan) -> set[int]:
    """Note what a run of *plan* that was stopped had submitted, and return which of that has ended unaccepted.

    It may have been stopped between a submission and the note of it: that submission is known by its circuits.

    Raises:
        PlanInvalid: The plan is not that of *pieces*, or of another chain or account.
    """
    task, network = plan.task, client.gateway.network
    planned = {"pieces": task.digest, "chain": task.deployment, "account": task.requester}
    actual = {"pieces": pieces.digest, "chain": network.deployment, "account": client.signer.address}
    for what, expected in planned.items():
        if actual[what] != expected:
            raise PlanInvalid(f"{plan.path}: {what}: expected {expected}, got {actual[what]}")
    stories = [
        story
        for story in await client.stories()
        if story.submitted_in >= task.since
        and story.requester.lower() == task.requester.lower()
        and (story.request.shots, story.request.replicas) == (pieces.shots, pieces.replicas)
    ]
    found = await asyncio.to_thread(_unnoted, client, pieces, plan, stories)
    if found:
        plan.submitted(found)
    lost = {story.computation for story in stories if story.ended and story.status is not ComputationStatus.Accepted}
    return lost & set(plan.ids.values())


def _unnoted(client: Client, pieces: Pieces, plan: Plan, stories: Sequence[Story]) -> dict[int, int]:
    """Return the ids, by place, of those of *stories* that are the plan's and not in it."""
    missing = [place for place in range(len(pieces.circuits)) if place not in plan.ids]
    known = {*plan.ids.values(), *plan.dropped}
    unknown = [story for story in stories if story.computation not in known] if missing else []
    texts = {story.computation: _text(client, story) for story in unknown}
    found = {}
    for place in missing:
        number = next((number for number, text in texts.items() if text == pieces.circuits[place].text), None)
        if number is not None:
            found[place] = number
            del texts[number]  # two pieces may be alike
    return found


async def outcome_of(client: Client, pieces: Pieces, stories: Sequence[Story]) -> Outcome:
    """Return what *stories*, by the circuits' places, come to.

    Raises:
        HistogramUnavailable: The counts of an accepted computation cannot be had.
    """
    unaccepted = tuple(
        (place, story.computation, story.status.name)
        for place, story in enumerate(stories)
        if story.status is not ComputationStatus.Accepted
    )
    unsubmitted = len(pieces.circuits) - len(stories)
    if unaccepted or unsubmitted:
        return Outcome(None, 0, unaccepted, unsubmitted)
    counts = [await asyncio.to_thread(pooled_counts, story, client.store) for story in stories]
    values, errors = await asyncio.to_thread(lambda: (pieces.cut.expectations(counts), pieces.cut.errors(counts)))
    shots = sum(sum(one.values()) for one in counts)
    return Outcome(tuple(map(Value, pieces.cut.observables, values, errors)), shots, (), 0)


def _text(client: Client, story: Story) -> str | None:
    """Return the circuit of *story*, if it can be read."""
    try:
        return client.sealer.circuit(story).decode()
    except (ContentUnavailable, ContentMismatch, UnicodeDecodeError, EnvelopeRefused, PayloadUnreadable):
        return None
