"""Things that come while others are under way wait, and go together in the next turn."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from qcrs.errors import QcrsError

Item = TypeVar("Item")
Result = TypeVar("Result")
# What became of each item, in order.
Post = Callable[[list[Item]], Awaitable[Sequence[Result | Exception]]]


class GivenUp(QcrsError):
    """Whoever was posting was stopped; what became of the transaction is unknown."""


@dataclass(frozen=True)
class _Waiting(Generic[Item, Result]):
    item: Item
    done: asyncio.Future[Result]


class Gathering(Generic[Item, Result]):
    """Posts items, as many at a time as have come by then.

    Args:
        post: Posts one batch and returns what became of each; what it raises is told to all of the batch.
        most: Items of one batch. turn: Held while ``post`` runs.
    """

    def __init__(self, post: Post[Item, Result], most: int, turn: asyncio.Lock) -> None:
        self._post, self._most, self._turn = post, most, turn
        self._waiting: list[_Waiting[Item, Result]] = []

    async def join(self, item: Item) -> Result:
        """Have *item* posted, and return what became of it.

        Raises:
            GivenUp: Whoever posted it was cancelled meanwhile. Exception: What became of it.
        """
        waiting = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            async with self._turn:
                while not waiting.done.done():
                    wanted = [other for other in self._waiting if not other.done.cancelled()]
                    batch, self._waiting = wanted[: self._most], wanted[self._most :]
                    await self._carry_out(batch)
            return await waiting.done
        finally:
            waiting.done.cancel()  # when this item was given up, nobody is to post it

    async def _carry_out(self, batch: list[_Waiting[Item, Result]]) -> None:
        try:
            outcomes = await self._post([waiting.item for waiting in batch])
        except BaseException as error:
            told = error if isinstance(error, Exception) else GivenUp(f"the transaction was given up: {error!r}")
            for waiting in batch:
                if not waiting.done.done():
                    waiting.done.set_exception(told)
            if not isinstance(error, Exception):
                raise
            return
        for waiting, outcome in zip(batch, outcomes, strict=True):
            if waiting.done.done():  # whoever waited has given up meanwhile
                continue
            if isinstance(outcome, Exception):
                waiting.done.set_exception(outcome)
            else:
                waiting.done.set_result(outcome)
