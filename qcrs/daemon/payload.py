"""Getting the circuit: inline, from the store in plain, or out of an envelope whose key its requester seals to us.

A requester can only seal once it is known who was drawn, so the key is waited for, but not for long: whoever is not
let in says so in time, with a refusal that the chain keeps, and is replaced. That harms the requester alone: such a
refusal is no part of a processor's conduct.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from qcrs.crypto.envelope import EnvelopeRefused, Header, header_of, is_sealed, open_body
from qcrs.crypto.keys import OpeningKey
from qcrs.errors import QcrsError
from qcrs.model.refusal import RefusalCode
from qcrs.model.story import Story
from qcrs.store import ContentMismatch, ContentUnavailable, Store
from qcrs.vault import Vault

log = logging.getLogger(__name__)

PAYLOAD_TRIES = 5
PAYLOAD_PAUSE_SECONDS = 1.0
# How long a key is waited for, of what is left of the phase: the rest is for running, and for being replaced.
KEY_SHARE_OF_PHASE = 0.4
KEY_PAUSE_SECONDS = (0.005, 1.0)  # between looks, from shortest to longest
KEY_LATENESS = 0.25  # share of the wait by which a key may be seen late: pauses grow with it


class PayloadRefused(QcrsError):
    """A circuit cannot be had, for a reason that the chain is told.

    Attributes:
        code: The reason.
    """

    def __init__(self, code: RefusalCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class Payloads:
    """Where one processor's circuits come from.

    Args:
        vault: None where nothing is encrypted. key: The processor's; None when it has none.
        now: The chain's clock.

    Attributes:
        waited: Seconds for keys, so far.
    """

    def __init__(self, store: Store, vault: Vault | None, key: OpeningKey | None, now: Callable[[], float]) -> None:
        self._store, self._vault, self._key, self._now = store, vault, key, now
        self.waited = 0.0

    async def text(self, story: Story) -> str:
        """Return the circuit of *story*.

        Raises:
            PayloadRefused: It cannot be had.
        """
        content = story.request.payload or await self._stored(story)
        if is_sealed(content):
            content = await self._unsealed(story, content)
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise PayloadRefused(RefusalCode.NotOpenQasm, str(error)) from error

    async def _stored(self, story: Story) -> bytes:
        for attempt in range(PAYLOAD_TRIES):
            try:
                return await asyncio.to_thread(self._store.get, story.request.circuit_digest)
            except ContentMismatch as error:
                raise PayloadRefused(RefusalCode.DigestMismatch, str(error)) from error
            except ContentUnavailable as error:
                if attempt == PAYLOAD_TRIES - 1:
                    raise PayloadRefused(RefusalCode.PayloadUnavailable, str(error)) from error
                await asyncio.sleep(PAYLOAD_PAUSE_SECONDS)
        raise AssertionError("unreachable")

    async def _unsealed(self, story: Story, body: bytes) -> bytes:
        if self._vault is None or self._key is None:
            raise PayloadRefused(RefusalCode.PayloadSealed, "the circuit is encrypted and this processor has no key")
        try:
            header = header_of(body)
            digest, vault, key = story.request.circuit_digest, self._vault, self._key
            until = self._now() + KEY_SHARE_OF_PHASE * max(0.0, story.phase_ends_at - self._now())
            began, (shortest, longest) = time.monotonic(), KEY_PAUSE_SECONDS
            while (found := await _look(vault, story.computation, digest, header, key)) is None:
                if self._now() >= until:
                    raise PayloadRefused(RefusalCode.PayloadSealed, "its requester let this processor in at no time")
                await asyncio.sleep(min(max(shortest, KEY_LATENESS * self.waited), longest))
                self.waited = time.monotonic() - began
            return await asyncio.to_thread(open_body, body, found)
        except EnvelopeRefused as error:
            raise PayloadRefused(RefusalCode.EnvelopeInvalid, str(error)) from error


async def _look(vault: Vault, computation: int, digest: bytes, header: Header, key: OpeningKey) -> bytes | None:
    """Return the content key if it is there and the store answers."""
    try:
        return await asyncio.to_thread(vault.content_key, computation, digest, header, key)
    except ContentUnavailable as error:
        log.warning("computation=%s %s", computation, error)
        return None
