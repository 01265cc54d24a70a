"""The service: connections, logins, and who may ask for what."""

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from qcrs.chain.link_login import NONCE_BYTES, LinkDomain
from qcrs.errors import QcrsError
from qcrs.link.allowance import Allowances
from qcrs.link.channels import ChannelChain, Channels
from qcrs.link.entrance import STRANGER_BYTES, Entrance
from qcrs.link.errors import FrameInvalid, LoginRefused, NotLoggedIn, TokenExpired, TooMany
from qcrs.link.file import LinkFile
from qcrs.link.live import LiveSessions
from qcrs.link.logins import DaemonOf, Logins
from qcrs.link.sessions import Barriers, Letters, Runner, Runs
from qcrs.link.talked import Talked
from qcrs.link.wire import MOST_TOLD, Login, Resume, decode, reply, request_of
from qcrs.model.records import Record
from qcrs.quantum.entanglement.request import run_program

CONNECTIONS = 8  # of one processor: its daemon needs one, and lost ones are noticed late
_FRAMES_AHEAD = 1  # of a connection, that are read before what they ask for is begun: each may be large
_log = logging.getLogger(__name__)
_sockets_log = logging.getLogger(f"{__name__}.sockets")
# What strangers get wrong is theirs, and would be told at length each time.
_sockets_log.addFilter(lambda record: record.msg != "opening handshake failed")


@dataclass(eq=False)
class _Connection:
    """One client's connection. *nonce* is spent by the first attempt to log in with it; None then."""

    socket: ServerConnection
    nonce: bytes | None
    processor: int | None = None
    expires_at: float = 0.0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)


class LinkServer:
    """A link.

    Args:
        domain: What logins are signed for.
        daemon_of: Gives the address of a processor's daemon account; None when there is no such processor.
        chain: See ``Channels``.
        workers: How many programs run at once.
        talked: What keys and reports have used; in memory by default.
    """

    def __init__(
        self,
        link: LinkFile,
        domain: LinkDomain,
        daemon_of: DaemonOf,
        chain: ChannelChain | None = None,
        runner: Runner = run_program,
        workers: int = 1,
        talked: Talked | None = None,
    ) -> None:
        self.link, self.domain = link, domain
        self._entrance = Entrance()
        self._logins = Logins(domain, link.members, link.service.token_seconds, daemon_of)
        talked = talked or Talked()
        allowances = Allowances(link, chain, talked)
        self._channels, self._live = Channels(link, talked, chain), LiveSessions(link, allowances)
        self._runs = Runs(link, allowances, runner, workers, chain)
        self._barriers, self._letters = Barriers(link), Letters(link)
        self._connections: dict[_Connection, None] = {}  # in the order of their coming
        channels, live, runs, barriers, letters = self._channels, self._live, self._runs, self._barriers, self._letters
        # Each answers at once, or gives what is to be awaited.
        self._handlers: dict[str, Callable[..., dict[str, Any] | Awaitable[dict[str, Any]]]] = {
            "describe": self._describe, "prepare": channels.prepare, "measure": channels.measure, "post": letters.post,
            "usage": channels.usage, "fetch": letters.fetch, "meet": barriers.meet, "run": runs.submit,
            "witness": runs.witness, "open": live.open, "act": live.act,
        }  # fmt: skip

    @asynccontextmanager
    async def serving(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve, and enter with the address."""
        async with serve(
            self._handle, host, port, max_size=STRANGER_BYTES, max_queue=_FRAMES_AHEAD, origins=[None],
            compression=None, logger=_sockets_log, create_connection=self._entrance.connection,
        ) as server:  # fmt: skip
            yield _url(server)

    async def _handle(self, socket: ServerConnection) -> None:
        if len(self._connections) >= self.link.service.connections:
            await socket.close(1013, "too many connections")
            return
        nonce = secrets.token_bytes(NONCE_BYTES)
        connection = _Connection(socket, nonce)
        self._connections[connection] = None
        try:
            await socket.send(json.dumps(self._hello(nonce)))
            async for frame in socket:
                await self._receive(connection, frame)
                await asyncio.sleep(0)  # one frame of each in turn, however many one sends
        except ConnectionClosed:
            pass
        except FrameInvalid as error:
            # What is not a message has no number to answer it by: the connection ends, and only this one.
            with contextlib.suppress(ConnectionClosed):
                await socket.send(json.dumps({"id": None, **_named(error)}))
                await socket.close(1007, "FrameInvalid")
        finally:
            self._connections.pop(connection, None)
            for task in connection.tasks:
                task.cancel()

    async def _receive(self, connection: _Connection, frame: str | bytes) -> None:
        message = decode(frame)
        number, op = message["id"], message.get("op")
        try:
            if len(connection.tasks) >= self.link.service.requests:
                raise TooMany(f"requests that wait on one connection: expected at most {self.link.service.requests}")
            begun = self._begin(connection, message)
        except Exception as error:
            await self._send(connection, number, _refusal(error, op))
            return
        if isinstance(begun, dict):
            await self._send(connection, number, self._answer(begun))
            return
        # What has to wait gets a task of its own; all begin in the order of their arrival.
        task = asyncio.create_task(self._finish(connection, number, op, begun))
        connection.tasks.add(task)
        task.add_done_callback(connection.tasks.discard)

    def _begin(self, connection: _Connection, message: dict[str, Any]) -> dict[str, Any] | Awaitable[dict[str, Any]]:
        request = request_of(message)
        if isinstance(request, Login):
            return self._login(connection, request)
        if isinstance(request, Resume):
            return self._resume(connection, request)
        processor, most = self._caller(connection), self.link.service.wait_seconds
        return self._handlers[message["op"]](processor, request, min(getattr(request, "wait", None) or most, most))

    async def _finish(self, connection: _Connection, number: int, op: Any, begun: Awaitable[dict[str, Any]]) -> None:
        try:
            answer = self._answer(await begun)
        except Exception as error:
            answer = _refusal(error, op)
        await self._send(connection, number, answer)

    def _answer(self, told: dict[str, Any]) -> dict[str, Any]:
        return {"ok": told, "label": self.link.label}

    def _caller(self, connection: _Connection) -> int:
        if connection.processor is None:
            raise NotLoggedIn("log in first: sign the nonce of the hello")
        if connection.expires_at <= time.monotonic():
            raise TokenExpired(f"the login of processor {connection.processor} has expired: log in again")
        return connection.processor

    async def _login(self, connection: _Connection, request: Login) -> dict[str, Any]:
        nonce, connection.nonce = connection.nonce, None
        if nonce is None:
            raise LoginRefused("the nonce of this connection is spent: connect again")
        token, until = await self._logins.sign_in(request, nonce)
        self._admit(connection, request.processor, until)
        connection.nonce = secrets.token_bytes(NONCE_BYTES)  # to log in again with
        again = {"nonce": "0x" + connection.nonce.hex()}
        return {"processor": request.processor, "token": token, "seconds": self.link.service.token_seconds, **again}

    def _resume(self, connection: _Connection, request: Resume) -> dict[str, Any]:
        processor, until = self._logins.resume(request.token)
        self._admit(connection, processor, until)
        return {"processor": processor}

    def _admit(self, connection: _Connection, processor: int, until: float) -> None:
        """Let *processor* speak over *connection*; its oldest goes when there are too many of it."""
        connection.processor, connection.expires_at = processor, until
        self._entrance.go(connection.socket)
        connection.socket.protocol.max_size = self.link.service.frame_mebibytes << 20
        own = [one for one in self._connections if one.processor == processor]
        for one in own[:-CONNECTIONS]:
            self._connections.pop(one)
            one.socket.transport.abort()

    def _hello(self, nonce: bytes) -> dict[str, Any]:
        domain = self.domain.model_dump(mode="json", by_alias=True)
        return {"hello": {**domain, "nonce": "0x" + nonce.hex(), "label": self.link.label}}

    def _describe(self, _processor: int, _request: Record, _wait: float) -> dict[str, Any]:
        link, channels = self.link, self._channels
        return {
            "descriptor": link.descriptor().decode(),
            "digest": "0x" + link.digest.hex(),
            "connections": len(self._connections),
            "pairs": channels.pairs,
            "tries": channels.tries,
            "discarded": channels.discarded,
        }

    async def _send(self, connection: _Connection, number: int, answer: dict[str, Any]) -> None:
        # One at a time: of what a client asks for and does not read, one answer is spelt out and the others are not.
        async with connection.sending:
            with contextlib.suppress(ConnectionClosed):
                await connection.socket.send(reply(number, answer))


def _refusal(error: Exception, op: Any) -> dict[str, str]:
    if isinstance(error, QcrsError):
        return _named(error)
    # A fault of this program must not end the service, nor tell strangers of its inside.
    _log.error("request %.64r failed", op, exc_info=error)
    return {"error": "LinkRefused", "message": "the link failed at this request"}


def _named(error: QcrsError) -> dict[str, str]:
    return {"error": type(error).__name__, "message": str(error)[:MOST_TOLD]}


def _url(server: Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"
