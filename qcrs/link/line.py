"""A client's connection to a link: logs in, is opened again when it was lost, and sends again what was not answered."""

import asyncio
import contextlib
import itertools
import json
from collections.abc import Callable, Coroutine
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from qcrs.chain.keys import LocalAccount
from qcrs.chain.link_login import NONCE_BYTES, LinkDomain, sign_login
from qcrs.link.errors import NAMED, FrameInvalid, LinkError, LinkRefused, LinkUnreachable, LoginRefused, TokenExpired
from qcrs.link.wire import MOST_TOLD, MOST_WAIT_SECONDS, Login, Resume, encode, read, understood
from qcrs.model.records import Record

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0  # how long an answer may take, beside what others are waited for
PATIENCE_SECONDS = 30.0  # how long a lost connection is tried again
IDLE_SECONDS = 60.0  # after which a connection that nothing is asked over is closed, until there is something to ask
_RETRY_SECONDS = 0.2
_TOO_LARGE = 1009  # why a connection was closed
_MOST_BYTES = 256 << 20  # of a frame: all members' bits in base64, of which there are half as many at most
_FAULTS = (OSError, WebSocketException, TimeoutError, EOFError)


async def hello(url: str) -> dict[str, Any]:
    """Return what the link at *url* says of itself to anybody.

    Raises:
        LinkUnreachable: Nobody answers there, or no link.
    """
    try:
        async with connect(url, open_timeout=CONNECT_SECONDS, compression=None) as socket:
            return json.loads(await asyncio.wait_for(socket.recv(), CONNECT_SECONDS))["hello"]
    except (*_FAULTS, ValueError, LookupError, TypeError) as error:
        raise LinkUnreachable(f"{url}: {str(error) or type(error).__name__}; is the link running?") from error


class _Lost(Exception):
    """The connection went away while an answer was due."""


class Rest:
    """The time after which *close* is called, since nothing was asked."""

    def __init__(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._close = close
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Let it begin."""
        self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._over)

    def end(self) -> None:
        """Let it not come."""
        if self._timer is not None:
            self._timer.cancel()

    def _over(self) -> None:
        self._closing = asyncio.create_task(self._close())  # held, or it may be forgotten


class Line:
    """See ``LinkClient`` for the arguments.

    Attributes:
        label: What the link marks everything with; known once connected.
    """

    def __init__(self, url: str, account: LocalAccount, domain: LinkDomain, processor: int, patience: float) -> None:
        self._url, self._account, self._domain, self._processor = url, account, domain, processor
        self._patience = patience
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._pending: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._token, self._nonce, self.label = "", b"", ""
        self._asking, self._rest = 0, Rest(self.close)

    async def close(self) -> None:
        """Close the connection; what is asked next opens another."""
        self._rest.end()
        socket, self._socket = self._socket, None
        reader, self._reader = self._reader, None
        if socket is not None:
            await socket.close()
        if reader is not None:
            await asyncio.gather(reader, return_exceptions=True)

    async def ask(self, request: Record) -> dict[str, Any]:
        """Return the answer to *request*; asks again when the connection is lost.

        Raises:
            LinkUnreachable: Nobody answers for as long as patience lasts. LinkRefused: The answer is none.
        """
        self._asking += 1
        self._rest.end()
        try:
            return await self._ask(request)
        finally:
            self._asking -= 1
            if not self._asking:
                self._rest.begin()

    async def _ask(self, request: Record) -> dict[str, Any]:
        clock = asyncio.get_running_loop()
        tried_until = clock.time() + self._patience
        while True:
            try:
                await self._connect()
                token = self._token
                try:
                    return await self._exchange(request)
                except TokenExpired:
                    await self._renew(token)
                    return await self._exchange(request)
            except (_Lost, *_FAULTS) as error:
                if isinstance(error, ConnectionClosed) and error.rcvd is not None and error.rcvd.code == _TOO_LARGE:
                    raise FrameInvalid(f"{self._url}: a frame larger than it takes: {error.rcvd.reason}") from error
                if clock.time() > tried_until:
                    raise LinkUnreachable(
                        f"{self._url}: {str(error) or type(error).__name__}; is the link running?"
                    ) from error
            await asyncio.sleep(_RETRY_SECONDS)

    async def _connect(self) -> None:
        async with self._connecting:
            if self._reader is not None and not self._reader.done():
                return
            await self.close()
            try:
                self._socket = await connect(
                    self._url, open_timeout=CONNECT_SECONDS, close_timeout=CONNECT_SECONDS, max_size=_MOST_BYTES,
                    compression=None,
                )  # fmt: skip
            except ValueError as error:
                raise LinkUnreachable(f"{self._url!r} is no address: {error}") from error
            try:
                await self._introduce(self._socket)
            except BaseException:
                await self.close()  # nobody is logged in on it
                raise

    async def _introduce(self, socket: ClientConnection) -> None:
        """Hear who is at the other end, and log in."""
        frame = await asyncio.wait_for(socket.recv(), CONNECT_SECONDS)
        with understood(f"{self._url}: a hello"):
            hello = read(frame)["hello"]
            said = LinkDomain.model_validate({name: hello[name] for name in ("chainId", "contract", "link")})
            self._nonce, self.label = _nonce(hello), str(hello["label"])[:MOST_TOLD]
        if said != self._domain:
            raise LoginRefused(f"{self._url} is {str(said)[:MOST_TOLD]}, expected {self._domain}")
        self._reader = asyncio.create_task(self._read(socket))
        if self._token:
            with contextlib.suppress(LoginRefused, TokenExpired):
                await self._exchange(Resume(token=self._token))
                return
        await self._login()

    async def _renew(self, token: str) -> None:
        """Log in again, unless somebody has since *token* was found to have expired: a nonce is good once."""
        async with self._connecting:
            if self._token == token:
                try:
                    await self._login()
                except LoginRefused:
                    await self.close()  # its nonce is spent
                    raise

    async def _login(self) -> None:
        signature = sign_login(self._account, self._domain, self._processor, self._nonce)
        answer = await self._exchange(Login(processor=self._processor, signature=signature))
        with understood(f"{self._url}: a login"):
            self._token, self._nonce = Resume(token=answer["token"]).token, _nonce(answer)

    async def _exchange(self, request: Record) -> dict[str, Any]:
        if self._socket is None:
            raise _Lost("not connected")
        number = next(self._numbers)
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        wait = getattr(request, "wait", 0.0)
        try:
            async with asyncio.timeout(ANSWER_SECONDS + (MOST_WAIT_SECONDS if wait is None else wait)):
                await self._socket.send(encode(request, number))
                answer = await future
        finally:
            del self._pending[number]
        if "error" in answer:
            raise _named(answer)
        with understood(f"{self._url}: an answer"):
            return dict(answer["ok"])

    async def _read(self, socket: ClientConnection) -> None:
        """Hand each answer to whoever waits for it, until the connection ends."""
        why: Exception = _Lost(f"{self._url} closed the connection")
        try:
            async for frame in socket:
                with understood(f"{self._url}: an answer"):
                    answer = dict(read(frame))
                    future = self._pending.get(answer["id"])
                if answer["id"] is None:
                    why = _named(answer)
                elif future is not None and not future.done():
                    future.set_result(answer)
        except (LinkError, *_FAULTS) as error:
            why = error
        finally:
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(why)


def _nonce(answer: dict[str, Any]) -> bytes:
    nonce = bytes.fromhex(answer["nonce"][2:])
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce of {len(nonce)} bytes, expected {NONCE_BYTES}")
    return nonce


def _named(answer: dict[str, Any]) -> Exception:
    """Return the error in *answer*, by its name."""
    name, message = answer.get("error"), answer.get("message")
    return NAMED.get(str(name), LinkRefused)(str(message)[:MOST_TOLD])
