"""Who waits in the queues, told by events: for requesters who keep their own computations, and who ask why."""

from collections.abc import Iterable
from dataclasses import dataclass

from qcrs.chain.gateway import Gateway
from qcrs.model.story import Stories, Story

# All that puts a computation into a queue, moves it there, or takes it out.
EVENTS = (
    "ComputationSubmitted", "ComputationAllocated", "ComputationDeferred", "ComputationsExchanged",
    "ComputationCancelled", "ComputationFailed",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a computation stands in its class's queue.

    Attributes:
        first: The bucket in turn. ahead: Those in earlier buckets, in order. beside: Those in the same bucket.
        position: Counted from 1 over bucket and id.
    """

    bucket: int
    first: int
    ahead: tuple[Story, ...]
    beside: tuple[Story, ...]
    position: int


class Backlog:
    """The queues of a chain, kept up to date by what was logged since it last looked."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway, self._stories = gateway, Stories()
        self._next = gateway.network.deployed_at

    async def refresh(self) -> None:
        """Take in what happened since the last time."""
        last = await self._gateway.block_number()
        for event in await self._gateway.logs(self._next, last, EVENTS):
            self._stories.apply(event.name, event.arguments, event.block)
        self._next = last + 1
        known = self._stories.by_id
        self._stories.by_id = {number: story for number, story in known.items() if story.waiting}

    def line(self, noise_class: int) -> list[Story]:
        """Return who waits in the queue of *noise_class*, in order."""
        return in_line(self._stories.by_id.values(), noise_class)


def in_line(stories: Iterable[Story], noise_class: int) -> list[Story]:
    """Return those of *stories* that wait in the queue of *noise_class*, in order."""
    waiting = [story for story in stories if story.waiting and story.request.noise_class == noise_class]
    return sorted(waiting, key=lambda story: (story.bucket, story.computation))


def place_of(computation: int, line: list[Story]) -> Place | None:
    """Return where *computation* stands in *line*; None when it does not wait there."""
    for index, story in enumerate(line):
        if story.computation == computation:
            ahead = tuple(other for other in line if other.bucket < story.bucket)
            beside = tuple(other for other in line if other.bucket == story.bucket and other is not story)
            return Place(story.bucket, line[0].bucket, ahead, beside, index + 1)
    return None
