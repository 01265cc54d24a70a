"""Seeing computations to their ends: taking in what the chain tells of them, and every step that is due."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from qcrs.chain.codec import Event
from qcrs.chain.gateway import ChainUnreachable
from qcrs.model.story import Stories, Story
from qcrs.sdk.drive import Driver

log = logging.getLogger(__name__)

TICK_SECONDS = 0.5


@dataclass(frozen=True)
class Calls:
    """Whom it is told, and asked, how computations go on.

    Attributes:
        observe: Called with the story at the start and after each of its events. notice: Told in words what it waits
            for. enough: Whether to leave a computation alone from now on, though it has not ended.
    """

    observe: Callable[[Story, Event | None], None]
    notice: Callable[[str], None]
    enough: Callable[[Story], bool]


async def follow(
    messages: AsyncGenerator[Event | int, None],
    stories: Stories,
    computations: Collection[int],
    events: Sequence[Event],
    driver: Driver | None,
    calls: Calls,
) -> bool:
    """Take in what *messages* tell after *events*, and take every step due, until all of *computations* have ended.

    Others' are followed as far as *messages* tell of them, since they stand in the same queues, and not driven. What is
    returned is whether they have ended, rather than the messages.

    Args:
        driver: Takes the steps; None of somebody who only looks on.
    """
    mine = {number: stories.by_id[number] for number in computations}
    seen = max((event.block, event.log_index) for event in events)
    for story in mine.values():
        calls.observe(story, None)
    async with aclosing(_ticking(messages)) as ticks:
        async for event in ticks:
            if isinstance(event, Event) and (event.block, event.log_index) > seen:
                seen = (event.block, event.log_index)
                story = stories.apply(event.name, event.arguments, event.block)
                if story is not None and story.computation in mine:
                    calls.observe(story, event)
            running = [story for story in mine.values() if not (story.ended or calls.enough(story))]
            if not running:
                return True
            if driver is None:
                continue
            try:
                await driver.take(running)
            except ChainUnreachable as error:
                # Busy, perhaps: whether it is gone, the subscription tells.
                log.info("%s", error)
                calls.notice("the node does not answer; trying again")
    return False


async def _ticking(messages: AsyncIterator) -> AsyncGenerator[Event | int | None, None]:
    """Yield at once, then each message, and None whenever half a second passes without one."""
    yield None
    pending = asyncio.ensure_future(anext(messages))
    try:
        while True:
            await asyncio.wait({pending}, timeout=TICK_SECONDS)
            if not pending.done():
                yield None
                continue
            yield pending.result()
            pending = asyncio.ensure_future(anext(messages))
    finally:
        pending.cancel()
        await asyncio.wait({pending})  # until then the generator is running, and cannot be closed
