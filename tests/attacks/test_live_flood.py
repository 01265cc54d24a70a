"""Members of a live session that send more than is of use, go away in between, or ask for what cannot be done."""

import asyncio
import json

import pytest

from qcrs.link import live_session
from qcrs.link.errors import FrameInvalid, LinkRefused, TooMany
from qcrs.quantum.entanglement.errors import Deadlock
from qcrs.quantum.entanglement.live import Joint
from qcrs.quantum.fragment import Instruction, Op
from tests.entangled import gate, measure, pair
from tests.linked import Contracts, chain_of, on_link

SEND = Instruction(op=Op.Send, bits=(0,), peer=1)


async def opened(clients, members, qubits=2, bits=3):
    return await asyncio.gather(*(client.open_live(1, members, qubits, bits) for client in clients))


def test_acts_that_wait_are_limited(monkeypatch):
    monkeypatch.setattr(live_session, "MOST_AHEAD", 6)

    async def work(url, *clients):
        first, second = await opened(clients, (3, 4))
        waiting = [asyncio.create_task(first.act(pair(0, 1))) for _ in range(3)]
        await asyncio.sleep(0.1)
        with pytest.raises(TooMany, match="8 acts, instructions and bits of member 0 that wait, expected at most 6"):
            await first.act(gate("x", 0))
        for _ in range(3):
            await second.act(pair(0, 0))
        await asyncio.gather(*waiting)
        await first.act(gate("x", 0))

    on_link(work, 3, 4)


@pytest.mark.parametrize("step", [measure(0, 0), SEND, gate("x", 0)], ids=["measurements", "letters", "gates"])
def test_a_shot_is_no_longer_than_a_fragment_and_the_next_may_be_as_long(monkeypatch, step):
    size = 2 + len(step.bits)
    monkeypatch.setattr(live_session, "MOST_OF_A_SHOT", 1 + 10 * size)

    async def work(url, *clients):
        first, second = await opened(clients, (3, 4))
        for _ in range(2):
            await asyncio.gather(*(member.act(restart=True) for member in (first, second)))
            for _ in range(10):
                await first.act(step)
            with pytest.raises(TooMany, match=f"{1 + 11 * size} acts, instructions and bits of member 0 in a shot"):
                await first.act(step)
            await second.act(gate("x", 0))

    on_link(work, 3, 4)


def test_the_last_to_open_a_session_goes_away_and_the_others_have_it_all_the_same():
    """While the link asks the chain; whoever asks again finds the session that there is."""
    contracts = Contracts()
    contracts.open(5, (3, 4))
    contracts.arm(1, (3, 4), {5: 100})
    call, asked, answered = contracts.call, asyncio.Event(), asyncio.Event()

    async def slow(contract, function, *arguments):
        if function == "sessionOf":
            asked.set()
            await answered.wait()
        return await call(contract, function, *arguments)

    contracts.call = slow

    async def work(url, first, second):
        waiting = asyncio.create_task(first.open_live(1, (3, 4), 2, 2))
        await asyncio.sleep(0.05)
        leaving = asyncio.create_task(second.open_live(1, (3, 4), 2, 2))
        await asked.wait()
        leaving.cancel()
        await second.close()
        await asyncio.sleep(0.05)
        answered.set()
        return (await asyncio.wait_for(waiting, 5)).member, (await second.open_live(1, (3, 4), 2, 2)).member

    assert on_link(work, 3, 4, chain=chain_of(contracts)) == (0, 1)


def test_what_takes_long_leaves_others_their_turn(monkeypatch):
    """One member's thousand measurements of many amplitudes; a bystander is answered in between."""
    done, apply = 0, Joint.apply

    def counted(joint, step):
        nonlocal done
        done += 1
        apply(joint, step)

    monkeypatch.setattr(live_session, "_SLICE_SECONDS", 0.0)
    monkeypatch.setattr(Joint, "apply", counted)

    async def work(url, bystander, *clients):
        members = await opened(clients, (3, 4))
        acting = asyncio.create_task(members[0].act(*[gate("h", 0), measure(0, 0)] * 400))
        found = []
        while not acting.done():
            await bystander.describe()
            found.append(done)
        assert len(await acting) == 3
        # What is asked for while the session is at work is done as well.
        assert await members[1].act(gate("x", 0), measure(0, 0)) == [1, 0, 0]
        return found

    assert len([count for count in on_link(work, 5, 3, 4) if 0 < count < 800]) > 3


@pytest.mark.parametrize("angle", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_angles_that_are_no_numbers_are_none(angle):
    async def work(url, *clients):
        first, second = await opened(clients, (3, 4))
        line = first._line
        frame = {
            "session": 1, "members": [3, 4], "member": 0, "serial": 1,
            "instructions": [{"op": "g", "name": "rz", "parameters": [json.loads(angle)], "qubits": [0]}],
        }  # fmt: skip
        await line._socket.send(json.dumps({"id": 999, "op": "act", **frame}))
        line._pending[999] = answer = asyncio.get_running_loop().create_future()
        told = await asyncio.wait_for(answer, 5)
        return told, await second.act(gate("x", 0), measure(0, 0))

    told, bits = on_link(work, 3, 4)
    assert told["error"] == FrameInvalid.__name__
    assert "finite number" in told["message"]
    assert bits == [1, 0, 0]


def test_a_fault_of_the_engine_is_heard_of_by_all_who_wait(monkeypatch, caplog):
    def fail(*_):
        raise ZeroDivisionError("the inside")

    async def work(url, *clients):
        first, second = await opened(clients, (3, 4))
        waiting = asyncio.create_task(second.act(pair(0, 0)))
        await asyncio.sleep(0.05)
        monkeypatch.setattr(Joint, "apply", fail)
        return await asyncio.gather(first.act(gate("x", 0)), waiting, return_exceptions=True)

    for error in on_link(work, 3, 4):
        assert type(error) is LinkRefused
        assert str(error) == "session 1: the link failed at it"
    assert "ZeroDivisionError" in caplog.text


def test_a_deadlock_is_found_behind_acts_that_wait():
    async def work(url, *clients):
        first, second = await opened(clients, (3, 4))
        acts = [first.act(pair(0, 1)), first.act(gate("x", 0)), second.act(Instruction(op=Op.Barrier))]
        return await asyncio.gather(*acts, return_exceptions=True)

    assert {type(error) for error in on_link(work, 3, 4)} == {Deadlock}
