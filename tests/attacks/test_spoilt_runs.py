"""A member spoils a run and comes to all barriers, for the deposits of others, who would have nothing to come with.

Contracts cannot see it. So the others come too, and report what no two of them agree on: the run is Disputed, which
returns deposits and pays nobody.
"""

import asyncio
import time

import pytest

from qcrs.link.errors import SessionUnbound, WaitTimedOut
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.rules import outcomes
from qcrs.rules.digest import keccak
from tests.entangled import fragment, ghz, pair, receive
from tests.unit.qcrs.daemon import test_runs
from tests.unit.qcrs.daemon.test_runs import MEMBERS, SHOTS, memory_parts, soon

seated = test_runs.seated
ROGUE, HONEST = 0, (1, 2)


async def nothing(table):
    """Give the link no part at all."""


async def other_shots(table):
    """Come first, with other terms."""
    with pytest.raises(WaitTimedOut):
        await table.clients[ROGUE].run(4, MEMBERS, table.parts[ROGUE], SHOTS - 1, wait=0.01)


async def deadlock(table):
    """Give a part that waits for ever."""
    with pytest.raises(WaitTimedOut):
        await table.clients[ROGUE].run(4, MEMBERS, fragment(0, 1, 1, [receive(1, 0)]), SHOTS, wait=0.01)


async def other_pairs(table):
    """Give a part whose pairs the others do not purify as often."""
    wrong = fragment(0, 2, 3, [pair(1, 1, rounds=2)])
    with pytest.raises(WaitTimedOut):
        await table.clients[ROGUE].run(4, MEMBERS, wrong, SHOTS, wait=0.01)


@pytest.mark.parametrize("spoil", [nothing, other_shots, deadlock, other_pairs])
def test_who_spoils_a_run_finds_the_others_at_every_barrier(seated, spoil, caplog):
    async def work(table):
        await spoil(table)
        for index in HONEST:
            await table.run(index).begin()
        until = time.monotonic() + 0.3 if spoil is nothing else soon()  # what is amiss is known at once
        files = [await table.run(index).measured(1, until) for index in HONEST]
        table.linked = False  # all that is left to do follows from journals
        files += [await table.run(index).measured(2, soon()) for index in HONEST]
        return files, [await table.run(index).counts(soon()) for index in HONEST]

    files, told = seated(work, ghz(3), 4, 3, fidelity=1.0, device=LocalNoise())
    assert files == [None] * 4
    assert [sum(counts.values()) for counts in told] == [SHOTS] * 2
    assert told[0] != told[1]
    assert "session=4 is spoilt, nobody will be paid" in caplog.text


def test_a_memory_that_is_spoilt_is_decoded_by_nobody(seated):
    async def work(table):
        for index in HONEST:
            await table.run(index).begin()
        files = [await table.run(index).measured(1, time.monotonic() + 0.3) for index in HONEST]
        return files, [await table.run(index).counts(soon()) for index in HONEST]

    files, told = seated(work, memory_parts(), 3)
    assert files == [None] * 2
    assert told[0] != told[1]
    assert all(set(counts) <= {0, 1} and sum(counts.values()) == SHOTS for counts in told)


def test_a_part_that_is_late_spoils_nothing(seated, monkeypatch):
    """The link lets nobody wait for longer than it likes; a member asks again while there is time."""

    async def work(table):
        client = table.clients[1]
        run = client.run
        client.run = lambda session, members, own, shots, noise, wait: run(session, members, own, shots, noise, 0.05)
        with pytest.raises(WaitTimedOut):
            await table.run(1).measured(1, soon())
        await asyncio.gather(*(table.run(index).begin() for index in (0, 2)))
        client.run = run
        return await table.run(1).measured(1, soon())

    assert seated(work, ghz(3), 4, 3, fidelity=1.0, device=LocalNoise())


@pytest.mark.parametrize("rows", [{5: 0}, {1: 0}, {}, {0: 0, 1: 0}], ids=["no bit", "another's bit", "none", "both"])
def test_who_is_bound_to_bits_that_are_not_its_own_is_told_by_the_link(seated, rows):
    """Its file is one, and with those of the others makes no outcomes: what the link saw does."""

    def posted(phase, digests):
        return {(phase, ROGUE): keccak(files[phase])}

    files = {}

    async def work(table):
        for phase in table.run(0).seat.phases:
            shots = len(table.run(0)._shots(phase))
            size = -(-shots // 8)
            files[phase] = outcomes.encode({index: bytes(size) for index in rows}, shots)
            table.store.put(files[phase])
        await table.pass_barriers(posted)
        return await asyncio.gather(*(table.run(index).counts(soon()) for index in HONEST))

    told = seated(work, ghz(3), 4, 3, fidelity=1.0, device=LocalNoise())
    assert told[0] == told[1]
    assert set(told[0]) == {0, 7}
    assert sum(told[0].values()) == SHOTS


def test_a_program_whose_outcomes_are_not_what_was_asked_for_is_spoilt(seated):
    """Its requester, and a member that it shares deposits with, would know so before."""

    async def work(table):
        await table.pass_barriers()
        return [await table.run(index).counts(soon()) for index in HONEST]

    told = seated(work, ghz(3), 4, 4, fidelity=1.0, device=LocalNoise())
    assert told[0] != told[1]
    assert [sum(counts.values()) for counts in told] == [SHOTS] * 2


def test_a_member_that_shows_nothing_while_the_link_tells_nothing_is_waited_for_and_then_no_more(seated):
    async def work(table):
        await table.pass_barriers(lambda phase, _: {(phase, ROGUE): bytes(32)})
        table.chain.bound = False
        with pytest.raises(SessionUnbound):
            await table.run(1).counts(soon())
        return [await table.run(index).counts(0) for index in HONEST]

    told = seated(work, ghz(3), 4, 3, fidelity=1.0, device=LocalNoise())
    assert told[0] != told[1]
