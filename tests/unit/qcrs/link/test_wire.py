"""Frames: what is malformed gets a named error, and costs nobody else anything."""

import asyncio
import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from qcrs.link.errors import FrameInvalid, LinkRefused, TooMany
from qcrs.link.file import ServiceLimits
from qcrs.link.wire import REQUESTS, Measure, Post, RunProgram, decode, encode, request_of
from qcrs.quantum.entanglement.pairs import LocalNoise
from tests.entangled import ghz
from tests.linked import link_file, on_link
from tests.unit.qcrs.link.test_login import Raw

BROKEN = ["", "{", "[]", "null", '"text"', "{}", '{"id": -1}', '{"id": true}', '{"id": 1.5}', "[" * 4_000, b"\0\1"]


@pytest.mark.parametrize("frame", BROKEN, ids=range(len(BROKEN)))
def test_broken_frame_is_named_and_ends_its_own_connection_alone(frame):
    async def work(url, bystander):
        async with connect(url) as socket:
            await socket.recv()
            await socket.send(frame)
            answer = json.loads(await socket.recv())
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        return answer, await bystander.describe()

    answer, described = on_link(work, 3)
    assert (answer["id"], answer["error"]) == (None, "FrameInvalid")
    assert "descriptor" in described


def test_strangers_are_not_read_at_length():
    async def work(url):
        async with connect(url) as socket:
            await socket.recv()
            await socket.send(json.dumps({"id": 1, "op": "x" * 5000}))
            await socket.recv()

    with pytest.raises(ConnectionClosed, match="exceeds limit of 4096 bytes"):
        on_link(work)


WRONG = [
    ({}, "operation None"),
    ({"op": "dance"}, "expected one of login"),
    ({"op": ["login"]}, "operation"),
    ({"op": "describe", "more": 1}, "more"),
    ({"op": "prepare", "channel": 1, "attempt": 1, "peer": 0, "pairs": 1}, "peer"),
    ({"op": "prepare", "channel": 1, "attempt": 1, "peer": 2, "pairs": 2**30}, "pairs"),
    ({"op": "prepare", "channel": 1, "attempt": 1, "peer": 2, "pairs": 1, "wait": -1}, "wait"),
    ({"op": "measure", "channel": 1, "attempt": 1, "peer": 2, "positions": ["1"], "bases": []}, "positions"),
    ({"op": "measure", "channel": 1, "attempt": 1, "peer": 2, "positions": [2**256], "bases": []}, "positions"),
    ({"op": "measure", "channel": 1, "attempt": 1, "peer": 2, "positions": ["0x"], "bases": []}, "positions"),
    ({"op": "measure", "channel": 1, "attempt": 1, "peer": 2, "positions": ["0xzz"], "bases": []}, "positions"),
    ({"op": "post", "peer": 2, "topic": "", "data": ""}, "topic"),
    ({"op": "post", "peer": 2, "topic": "t", "data": "#"}, "base64"),
    ({"op": "post", "peer": 2, "topic": "t", "data": 5}, "base64"),
    ({"op": "meet", "session": 1, "number": 1, "members": [1]}, "members"),
    ({"op": "meet", "session": 1, "number": 1, "members": [1, 1]}, "each member once"),
    ({"op": "run", "session": 1, "members": [1, 2], "fragment": {"member": 99}, "shots": 1}, "fragment"),
    ({"op": "act", "session": 1, "members": [1, 2], "member": 0, "serial": 0, "instructions": []}, "serial"),
]


@pytest.mark.parametrize(("fields", "words"), WRONG, ids=range(len(WRONG)))
def test_wrong_request_is_named_and_the_connection_stays(fields, words):
    async def work(url):
        async with connect(url) as socket:
            client = Raw(socket)
            await client.login(3)
            return await client.ask(**fields), await client.ask(op="describe")

    answer, after = on_link(work)
    assert answer["error"] == "FrameInvalid"
    assert words in answer["message"]
    assert "ok" in after


def test_frame_that_is_too_large_ends_its_own_connection_alone():
    async def work(url, client, bystander):
        with pytest.raises(FrameInvalid, match="larger than it takes"):
            await client.post(4, "topic", b"\0" * (1 << 20))
        return await bystander.describe()

    assert "descriptor" in on_link(work, 3, 4, file=link_file(service=ServiceLimits(frame_mebibytes=1)))


def test_requests_that_wait_are_limited():
    async def work(url, client):
        waiting = [asyncio.create_task(client.fetch(4, f"topic {k}", wait=5)) for k in range(3)]
        await asyncio.sleep(0.1)
        try:
            await client.describe()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    with pytest.raises(TooMany, match="expected at most 3"):
        on_link(work, 3, file=link_file(service=ServiceLimits(requests=3)))


def test_a_fault_inside_tells_nothing_and_ends_nothing(monkeypatch, caplog):
    def fail(*_):
        raise ZeroDivisionError("the inside")

    async def work(url, client):
        with pytest.raises(LinkRefused, match="the link failed at this request"):
            await client.fetch(4, "topic", wait=0.1)
        return await client.describe()

    monkeypatch.setattr("qcrs.link.sessions.Letters.fetch", fail)
    assert on_link(work, 3)["connections"] == 1
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    "request_",
    [
        Measure(channel=1, attempt=2, peer=3, positions=(2**256 - 1, 0), bases=(5, 6), readout_ppm=7),
        Post(peer=3, topic="seed", data=bytes(range(256))),
        RunProgram(session=1, members=(3, 4), fragment=ghz(2)[1], shots=9, noise=LocalNoise(readout_ppm=4)),
    ],
)
def test_requests_survive_the_wire(request_):
    assert request_of(decode(encode(request_, 5))) == request_


anything = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)


@given(op=some.sampled_from(sorted(REQUESTS)), fields=some.dictionaries(some.text(), anything, max_size=4))
def test_no_fields_break_the_reader(op, fields):
    """Whatever comes is a request or a named error; no other exception gets out."""
    with suppress(FrameInvalid):
        assert type(request_of({**fields, "id": 1, "op": op})) is REQUESTS[op]
