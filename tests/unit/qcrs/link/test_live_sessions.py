"""Live sessions: members act on one joint state and wait for one another."""

import asyncio

import pytest

from qcrs.link.errors import FrameInvalid, PairsUnknown, SessionBroken
from qcrs.quantum.entanglement.errors import Deadlock, HeraldFailed, TooManyQubits
from tests.entangled import gate, ghz, herald, measure, pair, receive, relayed
from tests.linked import link_file, on_link

MEMBERS = (3, 4, 5, 6)


async def opened(clients, members, qubits=2, bits=3):
    return await asyncio.gather(*(client.open_live(1, members, qubits, bits) for client in clients))


def test_live_ghz_step_by_step():
    async def shot(member, own):
        bits = []
        for number, step in enumerate(own.instructions):
            bits = await member.act(step, restart=number == 0)
        return bits[2]

    async def work(url, *clients):
        members = await opened(clients, MEMBERS)
        assert [member.member for member in members] == [0, 1, 2, 3]
        return [await asyncio.gather(*map(shot, members, ghz(4))) for _ in range(10)]

    assert {sum(row) for row in on_link(work, *MEMBERS)} == {0, 4}


def test_live_members_may_send_several_shots_step_by_step_without_waiting():
    async def shots(member, own):
        acts = [
            asyncio.create_task(member.act(step, restart=number == 0))
            for _ in range(4)
            for number, step in enumerate(own.instructions)
        ]
        bits = await asyncio.gather(*acts)
        return [row[2] for row in bits[len(own.instructions) - 1 :: len(own.instructions)]]

    async def work(url, *clients):
        members = await opened(clients, MEMBERS)
        return await asyncio.gather(*map(shots, members, ghz(4)))

    found = on_link(work, *MEMBERS)
    assert {sum(row) for row in zip(*found, strict=True)} <= {0, 4}


def test_live_shots_of_which_a_herald_fails_are_begun_anew_by_all():
    async def work(url, *clients):
        fragments = relayed("ZZ", 1)
        members = await asyncio.gather(
            *(
                client.open_live(1, (3, 4, 5), own.qubits, own.bits)
                for client, own in zip(clients, fragments, strict=True)
            )
        )
        rows = []
        for _ in range(40):
            bits = await asyncio.gather(*(member.shot(own) for member, own in zip(members, fragments, strict=True)))
            rows.append([bits[own.member][bit] for own in fragments for bit, _ in own.outputs])
        return rows

    # Without purification the ends would differ in 30 % of shots, and with it in half as many.
    rows = on_link(work, 3, 4, 5, file=link_file(0.75))
    assert len(rows) == 40
    assert sum(one != other for one, other in rows) < 16
    perfect = on_link(work, 3, 4, 5)
    assert all(one == other for one, other in perfect)


def test_live_acts_after_a_herald_that_failed_are_refused_until_all_begin_anew():
    async def work(url, *clients):
        first, second = await opened(clients, (3, 4))
        acts = first.act(gate("x", 0), measure(0, 0), herald(1, 0)), second.act(measure(0, 0), herald(0, 0))
        failed = await asyncio.gather(*acts, return_exceptions=True)
        assert [type(error) for error in failed] == [HeraldFailed, HeraldFailed]
        with pytest.raises(HeraldFailed, match=r"session 1: members [01] and [01] compare [01] and [01]"):
            await first.act(gate("x", 0))
        both = first.act(measure(0, 0), restart=True), second.act(measure(0, 0), restart=True)
        assert [bits[0] for bits in await asyncio.gather(*both)] == [0, 0]

    on_link(work, 3, 4)


def test_live_pair_waits_for_its_other_end():
    async def work(url, *clients):
        first, second = await opened(clients, (3, 4))
        waiting = asyncio.create_task(first.act(pair(0, 1), measure(0, 0)))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await second.act(gate("h", 1))
        assert not waiting.done()
        bits = await second.act(pair(0, 0), measure(0, 0))
        return (await waiting)[0], bits[0]

    one, other = on_link(work, 3, 4)
    assert one == other


def test_live_member_that_stays_away_is_named_to_all_who_wait():
    async def work(url, *clients):
        members = await opened(clients, (3, 4, 5))
        waiting = [members[1].act(pair(0, 2), wait=0.2), members[0].act(receive(1, 0), wait=5)]
        errors = await asyncio.gather(*waiting, return_exceptions=True)
        with pytest.raises(SessionBroken):
            await members[2].act(pair(0, 1))
        return errors

    for error in on_link(work, 3, 4, 5):
        assert isinstance(error, SessionBroken)
        assert "member 1, instruction 0 (Pair) waits for member 2" in str(error)
        assert "nothing comes from processors 5" in str(error)


def test_live_member_that_begins_no_other_shot_is_named():
    async def work(url, *clients):
        first, _ = await opened(clients, (3, 4))
        await first.act(restart=True, wait=0.1)

    with pytest.raises(SessionBroken, match="member 0 waits for members 1 to begin another shot"):
        on_link(work, 3, 4)


def test_live_deadlock_is_found_at_once():
    async def work(url, *clients):
        first, second = await opened(clients, (3, 4))
        return await asyncio.gather(first.act(pair(0, 1)), second.act(receive(0, 0)), return_exceptions=True)

    assert [type(error) for error in on_link(work, 3, 4)] == [Deadlock, Deadlock]


def test_live_session_must_be_open():
    async def work(url, first, second):
        opening = asyncio.create_task(first.open_live(1, (3, 4), 2, 2))
        await asyncio.sleep(0.05)
        member = await second.open_live(1, (3, 4), 2, 2)
        await opening
        member._session = 2
        await member.act(gate("h", 0))

    with pytest.raises(PairsUnknown, match="is not open"):
        on_link(work, 3, 4)


def test_live_acts_come_in_order_and_once():
    async def work(url, *clients):
        first, _ = await opened(clients, (3, 4))
        first._serials = iter([1, 1, 3, 2])
        assert (await first.act(gate("x", 0), measure(0, 0)))[0] == 1
        assert (await first.act(gate("x", 0), measure(0, 0)))[0] == 1  # the same act again: not done again
        assert (await first.act(measure(0, 1)))[1] == 1
        await first.act(gate("x", 0))

    with pytest.raises(FrameInvalid, match="act 2 of member 0 after its act 3"):
        on_link(work, 3, 4)


def test_live_fault_of_the_engine_ends_the_session_by_name():
    async def work(url, *clients):
        members = await opened(clients, (3, 4), qubits=20)
        await members[0].act(gate("t", 0))

    with pytest.raises(TooManyQubits):
        on_link(work, 3, 4)
