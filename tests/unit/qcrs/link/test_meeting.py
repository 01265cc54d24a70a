"""What waits for several, and what is kept of it."""

import asyncio
import re

import pytest

from qcrs.link.errors import AccountMismatch, CallerNotMember, LinkRefused, PairsUnknown, TooMany, WaitTimedOut
from qcrs.link.meeting import Meeting, Shelf


def met(work):
    async def run():
        return await work(Meeting("run of session 1", (3, 4, 5), 10))

    return asyncio.run(run())


def test_last_to_come_is_told_so_and_only_once():
    async def work(meeting):
        return [meeting.arrive(processor, 10) for processor in (3, 4, 3, 5, 5)]

    assert met(work) == [False, False, False, True, False]


def test_who_is_missing_is_named_by_processor_and_place():
    async def work(meeting):
        meeting.arrive(4, 10)
        await meeting.wait(4, 0.01)

    with pytest.raises(WaitTimedOut, match=r"processor 3 \(member 0\), processor 5 \(member 2\) after 0.01 s"):
        met(work)


def test_nobody_is_missing_when_it_is_the_work_that_takes_long():
    async def work(meeting):
        for processor in (3, 4, 5):
            meeting.arrive(processor, 10)
        await meeting.wait(4, 0.01)

    with pytest.raises(WaitTimedOut, match="all have come, and nothing came of it"):
        met(work)


def test_it_is_over_when_all_have_got_what_came_of_it():
    async def work(meeting):
        for processor in (3, 4, 5):
            meeting.arrive(processor, 10)
        meeting.result.set_result("bits")
        over = []
        for processor in (3, 4, 4, 5):
            assert await meeting.wait(processor, 1) == "bits"
            over.append(meeting.over)
        return over

    assert met(work) == [False, False, False, True]


def test_all_hear_what_comes_of_it():
    async def work(meeting):
        meeting.begin(asyncio.sleep(0, "bits"))
        return [await meeting.wait(processor, 1) for processor in (3, 4)]

    assert met(work) == ["bits", "bits"]


@pytest.mark.parametrize(
    ("fault", "heard", "words"),
    [
        (PairsUnknown("none held"), PairsUnknown, "none held"),
        (KeyError("inside"), LinkRefused, "the link failed at it$"),
    ],
)
def test_all_hear_of_a_fault_and_nobody_of_the_program_s_inside(caplog, fault, heard, words):
    async def fail():
        raise fault

    async def work(meeting):
        meeting.begin(fail())
        return await asyncio.gather(*(meeting.wait(processor, 1) for processor in (3, 4)), return_exceptions=True)

    errors = met(work)
    assert [type(error) for error in errors] == [heard] * 2
    assert re.search(words, str(errors[0]))
    assert ("inside" in caplog.text) == (heard is LinkRefused)


@pytest.mark.parametrize(
    ("arrival", "error"),
    [((9, 10), CallerNotMember), ((3, 11), AccountMismatch), ((4, 10, "other"), AccountMismatch)],
)
def test_who_does_not_belong_or_says_other_things_is_refused(arrival, error):
    async def work(meeting):
        meeting.arrive(4, 10, "this")
        meeting.arrive(*arrival)

    with pytest.raises(error, match="run of session 1"):
        met(work)


def test_shelf_makes_room_of_what_is_spent_and_of_nothing_else():
    spent = set()
    shelf = Shelf("runs", 2, 60.0, lambda kept: kept in spent)
    assert [shelf.made(key, 3, lambda key=key: key) for key in "ab"] == ["a", "b"]
    with pytest.raises(TooMany, match="runs of processor 3: expected at most 2"):
        shelf.made("c", 3, lambda: "c")
    assert shelf.made("d", 4, lambda: "d") == "d"  # another owner's
    spent.add("b")
    assert shelf.made("c", 3, lambda: "c") == "c"
    assert [shelf.get(key) for key in "abc"] == ["a", None, "c"]
    assert shelf.made("a", 3, lambda: "new") == "a"


def test_shelf_forgets_in_time():
    shelf = Shelf("runs", 1, 0.0)
    shelf.made("a", 3, lambda: 1)
    assert shelf.get("a") is None
    assert shelf.made("a", 3, lambda: 2) == 2
    shelf = Shelf("runs", 1, 60.0)
    shelf.made("a", 3, lambda: 1)
    shelf.drop("a")
    assert shelf.get("a") is None
