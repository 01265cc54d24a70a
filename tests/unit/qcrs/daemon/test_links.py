"""Connections to links: one for each, and none that keeps others waiting or stays behind."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.daemon import links as module
from qcrs.daemon.links import Links
from qcrs.link.errors import LinkRefused

SILENT, STRANGE = 8, 9


class Client:
    """Connects at once; never to link 8; and link 9 says strange things."""

    made = ()

    def __init__(self, url, account, domain, processor, patience):
        self.link, self.closed = domain.link, False
        Client.made = (*Client.made, self)

    async def describe(self):
        await asyncio.sleep(0)
        if self.link == SILENT:
            await asyncio.Event().wait()
        if self.link == STRANGE:
            raise LinkRefused("an answer that is none")

    async def close(self):
        self.closed = True


@pytest.fixture
def links(monkeypatch):
    async def endpoint_of(gateway, store, link):
        return f"ws://{link}.test"

    monkeypatch.setattr(module, "LinkClient", Client)
    monkeypatch.setattr(module, "endpoint_of", endpoint_of)
    monkeypatch.setattr(Client, "made", ())
    gateway = SimpleNamespace(
        network=SimpleNamespace(chain_id=1), addresses={"EntanglementCoordinator": "0x" + "c0" * 20}
    )
    return Links(gateway, None, None, lambda: 3)


def test_there_is_one_connection_to_a_link(links):
    async def run():
        return await asyncio.gather(*(links.of(7) for _ in range(3)))

    assert set(asyncio.run(run())) == set(Client.made)
    assert len(Client.made) == 1


def test_a_link_that_says_nothing_keeps_nobody_from_another(links):
    async def run():
        waiting = asyncio.create_task(links.of(SILENT))
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            found = await links.of(7)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        return found

    assert asyncio.run(run()).link == 7
    assert [client.closed for client in Client.made if client.link == SILENT] == [True]


def test_a_link_that_is_none_is_left_and_tried_again(links):
    for _ in range(2):
        with pytest.raises(LinkRefused):
            asyncio.run(links.of(STRANGE))
    assert [client.closed for client in Client.made] == [True, True]
