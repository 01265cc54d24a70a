"""What a keeper remembers of the queues: who could not be placed, when something last moved, and who serves.

Whoever allocated last in a class goes on there at once; everybody else waits for a turn from the last change on. So
there is one keeper at a time without a word between them, and another when it dies.
"""

import time
from collections.abc import Mapping
from typing import Any

from qcrs.model.story import Story

# How long the lack of processors is believed without an event that might end it, seconds: longer each time.
UNPLACED_SECONDS = (4.0, 64.0)
# Events after which there may be room where there was none.
_FREEING = frozenset({
    "AssignmentEnded", "ReservationClosed", "ProcessorCertified", "ProcessorBonded", "ProcessorDrained", "OfferMade",
    "OfferWithdrawn", "ScreenChosen", "OrganisationListed",
})  # fmt: skip
# Events after which others are in turn.
_MOVING = frozenset({
    "ComputationAllocated", "ComputationDeferred", "ComputationsExchanged", "ComputationCancelled", "ComputationFailed",
})  # fmt: skip


class Lookout:
    """A keeper's memory of the queues.

    Args:
        account: The keeper's address.

    Attributes:
        moved: When each class's queue last moved, by the chain's clock. leading: Classes in which this keeper
            allocated last. freed_at: When there last may have become room.
    """

    def __init__(self, account: str = "") -> None:
        self.account = account
        self.moved: dict[int, float] = {}
        self.leading: set[int] = set()
        self.freed_at = 0.0
        self._until: dict[int, float] = {}
        self._wait: dict[int, float] = {}

    def note(self, name: str, arguments: Mapping[str, Any], story: Story | None, now: float) -> None:
        """Take in an event, and the story that it belongs to, at *now* by the chain's clock."""
        if name in _FREEING:
            self.freed_at = now
            self._forget()
        if name not in _MOVING or story is None:
            return
        self._forget()
        noise_class = story.request.noise_class
        self.moved[noise_class] = now
        if name == "ComputationAllocated" and arguments["bounty"]:
            served = arguments["keeper"].lower() == self.account.lower()
            (self.leading.add if served else self.leading.discard)(noise_class)

    def refuse(self, computation: int) -> None:
        """Remember that too few processors were found for *computation*."""
        wait = min(2 * self._wait.get(computation, UNPLACED_SECONDS[0] / 2), UNPLACED_SECONDS[1])
        self._wait[computation], self._until[computation] = wait, time.monotonic() + wait

    def unplaced(self) -> frozenset[int]:
        """Return those for which too few processors were found, as far as that is still to be believed."""
        now = time.monotonic()
        return frozenset(computation for computation, until in self._until.items() if until > now)

    def _forget(self) -> None:
        self._until.clear()
        self._wait.clear()
