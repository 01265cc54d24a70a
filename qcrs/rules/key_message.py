"""The messages of a key exchange: numbered, for one exchange and one direction, and authenticated each."""

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any

from qcrs.errors import QcrsError
from qcrs.rules.cascade import Range, ReconciliationFailed
from qcrs.rules.digest import keccak

MESSAGE_DOMAIN = keccak(b"QCRS key exchange message")
MAX_BODY_BYTES = 1 << 20
_HEADER_BYTES = 8
_RANGE_BYTES = 7  # pass, start, stop


class MessageRefused(QcrsError):
    """A message is not the other end's next one, was changed, or cannot be read."""


class Kind(IntEnum):
    """What a message says."""

    Measured = 0
    Bases = 1
    Sifted = 2
    Tested = 3
    Asked = 4
    Parities = 5
    Proof = 6
    Verdict = 7
    Failed = 8


class Door:
    """One end's way to the other: seals what it says, opens what it hears, in order.

    A message is its body's length, number, kind, then body and tag. The tag is over all before it, the exchange and the
    direction, so that no message is taken for one of another exchange, of another place, or of the end itself.
    """

    def __init__(
        self, end: int, exchange: bytes, sign: Callable[[bytes], bytes], is_signed: Callable[[bytes, bytes], bool]
    ) -> None:
        self._end, self._exchange, self._sign, self._is_signed = end, exchange, sign, is_signed
        self._sent = self._taken = 0
        self._expected: tuple[Kind, ...] = _FIRST[end]

    def seal(self, kind: Kind, body: bytes) -> bytes:
        """Return the next message to send."""
        message = len(body).to_bytes(4, "big") + self._sent.to_bytes(3, "big") + bytes([kind]) + body
        self._sent, self._expected = self._sent + 1, _NEXT[kind]
        return message + self._sign(self._bound(self._end, message))

    def take(self, message: bytes, steps: Mapping[Kind, Callable[[bytes], bytes]], end: Any) -> bytes:
        """Open *message*, have the step for its kind carried out and return the reply.

        Args:
            end: Whose steps these are; its *alarm* is raised when the other end says that it failed.

        Raises:
            MessageRefused: It is not the next message.
        """
        kind, body = self._opened(message)
        if end.alarm or end.key is not None or kind not in self._expected:
            wanted = " or ".join(each.name for each in self._expected)
            raise MessageRefused(f"a message {kind.name}; expected {'none' if end.alarm or end.key else wanted}")
        if kind is Kind.Failed:
            end.alarm = ReconciliationFailed(f"at the other end: {body.decode(errors='replace')}")
            reply = b""
        else:
            reply = steps[kind](body)
        self._taken += 1
        return reply

    def _opened(self, message: bytes) -> tuple[Kind, bytes]:
        size = int.from_bytes(message[:4], "big")
        if len(message) < _HEADER_BYTES + size or size > MAX_BODY_BYTES:
            raise MessageRefused(f"{len(message)} bytes, with a body said to be of {size}")
        signed, tag = message[: _HEADER_BYTES + size], message[_HEADER_BYTES + size :]
        if not self._is_signed(self._bound(1 - self._end, signed), tag):
            raise MessageRefused(f"{len(message)} bytes that the other end did not sign for this exchange")
        number = int.from_bytes(message[4:7], "big")
        if number != self._taken:
            raise MessageRefused(f"message {number}; expected message {self._taken}")
        if message[7] > max(Kind):
            raise MessageRefused(f"a message of kind {message[7]}")
        return Kind(message[7]), signed[_HEADER_BYTES:]

    def _bound(self, sender: int, message: bytes) -> bytes:
        return MESSAGE_DOMAIN + self._exchange + bytes([sender]) + message


# What may come first, and after what was said; only reconciliation goes round.
_FIRST = {0: (), 1: (Kind.Measured,)}
_NEXT = {
    Kind.Measured: (Kind.Bases,),
    Kind.Bases: (Kind.Sifted,),
    Kind.Sifted: (Kind.Tested,),
    Kind.Tested: (Kind.Parities,),
    Kind.Parities: (Kind.Asked, Kind.Failed),
    Kind.Asked: (Kind.Parities, Kind.Proof, Kind.Failed),
    Kind.Proof: (Kind.Verdict,),
    Kind.Verdict: (),
    Kind.Failed: (),
}


def to_bits(value: int, bits: int) -> bytes:
    """Return *bits* bits in whole bytes, the lowest first."""
    return value.to_bytes(-(-bits // 8), "little")


def from_bits(body: bytes, bits: int) -> int:
    """Return what ``to_bits`` wrote.

    Raises:
        MessageRefused: There are more or fewer.
    """
    value = int.from_bytes(body, "little")
    if len(body) != -(-bits // 8) or value >> bits:
        raise MessageRefused(f"{len(body)} bytes for {bits} bits, of which the highest set is {value.bit_length()}")
    return value


def to_ranges(ranges: Sequence[Range]) -> bytes:
    """Return *ranges*, seven bytes each."""
    return b"".join(
        bytes([each.number]) + each.start.to_bytes(3, "big") + each.stop.to_bytes(3, "big") for each in ranges
    )


def from_ranges(body: bytes) -> list[Range]:
    """Return what ``to_ranges`` wrote.

    Raises:
        MessageRefused: It is no whole number of ranges.
    """
    if len(body) % _RANGE_BYTES:
        raise MessageRefused(f"{len(body)} bytes of ranges; expected a multiple of {_RANGE_BYTES}")
    parts = [body[at : at + _RANGE_BYTES] for at in range(0, len(body), _RANGE_BYTES)]
    return [Range(part[0], int.from_bytes(part[1:4], "big"), int.from_bytes(part[4:], "big")) for part in parts]
