"""Admission of a processor: proof that its X-Wing key is possessed, and that nobody else has its keys or its device.

A key that only receives cannot sign. So whoever admits seals an answer to it that nobody else knows, bound to the
digest of the identity file: who answers has opened it. The answer follows from a secret of the admitting party, so
nothing has to be remembered between challenge and answer, and a challenge that somebody else left proves nothing.
"""

from collections.abc import Mapping

from qcrs.crypto.identity import Check, Identity, IdentityInvalid
from qcrs.crypto.keys import OpeningKey, PublicKeyInvalid, SealBroken, seal
from qcrs.rules.digest import keccak

CHALLENGE_PURPOSE = b"QCRS identity challenge"


def challenge(identity: Identity, secret: bytes) -> bytes:
    """Return what only the possessor of the document's X-Wing key can open, for this very file.

    Raises:
        IdentityInvalid: Its X-Wing key is none.
    """
    try:
        return seal(
            identity.document.sealing_key, expected_answer(identity.digest, secret), _challenge(identity.digest)
        )
    except PublicKeyInvalid as error:
        raise IdentityInvalid(Check.Key, str(error)) from error


def answer(sealed: bytes, digest: bytes, key: OpeningKey) -> bytes:
    """Return what proves possession of *key* for the file with *digest*, and nothing for any other file.

    Raises:
        IdentityInvalid: The challenge is not for this key and file.
    """
    try:
        return key.open(sealed, _challenge(digest))
    except SealBroken as error:
        raise IdentityInvalid(Check.Possession, f"the challenge is for another key or document: {error}") from error


def expected_answer(digest: bytes, secret: bytes) -> bytes:
    """Return the answer to the challenge that the keeper of *secret* makes for the file with *digest*."""
    return keccak(CHALLENGE_PURPOSE + secret + digest)


def require_possession(identity: Identity, secret: bytes, answered: bytes) -> None:
    """Check the answer to a challenge.

    Raises:
        IdentityInvalid: It is not the one that only the key's possessor can give.
    """
    if answered != expected_answer(identity.digest, secret):
        raise IdentityInvalid(Check.Possession, "the challenge was not opened")


def _challenge(digest: bytes) -> bytes:
    return CHALLENGE_PURPOSE + digest


def require_unique(identity: Identity, others: Mapping[int, Identity]) -> None:
    """Check that *identity* shares neither a key nor a device with *others*, by processor.

    Raises:
        IdentityInvalid: It does: one party would count as two.
    """
    mine = identity.document
    for processor, other in others.items():
        for name in ("signing_key", "sealing_key", "hash_key", "hardware_digest"):
            value = getattr(mine, name)
            if value is not None and value == getattr(other.document, name):
                raise IdentityInvalid(Check.Unique, f"processor {processor} has the same {name.replace('_', ' ')}")
