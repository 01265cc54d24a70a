"""A hash key at rest: its secret encrypted, its public tree beside it.

One key serves one account at one contract on one chain, for its leaves are counted there: the file says which, and what
it says is authenticated together with the secret. A founder's key is made before there is a contract; its file is
written anew, once, when it is first loaded for one, before it has signed anything.
"""

import base64
import json
import os
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from qcrs.crypto.leaf_journal import LeafJournal
from qcrs.errors import QcrsError
from qcrs.rules import hash_signature
from qcrs.rules.hash_signature import SECRET_BYTES, Tree, TreeInvalid

__all__ = ["LeafKey", "LeafKeyInvalid", "LeafKeyUnsafe", "Purpose", "create_leaf_key", "load_leaf_key"]

VERSION = 1
SCRYPT_COST = 1 << 15  # a tenth of a second and 32 MiB; passwords are made of 256 random bits, as keystores' are
MOST_SCRYPT_COST = 1 << 20
MOST_FILE_BYTES = 4096
_NONCE_BYTES = 12


class LeafKeyInvalid(QcrsError):
    """A file is no hash key, or the password is not its own, or somebody has changed it."""


class LeafKeyUnsafe(QcrsError):
    """Others may read the key's file, or it would take the place of another."""


@dataclass(frozen=True)
class Purpose:
    """Whose key it is, and where.

    Attributes:
        account: Address. chain: Id. contract: Address of HashKeys; both None of a key that is made before them.
    """

    account: str
    chain: int | None = None
    contract: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as the file's header has it."""
        contract = None if self.contract is None else self.contract.lower()
        return {"account": self.account.lower(), "chain": self.chain, "contract": contract}


@dataclass(frozen=True)
class LeafKey:
    """A hash key in memory.

    Attributes:
        path: Its file. purpose: Whose it is, and where. tree: The public part.
    """

    path: Path
    purpose: Purpose
    tree: Tree
    secret: bytes = field(repr=False)

    @property
    def commitment(self) -> bytes:
        """The 24 bytes that the chain keeps of it."""
        return self.tree.commitment

    @property
    def journal_path(self) -> Path:
        """Where its used leaves are written down."""
        return _beside(self.path, "leaves")


def create_leaf_key(path: Path, password: str, purpose: Purpose) -> LeafKey:
    """Make a key, and write it with its public tree and an empty journal, all with mode 0600.

    Raises:
        LeafKeyUnsafe: There is a file already; keys are never overwritten.
    """
    secret = secrets.token_bytes(SECRET_BYTES)
    tree = hash_signature.grow(secret)
    kdf = {"name": "scrypt", "n": SCRYPT_COST, "r": 8, "p": 1, "salt": secrets.token_hex(16)}
    header = {"version": VERSION, "kdf": kdf, "commitment": tree.commitment.hex(), **purpose.to_json()}
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        for suffix in ("tree", "leaves"):  # of a key that was never kept, for a crash came before
            _beside(path, suffix).unlink(missing_ok=True)
    # The key comes last: a crash before leaves none, rather than one without its journal.
    _write_private(_beside(path, "tree"), tree.to_bytes())
    LeafJournal.create(_beside(path, "leaves"), tree.commitment)
    _write_private(path, _sealed(header, secret, password))
    _keep_entries(path.parent)
    return LeafKey(path, purpose, tree, secret)


def load_leaf_key(path: Path, password: str, purpose: Purpose) -> LeafKey:
    """Return the key in *path*; one that was made before there was a contract is bound to *purpose* first, for good.

    Raises:
        LeafKeyInvalid: It is none, is not for *purpose*, or does not open with *password*.
        LeafKeyUnsafe: Others may read it.
        LeafJournalInUse, LeafJournalDamaged: It is yet to be bound, and must not be here.
    """
    content = _read_private(path)
    header, nonce, sealed = _parsed(path, content)
    expected, unbound = purpose.to_json(), Purpose(purpose.account).to_json()
    actual = {name: header.get(name) for name in expected}
    if actual not in (expected, unbound):
        raise LeafKeyInvalid(f"hash key {path} is for {actual}, expected {expected}")
    try:
        secret = AESGCM(_stretched(password, header["kdf"])).decrypt(nonce, sealed, _associated(header))
        commitment = bytes.fromhex(header["commitment"])
    except InvalidTag as error:
        raise LeafKeyInvalid(f"hash key {path} does not open: the password is another's, or it was changed") from error
    except (KeyError, TypeError, ValueError) as error:
        raise LeafKeyInvalid(f"{path} is not a hash key: {error}") from error
    key = LeafKey(path, purpose, _tree(path, secret, commitment), secret)
    if actual != expected:
        _bind(key, content, _sealed({**header, **expected}, secret, password))
    return key


def _bind(key: LeafKey, before: bytes, after: bytes) -> None:
    """Let the file say where its key serves, in the place of what it was *before*.

    With the journal in hand: nobody else binds the key meanwhile, and none is bound that has signed. A file that was
    put back from a copy so binds nothing a second time.
    """
    with LeafJournal(key.journal_path, key.commitment) as journal:
        if journal.next_leaf:
            raise LeafKeyInvalid(
                f"hash key {key.path} names no contract, and has signed for one: the file is an old copy. Have the key "
                "recovered"
            )
        if _read_private(key.path) != before:
            raise LeafKeyInvalid(f"hash key {key.path} was changed by another process; try again")
        fresh = _beside(key.path, "new")
        fresh.unlink(missing_ok=True)  # what a crash left
        _write_private(fresh, after)
        fresh.replace(key.path)
        _keep_entries(key.path.parent)


def _sealed(header: dict[str, Any], secret: bytes, password: str) -> bytes:
    """Return what the file of a key holds."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(_stretched(password, header["kdf"])).encrypt(nonce, secret, _associated(header))
    content = {"header": header, "nonce": nonce.hex(), "sealed": base64.b64encode(sealed).decode()}
    return json.dumps(content, indent=1).encode() + b"\n"


def _tree(path: Path, secret: bytes, commitment: bytes) -> Tree:
    """Return the public tree: as it is kept, or grown anew when that file is missing or wrong."""
    try:
        return Tree.from_bytes(_beside(path, "tree").read_bytes(), commitment)
    except (OSError, TreeInvalid):
        tree = hash_signature.grow(secret)
    if tree.commitment != commitment:
        raise LeafKeyInvalid(f"{path}: the secret's tree is 0x{tree.commitment.hex()}, expected 0x{commitment.hex()}")
    return tree


def _parsed(path: Path, content: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    try:
        value = json.loads(content)
        header = value["header"]
        if header["version"] != VERSION or header["kdf"]["name"] != "scrypt":
            raise ValueError(f"version {header['version']}, expected {VERSION} with scrypt")
        return header, bytes.fromhex(value["nonce"]), base64.b64decode(value["sealed"], validate=True)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise LeafKeyInvalid(f"{path} is not a hash key: {error}") from error


def _stretched(password: str, kdf: dict[str, Any]) -> bytes:
    cost, block, lanes = kdf["n"], kdf["r"], kdf["p"]
    if (block, lanes) != (8, 1) or not 2 <= cost <= MOST_SCRYPT_COST:
        raise ValueError(f"scrypt with n {cost}, r {block}, p {lanes}, expected n to {MOST_SCRYPT_COST}, r 8, p 1")
    return Scrypt(salt=bytes.fromhex(kdf["salt"]), length=32, n=cost, r=block, p=lanes).derive(password.encode())


def _associated(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}.{suffix}")


def _read_private(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise LeafKeyInvalid(f"cannot read hash key {path}: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        mode = stat.S_IMODE(os.fstat(handle).st_mode)
        if mode & 0o077:
            raise LeafKeyUnsafe(f"hash key {path} has mode {mode:04o}, expected 0600: others may have read it")
        return file.read(MOST_FILE_BYTES)


def _write_private(path: Path, content: bytes) -> None:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    except FileExistsError as error:
        raise LeafKeyUnsafe(f"{path} exists already; keys are never overwritten") from error
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _keep_entries(folder: Path) -> None:
    """Have on disk which files *folder* names."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
