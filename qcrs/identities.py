"""Whose keys are whose: identity documents of processors, by the digests that the registry has told of.

The registry's events are the list of what counts and of what is revoked: of each processor the newest digest stands,
and every one before it stands for nobody any more.
"""

import asyncio
from dataclasses import dataclass, field

from qcrs.chain.gateway import Gateway
from qcrs.crypto.identity import Identity, IdentityInvalid, Revocations, is_unkeyed, require_identity
from qcrs.errors import QcrsError
from qcrs.store import ContentMismatch, ContentUnavailable, Store

_EVENTS = ("ProcessorRegistered", "IdentityUpdated", "ProcessorRetired")


class ProcessorUnkeyed(QcrsError):
    """A processor has no post-quantum keys that anybody can check."""


@dataclass
class Told:
    """What the registry has told of one processor.

    Attributes:
        digests: Of its identity files, the newest last. retired: Whether it has left.
    """

    operator: str
    daemon: str
    digests: list[bytes] = field(default_factory=list)
    retired: bool = False


class Identities:
    """The identities of all processors of one chain."""

    def __init__(self, gateway: Gateway, store: Store) -> None:
        self._gateway, self._store = gateway, store
        self._told: dict[int, Told] = {}
        self._checked: dict[bytes, Identity] = {}
        self._seen = -1
        self._refreshing = asyncio.Lock()
        self.revocations = Revocations()

    async def of(self, processor: int) -> Identity:
        """Return the present identity of *processor*, checked against the registry.

        Raises:
            ProcessorUnkeyed: It has none, or its file is not in the store.
            IdentityInvalid: It has one that does not stand for it.
        """
        await self.refresh()
        return await self.known(processor)

    async def known(self, processor: int) -> Identity:
        """Return the same, as of the last time that the registry was looked at."""
        told = self._told.get(processor)
        if told is None:
            raise ProcessorUnkeyed(f"there is no processor {processor}")
        return await asyncio.to_thread(self._chain_of, processor, told)

    async def others(self, processor: int) -> dict[int, Identity]:
        """Return the identities of all processors but *processor* that have a valid one, by processor."""
        await self.refresh()
        found = {}
        for number, told in self._told.items():
            if number == processor or told.retired:
                continue
            try:
                found[number] = await asyncio.to_thread(self._chain_of, number, told)
            except (ProcessorUnkeyed, IdentityInvalid):
                continue  # without a valid identity it was not admitted with keys
        return found

    async def refresh(self) -> None:
        """Read what the registry has told since."""
        async with self._refreshing:
            last = await self._gateway.block_number()
            first = max(self._seen + 1, self._gateway.network.deployed_at)
            if last < first:
                return
            for event in await self._gateway.logs(first, last, _EVENTS):
                self._take(event.name, event.arguments)
            self._seen = last

    def _take(self, name: str, arguments: dict) -> None:
        if name == "ProcessorRegistered":
            told = Told(arguments["operator"], arguments["daemon"], [arguments["identityDigest"]])
            self._told[arguments["processor"]] = told
            return
        told = self._told[arguments["processor"]]
        self.revocations.revoke(told.digests[-1])
        if name == "ProcessorRetired":
            told.retired = True
        else:
            told.digests.append(arguments["identityDigest"])

    def _chain_of(self, processor: int, told: Told) -> Identity:
        """Return the newest identity once each version has been shown to follow from the one before."""
        self.revocations.require(told.digests[-1])
        previous: Identity | None = None
        for digest in told.digests:
            identity = self._checked.get(digest) or self._check(processor, told, digest, previous)
            if identity is not None:
                self._checked[digest] = previous = identity
        if previous is None:
            raise ProcessorUnkeyed(_unkeyed(processor, "it was registered without any"))
        return previous

    def _check(self, processor: int, told: Told, digest: bytes, previous: Identity | None) -> Identity | None:
        """Return the identity with *digest*; None for a document without keys before there were any."""
        try:
            content = self._store.get(digest)
        except (ContentUnavailable, ContentMismatch) as error:
            # One that is missing is never passed over: with the file of the old key gone, no new key is vouched for.
            raise ProcessorUnkeyed(_unkeyed(processor, f"{error}")) from error
        if previous is None and is_unkeyed(content):
            return None
        network, registry = self._gateway.network, self._gateway.addresses["ProcessorRegistry"]
        return require_identity(content, digest, told.operator, told.daemon, network.chain_id, registry, previous)


def _unkeyed(processor: int, why: str) -> str:
    return (
        f"processor {processor} has no keys to encrypt to or to check signatures with ({why}); its operator makes them "
        "with 'qcrs processor rekey'"
    )
