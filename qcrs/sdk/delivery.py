"""Tell consumer contracts how computations ended: whoever runs this proves it from the chain's events.

``ResultDelivery`` takes nobody's word. Results are proven by what the replicas revealed; outcomes by leaves of the
histograms behind their counts roots, which up to 8 outcome bits are on the chain too, and else in the store.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qcrs.chain.action import act
from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount
from qcrs.errors import QcrsError
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.model.delivery import DeliveryStatus
from qcrs.model.story import Duty, Story
from qcrs.rules.digest import keccak
from qcrs.rules.histogram import Binding, Run, binding_of, run_proofs
from qcrs.sdk.result import replica_counts
from qcrs.store import Store

COVERAGE_UNIT = 10_000  # as MAX_COVERAGE in contracts/ResultDelivery.sol
# Statuses with an answer, and how the assignments behind it have ended: one replica alone has nobody to agree with.
ANSWERED = {
    ComputationStatus.Accepted: AssignmentStatus.Accepted,
    ComputationStatus.Unverified: AssignmentStatus.Released,
}

Reveal = tuple[bytes, bytes, bytes]
Evidence = tuple[Reveal, Binding, list[Run]]


class NothingToDeliver(QcrsError):
    """Nobody subscribed to what is to be delivered, or it was delivered already."""


@dataclass(frozen=True)
class Delivered:
    """What a delivery came to.

    Attributes:
        consumer: Who was told. taken: Whether it took it; if not, try again once it is mended.
        gas: Of the transaction.
    """

    computation: int
    consumer: str
    taken: bool
    gas: int


def standing(story: Story) -> list[Duty]:
    """Return the assignments whose answers stand, by index; none without an answer."""
    return story.with_status(ANSWERED[story.status]) if story.status in ANSWERED else []


def reveal_of(duty: Duty) -> Reveal:
    """Return what *duty* revealed, as its assignment's digest on the chain binds it."""
    return duty.counts_root, duty.salt, keccak(b"".join(word.to_bytes(32, "big") for word in duty.sketch))


def result_arguments(story: Story) -> tuple[int, list[Reveal]]:
    """Return the arguments of ``ResultDelivery.deliver`` for an ended computation."""
    return story.computation, [reveal_of(duty) for duty in standing(story)]


def outcomes_to_show(pooled: Mapping[int, int], coverage: int) -> list[int]:
    """Return the fewest outcomes, ascending, that ``ResultDelivery.deliverOutcomes`` takes.

    They make up *coverage* / 10,000 of the shots, and what they leave is less than the most frequent of them.

    Args:
        pooled: Counts of all replicas whose answers stand, together. coverage: As subscribed, 1 to 10,000.
    """
    frequent = sorted(pooled, key=lambda outcome: (-pooled[outcome], outcome))
    shots, shown = sum(pooled.values()), 0
    for number, outcome in enumerate(frequent, 1):
        shown += pooled[outcome]
        if shown * COVERAGE_UNIT >= shots * coverage and pooled[frequent[0]] > shots - shown:
            return sorted(frequent[:number])
    return sorted(frequent)


def evidence_of(duty: Duty, counts: Mapping[int, int], outcomes: Sequence[int]) -> Evidence:
    """Return the proof of how often *duty* measured each of *outcomes*, 0 included.

    Args:
        counts: Its whole histogram. outcomes: Ascending.
    """
    present = sorted(counts)
    needed: set[int] = set()
    for outcome in outcomes:
        place = bisect_left(present, outcome)
        if place < len(present) and present[place] == outcome:
            needed.add(place)
        else:  # absent: between these two, or before the first, or after the last
            needed |= {neighbour for neighbour in (place - 1, place) if 0 <= neighbour < len(present)}
    return reveal_of(duty), binding_of(counts), run_proofs(counts, _consecutive(sorted(needed)))


def _consecutive(places: Sequence[int]) -> list[tuple[int, int]]:
    """Return ascending *places* as (first, length) of each unbroken stretch."""
    stretches: list[tuple[int, int]] = []
    for place in places:
        first, length = stretches[-1] if stretches else (-1, 0)
        if stretches and place == first + length:
            stretches[-1] = first, length + 1
        else:
            stretches.append((place, 1))
    return stretches


def outcomes_arguments(
    story: Story, histograms: Mapping[int, Mapping[int, int]], coverage: int
) -> tuple[int, list[int], list[Evidence]]:
    """Return the arguments of ``ResultDelivery.deliverOutcomes`` for an answered computation.

    Args:
        histograms: Of each assignment whose answer stands, by index.
    """
    pooled: Counter[int] = Counter()
    for duty in standing(story):
        pooled.update(histograms[duty.index])
    outcomes = outcomes_to_show(pooled, coverage)
    evidence = [evidence_of(duty, histograms[duty.index], outcomes) for duty in standing(story)]
    return story.computation, outcomes, evidence


class Deliverer:
    """Delivers on one chain, at its account's cost.

    Args:
        gateway: Connected. account: Who pays for the gas; anyone may. store: Where histograms are.
    """

    def __init__(self, gateway: Gateway, account: LocalAccount, store: Store) -> None:
        self._gateway, self._account, self._store = gateway, account, store

    async def deliver(self, story: Story) -> Delivered:
        """Tell the consumer of *story*'s computation how it ended.

        Raises:
            NothingToDeliver: Nobody subscribed, or it was told already. ContractRefused: It is too early.
        """
        await self._subscription("resultDeliveryOf", story.computation)
        return self._outcome(story, await self._send("deliver", *result_arguments(story)))

    async def deliver_outcomes(self, story: Story) -> Delivered:
        """Tell the consumer of *story*'s computation its outcomes.

        Raises:
            NothingToDeliver: Nobody subscribed, it was told already, or there is no answer.
            HistogramUnavailable: A histogram that is needed cannot be had. ContractRefused: It is too early.
        """
        subscription = await self._subscription("outcomesDeliveryOf", story.computation)
        if not standing(story):
            raise NothingToDeliver(f"computation {story.computation} is {story.status.name}; it has no outcomes")
        histograms = {duty.index: replica_counts(story, duty, self._store) for duty in standing(story)}
        arguments = outcomes_arguments(story, histograms, subscription["coverage"])
        return self._outcome(story, await self._send("deliverOutcomes", *arguments))

    async def _subscription(self, view: str, computation: int) -> dict:
        subscription = await self._gateway.call("ResultDelivery", view, computation)
        status = DeliveryStatus(subscription["status"])
        if status not in (DeliveryStatus.Pending, DeliveryStatus.Failed):
            raise NothingToDeliver(f"the delivery of computation {computation} is {status.name}")
        return subscription

    async def _send(self, function: str, *arguments) -> Receipt:
        return await act(self._gateway, self._account, "ResultDelivery", function, *arguments)

    @staticmethod
    def _outcome(story: Story, receipt: Receipt) -> Delivered:
        (event,) = [event for event in receipt.events if event.contract == "ResultDelivery"]
        taken = event.name in ("ResultDelivered", "OutcomesDelivered")
        return Delivered(story.computation, event["consumer"], taken, receipt.gas_used)
