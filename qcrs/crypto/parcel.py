"""A parcel: an envelope and its slots in one, for recipients who are known when it is sealed.

A circuit of a computation is sealed before anybody is drawn for it, so its slots follow later; what a member of a
session gets is sealed to that member from the start.
"""

import os
import struct
from collections.abc import Sequence

from qcrs.crypto.envelope import (
    CONTENT_KEY_BYTES,
    Check,
    EnvelopeRefused,
    header_of,
    open_body,
    open_sheet,
    seal_body,
    seal_sheet,
)
from qcrs.crypto.keys import OpeningKey, SigningKey
from qcrs.rules.digest import keccak

MAGIC = b"QCRSpcl1"
_HEADER = struct.Struct(">8sI")


def seal_parcel(payload: bytes, context: bytes, recipients: Sequence[bytes]) -> bytes:
    """Return *payload* for *recipients*, X-Wing keys, and for use in *context*, 32 bytes.

    Who has sealed it, it does not say: its digest is put on the chain by whoever answers for it.

    Raises:
        PayloadTooLarge: It fits into no envelope, or there are too many recipients.
        PublicKeyInvalid: One of them is no such key.
    """
    content_key, signer = os.urandom(CONTENT_KEY_BYTES), SigningKey.create()
    body = seal_body(payload, content_key, signer.public)
    sheet = seal_sheet(content_key, keccak(body), context, recipients, signer)
    return _HEADER.pack(MAGIC, len(sheet)) + sheet + body


def open_parcel(content: bytes, context: bytes, key: OpeningKey) -> bytes:
    """Return what *content* holds for *key*.

    Raises:
        EnvelopeRefused: It is no parcel, is for others or another context, or was not made as it has to be.
    """
    if len(content) < _HEADER.size:
        raise EnvelopeRefused(Check.Length, f"a parcel of {len(content)} bytes; expected at least {_HEADER.size}")
    magic, length = _HEADER.unpack_from(content)
    sheet, body = content[_HEADER.size : _HEADER.size + length], content[_HEADER.size + length :]
    if magic != MAGIC or len(sheet) != length:
        raise EnvelopeRefused(Check.Format, f"a parcel that begins with 0x{content[:8].hex()}")
    content_key = open_sheet(sheet, keccak(body), context, header_of(body).sender, key)
    return open_body(body, content_key)
