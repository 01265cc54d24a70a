"""Links are anybody's: whatever one says, its client raises a named error, and waits for nothing without end."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import serve

from qcrs.errors import QcrsError
from qcrs.link import line, live_member, wire
from qcrs.link.client import LinkClient
from qcrs.link.errors import NAMED, FrameInvalid, LinkRefused, LinkUnreachable, MemberNotAllowed, PairsUnknown
from qcrs.link.file import ServiceLimits
from qcrs.quantum import fragment
from qcrs.quantum.entanglement.errors import HeraldFailed
from qcrs.quantum.entanglement.request import EngineLimits
from qcrs.quantum.fragment import Fragment
from tests.linked import DOMAIN, account, link_file, on_link

NONCE = "0x" + "07" * 32
HELLO = {**DOMAIN.model_dump(mode="json", by_alias=True), "nonce": NONCE, "label": "link=emulated"}
FRAGMENT = Fragment(member=0, qubits=1, bits=3, instructions=())
ONE_SHOT = {"engine": "stim", "shots": 1, "pairs": 0, "rawPairs": 0, "bits": "AA=="}
MADE = {"end": 0, "root": "0x" + "00" * 32, "pairs": 256, "seconds": 0.1, "tries": 1, "discarded": 0}
SEEN = {"bits": "AA==", "width": 3, "outputs": [[0, 0]]}


@asynccontextmanager
async def strange(says, hello=None):
    """A link that greets with *hello*, lets anybody log in, and answers what ``says(message)`` returns; with nothing
    for None."""
    sockets = []

    async def handle(socket):
        sockets.append(socket)
        await socket.send(json.dumps({"hello": HELLO}) if hello is None else hello)
        async for frame in socket:
            message = json.loads(frame)
            if message["op"] == "login":
                answer = {"id": message["id"], "ok": {"token": "t", "nonce": NONCE}}
            else:
                answer = says(message)
            if answer is not None:
                await socket.send(answer if isinstance(answer, str) else json.dumps(answer))

    async with serve(handle, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", sockets


def client_of(url, processor=3):
    return LinkClient(url, account(processor), DOMAIN, processor, patience=0.2)


def asked(ask, says, hello=None):
    """Return what ``ask(client)`` returns of a strange link, and whether that was left by everybody then."""

    async def run():
        async with asyncio.timeout(30), strange(says, hello) as (url, sockets):
            client = client_of(url)
            try:
                return await ask(client)
            finally:
                if client._line._socket is None:
                    await asyncio.gather(*(socket.wait_closed() for socket in sockets))
                await client.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    "url", ["ws://[", "ws://host:99999999", "ws://host:port/", "ws://" + "x" * 80 + "é.test", "ws://", "wss://127.0.0.1:9/\udcff"],
    ids=["bracket", "port", "no port", "label", "empty", "surrogate"],
)  # fmt: skip
def test_what_is_no_address_is_unreachable(url):
    with pytest.raises(LinkUnreachable):
        asyncio.run(client_of(url).describe())


@pytest.mark.parametrize(
    "hello",
    ["", "x", "[]", "{}", "[" * 20_000, '{"hello": 1}', '{"hello": {}}',
     *(json.dumps({"hello": {**HELLO, **amiss}}) for amiss in ({"nonce": "0x07"}, {"nonce": 7}, {"link": "seven"}))],
    ids=["empty", "text", "list", "nothing", "deep", "number", "no fields", "short nonce", "no nonce", "no domain"],
)  # fmt: skip
def test_a_hello_that_is_none_is_refused_and_the_connection_closed(hello):
    async def ask(client):
        try:
            await client.describe()
        finally:
            assert client._line._socket is None

    with pytest.raises(LinkRefused, match="a hello that is none"):
        asked(ask, lambda _: None, hello)


@pytest.mark.parametrize(
    "frame", ["x", "[]", "{}", "7", '{"id": []}', '{"id": 2}', '{"id": 2, "ok": 7}', "[" * 20_000],
    ids=["text", "list", "no id", "number", "odd id", "nothing", "odd answer", "deep"],
)  # fmt: skip
def test_a_frame_that_is_none_is_refused(frame):
    with pytest.raises(LinkRefused):
        asked(lambda client: client.describe(), lambda _: frame)


QUESTIONS = {
    "prepare": (lambda client: client.prepare(1, 1, 4, 256), MADE),
    "measure": (lambda client: client.measure(1, 1, 4, [1], [0]), {"outcomes": ["0x1"]}),
    "fetch": (lambda client: client.fetch(4, "topic"), {"data": "AA=="}),
    "run": (lambda client: client.run(1, (3, 4), FRAGMENT, 1), ONE_SHOT),
    "witness": (lambda client: client.witness(1, (3, 4), 1), {"shots": 1, "members": [SEEN] * 2}),
    "open": (lambda client: client.open_live(1, (3, 4), 1, 1), {"member": 0}),
}
AMISS = {
    "prepare": [{"root": 7}, {"root": "0xzz"}, {"pairs": "many"}, {"seconds": None}, {"tries": float("inf")}],
    "measure": [
        {"outcomes": None}, {"outcomes": []}, {"outcomes": ["0x1", "0x1"]}, {"outcomes": [1]}, {"outcomes": ["-0x1"]},
        {"outcomes": ["0x1" + "0" * 64]}, {"outcomes": ["z"]},
    ],
    "fetch": [{"data": None}, {"data": "A"}],
    "run": [{"bits": "AAA="}, {"bits": ""}, {"bits": 7}, {"pairs": []}, {"rawPairs": "many"}],
    "witness": [
        {"members": []}, {"members": [SEEN]}, {"members": [SEEN] * 3}, {"members": [7, 7]},
        {"members": [{**SEEN, "bits": "AAA="}] * 2}, {"members": [{**SEEN, "width": -3}] * 2},
        {"members": [{**SEEN, "width": 2**70}] * 2}, {"members": [{**SEEN, "outputs": [[3, 0]]}] * 2},
        {"members": [{**SEEN, "outputs": [[-1, 0]]}] * 2}, {"members": [{**SEEN, "outputs": [[0]]}] * 2},
    ],
    "open": [{"member": None}, {"member": "first"}],
}  # fmt: skip


@pytest.mark.parametrize("op", QUESTIONS)
def test_an_answer_as_it_is_to_be_is_taken(op):
    ask, good = QUESTIONS[op]
    asked(ask, lambda message: {"id": message["id"], "ok": good})


@pytest.mark.parametrize(("op", "change"), [(op, change) for op, changes in AMISS.items() for change in changes])
def test_an_answer_that_is_none_is_refused(op, change):
    ask, good = QUESTIONS[op]
    with pytest.raises(LinkRefused, match="that is none"):
        asked(ask, lambda message: {"id": message["id"], "ok": {**good, **change}})


@pytest.mark.parametrize("missing", ["root", "end", "seconds"])
def test_an_answer_that_lacks_something_is_refused(missing):
    less = {name: value for name, value in MADE.items() if name != missing}
    with pytest.raises(LinkRefused, match=f"KeyError.*{missing}"):
        asked(QUESTIONS["prepare"][0], lambda message: {"id": message["id"], "ok": less})


@pytest.mark.parametrize("name", [*NAMED, None, 7, "Exception", "QcrsError"])
def test_whatever_error_a_link_names_its_client_raises_one_of_ours(name):
    message = {"error": name, "message": "x" * 5_000}
    with pytest.raises(QcrsError) as caught:
        asked(lambda client: client.describe(), lambda asked_for: {"id": asked_for["id"], **message})
    assert type(caught.value) is NAMED.get(str(name), LinkRefused)
    assert len(str(caught.value)) == 1_000


def test_an_error_without_words_is_one_all_the_same():
    with pytest.raises(PairsUnknown):
        asked(lambda client: client.describe(), lambda asked_for: {"id": asked_for["id"], "error": "PairsUnknown"})


def test_a_link_that_never_answers_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(line, "ANSWER_SECONDS", 0.3)
    with pytest.raises(LinkUnreachable, match="TimeoutError"):
        asked(lambda client: client.describe(), lambda _: None)


def test_who_is_not_wanted_leaves_no_connection_behind():
    async def work(url):
        client = client_of(url)
        with pytest.raises(MemberNotAllowed):
            await client.describe()
        return client._line._socket

    assert on_link(work, file=link_file(members=(1, 2))) is None


def test_of_many_whose_login_has_expired_one_logs_in_again_for_all():
    async def work(url, client):
        await asyncio.sleep(0.25)
        return await asyncio.gather(*(client.describe() for _ in range(8)))

    answers = on_link(work, 3, file=link_file(service=ServiceLimits(token_seconds=0.2)))
    assert [answer["connections"] for answer in answers] == [1] * 8


def test_a_link_that_answers_with_more_values_than_any_has_use_for_is_refused(monkeypatch):
    monkeypatch.setattr(fragment, "MAX_VALUES", 1_000)
    with pytest.raises(FrameInvalid, match="values, expected at most 1000"):
        asked(lambda client: client.describe(), lambda message: {"id": message["id"], "ok": {"more": [[]] * 600}})


def test_a_letter_that_is_larger_than_one_may_be_is_refused():
    letter = base64.b64encode(bytes(wire.MAX_LETTER_BYTES + 1)).decode()
    with pytest.raises(LinkRefused, match="a letter that is none"):
        asked(lambda client: client.fetch(4, "topic"), lambda message: {"id": message["id"], "ok": {"data": letter}})


def test_what_links_say_waits_for_whom_it_is_for_and_not_all_of_it_in_memory():
    """A link that says more than is heard is not read any further."""

    async def run():
        async with asyncio.timeout(30), strange(lambda message: {"id": message["id"], "ok": {}}) as (url, sockets):
            client = client_of(url)
            await client.describe()
            socket = client._line._socket
            client._line._reader.cancel()
            sending = asyncio.gather(*(sockets[0].send("x" * (1 << 20)) for _ in range(200)))
            await asyncio.sleep(1)
            held = len(socket.recv_messages.frames)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            socket.transport.abort()
            await client.close()
            return held

    assert asyncio.run(run()) < 100


def test_the_largest_answer_that_a_link_may_give_is_one_that_clients_take():
    limits = EngineLimits.model_fields["answer_mebibytes"].metadata
    most = next(limit.le for limit in limits if hasattr(limit, "le"))
    assert (most << 20) * 4 / 3 < line._MOST_BYTES


def test_a_link_that_lets_no_shot_count_is_given_up(monkeypatch):
    monkeypatch.setattr(live_member, "MOST_TRIES", 5)
    acts = []

    def says(message):
        if message["op"] == "open":
            return {"id": message["id"], "ok": {"member": 0}}
        acts.append(message)
        return {"id": message["id"], "error": "HeraldFailed", "message": "begin anew"}

    async def ask(client):
        return await (await client.open_live(1, (3, 4), 1, 3)).shot(FRAGMENT)

    with pytest.raises(HeraldFailed, match="5 shots were begun, and none counts"):
        asked(ask, says)
    assert len(acts) == 5


def test_a_connection_over_which_nothing_is_asked_is_closed_and_opened_again(monkeypatch):
    monkeypatch.setattr(line, "IDLE_SECONDS", 0.1)

    async def work(url, idle, busy):
        waiting = asyncio.create_task(busy.fetch(3, "topic", wait=5))
        await asyncio.sleep(0.4)
        closed = idle._line._socket is None
        await idle.post(4, "topic", b"late")
        return closed, busy._line._socket is None, await waiting

    assert on_link(work, 3, 4) == (True, False, b"late")
