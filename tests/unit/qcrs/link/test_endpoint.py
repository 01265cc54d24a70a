"""Where a link is reached: told by a document that its digest binds."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.link.endpoint import MOST_BYTES, MOST_CHARACTERS, LinkUnknown, endpoint_document, endpoint_of
from qcrs.store import Store

URL = "ws://127.0.0.1:9000"


class StubGateway:
    """A chain on which links were opened."""

    network = SimpleNamespace(deployed_at=3)

    def __init__(self, **digests):
        self.events = [{"link": int(name[1:]), "endpointDigest": digest} for name, digest in digests.items()]

    async def logs(self, first, names):
        assert (first, names) == (3, ["LinkOpened"])
        return self.events


def found(tmp_path, content, link=2):
    store = Store(str(tmp_path))
    return asyncio.run(endpoint_of(StubGateway(_1=bytes(32), _2=store.put(content)), store, link))


def test_it_is_where_its_operator_said(tmp_path):
    assert found(tmp_path, endpoint_document(URL)) == URL


def test_a_link_that_was_never_opened_is_unknown(tmp_path):
    with pytest.raises(LinkUnknown, match="qcrs link list"):
        found(tmp_path, endpoint_document(URL), link=3)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"url": 1}', b'{"url":"http://x"}', b'{"url": "ws://127.0.0.1:9000"}',
     b"[" * 20_000, b'{"url":"ws://' + b"x" * 2_000 + b'"}'],
    ids=["empty", "list", "number", "scheme", "spaced", "deep", "long"],
)  # fmt: skip
def test_another_document_is_none(tmp_path, content):
    with pytest.raises(LinkUnknown, match="link 2"):
        found(tmp_path, content)


def test_only_a_websocket_can_be_one():
    with pytest.raises(LinkUnknown, match="ws://"):
        endpoint_document("http://127.0.0.1")


def test_a_large_document_is_not_spelt_out(tmp_path, monkeypatch):
    monkeypatch.setattr("qcrs.link.endpoint.json.loads", lambda _: pytest.fail("it was"))
    with pytest.raises(LinkUnknown, match="bytes, expected at most"):
        found(tmp_path, b'{"url":[' + b"[]," * 1_000_000 + b"[]]}")


def test_the_longest_address_there_is_fits():
    assert len(endpoint_document("ws://" + "\U0001f600" * (MOST_CHARACTERS - 5))) <= MOST_BYTES
