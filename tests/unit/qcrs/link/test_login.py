"""Who may speak to a link: nobody but daemons, and each only for its own processor."""

import asyncio
import base64
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from qcrs.chain.link_login import LoginInvalid, login_signer, sign_login
from qcrs.link.client import LinkClient
from qcrs.link.errors import LinkUnreachable, LoginRefused, MemberNotAllowed
from qcrs.link.file import ServiceLimits
from tests.linked import DOMAIN, account, link_file, on_link

NONCE = b"\7" * 32


class Raw:
    """A client that says what it likes."""

    def __init__(self, socket):
        self.socket = socket

    async def hello(self):
        return json.loads(await self.socket.recv())["hello"]

    async def ask(self, **fields):
        await self.socket.send(json.dumps({"id": 1, **fields}))
        return json.loads(await self.socket.recv())

    async def login(self, processor, key=None, domain=DOMAIN, nonce=None):
        nonce = nonce or bytes.fromhex((await self.hello())["nonce"][2:])
        signature = sign_login(account(key or processor), domain, processor, nonce)
        return await self.present(processor, signature)

    async def present(self, processor, signature):
        return await self.ask(op="login", processor=processor, signature=base64.b64encode(signature).decode())


def raw(work, **more):
    """Run ``work(raw client, url)``."""

    async def run(url):
        async with connect(url) as socket:
            return await work(Raw(socket), url)

    return on_link(run, **more)


def refused(answer, name):
    assert answer["error"] == name, answer
    return answer["message"]


def test_signature_gives_its_signer_and_only_where_it_was_made_for():
    signature = sign_login(account(3), DOMAIN, 3, NONCE)
    assert login_signer(DOMAIN, 3, NONCE, signature) == account(3).address
    elsewhere = [
        (DOMAIN.model_copy(update={"chain_id": 1}), 3, NONCE),
        (DOMAIN.model_copy(update={"contract": "0x" + "c1" * 20}), 3, NONCE),
        (DOMAIN.model_copy(update={"link": 8}), 3, NONCE),
        (DOMAIN, 4, NONCE),
        (DOMAIN, 3, b"\10" * 32),
    ]
    assert account(3).address not in {login_signer(*where, signature) for where in elsewhere}


@pytest.mark.parametrize("signature", [b"", b"\1" * 64, b"\0" * 65, b"\xff" * 65])
def test_what_is_no_signature_is_refused(signature):
    with pytest.raises(LoginInvalid):
        login_signer(DOMAIN, 3, NONCE, signature)


def test_daemon_logs_in():
    answer = raw(lambda client, url: client.login(3))
    assert answer["ok"]["processor"] == 3
    assert answer["label"] == "link=emulated"


def test_wrong_key_is_refused():
    message = refused(raw(lambda client, url: client.login(3, key=4)), "LoginRefused")
    assert account(4).address in message
    assert account(3).address in message


def test_unknown_processor_is_refused():
    assert "there is none" in refused(raw(lambda client, url: client.login(100)), "LoginRefused")


def test_processor_that_the_link_does_not_serve_is_refused():
    answer = raw(lambda client, url: client.login(3), file=link_file(members=(1, 2)))
    assert "expected one of (1, 2)" in refused(answer, "MemberNotAllowed")


@pytest.mark.parametrize(
    "change", [{"chain_id": 1}, {"contract": "0x" + "c1" * 20}, {"link": 8}], ids=["chain", "contract", "link"]
)
def test_login_for_another_link_is_refused(change):
    refused(raw(lambda client, url: client.login(3, domain=DOMAIN.model_copy(update=change))), "LoginRefused")


def test_replayed_login_is_refused():
    async def work(client, url):
        nonce = bytes.fromhex((await client.hello())["nonce"][2:])
        signature = sign_login(account(3), DOMAIN, 3, nonce)
        assert "ok" in await client.present(3, signature)
        again = await client.present(3, signature)
        async with connect(url) as other:
            thief = Raw(other)
            await thief.hello()
            return again, await thief.present(3, signature)

    for answer in raw(work):
        refused(answer, "LoginRefused")


def test_nonce_is_spent_by_a_failed_login():
    async def work(client, url):
        nonce = bytes.fromhex((await client.hello())["nonce"][2:])
        await client.present(3, b"\1" * 65)
        return await client.login(3, nonce=nonce)

    refused(raw(work), "LoginRefused")


def test_nothing_is_done_before_a_login():
    async def work(client, url):
        await client.hello()
        return await client.ask(op="describe"), await client.ask(op="meet", session=1, number=1, members=[1, 2])

    for answer in raw(work):
        refused(answer, "NotLoggedIn")


def test_token_takes_the_place_of_a_signature():
    async def work(client, url):
        token = (await client.login(3))["ok"]["token"]
        async with connect(url) as socket:
            other = Raw(socket)
            await other.hello()
            return await other.ask(op="resume", token=token), await other.ask(op="describe")

    resumed, described = raw(work)
    assert resumed["ok"] == {"processor": 3}
    assert "ok" in described


def test_invented_token_is_refused():
    async def work(client, url):
        await client.hello()
        return await client.ask(op="resume", token="0" * 64)

    refused(raw(work), "LoginRefused")


def test_expired_token_is_refused_and_the_login_with_it():
    async def work(client, url):
        token = (await client.login(3))["ok"]["token"]
        await asyncio.sleep(0.25)
        return await client.ask(op="describe"), await client.ask(op="resume", token=token)

    for answer in raw(work, file=link_file(service=ServiceLimits(token_seconds=0.2))):
        refused(answer, "TokenExpired")


def test_client_logs_in_again_when_its_token_has_expired():
    async def work(url, client):
        await asyncio.sleep(0.25)
        return await client.describe()

    assert on_link(work, 3, file=link_file(service=ServiceLimits(token_seconds=0.2)))["connections"] == 1


def test_client_does_not_believe_what_a_link_says_it_is():
    async def work(url):
        async with LinkClient(url, account(3), DOMAIN.model_copy(update={"link": 8}), 3, patience=1):
            pass

    with pytest.raises(LoginRefused, match="expected"):
        on_link(work)


def test_client_tells_why_it_is_not_wanted():
    async def work(url):
        async with LinkClient(url, account(3), DOMAIN, 3, patience=1):
            pass

    with pytest.raises(MemberNotAllowed):
        on_link(work, file=link_file(members=(1, 2)))


def test_client_gives_up_where_nobody_answers():
    async def work():
        async with LinkClient("ws://127.0.0.1:9", account(3), DOMAIN, 3, patience=0.1):
            pass

    with pytest.raises(LinkUnreachable, match="is the link running"):
        asyncio.run(work())


def test_browsers_are_kept_out():
    async def work(url):
        async with connect(url, origin="http://evil.example") as socket:
            await socket.recv()

    with pytest.raises(InvalidStatus):
        on_link(work)


def test_connections_are_limited():
    async def work(url, client):
        async with connect(url) as socket:
            await socket.recv()

    with pytest.raises(ConnectionClosed, match="too many connections"):
        on_link(work, 3, file=link_file(service=ServiceLimits(connections=1)))


def test_who_does_not_log_in_is_sent_away(monkeypatch):
    monkeypatch.setattr("qcrs.link.entrance.STRANGER_SECONDS", 0.1)

    async def work(client, url):
        await client.hello()
        await client.socket.recv()

    with pytest.raises(ConnectionClosed):
        raw(work)
