"""The two post-quantum keys of a party: one signs (ML-DSA-65), one receives (X-Wing: ML-KEM-768 with X25519).

Both are kept as seeds of 32 bytes. What is signed or sealed always names its purpose, so that nothing made for one is
taken for another.
"""

import hashlib
import os
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from qcrs.errors import QcrsError

SEED_BYTES = 32
VERIFYING_BYTES, SIGNATURE_BYTES = 1952, 3309
SEALING_BYTES = 1184 + 32  # of ML-KEM-768, then of X25519
SEAL_OVERHEAD = 1120 + 16  # encapsulated secret, then tag
_KEM_SEED_BYTES, _KEM_PUBLIC_BYTES = 64, 1184
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class PublicKeyInvalid(QcrsError):
    """Bytes are no public key of the kind that is wanted."""


class SealBroken(QcrsError):
    """What was sealed does not open: it is for another key or purpose, or was changed."""


class SigningKey:
    """An ML-DSA-65 key.

    Attributes:
        public: What others check signatures with, 1,952 bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        self._key = MLDSA65PrivateKey.from_seed_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()

    @classmethod
    def create(cls) -> Self:
        """Draw a key."""
        return cls(os.urandom(SEED_BYTES))

    def sign(self, message: bytes, purpose: bytes) -> bytes:
        """Return the signature of *message* for *purpose*, which is at most 255 bytes. No two are alike."""
        return self._key.sign(message, purpose)


class OpeningKey:
    """An X-Wing key: opens what was sealed to its public half.

    Attributes:
        public: What others seal to, 1,216 bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self.seed = seed
        # As draft-connolly-cfrg-xwing-kem expands its 32 bytes into the seeds of both halves.
        expanded = hashlib.shake_256(seed).digest(_KEM_SEED_BYTES + 32)
        lattice = MLKEM768PrivateKey.from_seed_bytes(expanded[:_KEM_SEED_BYTES])
        curve = X25519PrivateKey.from_private_bytes(expanded[_KEM_SEED_BYTES:])
        self._key = MLKEM768X25519PrivateKey(lattice, curve)
        self.public = lattice.public_key().public_bytes_raw() + curve.public_key().public_bytes_raw()

    @classmethod
    def create(cls) -> Self:
        """Draw a key."""
        return cls(os.urandom(SEED_BYTES))

    def open(self, sealed: bytes, purpose: bytes) -> bytes:
        """Return what was sealed to this key for *purpose*.

        Raises:
            SealBroken: It was not, or it was changed since.
        """
        try:
            return _SUITE.decrypt(sealed, self._key, purpose)
        except (InvalidTag, ValueError) as error:
            raise SealBroken(f"{len(sealed)} sealed bytes do not open with this key for this purpose") from error


@dataclass(frozen=True)
class Keys:
    """The post-quantum keys of one processor."""

    signing: SigningKey
    opening: OpeningKey


def seal(public: bytes, secret: bytes, purpose: bytes) -> bytes:
    """Return *secret* sealed to the X-Wing key *public*, ``SEAL_OVERHEAD`` bytes longer.

    Raises:
        PublicKeyInvalid: *public* is no such key.
    """
    try:
        lattice = MLKEM768PublicKey.from_public_bytes(public[:_KEM_PUBLIC_BYTES])
        curve = X25519PublicKey.from_public_bytes(public[_KEM_PUBLIC_BYTES:])
        return _SUITE.encrypt(secret, MLKEM768X25519PublicKey(lattice, curve), purpose)
    except ValueError as error:
        raise PublicKeyInvalid(
            f"expected an X-Wing key of {SEALING_BYTES} bytes, got {len(public)}: {error}"
        ) from error


def is_signed(public: bytes, signature: bytes, message: bytes, purpose: bytes) -> bool:
    """Return whether the ML-DSA-65 key *public* has signed *message* for *purpose*.

    Raises:
        PublicKeyInvalid: *public* is no such key.
    """
    try:
        MLDSA65PublicKey.from_public_bytes(public).verify(signature, message, purpose)
    except InvalidSignature:
        return False
    except ValueError as error:
        raise PublicKeyInvalid(
            f"expected an ML-DSA-65 key of {VERIFYING_BYTES} bytes, got {len(public)}: {error}"
        ) from error
    return True
