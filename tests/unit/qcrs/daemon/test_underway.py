"""What is due is done once at a time, rests between, and is never left behind: not its task, nor what that raises."""

import asyncio

import pytest

from qcrs.daemon.underway import Underway


class Defect(Exception):
    """What a task of these tests fails with."""


class Clock:
    """Stands still unless it is moved on."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


async def settle():
    """Let all tasks go as far as they can without waiting for anything."""
    for _ in range(5):
        await asyncio.sleep(0)


class Work:
    """Counts how often it was begun and cancelled, and waits until it may end."""

    def __init__(self, answer=None, error=None, parting=None):
        self.answer, self.error, self.parting = answer, error, parting
        self.begun = self.cancelled = 0
        self.may_end = asyncio.Event()

    async def __call__(self):
        self.begun += 1
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            if self.parting is not None:
                raise self.parting from None
            raise
        if self.error is not None:
            raise self.error
        return self.answer


def test_what_is_under_way_is_not_begun_again():
    async def run():
        async with Underway() as underway:
            first, second, other = Work(), Work(), Work()
            underway.begin("due", first)
            underway.begin("due", second)
            underway.begin("other", other)
            await settle()
            assert (first.begun, second.begun, other.begun, len(underway)) == (1, 0, 1, 2)
            first.may_end.set()
            await settle()
            underway.begin("due", second)  # ended, and not looked at yet
            await settle()
            assert second.begun == 0
            underway.reap()
            underway.begin("due", second)
            await settle()
            assert second.begun == 1

    asyncio.run(run())


def test_leaving_cancels_and_waits_for_all():
    async def run():
        works = [Work(), Work()]
        async with Underway() as underway:
            for number, work in enumerate(works):
                underway.begin(number, work)
            await settle()
        assert [work.cancelled for work in works] == [1, 1]
        assert len(underway) == 0

    asyncio.run(run())


def test_leaving_by_cancellation_waits_for_all_too():
    async def run():
        work = Work()

        async def serve():
            async with Underway() as underway:
                underway.begin(1, work)
                await asyncio.Event().wait()

        serving = asyncio.create_task(serve())
        await settle()
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert work.cancelled == 1

    asyncio.run(run())


async def serve(*works, reaping):
    """Begin *works*, let those end that fail by themselves, and leave."""
    async with Underway() as underway:
        for number, work in enumerate(works):
            underway.begin(number, work)
            if work.error is not None:
                work.may_end.set()
        await settle()
        if reaping:
            underway.reap()


def test_what_a_task_raises_is_raised_and_ends_the_others():
    failing, other = Work(error=Defect("broken")), Work()
    with pytest.raises(Defect, match="broken"):
        asyncio.run(serve(failing, other, reaping=True))
    assert other.cancelled == 1


def test_of_two_that_failed_neither_is_lost():
    first, second = Work(error=Defect("first")), Work(error=Defect("second"))
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(serve(first, second, reaping=True))
    assert caught.value.exceptions == (second.error,)
    assert caught.value.__context__ is first.error


def test_what_fails_unseen_or_while_it_is_cancelled_is_raised_on_leaving():
    unseen, parting = Work(error=Defect("unseen")), Work(parting=Defect("parting"))
    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(serve(unseen, parting, reaping=False))
    assert caught.value.exceptions == (unseen.error, parting.parting)


def test_one_that_is_cancelled_is_waited_for_and_forgotten():
    async def run():
        async with Underway() as underway:
            work, again = Work(), Work()
            underway.begin(1, work)
            underway.cancel(2)  # of which nobody knows
            await settle()
            underway.cancel(1)
            underway.begin(1, again)
            await settle()
            assert (work.cancelled, again.begun) == (1, 0)
            underway.reap()
            underway.begin(1, again)
            await settle()
            assert again.begun == 1

    asyncio.run(run())


async def rests(underway, clock, answer):
    """Carry something out, and return for how long it then rests."""
    work = Work(answer)
    work.may_end.set()
    underway.begin("due", work)
    await settle()
    assert work.begun == 1
    began, seconds = clock.now, 0.0
    while True:
        underway.reap()
        probe = Work()
        underway.begin("due", probe)
        await settle()
        if probe.begun:
            underway.cancel("due")
            await settle()
            underway.reap()
            return seconds
        seconds += 0.25
        clock.now = began + seconds


def test_what_ended_rests_longer_each_time_and_longest_when_it_is_done(clock):
    async def run():
        async with Underway((0.5, 3.0), clock) as underway:
            assert [await rests(underway, clock, None) for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
        async with Underway((0.5, 3.0), clock) as underway:
            assert await rests(underway, clock, True) == 3.0
        async with Underway() as underway:
            assert await rests(underway, clock, None) == 0.0

    asyncio.run(run())


def test_what_has_not_been_due_for_long_is_as_if_it_had_never_been(clock):
    async def run():
        async with Underway((0.5, 3.0), clock) as underway:
            for _ in range(3):
                await rests(underway, clock, None)
            clock.now += 3.25
            underway.reap()
            assert await rests(underway, clock, None) == 0.5

    asyncio.run(run())
