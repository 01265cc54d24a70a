"""The hash keys of a user's own accounts, by which they act through the door."""

from pathlib import Path

from qcrs.chain.gateway import Gateway, Receipt
from qcrs.chain.keys import LocalAccount
from qcrs.config import new_password, password
from qcrs.crypto.leaf_key import LeafKey, Purpose
from qcrs.crypto.leaf_ring import LeafRing
from qcrs.door import Door

HASH_KEYS = "hash-keys"  # beside the network file
PASSWORD = "password"  # in that folder, on a devnet


class Keyring:
    """A folder with a folder of keys for each account. An account that has none gets and installs its first one.

    All open with one password: that in the folder's file ``password``, as a devnet has it, ``QCRS_PASSWORD``, or what
    is typed.

    Args:
        folder: By convention ``HASH_KEYS`` beside the network file: a key signs for one suite alone.
        keystore: Of the account that acts, if it is in a file. A daemon's has its hash keys beside it.
    """

    def __init__(self, folder: Path, keystore: Path | None = None) -> None:
        self._folder, self._keystore = folder, keystore
        self._doors: dict[tuple[int, str], Door] = {}
        self._password: str | None = None

    async def __call__(self, gateway: Gateway, account: LocalAccount, target: str, data: bytes) -> Receipt:
        """Call the contract at *target* with *data* for *account*, by both of its keys; return the receipt.

        Raises:
            ContractRefused: The target refused it, or the door did.
            LeafKeyInvalid, LeafJournalInUse, LeafJournalBehind, LeafJournalDamaged: The hash key must not sign here.
            PasswordMissing: Nobody said what opens it.
        """
        return await (await self.door(gateway, account)).call(target, data)

    async def door(self, gateway: Gateway, account: LocalAccount) -> Door:
        """Return the way by which *account* acts, with its key installed."""
        known = self._doors.get((id(gateway), account.address))
        if known is None:
            known = Door(gateway, account, self.ring(gateway, account.address))
            await known.open()
            self._doors[id(gateway), account.address] = known
        return known

    def ring(self, gateway: Gateway, account: str) -> LeafRing:
        """Return the keys of *account*, past, present and next.

        Raises:
            PasswordMissing: Nobody said what opens them.
        """
        return self._ring(Purpose(account, gateway.network.chain_id, gateway.addresses["HashKeys"]))

    def new(self, account: str) -> LeafKey:
        """Make a key for a founder, before there is a contract: it will serve the first whose word names it.

        Raises:
            PasswordMissing: Nobody said what is to open it.
        """
        return self._ring(Purpose(account)).another()

    def close(self) -> None:
        """Let go of all keys."""
        while self._doors:
            self._doors.popitem()[1].close()

    def _ring(self, purpose: Purpose) -> LeafRing:
        folder, opened_by = self._folder / purpose.account.lower(), self._folder / PASSWORD
        if self._keystore is not None and any(self._keystore.with_name(HASH_KEYS).glob("*.key")):
            folder, opened_by = self._keystore.with_name(HASH_KEYS), self._keystore.with_name(PASSWORD)
        if self._password is None:
            is_first = not any(folder.glob("*.key"))
            self._password = (new_password if is_first else password)(opened_by)
        return LeafRing(folder, self._password, purpose)
