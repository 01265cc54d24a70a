"""Strangers and members that come in numbers: a link stays open to those whom it serves, and asks and keeps little."""

import asyncio
import json
import time
from collections import Counter

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from qcrs.chain.link_login import sign_login
from qcrs.link import chain, entrance, logins, server, wire
from qcrs.link.client import LinkClient
from qcrs.link.entrance import Entrance
from qcrs.link.errors import LoginRefused, SessionUnready, TokenExpired
from qcrs.link.file import ServiceLimits
from qcrs.link.logins import Logins
from qcrs.link.wire import Login
from qcrs.quantum import fragment
from tests.linked import DOMAIN, Contracts, account, chain_of, daemon_of, link_file, on_link
from tests.unit.qcrs.link.test_login import Raw

NONCE = b"\7" * 32


async def knock(url):
    """Connect, and say nothing."""
    host, port = url.removeprefix("ws://").split(":")
    return await asyncio.open_connection(host, int(port))


async def gone(reader):
    """Return whether the link has hung up."""
    try:
        return await asyncio.wait_for(reader.read(), 0.2) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


def test_strangers_that_say_nothing_do_not_keep_the_door_shut(monkeypatch):
    monkeypatch.setattr(entrance, "STRANGERS", 4)

    async def work(url):
        silent = [await knock(url) for _ in range(10)]
        async with LinkClient(url, account(3), DOMAIN, 3, patience=5) as client:
            connections = (await client.describe())["connections"]
            left = [await gone(reader) for reader, _ in silent]
        for _, writer in silent:
            writer.close()
        return connections, left

    connections, left = on_link(work)
    assert connections == 1
    assert left == [True] * 7 + [False] * 3


def test_who_takes_long_over_shaking_hands_is_sent_away_without_a_word_in_the_log(monkeypatch, caplog):
    monkeypatch.setattr(entrance, "STRANGER_SECONDS", 0.1)

    async def work(url, client):
        reader, writer = await knock(url)
        writer.write(b"GET / HTTP/1.1\r\n")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        _, writer = await knock(url)
        writer.write(b"rubbish\r\n\r\n")
        writer.close()
        await asyncio.sleep(0.1)
        return client._line._socket.state.name, await client.describe()

    state, described = on_link(work, 3)
    assert (state, described["connections"]) == ("OPEN", 1)
    assert "handshake" not in caplog.text


@pytest.mark.parametrize(
    ("honest", "crowd"),
    [
        (("10.0.0.1", "10.0.0.2"), lambda number: "10.0.0.3"),
        (("2001:db8::1", "::ffff:10.0.0.2"), lambda number: f"2001:db8:0:1::{number:x}"),
        (("", "fe80::1%eth0"), lambda number: "::ffff:10.0.0.3"),
    ],
    ids=["IPv4", "one subscriber's IPv6", "mapped"],
)
def test_who_fills_the_door_drives_out_itself(monkeypatch, honest, crowd):
    monkeypatch.setattr(entrance, "STRANGERS", 5)

    class Stranger:
        """One of whom is known where it came from, and whether it was sent away."""

        def __init__(self, address):
            self.address, self.transport, self.aborted = address, self, False

        def get_extra_info(self, _):
            return self.address, 1

        def abort(self):
            self.aborted = True

    async def run():
        door, those = Entrance(), [Stranger(address) for address in honest]
        many = [Stranger(crowd(number)) for number in range(50)]
        for one in (those[0], *many[:25], those[1], *many[25:]):
            door.come(one)
        return [one.aborted for one in those], Counter(one.aborted for one in many)

    assert asyncio.run(run()) == ([False, False], {True: 47, False: 3})


def test_a_stranger_has_one_try_and_the_chain_is_asked_once(monkeypatch):
    asked = []

    async def counted(processor):
        asked.append(processor)
        return await daemon_of(processor)

    async def work(url):
        async with connect(url) as socket:
            client = Raw(socket)
            nonce = bytes.fromhex((await client.hello())["nonce"][2:])
            answers = [
                await client.present(3, sign_login(account(4), DOMAIN, 3, one)) for one in (nonce, nonce, b"\1" * 32)
            ]
        return [answer["error"] for answer in answers]

    monkeypatch.setattr("tests.linked.daemon_of", counted)
    assert on_link(work) == ["LoginRefused"] * 3
    assert asked == [3]


def signed(processor, by=None):
    return Login(processor=processor, signature=sign_login(account(by or processor), DOMAIN, processor, NONCE))


def test_forged_logins_have_the_chain_asked_so_often_and_members_wait_for_their_turn(monkeypatch):
    monkeypatch.setattr(logins, "READS_A_SECOND", 50.0)
    monkeypatch.setattr(logins, "READS_AT_ONCE", 2)
    asked = []

    async def counted(processor):
        asked.append(time.monotonic())
        return await daemon_of(processor)

    async def run():
        those = Logins(DOMAIN, (), 60.0, counted)
        forged = [those.sign_in(signed(3, by=4), NONCE) for _ in range(8)]
        *refused, found = await asyncio.gather(*forged, those.sign_in(signed(5), NONCE), return_exceptions=True)
        return refused, those.resume(found[0])

    refused, (processor, _) = asyncio.run(run())
    assert [type(error) for error in refused] == [LoginRefused] * 8
    assert processor == 5
    assert len(asked) == 9
    assert asked[-1] - asked[0] >= (9 - 3) / 50  # two at once, and each other a fiftieth of a second later


def test_members_that_make_up_sessions_have_the_chain_asked_so_often(monkeypatch):
    monkeypatch.setattr(chain, "READS_A_SECOND", 50.0)
    monkeypatch.setattr(chain, "READS_AT_ONCE", 1)
    contracts, asked = Contracts(), []
    call = contracts.call

    async def counted(*arguments):
        asked.append(time.monotonic())
        return await call(*arguments)

    contracts.call = counted

    async def work(url, *clients):
        opening = [one.open_live(number, (3, 4), 1, 1) for number in range(6) for one in clients]
        return await asyncio.gather(*opening, return_exceptions=True)

    answers = on_link(work, 3, 4, chain=chain_of(contracts))
    assert {type(error) for error in answers} == {SessionUnready}
    assert len(asked) == 6
    assert asked[-1] - asked[0] >= (6 - 2) / 50


def test_tokens_of_one_processor_are_few_and_the_oldest_go():
    async def run():
        those = Logins(DOMAIN, (), 60.0, daemon_of)
        other, _ = await those.sign_in(signed(5), NONCE)
        tokens = [(await those.sign_in(signed(3), NONCE))[0] for _ in range(20)]
        kept = []
        for token in (other, *tokens):
            try:
                kept.append(those.resume(token)[0])
            except LoginRefused:
                kept.append(None)
        return kept, len(those._tokens)

    kept, count = asyncio.run(run())
    assert kept == [5] + [None] * 12 + [3] * 8
    assert count == 9


def test_tokens_that_have_expired_are_not_kept():
    async def run():
        those = Logins(DOMAIN, (), 0.05, daemon_of)
        for processor in range(3, 13):
            token, _ = await those.sign_in(signed(processor), NONCE)
        await asyncio.sleep(0.06)
        with pytest.raises(TokenExpired):
            those.resume(token)
        await those.sign_in(signed(3), NONCE)
        return len(those._tokens)

    assert asyncio.run(run()) == 1


def test_a_member_that_connects_again_and_again_takes_the_place_of_none_but_itself(monkeypatch):
    monkeypatch.setattr(server, "CONNECTIONS", 2)

    async def work(url, bystander):
        sockets = []
        for _ in range(5):
            sockets.append(await connect(url))
            assert "ok" in await Raw(sockets[-1]).login(3)
        for socket in sockets[:3]:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
        assert "ok" in await Raw(sockets[-1]).ask(op="describe")
        described = await bystander.describe()
        for socket in sockets:
            await socket.close()
        return described["connections"]

    assert on_link(work, 4, file=link_file(service=ServiceLimits(connections=4))) == 3


def test_a_large_frame_of_a_stranger_is_refused_before_it_is_read():
    """Its first bytes say how large it will be; the rest never comes."""

    async def work(url):
        async with connect(url) as socket:
            await socket.recv()
            socket.transport.write(b"\x81\xff" + (1 << 24).to_bytes(8, "big") + b"\0\0\0\0" + b"{")
            await asyncio.wait_for(socket.recv(), 5)

    with pytest.raises(ConnectionClosed, match="exceeds limit of 4096 bytes"):
        on_link(work)


def test_a_frame_of_many_small_values_is_not_spelt_out(monkeypatch):
    monkeypatch.setattr(fragment, "MAX_VALUES", 1_000)

    async def work(url, bystander):
        async with connect(url) as socket:
            client = Raw(socket)
            await client.login(3)
            await socket.send(json.dumps({"id": 1, "op": "describe", "more": [[]] * 600}))
            return json.loads(await socket.recv()), await bystander.describe()

    answer, described = on_link(work, 4)
    assert answer["message"].startswith("a text of ")
    assert "expected at most 1000" in answer["message"]
    assert "descriptor" in described


def test_answers_that_are_not_read_are_not_spelt_out(monkeypatch):
    """One is on its way; the others would each be as large."""
    spelt, reply = [], wire.reply
    monkeypatch.setattr(server, "reply", lambda number, answer: spelt.append(number) or reply(number, answer))

    async def work(url, first, second):
        await first.post(4, "topic", bytes(1 << 20))
        socket = second._line._socket
        socket.transport.pause_reading()
        spelt.clear()
        for number in range(1_000, 1_040):
            await socket.send(json.dumps({"id": number, "op": "fetch", "peer": 3, "topic": "topic"}))
        await first.describe()
        await asyncio.sleep(0.3)
        found = [number for number in spelt if number >= 1_000]
        socket.transport.resume_reading()
        assert await second.fetch(3, "topic") == bytes(1 << 20)
        return found, [number for number in spelt if number >= 1_000]

    # A few go into what the two processes' sockets hold.
    found, all_of_them = on_link(work, 3, 4)
    assert len(found) < 20
    assert all_of_them == list(range(1_000, 1_040))
