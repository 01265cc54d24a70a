"""The hash keys of one account, past, present and next, in one folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qcrs.crypto.leaf_key import LeafKey, LeafKeyInvalid, Purpose, create_leaf_key, load_leaf_key

__all__ = ["LeafRing"]


class LeafRing:
    """A folder of numbered keys, of which the chain says which one is in force.

    Args:
        password: Of all of them.
    """

    def __init__(self, folder: Path, password: str, purpose: Purpose) -> None:
        self.folder, self.purpose = folder, purpose
        self._password = password

    def key_of(self, commitment: bytes) -> LeafKey:
        """Return the key with *commitment*, which the chain says is in force: a founder's is bound to it now.

        Raises:
            LeafKeyInvalid: It is not here, or serves elsewhere.
        """
        for path in self._paths():
            if _commitment_in(path) == commitment.hex():
                return load_leaf_key(path, self._password, self.purpose)
        raise LeafKeyInvalid(
            f"account {self.purpose.account} has key 0x{commitment.hex()} on chain, and {self.folder} has no such key; "
            "bring it here, or ask the Processor Certification Authority for a recovery"
        )

    def successor(self, commitment: bytes | None) -> LeafKey:
        """Return the key after that with *commitment* (None: the first one), made now if there is none yet.

        A key that was made for a rotation that never came is taken again; one that waits to be founded with is not.
        """
        paths = [path for path in self._paths() if _header_in(path)["contract"] is not None]
        known = [_commitment_in(path) for path in paths]
        after = 0 if commitment is None else known.index(commitment.hex()) + 1
        if after < len(paths):
            return load_leaf_key(paths[after], self._password, self.purpose)
        return self.another()

    def another(self) -> LeafKey:
        """Return a new key, after all others: for an account whose key is lost."""
        paths = list(self._paths())
        number = int(paths[-1].stem) + 1 if paths else 1
        return create_leaf_key(self.folder / f"{number}.key", self._password, self.purpose)

    def has(self, commitment: bytes) -> bool:
        """Return whether the key with *commitment* is here; it is not opened."""
        return commitment.hex() in map(_commitment_in, self._paths())

    def _paths(self) -> Iterator[Path]:
        numbered = (path for path in self.folder.glob("*.key") if path.stem.isdigit())
        yield from sorted(numbered, key=lambda path: int(path.stem))


def _commitment_in(path: Path) -> str | None:
    """Return what the file says that its key is, which opening it will check."""
    return _header_in(path)["commitment"]


def _header_in(path: Path) -> dict[str, Any]:
    try:
        header = json.loads(path.read_bytes())["header"]
        return {name: header[name] for name in ("commitment", "contract")}
    except (ValueError, KeyError, TypeError) as error:
        raise LeafKeyInvalid(f"{path} is not a hash key: {error}") from error
