"""Content-addressed bytes: circuits too long to travel inline, and full histograms.

A plain directory by default, any fsspec URL otherwise. Whatever is read is hashed again, so a store need not be
trusted, only available.
"""

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any

import fsspec

from qcrs.errors import QcrsError
from qcrs.rules.digest import keccak
from qcrs.rules.histogram import counts_root

MAX_BYTES = 16 * 2**20
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,127}")


class ContentUnavailable(QcrsError):
    """The store does not have the content, or cannot be reached. Transient: it may come."""


class ContentMismatch(QcrsError):
    """What the store has is not what its name says."""


class Store:
    """Bytes by digest: keccak-256 of a payload, or the counts root of a histogram.

    Args:
        location: A directory, or an fsspec URL such as ``s3://bucket/prefix``.
    """

    def __init__(self, location: str) -> None:
        self.location = location
        try:
            self._files, self._root = fsspec.url_to_fs(location)
        except Exception as error:  # each driver has faults of its own
            raise ContentUnavailable(f"no store at {location}: {error}") from error

    def put(self, content: bytes) -> bytes:
        """Keep *content* and return its 32-byte digest."""
        digest = keccak(content)
        self._write(digest, content)
        return digest

    def get(self, digest: bytes) -> bytes:
        """Return the content with *digest*.

        Raises:
            ContentUnavailable: It is not there, or larger than any honest content.
            ContentMismatch: It hashes to something else.
        """
        content = self._read(digest)
        actual = keccak(content)
        if actual != digest:
            raise ContentMismatch(f"0x{digest.hex()} in {self.location} hashes to 0x{actual.hex()}")
        return content

    def put_histogram(self, root: bytes, counts: Mapping[int, int]) -> None:
        """Keep *counts* under their counts root."""
        self._write(root, encode_histogram(counts))

    def get_histogram(self, root: bytes) -> dict[int, int]:
        """Return the histogram that *root* binds.

        Raises:
            ContentUnavailable: It is not there, or larger than any honest content.
            ContentMismatch: It is not a histogram, or has another root.
        """
        counts = decode_histogram(self._read(root))
        try:
            actual = counts_root(counts)
        except OverflowError as error:
            raise ContentMismatch(f"0x{root.hex()} in {self.location} is no histogram: {error}") from error
        if actual != root:
            raise ContentMismatch(f"histogram 0x{root.hex()} in {self.location} has root 0x{actual.hex()}")
        return counts

    def post(self, box: str, name: str, content: bytes) -> None:
        """Leave *content* as *name* in the box *box*, where others find it without knowing its digest.

        Anyone who may write to the store may leave anything in any box: readers check who signed it.
        """
        self._write_at(f"{self._root}/{_plain(box)}/{_plain(name)}", f"{box}/{name}", content)

    def fetch(self, box: str, name: str, most: int = MAX_BYTES) -> bytes:
        """Return what was left as *name* in *box*, of *most* bytes.

        Raises:
            ContentUnavailable: Nothing was, or more than any honest content.
        """
        return self._read_at(f"{self._root}/{_plain(box)}/{_plain(name)}", f"{box}/{name}", most)

    def names(self, box: str) -> list[str]:
        """Return the names of what was left in *box*, in order.

        Raises:
            ContentUnavailable: The store cannot be reached.
        """
        folder = f"{self._root}/{_plain(box)}"
        try:
            self._files.invalidate_cache()
            paths = self._files.ls(folder, detail=False) if self._files.exists(folder) else []
        except Exception as error:  # each driver has faults of its own
            raise ContentUnavailable(f"{box} in {self.location} cannot be looked at: {error}") from error
        names = (str(path).rstrip("/").rsplit("/", 1)[-1] for path in paths)
        return sorted(name for name in names if not name.endswith(".part"))

    def _write(self, digest: bytes, content: bytes) -> None:
        self._write_at(self._path(digest), f"0x{digest.hex()}", content)

    def _write_at(self, path: str, what: str, content: bytes) -> None:
        try:
            self._files.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
            # Readers see the whole content or none of it; writers do not share a scratch file.
            scratch = f"{path}.{uuid.uuid4().hex}.part"
            self._files.pipe_file(scratch, content)
            self._files.mv(scratch, path)
        except Exception as error:  # each driver has faults of its own
            raise ContentUnavailable(f"{what} cannot be kept in {self.location}: {error}") from error

    def _read(self, digest: bytes) -> bytes:
        return self._read_at(self._path(digest), f"0x{digest.hex()}")

    def _read_at(self, path: str, what: str, most: int = MAX_BYTES) -> bytes:
        try:
            size = self._files.size(path)
            content = self._files.cat_file(path) if size is not None and size <= most else None
        except Exception as error:  # each driver has faults of its own
            raise ContentUnavailable(f"{what} is not in {self.location}") from error
        if content is None:
            raise ContentUnavailable(f"{what} in {self.location} exceeds {most} bytes")
        return content

    def _path(self, digest: bytes) -> str:
        name = digest.hex()
        return f"{self._root}/{name[:2]}/{name}"


def _plain(name: str) -> str:
    """Return *name*, which becomes a part of a path: nobody is let out of the store."""
    if not _NAME.fullmatch(name):
        raise ContentUnavailable(f"{name!r} is no name of a box or of what is in one")
    return name


def encode_histogram(counts: Mapping[int, int]) -> bytes:
    """Return the stored form of a histogram: JSON with hexadecimal outcomes in ascending order."""
    return json.dumps({f"{outcome:x}": counts[outcome] for outcome in sorted(counts)}, separators=(",", ":")).encode()


def decode_histogram(content: bytes) -> dict[int, int]:
    """Return the histogram in *content*.

    Raises:
        ContentMismatch: It is not a histogram.
    """
    try:
        table: Any = json.loads(content)
        return {int(outcome, 16): int(count) for outcome, count in table.items()}
    except (ValueError, AttributeError, TypeError, OverflowError) as error:
        raise ContentMismatch(f"not a histogram: {error}") from error
