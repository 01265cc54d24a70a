"""Points that all of several processors must reach, and what is kept of them for a time."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from qcrs.errors import QcrsError
from qcrs.link.errors import AccountMismatch, CallerNotMember, LinkRefused, TooMany, WaitTimedOut

_log = logging.getLogger(__name__)
Kept = TypeVar("Kept")


class Meeting:
    """Waits until all *members* have come, and then for what comes of it.

    Args:
        subject: What they meet for, for messages.
        terms: What each has to say the same of.

    Attributes:
        brought: What each has brought so far. served: Who has got what came of it.
    """

    def __init__(self, subject: str, members: Collection[int], terms: Any) -> None:
        self.subject, self.members, self.terms = subject, tuple(members), terms
        self.brought: dict[int, Any] = {}
        self.served: set[int] = set()
        self.result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        # Nobody may be there to hear of a failure.
        self.result.add_done_callback(lambda future: future.cancelled() or future.exception())

    @property
    def complete(self) -> bool:
        """Whether all are there."""
        return len(self.brought) == len(self.members)

    def arrive(self, processor: int, terms: Any, bringing: Any = None) -> bool:
        """Let *processor* come; return whether it is the last. To come again with the same changes nothing.

        Raises:
            CallerNotMember: It has no part in this.
            AccountMismatch: It says other things than those before it, or than it said itself.
        """
        if processor not in self.members:
            raise CallerNotMember(f"{self.subject}: processor {processor}, expected one of {_list(self.members)}")
        if terms != self.terms:
            raise AccountMismatch(f"{self.subject}: {terms}, expected {self.terms} as others say")
        if processor in self.brought:
            if self.brought[processor] != bringing:
                raise AccountMismatch(f"{self.subject}: processor {processor} came before, and with something else")
            return False
        self.brought[processor] = bringing
        return self.complete

    def begin(self, making: Coroutine[Any, Any, Any]) -> None:
        """Have *making* give what comes of it; what it raises, all hear."""
        self._making = asyncio.create_task(self._conclude(making))  # held, or it may be forgotten

    async def _conclude(self, making: Coroutine[Any, Any, Any]) -> None:
        try:
            self.result.set_result(await making)
        except QcrsError as error:
            self.result.set_exception(error)
        except Exception as error:
            # A fault of this program: nobody is to wait in vain for it, nor to be told of its inside.
            _log.error("%s failed", self.subject, exc_info=error)
            self.result.set_exception(LinkRefused(f"{self.subject}: the link failed at it"))

    @property
    def over(self) -> bool:
        """Whether all have got what came of it."""
        return len(self.served) == len(self.members)

    async def wait(self, processor: int, seconds: float) -> Any:
        """Return what comes of it, for *processor*.

        Raises:
            WaitTimedOut: Somebody is missing after *seconds*; the message names who.
        """
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self.result)
        except TimeoutError:
            raise WaitTimedOut(f"{self.subject}: {self.absence()} after {seconds:g} s") from None
        finally:
            if self.result.done():
                self.served.add(processor)

    def absence(self) -> str:
        """Return who is missing, in words."""
        missing = [member for member in self.members if member not in self.brought]
        named = [f"processor {member} (member {self.members.index(member)})" for member in missing]
        return f"waits for {', '.join(named)}" if missing else "all have come, and nothing came of it"


class Shelf(Generic[Kept]):
    """Things kept by key, so many of one *owner* and for so long.

    Args:
        subject: What they are, for messages.
        spent: Whether a thing has served: the oldest such one makes room for another. None has, by default.
    """

    def __init__(
        self, subject: str, held: int, seconds: float, spent: Callable[[Kept], bool] = lambda _: False
    ) -> None:
        self._subject, self._held, self._seconds, self._spent = subject, held, seconds, spent
        self._items: dict[Hashable, tuple[float, int, Kept]] = {}

    def get(self, key: Hashable) -> Kept | None:
        """Return what is under *key*, if anything still is."""
        item = self._items.get(key)
        return item[2] if item is not None and item[0] > time.monotonic() else None

    def made(self, key: Hashable, owner: int, make: Callable[[], Kept]) -> Kept:
        """Return what is under *key*; made now, for *owner*, when there is nothing.

        Raises:
            TooMany: The owner has as many as it may.
        """
        kept = self.get(key)
        if kept is None:
            self._purge()
            self._make_room(owner)
            kept = make()
            self._items.pop(key, None)
            self._items[key] = (time.monotonic() + self._seconds, owner, kept)
        return kept

    def drop(self, key: Hashable) -> None:
        """Forget what is under *key*."""
        self._items.pop(key, None)

    def _make_room(self, owner: int) -> None:
        own = [(key, kept) for key, (_, of, kept) in self._items.items() if of == owner]
        if len(own) >= self._held:
            # What was made first comes first.
            oldest = next((key for key, kept in own if self._spent(kept)), None)
            if oldest is None:
                raise TooMany(f"{self._subject} of processor {owner}: expected at most {self._held} at once")
            del self._items[oldest]

    def _purge(self) -> None:
        now = time.monotonic()
        for key in [key for key, (until, _, _) in self._items.items() if until <= now]:
            del self._items[key]


def _list(members: Collection[int]) -> str:
    return ", ".join(map(str, members))
