"""Who speaks for which processor: whoever signs as the chain says that its daemon does, or shows a token of before.

A signature of anybody's makes the link ask the chain, which may cost its operator: it does so only so often, and who
comes next waits for its turn.
"""

import hashlib
import secrets
import time
from collections.abc import Awaitable, Callable, Collection

from qcrs.chain.link_login import LinkDomain, LoginInvalid, login_signer
from qcrs.link.errors import LoginRefused, MemberNotAllowed, TokenExpired
from qcrs.link.pace import Pace
from qcrs.link.wire import Login

DaemonOf = Callable[[int], Awaitable[str | None]]
READS_A_SECOND = 20.0  # of the chain; more members than that wait a little when all come at once
READS_AT_ONCE = 64  # before that counts: all members of a usual link, when it is started again
TOKENS = 8  # of one processor: more than it may have connections for would be good for nothing


class Logins:
    """The logins of a link.

    Args:
        domain: What logins are signed for. members: Processors that the link serves; all when empty.
        token_seconds: How long a login is good.
        daemon_of: Gives the address of a processor's daemon account; None when there is no such processor.
    """

    def __init__(self, domain: LinkDomain, members: Collection[int], token_seconds: float, daemon_of: DaemonOf) -> None:
        self._domain, self._members, self._seconds, self._daemon_of = domain, members, token_seconds, daemon_of
        self._tokens: dict[bytes, tuple[int, float]] = {}
        self._reads = Pace(READS_A_SECOND, READS_AT_ONCE)

    async def sign_in(self, request: Login, nonce: bytes) -> tuple[str, float]:
        """Return a token for whoever has signed *nonce*, and until when it is good.

        Raises:
            MemberNotAllowed: The link does not serve the processor. LoginRefused: Its daemon has not signed.
        """
        processor = request.processor
        if self._members and processor not in self._members:
            raise MemberNotAllowed(f"processor {processor}, expected one of {self._members}")
        try:
            signer = login_signer(self._domain, processor, nonce, request.signature)
        except LoginInvalid as error:
            raise LoginRefused(f"processor {processor}: {error}") from error
        await self._reads.turn()
        daemon = await self._daemon_of(processor)
        if daemon is None or daemon.lower() != signer.lower():
            raise LoginRefused(
                f"processor {processor}: signed by {signer} for this chain, contract, link and nonce, expected "
                f"its daemon {daemon or '(there is none)'}"
            )
        return self._new_token(processor)

    def resume(self, token: str) -> tuple[int, float]:
        """Return whose *token* it is, and until when it is good.

        Raises:
            LoginRefused: Nobody's. TokenExpired: It is too old.
        """
        processor, until = self._tokens.get(_hash(token), (None, 0.0))
        if processor is None:
            raise LoginRefused("no such token: log in with a signature")
        if until <= time.monotonic():
            raise TokenExpired(f"the token of processor {processor} has expired: log in again")
        return processor, until

    def _new_token(self, processor: int) -> tuple[str, float]:
        now, token = time.monotonic(), secrets.token_hex(32)
        self._tokens = {key: value for key, value in self._tokens.items() if value[1] > now}
        own = [key for key, (of, _) in self._tokens.items() if of == processor]
        if len(own) >= TOKENS:
            del self._tokens[own[0]]
        self._tokens[_hash(token)] = processor, now + self._seconds
        return token, now + self._seconds


def _hash(token: str) -> bytes:
    # Looked up by its hash: how long that takes says nothing about tokens.
    return hashlib.sha256(token.encode()).digest()
