"""Strangers at a link's door: everybody who has connected and not logged in, from the first packet on.

They cost a file handle each and nobody vouches for them, so there are few at a time, and each for a short time. When
one more comes, one of those goes who came from the same place as most of them: whoever fills the door by itself drives
out itself.
"""

import asyncio
from collections import Counter
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from websockets.asyncio.server import ServerConnection

STRANGERS = 64  # as many as may come in a burst when a link is started again; a log-in takes some milliseconds
STRANGER_SECONDS = 10.0  # to shake hands and to log in, or to take leave
STRANGER_BYTES = 4096  # of a frame: a log-in has some hundreds


class Entrance:
    """Counts strangers and sends away those that are too many, or stay too long."""

    def __init__(self) -> None:
        self._strangers: dict[ServerConnection, tuple[str, asyncio.TimerHandle]] = {}  # in the order of their coming

    def connection(self, *arguments: Any, **more: Any) -> ServerConnection:
        """Return what websockets makes of a connection, as ``serve(create_connection=...)`` wants it."""
        return _Connection(self, *arguments, **more)

    def come(self, connection: ServerConnection) -> None:
        """Take note of a stranger."""
        if len(self._strangers) >= STRANGERS:
            self._send_one_away()
        late = asyncio.get_running_loop().call_later(STRANGER_SECONDS, self._send_away, connection)
        self._strangers[connection] = _place(connection.transport.get_extra_info("peername")), late

    def go(self, connection: ServerConnection) -> None:
        """Forget a stranger, who has logged in or left."""
        _, late = self._strangers.pop(connection, ("", None))
        if late is not None:
            late.cancel()

    def _send_one_away(self) -> None:
        crowds = Counter(place for place, _ in self._strangers.values())
        crowd, _ = crowds.most_common(1)[0]
        self._send_away(next(one for one, (place, _) in self._strangers.items() if place == crowd))

    def _send_away(self, connection: ServerConnection) -> None:
        # Not with a word of leave, which would have to be waited for.
        self.go(connection)
        connection.transport.abort()


def _place(peer: Any) -> str:
    """Return where *peer* is, as asyncio tells it: its address, or the /64 of IPv6 that one subscriber has."""
    host = str(peer[0]).partition("%")[0] if peer else ""
    try:
        address = IPv6Address(host)
    except ValueError:
        return host
    return str(address.ipv4_mapped or IPv6Network((address, 64), strict=False))


class _Connection(ServerConnection):
    """A connection that the entrance knows of before a byte has come over it."""

    def __init__(self, entrance: Entrance, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._entrance = entrance

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._entrance.come(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._entrance.go(self)
        super().connection_lost(exc)
