"""Points that all of several processors must reach, and what is kept of them for a time."""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Hashable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any, Generic, NamedTuple, TypeVar

from qcrs.errors import QcrsError
from qcrs.link.errors import AccountMismatch, CallerNotMember, LinkRefused, TooMany, WaitTimedOut

_log = logging.getLogger(__name__)
Kept = TypeVar("Kept")
Owner = int | tuple[int, ...]


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


class _Item(NamedTuple, Generic[Kept]):
    """A thing on a shelf: until when, whose it is, how many bytes it takes."""

    until: float
    owner: Owner
    size: int
    kept: Kept


class Shelf(Generic[Kept]):
    """Things kept by key, so many of one *owner*, a processor or several, and for so long.

    Args:
        subject: What they are, for messages.
        spent: Whether a thing has served: the oldest such ones make room for another. None has, by default.
        most: Bytes that those of one owner may take, as far as they are told.
    """

    def __init__(
        self, subject: str, held: int, seconds: float, spent: Callable[[Kept], bool] = lambda _: False,
        most: float = inf,
    ) -> None:  # fmt: skip
        self._subject, self._held, self._seconds, self._spent, self._most = subject, held, seconds, spent, most
        self._items: dict[Hashable, _Item[Kept]] = {}

    def get(self, key: Hashable) -> Kept | None:
        """Return what is under *key*, if anything still is."""
        item = self._items.get(key)
        return item.kept if item is not None and item.until > time.monotonic() else None

    def made(self, key: Hashable, owner: Owner, make: Callable[[], Kept], size: int = 0) -> Kept:
        """Return what is under *key*; made now, for *owner* and with *size* bytes, when there is nothing.

        Raises:
            TooMany: The owner has as many as it may.
        """
        kept = self.get(key)
        if kept is None:
            self._purge()
            self._make_room(owner, size)
            kept = make()
            self._items.pop(key, None)
            self._items[key] = _Item(time.monotonic() + self._seconds, owner, size, kept)
        return kept

    def drop(self, key: Hashable) -> Kept | None:
        """Forget what is under *key*, and return it."""
        kept = self.get(key)
        self._items.pop(key, None)
        return kept

    @contextmanager
    def kept_on_success(self, key: Hashable) -> Iterator[None]:
        """Forget what is under *key* when the block fails: all who wait hear of it, and may ask again."""
        try:
            yield
        except Exception:
            self.drop(key)
            raise

    def _make_room(self, owner: Owner, size: int) -> None:
        # What was made first comes first.
        own = {key: item for key, item in self._items.items() if item.owner == owner}
        spent = (key for key, item in list(own.items()) if self._spent(item.kept))
        while len(own) >= self._held or sum(item.size for item in own.values()) + size > self._most:
            oldest = next(spent, None) if size <= self._most else None
            if oldest is None:
                raise TooMany(
                    f"{self._subject} of processor {_list(owner if isinstance(owner, tuple) else (owner,))}: expected "
                    f"at most {self._held} at once" + (f", of {self._most:.0f} bytes" if self._most < inf else "")
                )
            del self._items[oldest], own[oldest]

    def _purge(self) -> None:
        now = time.monotonic()
        for key in [key for key, item in self._items.items() if item.until <= now]:
            del self._items[key]


def _list(members: Collection[int]) -> str:
    return ", ".join(map(str, members))
