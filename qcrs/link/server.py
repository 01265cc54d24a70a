"""The service: connections, logins, and who may ask for what."""

import asyncio
import contextlib
import hashlib
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

from qcrs.chain.link_login import NONCE_BYTES, LinkDomain, LoginInvalid, login_signer
from qcrs.errors import QcrsError
from qcrs.link.allowance import Allowances, Talked
from qcrs.link.channels import ChannelChain, Channels
from qcrs.link.errors import FrameInvalid, LoginRefused, MemberNotAllowed, NotLoggedIn, TokenExpired, TooMany
from qcrs.link.file import LinkFile
from qcrs.link.live import LiveSessions
from qcrs.link.sessions import Barriers, Letters, Runner, Runs
from qcrs.link.wire import Login, Resume, decode, request_of
from qcrs.model.records import Record
from qcrs.quantum.entanglement.request import run_program

DaemonOf = Callable[[int], Awaitable[str | None]]
_LOGIN_SECONDS = 10.0  # a connection that nobody logs in on is closed
_STRANGER_BYTES = 4096  # the largest frame that is read before a login
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Connection:
    """One client's connection. *nonce* is spent by the first attempt to log in with it."""

    socket: ServerConnection
    nonce: bytes
    processor: int | None = None
    expires_at: float = 0.0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class LinkServer:
    """A link.

    Args:
        domain: What logins are signed for.
        daemon_of: Gives the address of a processor's daemon account; None when there is no such processor.
        chain: See ``Channels``.
        workers: How many programs run at once.
    """

    def __init__(
        self,
        link: LinkFile,
        domain: LinkDomain,
        daemon_of: DaemonOf,
        chain: ChannelChain | None = None,
        runner: Runner = run_program,
        workers: int = 1,
    ) -> None:
        self.link, self.domain = link, domain
        self._daemon_of = daemon_of
        talked = Talked()
        allowances = Allowances(link, chain, talked)
        self._channels, self._live = Channels(link, talked, chain), LiveSessions(link, allowances)
        self._runs = Runs(link, allowances, runner, workers, chain)
        self._barriers, self._letters = Barriers(link), Letters(link)
        self._tokens: dict[bytes, tuple[int, float]] = {}
        self._connections: set[_Connection] = set()
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
        limits = self.link.service
        async with serve(
            self._handle, host, port, max_size=limits.frame_mebibytes << 20, origins=[None], compression=None
        ) as server:
            yield _url(server)

    async def _handle(self, socket: ServerConnection) -> None:
        if len(self._connections) >= self.link.service.connections:
            await socket.close(1013, "too many connections")
            return
        connection = _Connection(socket, secrets.token_bytes(NONCE_BYTES))
        self._connections.add(connection)
        loop = asyncio.get_running_loop()
        late = loop.call_later(_LOGIN_SECONDS, lambda: connection.processor or loop.create_task(socket.close()))
        try:
            await socket.send(json.dumps(self._hello(connection)))
            async for frame in socket:
                await self._receive(connection, frame)
        except ConnectionClosed:
            pass
        except FrameInvalid as error:
            # What is not a message has no number to answer it by: the connection ends, and only this one.
            with contextlib.suppress(ConnectionClosed):
                await socket.send(json.dumps({"id": None, **_named(error)}))
                await socket.close(1007, "FrameInvalid")
        finally:
            late.cancel()
            self._connections.discard(connection)
            for task in connection.tasks:
                task.cancel()

    async def _receive(self, connection: _Connection, frame: str | bytes) -> None:
        if connection.processor is None and len(frame) > _STRANGER_BYTES:
            raise FrameInvalid(f"a frame of {len(frame)} characters before a login, expected at most {_STRANGER_BYTES}")
        message = decode(frame)
        try:
            if len(connection.tasks) >= self.link.service.requests:
                raise TooMany(f"requests that wait on one connection: expected at most {self.link.service.requests}")
            begun = self._begin(connection, message)
        except Exception as error:
            await self._send(connection, message, _refusal(error, message))
            return
        if isinstance(begun, dict):
            await self._send(connection, message, {"ok": begun, "label": self.link.label})
            return
        # What has to wait gets a task of its own; all begin in the order of their arrival.
        task = asyncio.create_task(self._finish(connection, message, begun))
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

    async def _finish(self, connection: _Connection, message: dict[str, Any], begun: Awaitable[dict[str, Any]]) -> None:
        try:
            answer = {"ok": await begun, "label": self.link.label}
        except Exception as error:
            answer = _refusal(error, message)
        await self._send(connection, message, answer)

    def _caller(self, connection: _Connection) -> int:
        if connection.processor is None:
            raise NotLoggedIn("log in first: sign the nonce of the hello")
        if connection.expires_at <= time.monotonic():
            raise TokenExpired(f"the login of processor {connection.processor} has expired: log in again")
        return connection.processor

    async def _login(self, connection: _Connection, request: Login) -> dict[str, Any]:
        nonce, connection.nonce = connection.nonce, secrets.token_bytes(NONCE_BYTES)
        again = {"nonce": "0x" + connection.nonce.hex()}
        if self.link.members and request.processor not in self.link.members:
            raise MemberNotAllowed(f"processor {request.processor}, expected one of {self.link.members}")
        try:
            signer = login_signer(self.domain, request.processor, nonce, request.signature)
        except LoginInvalid as error:
            raise LoginRefused(f"processor {request.processor}: {error}") from error
        daemon = await self._daemon_of(request.processor)
        if daemon is None or daemon.lower() != signer.lower():
            raise LoginRefused(
                f"processor {request.processor}: signed by {signer} for this chain, contract, link and nonce, expected "
                f"its daemon {daemon or '(there is none)'}"
            )
        seconds = self.link.service.token_seconds
        token = secrets.token_hex(32)
        self._tokens = {key: value for key, value in self._tokens.items() if value[1] > time.monotonic()}
        self._tokens[_hash(token)] = (request.processor, time.monotonic() + seconds)
        connection.processor, connection.expires_at = self._tokens[_hash(token)]
        return {"processor": request.processor, "token": token, "seconds": seconds, **again}

    def _resume(self, connection: _Connection, request: Resume) -> dict[str, Any]:
        processor, expires_at = self._tokens.get(_hash(request.token), (None, 0.0))
        if processor is None:
            raise LoginRefused("no such token: log in with a signature")
        if expires_at <= time.monotonic():
            raise TokenExpired(f"the token of processor {processor} has expired: log in again")
        connection.processor, connection.expires_at = processor, expires_at
        return {"processor": processor}

    def _hello(self, connection: _Connection) -> dict[str, Any]:
        domain = self.domain.model_dump(mode="json", by_alias=True)
        return {"hello": {**domain, "nonce": "0x" + connection.nonce.hex(), "label": self.link.label}}

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

    async def _send(self, connection: _Connection, message: dict[str, Any], answer: dict[str, Any]) -> None:
        with contextlib.suppress(ConnectionClosed):
            await connection.socket.send(json.dumps({"id": message["id"], **answer}, separators=(",", ":")))


def _refusal(error: Exception, message: dict[str, Any]) -> dict[str, str]:
    if isinstance(error, QcrsError):
        return _named(error)
    # A fault of this program must not end the service, nor tell strangers of its inside.
    _log.error("request %.64r failed", message.get("op"), exc_info=error)
    return {"error": "LinkRefused", "message": "the link failed at this request"}


def _named(error: QcrsError) -> dict[str, str]:
    return {"error": type(error).__name__, "message": str(error)}


def _hash(token: str) -> bytes:
    # Looked up by its hash: how long that takes says nothing about tokens.
    return hashlib.sha256(token.encode()).digest()


def _url(server: Server) -> str:
    host, port = server.sockets[0].getsockname()[:2]
    return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"
