"""The requester's part in keeping circuits secret: seal at submission, let in whoever was drawn, read one's own again.

Everything is derived from a secret that is on disk before the submission is sent, so a client that was killed, or
another one with the same secrets file, seals to the next processors as if nothing had happened.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from qcrs.chain.gateway import Gateway
from qcrs.crypto.envelope import derived, header_of, is_sealed, open_body, seal_body, seal_sheet
from qcrs.crypto.identity import IdentityInvalid
from qcrs.crypto.keys import SigningKey
from qcrs.errors import QcrsError
from qcrs.identities import Identities, ProcessorUnkeyed
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.story import Duty, Story
from qcrs.sdk.secrets import Secrets
from qcrs.store import ContentUnavailable, Store
from qcrs.vault import Vault

log = logging.getLogger(__name__)

SIGNED = "signed"
LOOK_SECONDS = 5.0  # keys change by human hands


class PayloadUnreadable(QcrsError):
    """A circuit is encrypted, and not for us."""


class Sealer:
    """Keeps the circuits of one requester secret.

    Args:
        secrets: Where its sealing secrets are kept.
    """

    def __init__(self, gateway: Gateway, store: Store, secrets: Secrets) -> None:
        self._store, self._secrets = store, secrets
        self.identities = Identities(gateway, store)
        self.vault = Vault(store, gateway.network.deployment)
        self._served: set[tuple[int, int]] = set()  # computation and assignment
        self._look_until = 0.0

    def seal(self, payload: bytes, commitment: bytes) -> bytes:
        """Keep *payload* encrypted in the store and return the digest to submit.

        Args:
            commitment: What the submission will commit to; its sealing secret is kept already.
        """
        content_key, signer = self._keys(commitment)
        return self._store.put(seal_body(payload, content_key, signer.public))

    def is_ours(self, story: Story) -> bool:
        """Return whether the circuit of *story* is one that we encrypted."""
        return self._secrets.sealing(story.request.secret_commitment) is not None

    def has_served(self, story: Story) -> bool:
        """Return whether all who were drawn for *story* can read its circuit, or need nobody for that."""
        if not self.is_ours(story):
            return True
        waiting = story.with_status(AssignmentStatus.Assigned)
        return bool(story.duties) and all((story.computation, duty.index) in self._served for duty in waiting)

    async def unkeyed(self, processors: Iterable[int]) -> dict[int, str]:
        """Return which of *processors* cannot be let in, and why."""
        if time.monotonic() >= self._look_until:
            await self.identities.refresh()
            self._look_until = time.monotonic() + LOOK_SECONDS
        found = {}
        for processor in processors:
            try:
                await self.identities.known(processor)
            except (ProcessorUnkeyed, IdentityInvalid) as error:
                found[processor] = str(error)
        return found

    async def serve(self, story: Story, notice: Callable[[str], None] = lambda _: None) -> None:
        """Let every processor that was drawn for *story* read its circuit, once.

        Args:
            notice: Told in words whom it could not let in.
        """
        waiting = [
            duty
            for duty in story.with_status(AssignmentStatus.Assigned)
            if (story.computation, duty.index) not in self._served
        ]
        if not waiting or not await asyncio.to_thread(self.is_ours, story):
            return
        # Processors wait for this: it is sealed to the keys that they had, and again if one has other keys by now.
        keys, _ = await self._keys_of(waiting)
        sheet, _ = await asyncio.gather(asyncio.to_thread(self._sheet, story, keys), self.identities.refresh())
        recipients, refused = await self._keys_of(waiting)
        for processor, error in refused.items():
            log.warning("computation=%s not let in: %s", story.computation, error)
            notice(f"processor {processor} cannot be let in and will be replaced: {error}")
        if recipients:
            if sheet is None or recipients != keys:
                sheet = await asyncio.to_thread(self._sheet, story, recipients)
            posted = (story.computation, story.attempt, waiting[0].index, sheet)
            await asyncio.to_thread(self.vault.post_sheet, *posted)
        self._served |= {(story.computation, duty.index) for duty in waiting}

    async def _keys_of(self, waiting: Sequence[Duty]) -> tuple[list[bytes], dict[int, QcrsError]]:
        """Return the keys that circuits for *waiting* are sealed to; by processor, why there is none."""
        found, refused = [], {}
        for duty in waiting:
            try:
                found.append((await self.identities.known(duty.processor)).document.sealing_key)
            except (ProcessorUnkeyed, IdentityInvalid) as error:
                refused[duty.processor] = error
        return found, refused

    def _sheet(self, story: Story, recipients: Sequence[bytes]) -> bytes | None:
        if not recipients:
            return None
        content_key, signer = self._keys(story.request.secret_commitment)
        digest, context = story.request.circuit_digest, self.vault.context(story.computation)
        return seal_sheet(content_key, digest, context, recipients, signer)

    async def signatures(self, story: Story) -> dict[int, str]:
        """Return, by processor whose answer was accepted, ``SIGNED`` or why its histogram is not signed by its key."""
        accepted = [duty for duty in story.duties if story.accepted >> duty.index & 1]
        if accepted:
            await self.identities.refresh()
        return {duty.processor: await self._signature(story, duty) for duty in accepted}

    async def _signature(self, story: Story, duty: Duty) -> str:
        try:
            key = (await self.identities.known(duty.processor)).document.signing_key
            asked = (key, story.computation, duty.index, duty.counts_root)
            signed = await asyncio.to_thread(self.vault.is_answer_signed, *asked)
        except (ProcessorUnkeyed, IdentityInvalid, ContentUnavailable) as error:
            return str(error)
        if signed is None:
            return "there is none in the store"
        return SIGNED if signed else "what is in the store was not signed by its present key"

    def disclose(self, story: Story) -> None:
        """Let everybody read the circuit of *story*, which is ours: nobody could judge an accusation otherwise."""
        if self.is_ours(story):
            self.vault.disclose(story.computation, self._keys(story.request.secret_commitment)[0])

    def circuit(self, story: Story) -> bytes:
        """Return the circuit of *story*: inline, from the store, or decrypted when it is ours or was disclosed.

        Raises:
            PayloadUnreadable: It is neither. EnvelopeRefused: It is not what its requester had to make.
            ContentUnavailable, ContentMismatch: The store has not got it.
        """
        content = story.request.payload or self._store.get(story.request.circuit_digest)
        if not is_sealed(content):
            return content
        header = header_of(content)
        if self.is_ours(story):
            return open_body(content, self._keys(story.request.secret_commitment)[0])
        content_key = self.vault.disclosed(story.computation, header)
        if content_key is None:
            raise PayloadUnreadable(
                f"the circuit of computation {story.computation} is encrypted: its requester and its processors can "
                "read it, and nobody else until it is disclosed with an accusation"
            )
        return open_body(content, content_key)

    def _keys(self, commitment: bytes) -> tuple[bytes, SigningKey]:
        """Return the content key, and the key that signs sheets, of the computation submitted with *commitment*."""
        secret = self._secrets.sealing(commitment)
        if secret is None:
            raise AssertionError("nothing was kept to seal with")
        return derived(secret, b"QCRS content key"), SigningKey(derived(secret, b"QCRS sheet signer"))
