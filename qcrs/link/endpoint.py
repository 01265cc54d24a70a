"""Where a link is reached: a document in the store, whose digest its operator put on the chain."""

import asyncio
import json

from qcrs.chain.gateway import Gateway
from qcrs.errors import QcrsError
from qcrs.store import Store

SCHEMES = ("ws://", "wss://")
MOST_CHARACTERS = 2000
MOST_BYTES = 16 * MOST_CHARACTERS  # of the document, in which twelve bytes may stand for a character


class LinkUnknown(QcrsError):
    """There is no such link on the chain, or nobody can tell where it is reached."""


def endpoint_document(url: str) -> bytes:
    """Return the document that says that a link is reached at *url*.

    Raises:
        LinkUnknown: It is not the address of a WebSocket.
    """
    if not url.startswith(SCHEMES) or len(url) > MOST_CHARACTERS:
        raise LinkUnknown(
            f"{url:.100} is not the address of a link, expected ws:// or wss://, {MOST_CHARACTERS} characters at most"
        )
    return json.dumps({"url": url}, separators=(",", ":")).encode()


async def endpoint_of(gateway: Gateway, store: Store, link: int) -> str:
    """Return where *link* is reached.

    Raises:
        LinkUnknown: It was never opened, or its document is none.
        ContentUnavailable, ContentMismatch: The store has not got it.
    """
    opened = await gateway.logs(gateway.network.deployed_at, names=["LinkOpened"])
    digest = next((event["endpointDigest"] for event in opened if event["link"] == link), None)
    if digest is None:
        raise LinkUnknown(f"there is no link {link}; see 'qcrs link list'")
    content = await asyncio.to_thread(store.get, digest)
    try:
        if len(content) > MOST_BYTES:
            raise LinkUnknown(f"{len(content)} bytes, expected at most {MOST_BYTES}")
        url = json.loads(content)["url"]
        if endpoint_document(url) != content:
            raise LinkUnknown("not the document that its operator makes")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, LinkUnknown) as error:
        raise LinkUnknown(f"link {link}: 0x{digest.hex()} in the store does not say where it is: {error}") from error
    return url
