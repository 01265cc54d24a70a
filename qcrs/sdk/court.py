"""What whoever goes to court needs, be it with a proof or with a complaint: a seat, and its price."""

from dataclasses import dataclass

from qcrs.chain.codec import Event
from qcrs.chain.contracts import Allocator, ProcessorBonds
from qcrs.chain.gateway import Gateway
from qcrs.errors import QcrsError
from qcrs.model.story import Duty, Story


class SeatUnknown(QcrsError):
    """The computation has no such assignment, or its processor has revealed no answer."""


@dataclass(frozen=True)
class Stakes:
    """What is at stake before anything is sent, in wei.

    Attributes:
        bond: What a demand or a dispute takes. behind: The processor's bond.
        earned: What each paid answer of the computation earned.
    """

    bond: int
    behind: int
    earned: int

    @property
    def penalty(self) -> int:
        """What a fault costs the processor at most."""
        return min(self.bond, self.behind)

    @property
    def reward(self) -> int:
        """What comes of a proven fault to whoever proves it, at most: the requester comes first."""
        return (self.penalty - min(self.penalty, self.earned)) // 2

    def to_json(self) -> dict[str, str]:
        """Return the amounts as ``--json`` prints them."""
        return {
            "bond": str(self.bond),
            "processorBond": str(self.behind),
            "earned": str(self.earned),
            "mostPenalty": str(self.penalty),
            "mostReward": str(self.reward),
        }


def seat_of(story: Story, index: int) -> Duty:
    """Return assignment *index* of *story*.

    Raises:
        SeatUnknown: There is none.
    """
    if not 0 <= index < len(story.duties):
        raise SeatUnknown(
            f"computation {story.computation} has seats 0 to {len(story.duties) - 1}, no seat {index}; see 'qcrs job "
            f"show {story.computation}'"
            if story.duties
            else f"computation {story.computation} has no seats: it was never allocated"
        )
    return story.duties[index]


def answered_seat(story: Story, index: int) -> Duty:
    """Return assignment *index* of *story*, which has revealed an answer.

    Raises:
        SeatUnknown: There is none, or it has not.
    """
    duty = seat_of(story, index)
    if not duty.sketch:
        raise SeatUnknown(
            f"computation {story.computation}, seat {index}: processor {duty.processor} has revealed no answer "
            f"({duty.status.name})"
        )
    return duty


async def stakes_of(gateway: Gateway, computation: int, processor: int) -> Stakes:
    """Return what is at stake when an answer of *processor* in *computation* is challenged or disputed."""
    allocator = Allocator(gateway)
    return Stakes(
        (await allocator.policy()).slash,
        await ProcessorBonds(gateway).amount(processor),
        (await allocator.computation(computation)).escrow,
    )


async def events_of(gateway: Gateway, *contracts: str) -> list[Event]:
    """Return all events of *contracts*, in chain order."""
    return [event for event in await gateway.logs(gateway.network.deployed_at) if event.contract in contracts]
