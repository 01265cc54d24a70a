"""Programs of several members, barriers, letters, live sessions."""

import asyncio

import pytest

from qcrs.link.client import LinkClient
from qcrs.link.errors import (
    AccountMismatch,
    CallerNotMember,
    ForeignQubit,
    FrameInvalid,
    PairsUnknown,
    SessionBroken,
    WaitTimedOut,
)
from qcrs.link.file import ServiceLimits
from qcrs.quantum.entanglement.errors import Deadlock, ProgramFailed, TooManyQubits
from qcrs.quantum.entanglement.request import EngineLimits
from qcrs.quantum.fragment import FragmentInvalid
from tests.entangled import fragment, gate, ghz, measure, pair, receive, teledata
from tests.linked import DOMAIN, account, link_file, on_link

MEMBERS = (3, 4, 5, 6)


async def submitted(clients, fragments, shots=1000, members=MEMBERS, session=1):
    return await asyncio.gather(
        *(client.run(session, members, own, shots) for client, own in zip(clients, fragments, strict=True))
    )


def test_each_member_gets_its_own_bits():
    async def work(url, *clients):
        return await submitted(clients, ghz(4))

    answers = on_link(work, *MEMBERS)
    tables = [answer.table() for answer in answers]
    assert {len(table) for table in tables} == {1000}
    outcomes = sum(table[:, 2].astype(int) for table in tables)
    assert set(outcomes) == {0, 4}
    assert (answers[0].engine, answers[0].label, answers[0].pairs) == ("stim", "link=emulated", 3000)


def test_other_gates_are_run_as_well():
    async def work(url, *clients):
        return await submitted(clients, ghz(4, extra=(gate("t", 0), gate("tdg", 0))), shots=50)

    answers = on_link(work, *MEMBERS)
    assert answers[0].engine == "aer"
    assert set(sum(answer.table()[:, 2].astype(int) for answer in answers)) == {0, 4}


def test_submitting_again_gives_the_same_bits():
    async def work(url, *clients):
        first = await submitted(clients, ghz(4))
        return first, await submitted(clients, ghz(4))

    first, again = on_link(work, *MEMBERS)
    assert [one.bits for one in first] == [one.bits for one in again]


def test_sessions_have_randomness_of_their_own():
    async def work(url, *clients):
        return await submitted(clients, ghz(4)), await submitted(clients, ghz(4), session=2)

    first, second = on_link(work, *MEMBERS)
    assert first[0].bits != second[0].bits


def test_a_member_that_does_not_submit_is_named():
    async def work(url, *clients):
        await asyncio.gather(*(client.run(1, MEMBERS, ghz(4)[k], 10, wait=0.2) for k, client in enumerate(clients)))

    with pytest.raises(WaitTimedOut, match=r"run of session 1: waits for processor 6 \(member 3\) after 0.2 s"):
        on_link(work, *MEMBERS[:3])


def test_a_member_cannot_submit_anothers_fragment():
    async def work(url, client):
        await client.run(1, MEMBERS, ghz(4)[1], 10)

    with pytest.raises(ForeignQubit, match="fragment of member 1 from processor 3, expected member 0"):
        on_link(work, 3)


def test_strangers_have_no_part_in_a_session():
    async def work(url, stranger):
        with pytest.raises(CallerNotMember):
            await stranger.run(1, MEMBERS, ghz(4)[1], 10)
        with pytest.raises(CallerNotMember):
            await stranger.meet(1, 1, MEMBERS)
        with pytest.raises(CallerNotMember):
            await stranger.open_live(1, MEMBERS, 1, 1)

    on_link(work, 9)


def test_members_that_want_different_shots_are_told():
    async def work(url, first, second):
        await asyncio.gather(first.run(1, (3, 4), teledata()[0], 10, wait=2), second.run(1, (3, 4), teledata()[1], 20))

    with pytest.raises(AccountMismatch, match="20, expected 10"):
        on_link(work, 3, 4)


def test_another_fragment_in_the_second_try_is_refused():
    async def work(url, first):
        with pytest.raises(WaitTimedOut):
            await first.run(1, (3, 4), teledata()[0], 10, wait=0.05)
        await first.run(1, (3, 4), teledata("XX")[0], 10, wait=0.05)

    with pytest.raises(AccountMismatch, match="came before, and with something else"):
        on_link(work, 3)


def refusal(fragments, file=None, shots=10):
    async def work(url, *clients):
        answers = await asyncio.gather(
            *(client.run(1, (3, 4), own, shots) for client, own in zip(clients, fragments, strict=True)),
            return_exceptions=True,
        )
        return answers

    first, second = on_link(work, 3, 4, file=file)
    assert type(first) is type(second)
    assert str(first) == str(second)
    return first


def test_deadlock_is_told_to_all_before_anything_is_run():
    error = refusal([fragment(0, 1, 1, [pair(0, 1)]), fragment(1, 1, 1, [receive(0, 0)])])
    assert isinstance(error, Deadlock)
    assert "member 1, instruction 0 (Receive) waits for 1 bits from member 0, of which 0 came" in str(error)


def test_outcome_bits_that_do_not_fit_are_told():
    error = refusal([fragment(k, 1, 1, [measure(0, 0)], ((0, 0),)) for k in range(2)])
    assert type(error) is FragmentInvalid


def limited(**engine):
    return link_file().model_copy(update={"engine": EngineLimits(**engine)})


def test_programs_are_bounded_in_qubits_shots_and_bits():
    wide = [fragment(0, 5, 1, [gate("t", 0)]), fragment(1, 5, 1, [])]
    assert isinstance(refusal(wide, limited(qubits=9)), TooManyQubits)
    small = [fragment(0, 1, 1, []), fragment(1, 1, 1, [])]
    assert "11 shots, expected at most 10" in str(refusal(small, limited(shots=10), 11))
    many = [fragment(k, 1, 4096, []) for k in range(2)]
    assert "bytes of bits, expected at most 1 MiB" in str(refusal(many, limited(answer_mebibytes=1), 1025))


def test_programs_are_bounded_in_time():
    steps = [gate("rx", 0, angles=(0.1,)), gate("cx", 0, 1)] * 4000
    endless = [fragment(0, 18, 1, steps), fragment(1, 1, 1, [])]
    error = refusal(endless, limited(seconds=1.0), 100_000)
    assert isinstance(error, ProgramFailed)
    assert "within 1 s" in str(error)


def test_programs_are_bounded_in_memory():
    large = [fragment(0, 26, 1, [gate("t", qubit) for qubit in range(26)]), fragment(1, 1, 1, [])]
    error = refusal(large, limited(qubits=28, memory_mebibytes=900))
    assert isinstance(error, ProgramFailed)


def test_barrier_lets_all_pass_or_names_who_is_missing():
    async def work(url, *clients):
        await asyncio.gather(*(client.meet(1, 1, MEMBERS, wait=5) for client in clients))
        await clients[0].meet(1, 1, MEMBERS, wait=0.1)  # passed once, passed again
        await asyncio.gather(*(client.meet(1, 2, MEMBERS, wait=0.2) for client in clients[1:3]))

    with pytest.raises(WaitTimedOut, match=r"barrier 2 of session 1: waits for processor 3 .*, processor 6 .* 0.2 s"):
        on_link(work, *MEMBERS)


def test_letters_reach_whom_they_are_for_and_nobody_else():
    async def work(url, first, second, third):
        waiting = asyncio.create_task(second.fetch(3, "seed"))
        await first.post(4, "seed", b"\0secret")
        await first.post(4, "seed", b"\0secret")
        with pytest.raises(AccountMismatch):
            await first.post(4, "seed", b"other")
        with pytest.raises(WaitTimedOut, match="waits for processor 3 to send it"):
            await third.fetch(3, "seed", wait=0.05)
        return await waiting, await second.fetch(3, "seed")

    assert on_link(work, 3, 4, 5) == (b"\0secret", b"\0secret")


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


def test_sessions_survive_lost_connections():
    async def work(url, first, second):
        waiting = asyncio.create_task(first.run(1, (3, 4), teledata()[0], 10))
        await asyncio.sleep(0.1)
        await first._line._socket.close()
        own = await second.run(1, (3, 4), teledata()[1], 10)
        return (await waiting).table()[:, 2], own.table()[:, 2]

    one, other = on_link(work, 3, 4)
    assert (one == other).all()


def test_clients_wait_for_a_link_that_comes_later():
    async def work():
        from qcrs.link.server import LinkServer
        from tests.linked import daemon_of

        server = LinkServer(link_file(), DOMAIN, daemon_of)
        async with server.serving() as url:
            port = int(url.rpartition(":")[2])
        client = LinkClient(url, account(3), DOMAIN, 3, patience=10)
        asking = asyncio.create_task(client.describe())
        await asyncio.sleep(0.3)
        async with server.serving(port=port):
            described = await asking
            await client.close()
        return described

    assert asyncio.run(work())["connections"] == 1


def test_sessions_of_one_processor_are_limited():
    from qcrs.link.errors import TooMany

    async def work(url, first):
        for session in range(4):
            with pytest.raises(WaitTimedOut if session < 3 else TooMany):
                await first.meet(session, 1, (3, 4), wait=0.01)

    on_link(work, 3, file=link_file(service=ServiceLimits(held=3)))
