"""Keys in files: Ethereum keystore v3, and a lock that keeps two daemons from using one key."""

import fcntl
import json
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Self

from eth_account import Account
from eth_account.messages import SignableMessage, encode_defunct, encode_typed_data
from eth_account.signers.local import LocalAccount
from eth_utils import is_address, to_checksum_address

from qcrs.config import password
from qcrs.errors import QcrsError
from qcrs.rules.digest import keccak

__all__ = [
    "AddressInvalid",
    "KeyInUse",
    "KeyLock",
    "KeystoreInvalid",
    "LocalAccount",
    "LockFolderUnsafe",
    "account_of",
    "address_of",
    "create_account",
    "create_keystore",
    "devnet_account",
    "entanglement_root",
    "load_keystore",
    "registration_digest",
    "salt_root",
    "sign_registration",
]


RANDOM_COST = 2**12  # of scrypt, for a password that nobody chose


class KeystoreInvalid(QcrsError):
    """A keystore or its password file is missing, unreadable or does not match."""


class KeyInUse(QcrsError):
    """Another process acts with this key."""


class LockFolderUnsafe(QcrsError):
    """Somebody else could put files where the locks of keys are."""


class AddressInvalid(QcrsError):
    """A text is not an address."""


def create_keystore(path: Path, password_file: Path) -> LocalAccount:
    """Make a key and a password, write both with mode 0600, and return the key.

    The password is 256 random bits, so stretching it adds nothing: the key derivation is a quick one, and a daemon
    starts without spending a second on it.

    Raises:
        KeystoreInvalid: There is a file at *path* already; keys are never overwritten.
    """
    drawn = secrets.token_hex(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_private(password_file, drawn + "\n")
    return create_account(path, drawn, RANDOM_COST)


def create_account(path: Path, secret: str, cost: int) -> LocalAccount:
    """Make a key, write it encrypted with mode 0600, and return it.

    Args:
        cost: Of scrypt, by which a guess at the password *secret* takes long.

    Raises:
        KeystoreInvalid: There is a file at *path* already; keys are never overwritten.
    """
    account = Account.create()
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_private(path, json.dumps(Account.encrypt(account.key, secret, kdf="scrypt", iterations=cost)))
    return account


def _write_private(path: Path, text: str) -> None:
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError as error:
        raise KeystoreInvalid(f"{path} exists already; keys are never overwritten") from error
    with os.fdopen(handle, "w") as file:
        file.write(text)


def load_keystore(path: Path, password_file: Path) -> LocalAccount:
    """Return the key in *path*.

    Raises:
        KeystoreInvalid: The file is missing or is not a keystore, or the password is wrong.
        PasswordMissing: There is no password file, and no other password.
    """
    try:
        return Account.from_key(Account.decrypt(json.loads(path.read_text()), password(password_file)))
    except OSError as error:
        raise KeystoreInvalid(
            f"cannot read {error.filename}: {error.strerror}; make keys with 'qcrs node init'"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise KeystoreInvalid(f"{path} does not open with the password in {password_file}: {error}") from error


def account_of(private_key: str) -> LocalAccount:
    """Return the account of a 0x-prefixed private key."""
    try:
        return Account.from_key(private_key)
    except (ValueError, TypeError) as error:
        raise KeystoreInvalid("not a private key: expected 32 bytes in hexadecimal") from error


def address_of(text: str) -> str:
    """Return the address *text* with the capitals of its checksum.

    Raises:
        AddressInvalid: It is not 20 bytes in hexadecimal, or its capitals do not fit: a digit was mistyped.
    """
    digits = text.removeprefix("0x")
    valid = text.startswith("0x") and is_address(text)
    # Digits in one case carry no checksum.
    if not valid or (digits not in (digits.lower(), digits.upper()) and text != to_checksum_address(text)):
        raise AddressInvalid(f"expected 0x and 40 hexadecimal digits with a matching checksum, got {text!r}")
    return to_checksum_address(text)


def devnet_account(mnemonic: str, index: int) -> LocalAccount:
    """Return account *index* of a devnet's *mnemonic* (BIP-44, as Ganache derives it)."""
    Account.enable_unaudited_hdwallet_features()
    return Account.from_mnemonic(mnemonic, account_path=f"m/44'/60'/0'/0/{index}")


def sign_registration(
    daemon: LocalAccount, chain_id: int, registry: str, operator: str, identity_digest: bytes, hardware_digest: bytes
) -> bytes:
    """Return the daemon's EIP-712 proof that it consents to serve *operator*'s processor."""
    message = _registration(daemon.address, chain_id, registry, operator, identity_digest, hardware_digest)
    return bytes(daemon.sign_message(message).signature)


def registration_digest(
    daemon: str, chain_id: int, registry: str, operator: str, identity_digest: bytes, hardware_digest: bytes
) -> bytes:
    """Return what the daemon signs there, for its hash key to attest as well."""
    message = _registration(daemon, chain_id, registry, operator, identity_digest, hardware_digest)
    return keccak(b"\x19" + message.version + message.header + message.body)


def _registration(
    daemon: str, chain_id: int, registry: str, operator: str, identity_digest: bytes, hardware_digest: bytes
) -> SignableMessage:
    return encode_typed_data(
        domain_data={
            "name": "QCRS ProcessorRegistry",
            "version": "1",
            "chainId": chain_id,
            "verifyingContract": registry,
        },
        message_types={
            "ProcessorRegistration": [
                {"name": "operator", "type": "address"},
                {"name": "daemon", "type": "address"},
                {"name": "identityDigest", "type": "bytes32"},
                {"name": "hardwareDigest", "type": "bytes32"},
            ]
        },
        message_data={
            "operator": operator,
            "daemon": daemon,
            "identityDigest": identity_digest,
            "hardwareDigest": hardware_digest,
        },
    )


def salt_root(daemon: LocalAccount, chain_id: int, deployment: str, processor: int, number: int) -> bytes:
    """Return the secret behind the *number*-th chain of salts with which *processor* is enlisted as a certifier.

    It follows from the daemon's key alone, so that no journal can lose it: the signature of a text that nobody else is
    ever shown. Signatures are deterministic.
    """
    text = f"QCRS certifier salts: chain {chain_id}, {deployment}, processor {processor}, number {number}"
    return keccak(bytes(daemon.sign_message(encode_defunct(text=text)).signature))


def entanglement_root(daemon: LocalAccount, chain_id: int, deployment: str, processor: int) -> bytes:
    """Return the secret that the seeds and salts of *processor* follow from, in channels and sessions."""
    text = f"QCRS entanglement secrets: chain {chain_id}, {deployment}, processor {processor}"
    return keccak(bytes(daemon.sign_message(encode_defunct(text=text)).signature))


class KeyLock:
    """Holds a key for this process, on this machine, until closed or the process ends."""

    def __init__(self, address: str, chain_id: int) -> None:
        path = _lock_folder() / f"{chain_id}-{address.lower()}.lock"
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LockFolderUnsafe(f"cannot lock {path}: {error.strerror}; remove it") from error
        self._file = os.fdopen(handle, "a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise KeyInUse(
                f"key {address} is in use on chain {chain_id} by process {owner}; two daemons with one key would "
                "trip over each other's nonces. Stop it first"
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def close(self) -> None:
        """Let the key go."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _lock_folder() -> Path:
    # The temporary directory is everybody's: another user may have made the folder first, to plant links in it.
    folder = Path(tempfile.gettempdir()) / f"qcrs-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise LockFolderUnsafe(
            f"{folder} is to be a directory that this user alone may write to; remove it, or "
            "set TMPDIR to another place"
        )
    return folder
