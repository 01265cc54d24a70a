"""Points that all of several processors must reach, and what is kept of them for a time."""

import asyncio
import time
from collections.abc import Callable, Collection, Hashable
from typing import Any, Generic, TypeVar

from qcrs.link.errors import AccountMismatch, CallerNotMember, TooMany, WaitTimedOut

Kept = TypeVar("Kept")


class Meeting:
    """Waits until all *members* have come, and then for what comes of it.

    Args:
        subject: What they meet for, for messages.
        terms: What each has to say the same of.

    Attributes:
        brought: What each has brought so far.
    """

    def __init__(self, subject: str, members: Collection[int], terms: Any) -> None:
        self.subject, self.members, self.terms = subject, tuple(members), terms
        self.brought: dict[int, Any] = {}
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

    async def wait(self, seconds: float) -> Any:
        """Return what comes of it.

        Raises:
            WaitTimedOut: Somebody is missing after *seconds*; the message names who.
        """
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(self.result)
        except TimeoutError:
            raise WaitTimedOut(f"{self.subject}: {self.absence()} after {seconds:g} s") from None

    def absence(self) -> str:
        """Return who is missing, in words."""
        missing = [member for member in self.members if member not in self.brought]
        named = [f"processor {member} (member {self.members.index(member)})" for member in missing]
        return f"waits for {', '.join(named)}" if missing else "all have come, and nothing came of it"


class Shelf(Generic[Kept]):
    """Things kept by key, so many of one *owner* and for so long.

    Args:
        subject: What they are, for messages.
    """

    def __init__(self, subject: str, held: int, seconds: float) -> None:
        self._subject, self._held, self._seconds = subject, held, seconds
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
            if sum(of == owner for _, of, _ in self._items.values()) >= self._held:
                raise TooMany(f"{self._subject} of processor {owner}: expected at most {self._held} at once")
            kept = make()
            self._items.pop(key, None)
            self._items[key] = (time.monotonic() + self._seconds, owner, kept)
        return kept

    def drop(self, key: Hashable) -> None:
        """Forget what is under *key*."""
        self._items.pop(key, None)

    def _purge(self) -> None:
        # In the order of their ends: each was put last when it was made.
        now = time.monotonic()
        for key in [key for key, (until, _, _) in self._items.items() if until <= now]:
            del self._items[key]

    def __len__(self) -> int:
        return len(self._items)


def _list(members: Collection[int]) -> str:
    return ", ".join(map(str, members))
