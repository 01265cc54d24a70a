"""Members that have a link keep much for them, or for others in their name: it keeps so much of each, and no more."""

import asyncio

import pytest

from qcrs.link import channels, sessions
from qcrs.link.errors import LinkRefused, TooMany, WaitTimedOut
from qcrs.link.file import ServiceLimits
from qcrs.link.sessions import Letters
from qcrs.link.wire import Fetch, Post, Purpose
from qcrs.quantum.entanglement.errors import ProgramFailed
from qcrs.quantum.entanglement.request import run_program
from tests.entangled import teledata
from tests.linked import Contracts, chain_of, link_file, on_link


def test_waiting_for_letters_of_another_does_not_keep_it_from_sending_any():
    async def work(url, thief, victim, friend):
        for number in range(8):
            with pytest.raises(WaitTimedOut):
                await thief.fetch(4, f"no such letter {number}", wait=0.01)
        await victim.post(5, "seed", b"seed")
        return await friend.fetch(4, "seed")

    assert on_link(work, 3, 4, 5, file=link_file(service=ServiceLimits(held=4))) == b"seed"


def test_nothing_is_kept_of_those_who_wait_and_go():
    async def run():
        letters = Letters(link_file())
        waiting = [asyncio.create_task(letters.fetch(4, Fetch(peer=3, topic="seed"), 5)) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()  # while it goes, the letter comes
        letters.post(3, Post(peer=4, topic="seed", data=b"s"), 0)
        _, *found = await asyncio.gather(*waiting, return_exceptions=True)
        with pytest.raises(WaitTimedOut):
            await letters.fetch(4, Fetch(peer=3, topic="other"), 0.01)
        return found, letters._awaited

    assert asyncio.run(run()) == ([{"data": b"s"}] * 2, {})


def test_letters_of_one_processor_take_so_much_and_the_oldest_go(monkeypatch):
    monkeypatch.setattr(sessions, "LETTERS_BYTES", 100)

    async def work(url, hoarder, other):
        await other.post(3, "kept", bytes(90))
        for number in range(5):
            await hoarder.post(4, str(number), bytes(40))
        with pytest.raises(TooMany, match="letters of processor 3: expected at most 256 at once, of 100 bytes"):
            await hoarder.post(4, "large", bytes(101))
        for number in range(3):
            with pytest.raises(WaitTimedOut):
                await other.fetch(3, str(number), wait=0.01)
        return [await hoarder.fetch(4, "kept"), *[await other.fetch(3, str(number)) for number in (3, 4)]]

    assert on_link(work, 3, 4) == [bytes(90), bytes(40), bytes(40)]


def test_fragments_that_wait_for_others_are_limited_in_size(monkeypatch):
    own, other = teledata()
    size = sessions._size(own)
    monkeypatch.setattr(sessions, "FRAGMENTS_BYTES", 3 * size)

    async def work(url, hoarder, victim):
        for session in range(3):
            with pytest.raises(WaitTimedOut):
                await hoarder.run(session, (3, 4), own, 10, wait=0.01)
        with pytest.raises(TooMany, match=f"fragments of processor 3: .* of {3 * size} bytes"):
            await hoarder.run(3, (3, 4), own, 10, wait=0.01)
        await victim.run(2, (3, 4), other, 10)
        # What has been run is not kept, and is known again.
        with pytest.raises(WaitTimedOut):
            await hoarder.run(3, (3, 4), own, 10, wait=0.01)
        return (await hoarder.run(2, (3, 4), own, 10)).table()

    assert len(on_link(work, 3, 4)) == 10


def test_pairs_that_are_left_lying_stop_nobody_but_those_who_share_them(monkeypatch):
    monkeypatch.setattr(channels, "HELD_BYTES", 600 * channels._PAIR_BYTES)

    async def made(first, second, number, pairs=512):
        (one, own), (other, peer) = first, second
        return await asyncio.gather(
            own.prepare(9, number, other, pairs, Purpose.Key), peer.prepare(9, number, one, pairs, Purpose.Key)
        )

    async def work(url, *clients):
        victim, rogue, friend = zip((3, 4, 5), clients, strict=True)
        await made(victim, rogue, 1)
        with pytest.raises(TooMany, match="held pairs of processor 3, 4"):
            await made(victim, rogue, 2)
        return (await made(victim, friend, 3))[0].pairs

    assert on_link(work, 3, 4, 5) == 512


@pytest.mark.parametrize(
    ("fault", "heard", "pairs_left"),
    [(OSError("no more processes"), LinkRefused, True), (ProgramFailed("at it"), ProgramFailed, False)],
)
def test_a_run_that_the_link_could_not_begin_may_be_asked_for_again(fault, heard, pairs_left):
    """Its pairs are not lost; those of a program that failed by its own fault are."""
    contracts, faults = Contracts(), [fault]
    contracts.open(5, (3, 4))
    contracts.arm(1, (3, 4), {5: 100})

    async def runner(request):
        if faults:
            raise faults.pop()
        return await run_program(request)

    async def work(url, *clients):
        both = [(client, part) for client, part in zip(clients, teledata(), strict=True)]
        answers = []
        for _ in range(2):
            asked = (client.run(1, (3, 4), part, 100) for client, part in both)
            answers.append(await asyncio.gather(*asked, return_exceptions=True))
        return answers

    first, again = on_link(work, 3, 4, chain=chain_of(contracts), runner=runner)
    assert [type(error) for error in first] == [heard] * 2
    if pairs_left:
        assert [len(own.table()) for own in again] == [100, 100]
    else:
        assert [type(error) for error in again] == [heard] * 2


def test_a_member_that_never_fetches_its_bits_keeps_others_from_no_runs_with_third_ones():
    """Nor from other channels, if it never hears that the pairs are there."""

    async def leaves(client, asked):
        task = asyncio.create_task(asked)
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await client.close()

    async def work(url, victim, rogue, friend):
        own, other = teledata()
        for number in range(3):
            with pytest.raises(WaitTimedOut):
                await victim.run(number, (3, 4), own, 10, wait=0.01)
            await leaves(rogue, rogue.run(number, (3, 4), other, 10))
            with pytest.raises(WaitTimedOut):
                await victim.prepare(number, 1, 4, 256, wait=0.01)
            await leaves(rogue, rogue.prepare(number, 1, 3, 256))
        runs = victim.run(9, (3, 5), own, 10), friend.run(9, (3, 5), other, 10)
        pairs = victim.prepare(9, 1, 5, 256), friend.prepare(9, 1, 3, 256)
        return [len(one.table()) for one in await asyncio.gather(*runs)], [
            one.pairs for one in await asyncio.gather(*pairs)
        ]

    slow = link_file(rate=2_000, service=ServiceLimits(held=3, wait_seconds=20))
    assert on_link(work, 3, 4, 5, file=slow) == ([10, 10], [256, 256])
