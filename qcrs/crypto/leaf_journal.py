"""Which leaves of a hash key have been given away: an append-only file, one for each key.

A leaf that signs two messages gives its key away, so a leaf counts as used from before its signature exists: it is
written down and on disk first. What a crash leaves is read with the same caution: a last record that is torn costs one
more leaf, and anything else that is wrong ends the key's life, for then nobody knows what it has signed.

The file cannot know that it is old. Restored from a copy it names leaves as free that have signed since; the chain,
which counts as well, finds that out as soon as one of them has been posted: see ``require_current``. A signer is
therefore never restored; its key is rotated.
"""

import fcntl
import os
import struct
import zlib
from pathlib import Path
from typing import Self

from qcrs.errors import QcrsError
from qcrs.rules.hash_signature import COMMITMENT_BYTES

__all__ = [
    "LeafJournal",
    "LeafJournalBehind",
    "LeafJournalDamaged",
    "LeafJournalInUse",
    "LeavesExhausted",
]

_MAGIC = b"QCRSLEAF"
_HEADER = struct.Struct(f">8s{COMMITMENT_BYTES}sI")
_RECORD = struct.Struct(">I32sI")


class LeafJournalInUse(QcrsError):
    """Another process signs with this key."""


class LeafJournalDamaged(QcrsError):
    """The journal is missing or cannot be believed. What its key has signed is unknown: rotate or recover the key."""


class LeafJournalBehind(QcrsError):
    """The chain knows of leaves that the journal does not: it is an old copy, or the key is used elsewhere."""


class LeavesExhausted(QcrsError):
    """The key has no leaf left for this."""


class LeafJournal:
    """The leaves that one key has used.

    Args:
        path: The file. commitment: The key's.

    Raises:
        LeafJournalInUse: Another process has it open. LeafJournalDamaged: It cannot be believed.
    """

    def __init__(self, path: Path, commitment: bytes) -> None:
        self.path = path
        self._commitment = commitment
        self._is_torn = False
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise LeafJournalDamaged(f"cannot open leaf journal {path}: {error.strerror}; rotate the key") from error
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._next = self._read()
        except BlockingIOError as error:
            os.close(self._handle)
            raise LeafJournalInUse(
                f"leaf journal {path} is in use by another process; two signers would use one leaf. Stop it first"
            ) from error
        except BaseException:
            os.close(self._handle)
            raise

    @classmethod
    def create(cls, path: Path, commitment: bytes) -> None:
        """Start the journal of a key that has signed nothing; it is on disk when this returns.

        Raises:
            LeafJournalDamaged: There is a file already. It is left as it is.
        """
        header = _MAGIC + commitment
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        except FileExistsError as error:
            raise LeafJournalDamaged(f"leaf journal {path} exists already; a key has one for life") from error
        try:
            _append(handle, header + zlib.crc32(header).to_bytes(4, "big"))
        finally:
            os.close(handle)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @property
    def next_leaf(self) -> int:
        """The lowest leaf that has certainly not been used."""
        return self._next

    def require_current(self, chain_next: int) -> None:
        """Check that the chain has burnt no leaf that the journal calls free.

        Args:
            chain_next: The chain's next leaf of this key.

        Raises:
            LeafJournalBehind: It has.
        """
        if chain_next > self._next:
            raise LeafJournalBehind(
                f"leaf journal {self.path} says that leaf {self._next} is next, the chain says {chain_next}: it is "
                "an old copy, or somebody else has the key. Do not sign with it again; have the key recovered"
            )

    def reserve(self, digest: bytes, limit: int) -> int:
        """Use the next leaf, for *digest*, and return it once that is on disk.

        Args:
            limit: The first leaf that this purpose may not have.

        Raises:
            LeavesExhausted: The next leaf is not below *limit*. OSError: The disk does not take it.
            LeafJournalDamaged: It did not take the one before; the journal is to be opened again.
        """
        if self._is_torn:
            raise LeafJournalDamaged(f"{self.path}: the last write failed; open the journal again once the disk works")
        leaf = self._next
        if leaf >= limit:
            raise LeavesExhausted(
                f"leaf {leaf} of {self.path.name} is next, expected one below {limit}; rotate the key"
            )
        self._is_torn = True
        _append(self._handle, self._record(leaf, digest))
        self._next, self._is_torn = leaf + 1, False
        return leaf

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _record(self, leaf: int, digest: bytes) -> bytes:
        # The commitment is in the sum alone: a record of another key's journal does not fit.
        body = struct.pack(">I32s", leaf, digest)
        return body + zlib.crc32(self._commitment + body).to_bytes(4, "big")

    def _read(self) -> int:
        """Return the next leaf, after cutting a torn tail off and writing down the leaf that it costs."""
        size = os.fstat(self._handle).st_size
        content = os.pread(self._handle, size, 0)
        header = _MAGIC + self._commitment
        if content[: _HEADER.size] != header + zlib.crc32(header).to_bytes(4, "big"):
            raise LeafJournalDamaged(
                f"{self.path} is not the leaf journal of key 0x{self._commitment.hex()}; rotate the key"
            )
        following, at = 0, _HEADER.size
        while at + _RECORD.size <= size:
            leaf, digest, _ = _RECORD.unpack_from(content, at)
            if content[at : at + _RECORD.size] != self._record(leaf, digest):
                break
            if leaf != following:
                raise LeafJournalDamaged(f"{self.path}: leaf {leaf} at byte {at}, expected {following}; rotate the key")
            following, at = leaf + 1, at + _RECORD.size
        if size - at > _RECORD.size:
            raise LeafJournalDamaged(f"{self.path}: no record at byte {at}, and more follow; rotate the key")
        if size > at:
            # The last write may have been cut off. Its leaf has perhaps signed, so it is written down as used.
            os.ftruncate(self._handle, at)
            _append(self._handle, self._record(following, bytes(32)))
            following += 1
        return following


def _append(handle: int, record: bytes) -> None:
    written = os.write(handle, record)
    if written != len(record):
        raise OSError(f"{written} of {len(record)} bytes written; the disk may be full")
    os.fsync(handle)
