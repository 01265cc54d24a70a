"""The signer of one hash key: no leaf signs twice, whatever happens to the process.

The order is the whole safety: write the leaf down, have it on disk, sign, check the signature, let it go.
"""

from collections.abc import Callable
from typing import Self

from qcrs.crypto.leaf_journal import LeafJournal, LeafJournalBehind
from qcrs.crypto.leaf_key import LeafKey
from qcrs.errors import QcrsError
from qcrs.rules import hash_signature
from qcrs.rules.hash_keys import RESERVED_LEAVES, KeyWord
from qcrs.rules.hash_signature import LEAVES

__all__ = ["LeafSigner", "SignatureFaulty", "SignerNotCurrent"]


class SignatureFaulty(QcrsError):
    """A signature does not verify: memory or processor are at fault. It was not let go, and its leaf is spent."""


class SignerNotCurrent(QcrsError):
    """The signer has not been shown yet what the chain says of its key."""


class LeafSigner:
    """Signs with one key, for one process.

    Args:
        key: The key; its journal is held until ``close``.

    Raises:
        LeafJournalInUse: Another process signs with it. LeafJournalDamaged: What it has signed is unknown.
    """

    def __init__(self, key: LeafKey) -> None:
        self.key = key
        self._journal = LeafJournal(key.journal_path, key.commitment)
        self._is_current = False

    @property
    def remaining(self) -> int:
        """Leaves left for actions; those kept for rotation and objection are not among them."""
        return max(0, LEAVES - RESERVED_LEAVES - self._journal.next_leaf)

    @property
    def next_leaf(self) -> int:
        """The leaf that signs next."""
        return self._journal.next_leaf

    def require_current(self, word: KeyWord) -> None:
        """Compare with what the chain says of the account's key; to be done before the first signature.

        Args:
            word: The chain's; that of an account without a key when this one is yet to be installed.

        Raises:
            LeafJournalBehind: The chain is ahead, or has another key.
        """
        if not word.is_empty and word.commitment != self.key.commitment:
            raise LeafJournalBehind(
                f"account {self.key.purpose.account} has key 0x{word.commitment.hex()}, expected "
                f"0x{self.key.commitment.hex()}: it was rotated or recovered; use its new key"
            )
        self._journal.require_current(0 if word.is_empty else word.next_leaf)
        self._is_current = True

    def sign(self, digest_of: Callable[[int], bytes]) -> bytes:
        """Return a signature for an action.

        Args:
            digest_of: Gives the digest to be signed by a leaf.

        Raises:
            LeavesExhausted: No leaf is left for actions. SignerNotCurrent: ``require_current`` comes first.
            SignatureFaulty: It does not verify.
        """
        return self._sign(digest_of, LEAVES - RESERVED_LEAVES)

    def sign_reserved(self, digest_of: Callable[[int], bytes]) -> bytes:
        """Return a signature for a rotation, an objection or a proof of possession.

        Raises:
            LeavesExhausted: No leaf is left at all. SignerNotCurrent, SignatureFaulty: As ``sign``.
        """
        return self._sign(digest_of, LEAVES)

    def close(self) -> None:
        """Let go of the key."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sign(self, digest_of: Callable[[int], bytes], limit: int) -> bytes:
        if not self._is_current:
            raise SignerNotCurrent(f"key 0x{self.key.commitment.hex()}: compare it with the chain before it signs")
        digest = digest_of(self._journal.next_leaf)
        leaf = self._journal.reserve(digest, limit)
        signature = hash_signature.sign(self.key.secret, self.key.tree, leaf, digest)
        if not hash_signature.verify(signature, self.key.commitment, digest):
            raise SignatureFaulty(f"leaf {leaf} of key 0x{self.key.commitment.hex()}: the signature does not verify")
        return signature
