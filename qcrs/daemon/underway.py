"""What a daemon has begun and has yet to see the end of: one task for each thing that is due."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, Self, TypeVar

Due = TypeVar("Due", bound=Hashable)
Work = Callable[[], Coroutine[Any, Any, bool | None]]


class Underway(Generic[Due]):
    """Tasks under way, used as ``async with``: whoever leaves it has ended them all.

    What has ended rests before it is begun again, so that neither what fails nor what has yet to become known on the
    chain is done over and over.

    Args:
        rest: For how many seconds: the first time, then twice as long each time, up to the second number.
        clock: Seconds, which never go back.
    """

    def __init__(self, rest: tuple[float, float] = (0.0, 0.0), clock: Callable[[], float] = time.monotonic) -> None:
        self._shortest, self._longest = rest
        self._clock = clock
        self._tasks: dict[Due, asyncio.Task[None]] = {}
        self._rests: dict[Due, tuple[float, float]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __len__(self) -> int:
        return len(self._tasks)

    def begin(self, due: Due, work: Work) -> None:
        """Begin *work*, unless *due* is under way or rests.

        Work that returns true is done for good, as far as it knows: it rests longest.
        """
        until, _ = self._rests.get(due, (float("-inf"), 0.0))
        if due not in self._tasks and self._clock() >= until:
            self._tasks[due] = asyncio.create_task(self._carry_out(due, work))

    def cancel(self, due: Due) -> None:
        """Let *due* end where it is; it is still waited for."""
        if due in self._tasks:
            self._tasks[due].cancel()

    def reap(self) -> None:
        """Let go of what has ended.

        Raises:
            Exception: What one of the tasks raised.
        """
        for due, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[due]
                if not task.cancelled():
                    task.result()
        # Whatever is still due was looked at since then, and rests anew.
        now = self._clock()
        self._rests = {due: rest for due, rest in self._rests.items() if now <= rest[0] + self._longest}

    async def close(self) -> None:
        """Cancel all tasks, and wait until they have ended.

        Raises:
            ExceptionGroup: What tasks raised that were not reaped, or when they were cancelled.
        """
        tasks, self._tasks = list(self._tasks.values()), {}
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        if faults := [error for error in ended if isinstance(error, Exception)]:
            raise ExceptionGroup("tasks that were under way", faults)

    async def _carry_out(self, due: Due, work: Work) -> None:
        done = await work()
        _, before = self._rests.get(due, (0.0, self._shortest / 2))
        seconds = self._longest if done else min(2 * before, self._longest)
        self._rests[due] = (self._clock() + seconds, seconds)
