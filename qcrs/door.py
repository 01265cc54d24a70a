"""What an account does through its hash key: signed once for all that waits, posted in the order of leaves.

A signature costs some 60,000 gas, whatever it covers. So calls that come while a transaction is under way wait for it,
and go together in the next.
"""

import asyncio
import logging

from qcrs.chain.codec import ContractRefused, Event, decode_revert
from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount
from qcrs.crypto.leaf_ring import LeafRing
from qcrs.crypto.leaf_signer import LeafSigner
from qcrs.gathering import Gathering
from qcrs.rules.hash_keys import Action, Call, Domain, KeyWord

log = logging.getLogger(__name__)

MOST_CALLS = 16  # of one transaction: their gas fits the ceiling that the gateway gives
GAS_EACH = 500_000  # as the contract gives to a single call; a bundle of commits takes most of it
ROTATE_AT = 16  # leaves left for actions, so that none waits for a rotation
_OUTCOMES = ("ActionPerformed", "ActionFailed")


class Door:
    """Acts for one account through the contract of hash keys.

    Args:
        gateway: Connected by the time ``open`` is called. account: Pays for gas; its key signs beside the hash key.
    """

    def __init__(self, gateway: Gateway, account: LocalAccount, ring: LeafRing) -> None:
        self._gateway, self._account, self._ring = gateway, account, ring
        self._signer: LeafSigner | None = None
        self._turn = asyncio.Lock()
        self._gathering: Gathering[Call, Receipt] = Gathering(self._post, MOST_CALLS, self._turn)

    @property
    def domain(self) -> Domain:
        """What signatures are bound to."""
        return Domain(self._gateway.network.chain_id, self._gateway.addresses["HashKeys"])

    async def open(self, processor: int = 0) -> None:
        """Take the account's key, or install its first one, and have the registry heed it for *processor*.

        Raises:
            LeafKeyInvalid: The key in force is not in the ring.
            LeafJournalInUse, LeafJournalBehind, LeafJournalDamaged: It must not sign here.
        """
        async with self._turn:
            await self._present()
        if processor:
            _, keyed = await self._gateway.call("ProcessorRegistry", "reporterOf", processor)
            if not keyed:
                await self._gateway.send(self._account, "ProcessorRegistry", "adoptKeys", processor)

    def close(self) -> None:
        """Let go of the key."""
        if self._signer is not None:
            self._signer.close()
            self._signer = None

    async def send(self, contract: str, function: str, *arguments) -> Receipt:
        """Call *function* of *contract*, and return the receipt of the transaction that did.

        Raises:
            ContractRefused: The target refused it, or the door did. The leaf is burnt in the first case.
            GivenUp, TransactionRefused, TransactionLost: As gathering and gateway; the call may be made again.
        """
        data = self._gateway.interfaces[contract].encode_call(function, arguments)
        return await self.call(self._gateway.addresses[contract], data)

    async def call(self, target: str, data: bytes) -> Receipt:
        """Call the contract at *target* with *data*; as ``send``."""
        return await self._gathering.join(Call(target, data))

    async def attest(self, asker: str, digest: bytes) -> bytes:
        """Return the hash key's signature of *digest* for the contract at *asker*, which will have the leaf burnt.

        It burns all leaves below its own with it: whoever has something else to send waits until it is posted.
        """
        account = self._account.address
        async with self._turn:
            signer, domain = await self._present(), self.domain
            return await asyncio.to_thread(
                signer.sign, lambda leaf: domain.attestation_digest(account, asker, digest, leaf)
            )

    async def rotate(self) -> None:
        """Replace the key in force by the ring's next one.

        Raises:
            LeafKeyInvalid: The key in force is not in the ring.
        """
        async with self._turn:
            await self._rotate()

    async def object(self, commitment: bytes) -> None:
        """End the recovery that would give the account the key with *commitment*, by a signature of the present one.

        Raises:
            ContractRefused: None is under way.
        """
        account = self._account.address
        async with self._turn:
            signer, domain = await self._present(), self.domain
            signature = await asyncio.to_thread(
                signer.sign_reserved, lambda leaf: domain.objection_digest(account, commitment, leaf)
            )
            await self._call("object", account, b"", signature)

    async def _post(self, calls: list[Call]) -> list[Receipt | ContractRefused]:
        """Make *calls* and return what became of each."""
        try:
            if (await self._present()).remaining < ROTATE_AT:
                await self._rotate()
            receipt = await self._perform(calls)
        except BaseException:
            self.close()  # what the chain made of it is asked for before the next signature
            raise
        outcomes = [event for event in receipt.events if event.name in _OUTCOMES]
        return [receipt if event.name == "ActionPerformed" else self._refusal(event) for event in outcomes]

    async def _perform(self, calls: list[Call]) -> Receipt:
        signer, domain, account = await self._present(), self.domain, self._account.address
        if len(calls) == 1:
            action = Action(account, calls[0].target, calls[0].data)
            signature = await asyncio.to_thread(signer.sign, lambda leaf: domain.action_digest(action, leaf))
            return await self._call("perform", action.to_chain(), b"", signature)
        signature = await asyncio.to_thread(
            signer.sign, lambda leaf: domain.batch_digest(account, calls, GAS_EACH, leaf)
        )
        log.info("leaf=%d calls=%d one signature", signer.next_leaf - 1, len(calls))
        return await self._call("performMany", account, [c.to_chain() for c in calls], GAS_EACH, b"", signature)

    async def _rotate(self) -> None:
        """Replace the key by the ring's next one."""
        signer, domain, account = await self._present(), self.domain, self._account.address
        key = await asyncio.to_thread(self._ring.successor, signer.key.commitment)
        fresh = LeafSigner(key)
        try:
            fresh.require_current(KeyWord(bytes(24), 0, False))
            possession = await asyncio.to_thread(
                fresh.sign_reserved, lambda leaf: domain.possession_digest(account, key.commitment, leaf)
            )
            signature = await asyncio.to_thread(
                signer.sign_reserved, lambda leaf: domain.rotation_digest(account, key.commitment, leaf)
            )
            await self._call("rotate", account, key.commitment, possession, b"", signature)
        except BaseException:
            fresh.close()
            raise
        log.info("key=0x%s rotated", key.commitment.hex())
        signer.close()
        self._signer = fresh

    async def _present(self) -> LeafSigner:
        """Return the signer of the key in force, after a look at the chain when there is none yet."""
        if self._signer is None:
            word = KeyWord.of(await self._gateway.call("HashKeys", "wordOf", self._account.address))
            if word.is_empty:
                key = await asyncio.to_thread(self._ring.successor, None)
            else:
                key = await asyncio.to_thread(self._ring.key_of, word.commitment)
            signer = LeafSigner(key)
            try:
                signer.require_current(word)
                if word.is_empty:
                    await self._install(signer)
            except BaseException:
                signer.close()
                raise
            self._signer = signer
        return self._signer

    async def _install(self, signer: LeafSigner) -> None:
        domain, account, commitment = self.domain, self._account.address, signer.key.commitment
        possession = await asyncio.to_thread(
            signer.sign_reserved, lambda leaf: domain.possession_digest(account, commitment, leaf)
        )
        await self._call("install", commitment, possession)
        log.info("key=0x%s installed", commitment.hex())

    async def _call(self, function: str, *arguments) -> Receipt:
        return await self._gateway.send(self._account, "HashKeys", function, *arguments)

    def _refusal(self, event: Event) -> ContractRefused:
        return decode_revert(event["reason"], self._gateway.interfaces)
