"""Envelopes: a payload that everybody may keep and only those with a slot can read.

An envelope has two parts, since a circuit is stored before anyone knows who will run it:

* the **body**: the payload, padded to a bucket of 4^k KiB and encrypted (AES-256-GCM) under a content key drawn for it;
* a **sheet** of slots: the content key sealed (HPKE, X-Wing) to each recipient, filled up with decoys to a power of two
  and shuffled, signed (ML-DSA-65) by the sender whom the body names.

AES-GCM alone does not bind a key: one ciphertext can be made to decrypt to two circuits under two keys, and an honest
processor would be punished for running the other one. So the body's header commits to the content key and to the
payload. Whoever has the body's digest from the chain therefore opens the one payload behind it, or nothing.

Sizes and numbers are checked before anything is decrypted, and every refusal names the check that failed.
"""

import os
import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from qcrs.crypto.keys import (
    SEAL_OVERHEAD,
    SIGNATURE_BYTES,
    VERIFYING_BYTES,
    OpeningKey,
    SealBroken,
    SigningKey,
    is_signed,
    seal,
)
from qcrs.errors import QcrsError
from qcrs.rules.digest import keccak

CONTENT_KEY_BYTES = 32
MAX_RECIPIENTS = 32
LARGEST_BUCKET = 6  # 4 MiB, the longest sweep
BODY_MAGIC, SHEET_MAGIC = b"QCRSbdy1", b"QCRSsht1"
SHEET_PURPOSE = b"QCRS envelope sheet"
_SLOT_PURPOSE = b"QCRS envelope slot"
_KEY_DOMAIN = b"QCRS envelope content key"
_PAYLOAD_DOMAIN = b"QCRS envelope payload"
_HEADER = struct.Struct(">8sB32s32s32s12s")  # magic, bucket, sender, key commitment, payload commitment, nonce
_SHEET = struct.Struct(">8s32s32sB")  # magic, body, context, log2 of the slots
_LENGTH, _TAG_BYTES = struct.Struct(">I"), 16
_SLOT_BYTES = CONTENT_KEY_BYTES + SEAL_OVERHEAD


class Check(Enum):
    """What an envelope failed, in the order in which it is looked at."""

    Length = "its length"
    Format = "its format"
    Body = "the body that it is for"
    Context = "the computation that it is for"
    Sender = "its sender"
    Signature = "its sender's signature"
    Slot = "a slot for this key"
    KeyCommitment = "the commitment to its content key"
    Tag = "its authentication tag"
    Padding = "its padding"
    PayloadCommitment = "the commitment to its payload"


class EnvelopeRefused(QcrsError):
    """An envelope does not open.

    Attributes:
        check: What it failed.
    """

    def __init__(self, check: Check, detail: str) -> None:
        super().__init__(f"the envelope failed the check of {check.value}: {detail}")
        self.check = check


class PayloadTooLarge(QcrsError):
    """A payload fits into no bucket, or its recipients into no sheet."""


@dataclass(frozen=True)
class Header:
    """What a body says in the clear.

    Attributes:
        bucket: Its payload is padded to 4^bucket KiB. sender: Digest of the key that signs its sheets.
        key_commitment, payload_commitment: What its content key and its payload have to be.
    """

    bucket: int
    sender: bytes
    key_commitment: bytes
    payload_commitment: bytes
    nonce: bytes

    @property
    def packed(self) -> bytes:
        """Its bytes, which are authenticated with the payload."""
        fields = (self.bucket, self.sender, self.key_commitment, self.payload_commitment, self.nonce)
        return _HEADER.pack(BODY_MAGIC, *fields)


def is_sealed(content: bytes) -> bool:
    """Return whether *content* is the body of an envelope and no circuit, which cannot begin like one."""
    return content.startswith(BODY_MAGIC)


def seal_body(payload: bytes, content_key: bytes, sender: bytes, nonce: bytes | None = None) -> bytes:
    """Return the body that holds *payload*.

    Args:
        content_key: 32 random bytes, of this payload alone. sender: The ML-DSA-65 key that will sign its sheets.
        nonce: Drawn by default; given only where bodies have to be equal.

    Raises:
        PayloadTooLarge: It fits into no bucket.
    """
    bucket = next((k for k in range(LARGEST_BUCKET + 1) if _LENGTH.size + len(payload) <= bucket_bytes(k)), None)
    if bucket is None:
        most = bucket_bytes(LARGEST_BUCKET) - _LENGTH.size
        raise PayloadTooLarge(f"a payload of {len(payload)} bytes; expected at most {most}")
    header = Header(
        bucket, keccak(sender), _key_commitment(content_key), _payload_commitment(content_key, payload),
        os.urandom(12) if nonce is None else nonce,
    )  # fmt: skip
    padded = (_LENGTH.pack(len(payload)) + payload).ljust(bucket_bytes(bucket), b"\0")
    return header.packed + AESGCM(_cipher_key(content_key)).encrypt(header.nonce, padded, header.packed)


def header_of(body: bytes) -> Header:
    """Return the header of *body*, whose length it has been checked against.

    Raises:
        EnvelopeRefused: It is no body.
    """
    if len(body) < _HEADER.size:
        raise EnvelopeRefused(Check.Length, f"a body of {len(body)} bytes; expected at least {_HEADER.size}")
    magic, bucket, *fields = _HEADER.unpack_from(body)
    if magic != BODY_MAGIC or bucket > LARGEST_BUCKET:
        raise EnvelopeRefused(Check.Format, f"a body that begins with 0x{body[:9].hex()}")
    expected = _HEADER.size + bucket_bytes(bucket) + _TAG_BYTES
    if len(body) != expected:
        raise EnvelopeRefused(Check.Length, f"a body of {len(body)} bytes in bucket {bucket}; expected {expected}")
    return Header(bucket, *fields)


def open_body(body: bytes, content_key: bytes) -> bytes:
    """Return the one payload behind *body*.

    Raises:
        EnvelopeRefused: *content_key* is not the one that it commits to, or it is not what its sender had to make.
    """
    header = header_of(body)
    if _key_commitment(content_key) != header.key_commitment:
        raise EnvelopeRefused(Check.KeyCommitment, "the slot holds another key than the header commits to")
    try:
        padded = AESGCM(_cipher_key(content_key)).decrypt(header.nonce, body[_HEADER.size :], header.packed)
    except InvalidTag as error:
        raise EnvelopeRefused(Check.Tag, "header or ciphertext were changed") from error
    (length,) = _LENGTH.unpack_from(padded)
    payload, rest = padded[_LENGTH.size : _LENGTH.size + length], padded[_LENGTH.size + length :]
    if len(payload) != length or rest.count(0) != len(rest):
        raise EnvelopeRefused(Check.Padding, f"{length} bytes of payload in {len(padded)}, or something beside them")
    if _payload_commitment(content_key, payload) != header.payload_commitment:
        raise EnvelopeRefused(Check.PayloadCommitment, "the header commits to another payload")
    return payload


def seal_sheet(
    content_key: bytes, body: bytes, context: bytes, recipients: Sequence[bytes], sender: SigningKey
) -> bytes:
    """Return a sheet that lets *recipients* open the body with digest *body*.

    Args:
        context: 32 bytes that say what the envelope is used for; in another context the slots do not open.
        recipients: X-Wing keys.

    Raises:
        PayloadTooLarge: There are none, or too many. PublicKeyInvalid: One of them is no such key.
    """
    if not 1 <= len(recipients) <= MAX_RECIPIENTS:
        raise PayloadTooLarge(f"{len(recipients)} recipients; expected 1 to {MAX_RECIPIENTS}")
    size = (len(recipients) - 1).bit_length()
    # Decoys are sealed to keys that nobody keeps: random bytes could be told from encapsulated secrets.
    decoys = [OpeningKey.create().public for _ in range((1 << size) - len(recipients))]
    slots = [seal(key, content_key, _slot_purpose(body, context, key)) for key in recipients]
    slots += [seal(key, os.urandom(CONTENT_KEY_BYTES), _slot_purpose(body, context, key)) for key in decoys]
    random.SystemRandom().shuffle(slots)
    signed = _SHEET.pack(SHEET_MAGIC, body, context, size) + b"".join(slots) + sender.public
    return signed + sender.sign(signed, SHEET_PURPOSE)


def require_sheet(sheet: bytes, body: bytes, context: bytes, sender: bytes) -> list[bytes]:
    """Return the slots of *sheet*, which *sender* has signed for *body* in *context*.

    Args:
        body: Digest of the body. sender: As the body's header names it.

    Raises:
        EnvelopeRefused: It is none.
    """
    if not _SHEET.size < len(sheet) <= sheet_bytes(MAX_RECIPIENTS):
        raise EnvelopeRefused(Check.Length, f"a sheet of {len(sheet)} bytes")
    magic, of, used_for, size = _SHEET.unpack_from(sheet)
    if magic != SHEET_MAGIC or 1 << min(size, 8) > MAX_RECIPIENTS:
        raise EnvelopeRefused(Check.Format, f"a sheet that begins with 0x{sheet[:8].hex()} and has 2^{size} slots")
    if len(sheet) != sheet_bytes(1 << size):
        raise EnvelopeRefused(
            Check.Length, f"a sheet of {len(sheet)} bytes with {1 << size} slots; expected {sheet_bytes(1 << size)}"
        )
    if of != body:
        raise EnvelopeRefused(Check.Body, f"slots of body 0x{of.hex()}; expected those of 0x{body.hex()}")
    if used_for != context:
        raise EnvelopeRefused(Check.Context, "slots of another computation or deployment")
    signed, signature = sheet[:-SIGNATURE_BYTES], sheet[-SIGNATURE_BYTES:]
    key = signed[-VERIFYING_BYTES:]
    if keccak(key) != sender:
        raise EnvelopeRefused(Check.Sender, f"slots of key 0x{keccak(key).hex()}; the body names 0x{sender.hex()}")
    if not is_signed(key, signature, signed, SHEET_PURPOSE):
        raise EnvelopeRefused(Check.Signature, "the slots were changed, or others were put in their place")
    return [sheet[at : at + _SLOT_BYTES] for at in range(_SHEET.size, len(signed) - VERIFYING_BYTES, _SLOT_BYTES)]


def open_sheet(sheet: bytes, body: bytes, context: bytes, sender: bytes, key: OpeningKey) -> bytes:
    """Return the content key that *sheet* holds for *key*.

    Every slot is tried, also after the right one, so that the time taken does not tell which it was.

    Raises:
        EnvelopeRefused: It is no such sheet, or has no slot for this key.
    """
    purpose, found = _slot_purpose(body, context, key.public), None
    for slot in require_sheet(sheet, body, context, sender):
        try:
            found = key.open(slot, purpose)
        except SealBroken:
            continue  # somebody else's, or a decoy
    if found is None or len(found) != CONTENT_KEY_BYTES:
        raise EnvelopeRefused(Check.Slot, f"none of its slots is for key 0x{keccak(key.public).hex()}")
    return found


def is_content_key(content_key: bytes, header: Header) -> bool:
    """Return whether *content_key* is the one that a body commits to."""
    return len(content_key) == CONTENT_KEY_BYTES and _key_commitment(content_key) == header.key_commitment


def bucket_bytes(bucket: int) -> int:
    """Return how many bytes a payload is padded to in *bucket*."""
    return 1024 << 2 * bucket


def sheet_bytes(slots: int) -> int:
    """Return how long a sheet with *slots* slots is."""
    return _SHEET.size + slots * _SLOT_BYTES + VERIFYING_BYTES + SIGNATURE_BYTES


def derived(secret: bytes, purpose: bytes) -> bytes:
    """Return 32 bytes for *purpose* that tell nothing of *secret*, nor of those for other purposes."""
    return HKDF(SHA256(), 32, None, purpose).derive(secret)


def _cipher_key(content_key: bytes) -> bytes:
    return derived(content_key, b"QCRS envelope cipher")


def _key_commitment(content_key: bytes) -> bytes:
    return keccak(_KEY_DOMAIN + content_key)


def _payload_commitment(content_key: bytes, payload: bytes) -> bytes:
    # Blinded by the key: a circuit from a short list of likely ones must not be found by trying.
    return keccak(_PAYLOAD_DOMAIN + content_key + keccak(payload))


def _slot_purpose(body: bytes, context: bytes, recipient: bytes) -> bytes:
    return _SLOT_PURPOSE + body + context + keccak(recipient)
