"""Post-quantum keys in files: scrypt stretches the password, AES-256-GCM encrypts the seed and binds the header.

A file says which kind of key it holds and its public half, so that it can be told what a node has without its
password; neither can be exchanged. Files are made with mode 0600 and never overwritten.
"""

import json
import os
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from qcrs.crypto.keys import SEED_BYTES, OpeningKey, SigningKey
from qcrs.errors import QcrsError

# Of a password that a person chose, a second's work; one of 256 random bits needs no stretching.
CHOSEN_COST, RANDOM_COST = 2**18, 2**12
_MOST_COST = 2**20  # a file that asks for more would take the machine's memory
_MAX_BYTES = 16_384
Key = TypeVar("Key", SigningKey, OpeningKey)
_KINDS: dict[type, str] = {SigningKey: "ML-DSA-65", OpeningKey: "X-Wing"}


class KeyFileInvalid(QcrsError):
    """A key file is missing, is there already, is none, or does not open with the password."""


def write_key(path: Path, key: SigningKey | OpeningKey, password: str, cost: int = CHOSEN_COST) -> None:
    """Keep *key* at *path*.

    Args:
        cost: Of scrypt; ``RANDOM_COST`` for a password that nobody chose.

    Raises:
        KeyFileInvalid: There is a file already.
    """
    header = {
        "schemaVersion": 1,
        "kind": _KINDS[type(key)],
        "public": key.public.hex(),
        "kdf": {"name": "scrypt", "cost": cost, "salt": os.urandom(16).hex()},
        "cipher": {"name": "AES-256-GCM", "nonce": os.urandom(12).hex()},
    }
    cipher = AESGCM(_stretched(password, header))
    sealed = cipher.encrypt(bytes.fromhex(header["cipher"]["nonce"]), key.seed, _canonical(header))
    write_private(path, json.dumps({**header, "ciphertext": sealed.hex()}) + "\n")


def read_key(kind: type[Key], path: Path, password: str) -> Key:
    """Return the key of *kind* at *path*.

    Raises:
        KeyFileInvalid: It is not there, or does not open.
    """
    header, sealed = _parts(path)
    if header["kind"] != _KINDS[kind]:
        raise KeyFileInvalid(f"{path} holds a key of kind {header['kind']!r}, expected {_KINDS[kind]}")
    cipher = AESGCM(_stretched(password, header))
    try:
        seed = cipher.decrypt(bytes.fromhex(header["cipher"]["nonce"]), sealed, _canonical(header))
    except (InvalidTag, ValueError) as error:
        raise KeyFileInvalid(f"{path} does not open with this password, or was changed") from error
    key = kind(seed)
    if key.public.hex() != header["public"]:
        raise KeyFileInvalid(f"{path} holds another key than it says")
    return key


def public_of(path: Path) -> bytes:
    """Return the public half of the key at *path*, as the file says, which needs no password.

    Raises:
        KeyFileInvalid: It is no key file.
    """
    header, _ = _parts(path)
    return bytes.fromhex(header["public"])


def write_private(path: Path, text: str) -> None:
    """Write *text* to a new file that its owner alone can read, on disk when this returns.

    Raises:
        KeyFileInvalid: There is a file already.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = os.umask(0o077)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise KeyFileInvalid(f"{path} exists already; keys are never overwritten") from error
    finally:
        os.umask(mask)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _parts(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        header = json.loads(content[:_MAX_BYTES])
        sealed = bytes.fromhex(header.pop("ciphertext"))
        cost, salt, nonce = header["kdf"]["cost"], header["kdf"]["salt"], header["cipher"]["nonce"]
        sound = isinstance(cost, int) and 2 <= cost <= _MOST_COST and not cost & (cost - 1)
        sound = sound and len(bytes.fromhex(salt)) == 16 and len(bytes.fromhex(nonce)) == 12
        bytes.fromhex(header["public"])
        if not sound or len(sealed) != SEED_BYTES + 16 or "kind" not in header:
            raise ValueError("its numbers are out of range")
    except OSError as error:
        raise KeyFileInvalid(f"cannot read {path}: {error.strerror}; make keys with 'qcrs node init'") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise KeyFileInvalid(f"{path} is no key file: {error}") from error
    return header, sealed


def _stretched(password: str, header: dict[str, Any]) -> bytes:
    salt, cost = bytes.fromhex(header["kdf"]["salt"]), header["kdf"]["cost"]
    return Scrypt(salt=salt, length=32, n=cost, r=8, p=1).derive(password.encode())


def _canonical(header: dict[str, Any]) -> bytes:
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
