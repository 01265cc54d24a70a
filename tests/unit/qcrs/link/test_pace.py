"""Turns: some at once, then one after the other; whoever goes away takes none."""

import asyncio
import time

from qcrs.link.pace import Pace


def taken(pace, wanted):
    async def run():
        async def one():
            await pace.turn()
            return time.monotonic()

        return sorted(await asyncio.gather(*(one() for _ in range(wanted))))

    return asyncio.run(run())


def test_some_at_once_and_then_one_after_the_other():
    times = taken(Pace(50.0, 4), 8)
    assert times[-1] - times[0] >= (8 - 5) / 50


def test_who_waits_and_goes_away_takes_no_turn():
    async def run():
        pace = Pace(5.0, 1)
        await pace.turn()
        waiting = [asyncio.create_task(pace.turn()) for _ in range(50)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        await asyncio.wait_for(pace.turn(), 5)

    asyncio.run(run())
