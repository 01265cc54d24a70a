"""Items that come while others are under way."""

import asyncio

import pytest

from qcrs.gathering import Gathering, GivenUp


class Poster:
    """Posts batches, each of which waits for one release of ``go``."""

    def __init__(self):
        self.batches, self.go = [], None

    async def post(self, items):
        self.batches.append(items)
        await self.go.acquire()
        return [ValueError(item) if item < 0 else 10 * item for item in items]


def scenario(steps):
    """Run *steps* with a poster that holds back, a gathering of at most three, and a way to let everything begin."""
    poster = Poster()

    async def run():
        poster.go = asyncio.Semaphore(0)
        gathering = Gathering(poster.post, 3, asyncio.Lock())

        async def begin(item):
            task = asyncio.ensure_future(gathering.join(item))
            await asyncio.sleep(0)
            return task

        return await steps(poster, begin)

    return asyncio.run(run()), poster.batches


def test_what_waits_goes_together_in_order_and_up_to_the_most():
    async def steps(poster, begin):
        tasks = [await begin(item) for item in (1, 2, 3, 4, 5)]
        for _ in range(3):
            poster.go.release()
        return await asyncio.gather(*tasks)

    assert scenario(steps) == ([10, 20, 30, 40, 50], [[1], [2, 3, 4], [5]])


def test_each_is_told_what_became_of_its_own():
    async def steps(poster, begin):
        tasks = [await begin(item) for item in (1, 2, -3)]
        for _ in range(3):
            poster.go.release()
        return await asyncio.gather(*tasks, return_exceptions=True)

    (first, second, third), _ = scenario(steps)
    assert (first, second) == (10, 20)
    assert isinstance(third, ValueError)


def test_what_was_given_up_while_it_waited_is_not_posted():
    async def steps(poster, begin):
        first, second, third = [await begin(item) for item in (1, 2, 3)]
        second.cancel()
        await asyncio.sleep(0)
        for _ in range(3):
            poster.go.release()
        return await asyncio.gather(first, third)

    assert scenario(steps) == ([10, 30], [[1], [3]])


def test_those_whose_poster_was_stopped_are_told_so():
    async def steps(poster, begin):
        first, second, third = [await begin(item) for item in (1, 2, 3)]
        poster.go.release()
        await first
        while len(poster.batches) < 2:
            await asyncio.sleep(0)
        second.cancel()  # it posts for both
        with pytest.raises(asyncio.CancelledError):
            await second
        with pytest.raises(GivenUp):
            await third

    scenario(steps)
