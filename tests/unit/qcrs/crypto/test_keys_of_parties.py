"""Keys are what the standards say: X-Wing as drafted, within HPKE (RFC 9180); ML-DSA-65 with a purpose."""

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qcrs.crypto.keys import (
    SEAL_OVERHEAD,
    SEALING_BYTES,
    SIGNATURE_BYTES,
    VERIFYING_BYTES,
    OpeningKey,
    PublicKeyInvalid,
    SealBroken,
    SigningKey,
    is_signed,
    seal,
)
from qcrs.rules.digest import keccak

SEED = bytes.fromhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26")
KEY, SIGNER = OpeningKey(SEED), SigningKey(SEED)


def test_seed_gives_the_public_key_of_the_drafts_first_vector():
    """draft-connolly-cfrg-xwing-kem, appendix C: first and last bytes of the public key to this seed."""
    assert len(KEY.public) == SEALING_BYTES
    assert KEY.public[:16].hex() == "e2236b35a8c24b39b10aa1323a96a919"
    assert KEY.public[-28:].hex() == "eff389b27dce59844570216223593d4ba32d9abac8cd049040ef6534"


def test_public_keys_are_as_they_were_frozen():
    assert keccak(KEY.public).hex() == "ec229d97613aeaf4f53337f34731dfeb25d5fa0d7a6f492ed4694db5f544eff6"
    assert keccak(SIGNER.public).hex() == "631d4cc2c21ca1a9f94205ad83fa5e374d36cc937218b50775297a8b36e44c4f"


def test_sealing_is_x_wing_within_hpke():
    """Both standards, written out here, open what the library sealed."""
    sealed = seal(KEY.public, b"secret", b"purpose")
    assert len(sealed) == len(b"secret") + SEAL_OVERHEAD
    expanded = hashlib.shake_256(SEED).digest(96)
    lattice, share = sealed[:1088], sealed[1088:1120]
    curve = X25519PrivateKey.from_private_bytes(expanded[64:])
    secrets = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]).decapsulate(lattice)
    secrets += curve.exchange(X25519PublicKey.from_public_bytes(share))
    shared = hashlib.sha3_256(secrets + share + KEY.public[1184:] + b"\\.//^\\").digest()

    suite = b"HPKE" + (0x647A).to_bytes(2, "big") + (1).to_bytes(2, "big") + (2).to_bytes(2, "big")

    def extract(salt, label, material):
        return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")

    def expand(key, label, info, size):
        labelled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
        return hmac.digest(key, labelled + b"\1", "sha256")[:size]

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", b"purpose")
    secret = extract(shared, b"secret", b"")
    key, nonce = expand(secret, b"key", context, 32), expand(secret, b"base_nonce", context, 12)
    assert AESGCM(key).decrypt(nonce, sealed[1120:], b"") == b"secret"


@pytest.mark.parametrize("place", [0, 1087, 1088, 1119, 1120, 1141])
def test_changed_seal_is_broken(place):
    sealed = bytearray(seal(KEY.public, b"secret", b"purpose"))
    sealed[place] ^= 1
    with pytest.raises(SealBroken):
        KEY.open(bytes(sealed), b"purpose")


@pytest.mark.parametrize("sealed", [b"", bytes(100), bytes(1120), bytes(1142), bytes(5000)], ids=len)
def test_what_is_no_seal_is_broken(sealed):
    with pytest.raises(SealBroken, match=f"{len(sealed)} sealed bytes"):
        KEY.open(sealed, b"purpose")


def test_seal_is_for_one_key_and_one_purpose():
    sealed = seal(KEY.public, b"secret", b"purpose")
    assert KEY.open(sealed, b"purpose") == b"secret"
    with pytest.raises(SealBroken):
        KEY.open(sealed, b"another")
    with pytest.raises(SealBroken):
        OpeningKey(bytes(32)).open(sealed, b"purpose")


def test_signature_is_of_one_message_key_and_purpose():
    signature = SIGNER.sign(b"message", b"purpose")
    assert len(signature) == SIGNATURE_BYTES
    assert len(SIGNER.public) == VERIFYING_BYTES
    assert is_signed(SIGNER.public, signature, b"message", b"purpose")
    assert not is_signed(SIGNER.public, signature, b"another", b"purpose")
    assert not is_signed(SIGNER.public, signature, b"message", b"another")
    assert not is_signed(SigningKey(bytes(32)).public, signature, b"message", b"purpose")
    assert not is_signed(SIGNER.public, signature[:-1], b"message", b"purpose")


def test_what_is_no_signing_key_is_refused():
    with pytest.raises(PublicKeyInvalid, match="expected an ML-DSA-65 key of 1952 bytes, got 10"):
        is_signed(bytes(10), bytes(SIGNATURE_BYTES), b"message", b"purpose")
