"""Invitations: an end of a channel asks the other for a conversation over it, for a key or a report of conformance.

What is agreed on before anything is measured. Its digest names the conversation: every letter of it is signed for that
digest, and the link makes pairs for its number, so that nothing of it serves for another.
"""

import json
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, ValidationError

from qcrs.errors import QcrsError
from qcrs.model.records import Record
from qcrs.rules.digest import keccak
from qcrs.rules.privacy_amplification import MAX_BITS

DOMAIN = keccak(b"QCRS channel invitation")
LEAST_PAIRS, MOST_PAIRS = 256, MAX_BITS
LEAST_KEY_BITS, MOST_KEY_BITS = 128, 1 << 16
NUMBERS = 1 << 62  # as a journal and a link can count
MAX_BYTES = 2_048  # of an invitation


class InvitationRefused(QcrsError):
    """An invitation is not the other end's, not for this one, not of now, or asks for what there is not."""


class Talk(StrEnum):
    """What a conversation is about; the names are those of a link's purposes."""

    Key = "key"
    Chsh = "chsh"


class Invitation(Record):
    """An invitation by processor *asker* to processor *peer*.

    Attributes:
        attempt: Of the channel's test, the last that it passed. number: By which the link tells its pairs from others.
        nonce: 32 bytes in hexadecimal, drawn for it. bits: A shorter key is none; 0 when none is wanted.
        until: After which it is not accepted, unix seconds of the chain's clock.
    """

    talk: Talk
    channel: Annotated[int, Field(ge=1, lt=2**62)]
    attempt: Annotated[int, Field(ge=1, lt=2**32)]
    asker: Annotated[int, Field(ge=1, lt=2**32)]
    peer: Annotated[int, Field(ge=1, lt=2**32)]
    number: Annotated[int, Field(ge=1, le=NUMBERS)]
    nonce: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    pairs: Annotated[int, Field(ge=LEAST_PAIRS, le=MOST_PAIRS)]
    bits: Annotated[int, Field(ge=0, le=MOST_KEY_BITS)] = 0
    until: Annotated[int, Field(ge=0, lt=2**40)]

    @property
    def content(self) -> bytes:
        """What is signed and sent: sorted, without spaces."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":")).encode()

    def digest(self, chain_id: int, contract: str) -> bytes:
        """Return what names the conversation, on the channels of *contract* only."""
        scope = chain_id.to_bytes(8, "big") + bytes.fromhex(contract.removeprefix("0x"))
        return keccak(DOMAIN + scope + self.content)

    @classmethod
    def read(cls, content: bytes) -> Self:
        """Return the invitation in *content*.

        Raises:
            InvitationRefused: There is none, or not in its one form.
        """
        try:
            invitation = cls.model_validate_json(content[: MAX_BYTES + 1])
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "invitation"
            raise InvitationRefused(f"{len(content)} bytes, {where}: {first['msg']}") from error
        if invitation.content != content:
            raise InvitationRefused(f"invitation {invitation.number} is not in its canonical form")
        if (invitation.talk is Talk.Key) != (invitation.bits >= LEAST_KEY_BITS):
            raise InvitationRefused(f"invitation for {invitation.talk}: a key of {invitation.bits} bits")
        return invitation
