"""Challenges: proofs against answers, and demands to show what is behind them.

``Challenges`` takes nobody's word. What contradicts an answer is looked for here first; when nothing does, a demand
still makes its processor show the whole histogram.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.chain.action import act
from qcrs.chain.codec import Event
from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount
from qcrs.errors import QcrsError
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import ChallengeStatus, Fault
from qcrs.model.finding import Finding, Level
from qcrs.model.story import Stories, Story
from qcrs.rules.evidence import Precedence, answer_steps, sketch_digest
from qcrs.sdk.accusation import (
    Contradiction,
    NothingContradicts,
    contradiction,
    histogram_behind,
    precedence_of,
    revealed_of,
)
from qcrs.sdk.court import answered_seat, events_of
from qcrs.sdk.inspection import Evidence, Reason
from qcrs.store import Store

CONTRACT = "Challenges"


class ChallengeUnknown(QcrsError):
    """There is no demand with this id."""


class ChallengeOver(QcrsError):
    """The demand has ended."""


@dataclass(frozen=True)
class Penalty:
    """How what a proven fault cost was divided, in wei; what is left of *slashed* went to the treasury."""

    computation: int
    index: int
    fault: Fault
    processor: int
    slashed: int
    restitution: int
    bounty: int
    reward: int

    @property
    def endowment(self) -> int:
        """What went to the treasury."""
        return self.slashed - self.restitution - self.bounty - self.reward

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it."""
        amounts = ("slashed", "restitution", "bounty", "reward", "endowment")
        return {
            "computation": self.computation,
            "seat": self.index,
            "processor": self.processor,
            "fault": self.fault.name,
            **{name: str(getattr(self, name)) for name in amounts},
        }


def penalties_in(receipt: Receipt) -> list[Penalty]:
    """Return what a transaction proved, and how the penalties were divided."""
    faults = {(e["computation"], e["index"]): e for e in receipt.events if e.name == "FaultProven"}
    found = []
    for event in receipt.events:
        if event.name == "PenaltyDivided":
            proven = faults[event["computation"], event["index"]]
            amounts = [event[name] for name in ("slashed", "restitution", "bounty", "reward")]
            fault, processor = Fault(proven["fault"]), proven["processor"]
            found.append(Penalty(event["computation"], event["index"], fault, processor, *amounts))
    return found


class Challenger:
    """Challenges answers on one chain, for one account. Every transaction is looked at first.

    Args:
        gateway: Connected. store: Where histograms are.

    Raises (each method): ContractRefused: The contract says no, and nothing was sent.
    """

    def __init__(self, gateway: Gateway, account: LocalAccount, store: Store) -> None:
        self._gateway, self._account, self._store = gateway, account, store

    async def _send(self, function: str, *arguments: Any, value: int = 0) -> Receipt:
        return await act(self._gateway, self._account, CONTRACT, function, *arguments, value=value)

    async def demand(self, story: Story, index: int, bond: int) -> Receipt:
        """Put up *bond* wei for the whole histogram of assignment *index* to be shown."""
        revealed = revealed_of(answered_seat(story, index))
        return await self._send("demand", story.computation, index, revealed, value=bond)

    async def search(self, story: Story, index: int) -> Contradiction:
        """Return what contradicts the answer of assignment *index*.

        Raises:
            NothingContradicts, HistogramUnavailable: There is nothing to prove with.
        """
        duty = answered_seat(story, index)

        def found() -> Contradiction | None:
            return contradiction(story, duty, histogram_behind(story, duty, self._store))

        shown = await asyncio.to_thread(found)
        if shown is None:
            raise NothingContradicts(
                f"computation {story.computation}, seat {index}: root, shots and sketch are those of the histogram"
            )
        return shown

    async def prove(self, story: Story, index: int, shown: Contradiction) -> Receipt:
        """Prove what ``search`` has found."""
        revealed = revealed_of(answered_seat(story, index))
        return await self._send(shown.function, story.computation, index, revealed, *shown.arguments)

    async def copy(self, story: Story, first: int, second: int) -> Receipt:
        """Prove that two answers of one round share shots."""
        first, second = sorted((first, second))
        seats = [(index, revealed_of(answered_seat(story, index))) for index in (first, second)]
        return await self._send("proveCopy", story.computation, *seats[0], *seats[1])

    async def replay(self, story: Story, index: int, other: Story, other_index: int) -> Receipt:
        """Prove that an answer is that of assignment *other_index* of *other*, which was earlier."""
        revealed, original = revealed_of(answered_seat(story, index)), revealed_of(answered_seat(other, other_index))
        events = await self._gateway.logs(self._gateway.network.deployed_at)
        shown = precedence_of(events, story.computation, index, other.computation) or Precedence()
        arguments = (story.computation, index, revealed, other.computation, other_index, original, shown)
        return await self._send("proveReplay", *arguments)

    async def answer(self, challenge: int, story: Story) -> Receipt:
        """Show the histogram that *challenge* demands, from the leaf on that is due; return the last receipt.

        Raises:
            ChallengeOver: Nothing is due any more. HistogramUnavailable: The store has not got it.
        """
        demand = await record_of(self._gateway, challenge)
        status = ChallengeStatus(demand["status"])
        if status is not ChallengeStatus.Open:
            raise ChallengeOver(f"challenge {challenge} is {status.name}: nothing is due")
        duty, seed = answered_seat(story, demand["index"]), story.seed or b""
        shown = [e for e in await events_of(self._gateway, CONTRACT) if e.arguments.get("challenge") == challenge]
        start = max((e["first"] + len(e["leaves"]) for e in shown if e.name == "HistogramOpened"), default=0)
        counts = await asyncio.to_thread(histogram_behind, story, duty, self._store)
        bits, digest = story.request.outcome_bits, sketch_digest(duty.sketch)
        steps = await asyncio.to_thread(lambda: list(answer_steps(counts, digest, bits, seed, start)))
        for step in steps:
            receipt = await self._send("answer", challenge, *step)
            if any(event.name == "ChallengeEnded" for event in receipt.events):
                break  # refuted before all was shown
        return receipt

    async def enforce(self, challenge: int) -> Receipt:
        """Punish the silence after *challenge*."""
        return await self._send("enforce", challenge)

    async def drop(self, challenge: int) -> Receipt:
        """End *challenge*, whose answer was disproven otherwise."""
        return await self._send("drop", challenge)


async def record_of(gateway: Gateway, challenge: int) -> dict[str, Any]:
    """Return the record of *challenge*.

    Raises:
        ChallengeUnknown: There is none.
    """
    record = await gateway.call(CONTRACT, "challengeOf", challenge)
    if ChallengeStatus(record["status"]) is ChallengeStatus.Unset:
        raise ChallengeUnknown(f"there is no challenge {challenge}; see 'qcrs challenge list'")
    return record


@dataclass
class Demand:
    """A demand to show a histogram, as the events tell it.

    Attributes:
        shown: Leaves so far. returned, compensation: Wei of the bond to the challenger and to the operator.
    """

    challenge: int
    computation: int
    index: int
    processor: int
    challenger: str
    bond: int
    deadline_at: int
    status: ChallengeStatus = ChallengeStatus.Open
    shown: int = 0
    returned: int = 0
    compensation: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as ``--json`` prints it."""
        return {
            "challenge": self.challenge,
            "computation": self.computation,
            "seat": self.index,
            "processor": self.processor,
            "status": self.status.name,
            "challenger": self.challenger,
            "bond": str(self.bond),
            "deadlineAt": self.deadline_at,
            "leavesShown": self.shown,
            "returned": str(self.returned),
            "compensation": str(self.compensation),
        }


def demands_in(events: Sequence[Event]) -> dict[int, Demand]:
    """Return all demands that *events* tell of, by challenge."""
    demands: dict[int, Demand] = {}
    for event in events:
        if event.name == "HistogramDemanded":
            fields = ("challenge", "computation", "index", "processor", "challenger", "bond", "deadlineAt")
            demands[event["challenge"]] = Demand(*(event[name] for name in fields))
        elif event.name == "HistogramOpened":
            demand = demands[event["challenge"]]
            demand.shown, demand.deadline_at = event["first"] + len(event["leaves"]), event["deadlineAt"]
        elif event.name == "ChallengeEnded":
            demand = demands[event["challenge"]]
            demand.status = ChallengeStatus(event["status"])
            demand.returned, demand.compensation = event["returned"], event["compensation"]
    return demands


def accuser(gateway: Gateway, account: LocalAccount, store: Store, tell: Callable[[Finding], None]) -> Evidence:
    """Return what posts a proof against every answer that an inspection finds to be false."""
    challenger = Challenger(gateway, account, store)

    async def accuse(computation: int, index: int, reason: Reason) -> None:
        events = await gateway.logs_of(computation, gateway.network.deployed_at)
        story = Stories.told_by(events).by_id[computation]
        if story.duties[index].status is AssignmentStatus.Disproven:
            return  # another was faster, or it was long ago
        shown = await challenger.search(story, index)
        receipt = await challenger.prove(story, index, shown)
        for penalty in penalties_in(receipt):
            text = (
                f"computation {computation}, processor {penalty.processor}: {penalty.fault.name} proven by "
                f"{account.address} in {receipt.transaction}, {penalty.slashed} wei slashed"
            )
            tell(Finding(Level.Note, "challenge", text, receipt.block, computation, index))

    return accuse
