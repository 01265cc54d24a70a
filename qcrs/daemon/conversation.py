"""What two ends of a channel say to each other over a link: the exchange of a key, or a report of conformance.

Letters are numbered in each direction and signed with the processors' ML-DSA-65 keys for this conversation alone. The
link passes them on, and could withhold or change them: then the conversation is dropped, and nothing of it is kept.
"""

import asyncio
import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy

from qcrs.crypto.keys import SIGNATURE_BYTES, SigningKey, is_signed
from qcrs.errors import QcrsError
from qcrs.link.answers import MadePairs
from qcrs.link.client import LinkClient
from qcrs.link.wire import Purpose, understood
from qcrs.quantum.entanglement import held
from qcrs.quantum.entanglement.pairs import PairSource
from qcrs.rules.digest import keccak
from qcrs.rules.invitation import Invitation
from qcrs.rules.key_account import Measured, Terms
from qcrs.rules.key_exchange import Alice, Bob, End
from qcrs.rules.key_message import MessageRefused, from_bits, to_bits
from qcrs.rules.privacy_amplification import SECRECY, VERIFICATION_BITS

LETTER_SECONDS = 30.0  # how long the other end may take for a letter
MOST_SECONDS = 600.0  # of a conversation
PURPOSE = b"QCRS channel conversation"
KEY_DOMAIN = keccak(b"QCRS key of a channel")
AGREED, KEPT = b"agreed", b"kept"
LEAST_OF_SETTINGS = 16  # pairs measured in each two settings, without which there is no S
NOT_A_PROOF = (
    "a conformance report, never a proof: one classical bit from end to end, or an emulator, gives the same figures"
)
_WORD = 256
_ALL = (1 << _WORD) - 1


class LinkTooSlow(QcrsError):
    """A link needs longer for the pairs than a conversation lasts."""


@dataclass
class Side:
    """One end's side of a conversation.

    Attributes:
        digest: Of the invitation, which names the conversation. end: Alice has invited.
        key: Its own. public: The other end's, by its identity. readout_ppm: Errors of its own device.
    """

    client: LinkClient
    invitation: Invitation
    digest: bytes
    end: End
    key: SigningKey
    public: bytes
    readout_ppm: int
    _said: int = field(default=0, init=False)
    _heard: int = field(default=0, init=False)

    @property
    def peer(self) -> int:
        """The processor at the other end."""
        return self.invitation.peer if self.end is End.Alice else self.invitation.asker

    async def measure(self) -> tuple[MadePairs, Measured]:
        """Have the pairs made, draw a basis or setting for each, and measure it.

        Raises:
            LinkTooSlow: They would not come in time; none are used.
        """
        wanted, purpose = self.invitation, Purpose(self.invitation.talk.value)
        rate = await self._rate()
        wait = LETTER_SECONDS + wanted.pairs / rate
        if wait > MOST_SECONDS:
            raise LinkTooSlow(
                f"channel {wanted.channel}: {wanted.pairs} pairs at {rate:.4g} a second, expected at most "
                f"{int((MOST_SECONDS - LETTER_SECONDS) * rate)}, within {MOST_SECONDS:g} s in all"
            )
        made = await self.client.prepare(wanted.channel, wanted.number, self.peer, wanted.pairs, purpose, wait)
        drawn, words = secrets.randbits(wanted.pairs), -(-wanted.pairs // _WORD)
        outcomes = await self.client.measure(
            wanted.channel, wanted.number, self.peer, [_ALL] * words,
            [drawn >> _WORD * word & _ALL for word in range(words)], purpose, self.readout_ppm,
        )  # fmt: skip
        found = sum(outcome << _WORD * word for word, outcome in enumerate(outcomes))
        return made, Measured(drawn, found & ((1 << wanted.pairs) - 1))

    async def say(self, letter: bytes) -> None:
        """Leave the next letter for the other end."""
        await self.client.post(self.peer, self._topic(self._said), letter)
        self._said += 1

    async def hear(self) -> bytes:
        """Return the other end's next letter.

        Raises:
            WaitTimedOut: There is none.
        """
        letter = await self.client.fetch(self.peer, self._topic(self._heard), LETTER_SECONDS)
        self._heard += 1
        return letter

    async def tell(self, body: bytes) -> None:
        """Say *body*, signed."""
        await self.say(body + self.sign(self._bound(self.end, body)))

    async def told(self) -> bytes:
        """Return what the other end tells.

        Raises:
            MessageRefused: It has not signed it, for this conversation and here.
        """
        letter = await self.hear()
        body, signature = letter[:-SIGNATURE_BYTES], letter[-SIGNATURE_BYTES:]
        if not self.is_signed(self._bound(1 - self.end, body), signature):
            raise MessageRefused(f"{len(letter)} bytes that the other end did not sign for this conversation")
        return body

    def sign(self, message: bytes) -> bytes:
        """Return the own signature of *message*."""
        return self.key.sign(message, PURPOSE)

    def is_signed(self, message: bytes, signature: bytes) -> bool:
        """Return whether the other end has signed *message*."""
        return len(signature) == SIGNATURE_BYTES and is_signed(self.public, signature, message, PURPOSE)

    async def _rate(self) -> float:
        """Return how many pairs the link says that it makes in a second."""
        described = await self.client.describe()
        with understood("a source of pairs"):
            return PairSource.model_validate(json.loads(described["descriptor"])["source"]).heralded_rate

    def _topic(self, position: int) -> str:
        return f"talk-{self.invitation.channel}-{self.invitation.number}-{position}"

    def _bound(self, sender: int, body: bytes) -> bytes:
        return self.digest + bytes([sender]) + body


async def exchange_key(side: Side, tolerated_ppm: int) -> tuple[dict[str, Any], bytes | None]:
    """Carry out a key exchange, and return its report and, unless that tells of an alarm, the key.

    Raises:
        QcrsError: The conversation is dropped: a letter was refused or did not come, or the link is away.
    """
    wanted = side.invitation
    terms = Terms(side.digest, wanted.pairs, tolerated_ppm, wanted.bits)
    made, measured = await side.measure()
    checks = (side.sign, side.is_signed)
    if side.end is End.Alice:
        alice = own = Alice(terms, measured, *checks, secrets.token_bytes)
        letter = alice.start()
    else:
        own, letter = Bob(terms, measured, *checks), b""
    if letter:
        await side.say(letter)
    while own.alarm is None and own.key is None:
        letter = await asyncio.to_thread(own.receive, await side.hear())
        if letter:
            await side.say(letter)
    report: dict[str, Any] = {"label": made.label, "pairs": wanted.pairs, "toleratedPpm": tolerated_ppm}
    if own.account is not None:
        report |= asdict(own.account)
    if own.alarm is not None:
        return report | {"alarm": type(own.alarm).__name__, "message": str(own.alarm)}, None
    assert own.key is not None
    report |= {"epsilon": {"secret": f"{SECRECY:e}", "correct": f"2^-{VERIFICATION_BITS}"}}
    return report | {"keyDigest": "0x" + keccak(KEY_DOMAIN + own.key).hex()}, own.key


async def require_told(side: Side, expected: bytes) -> None:
    """Wait until the other end tells *expected*.

    Raises:
        MessageRefused: It tells something else.
    """
    found = await side.told()
    if found != expected:
        raise MessageRefused(f"{found[:16]!r} from the other end, expected {expected!r}")


async def report_chsh(side: Side) -> dict[str, Any]:
    """Measure in settings of CHSH, tell the other end what came out, and return what both together say.

    Raises:
        QcrsError: The conversation is dropped.
    """
    pairs = side.invitation.pairs
    made, own = await side.measure()
    # Whoever hears the other's settings before measuring could have any S.
    await side.tell(to_bits(own.bases, pairs) + to_bits(own.outcomes, pairs))
    told, size = await side.told(), -(-pairs // 8)
    other = Measured(from_bits(told[:size], pairs), from_bits(told[size:], pairs))
    ends = (own, other) if made.end == 0 else (other, own)
    settings, outcomes = ([_row(getattr(end, name), pairs) for end in ends] for name in ("bases", "outcomes"))
    of_settings = numpy.bincount(2 * settings[0] + settings[1], minlength=4)
    if of_settings.min() < LEAST_OF_SETTINGS:
        raise MessageRefused(f"pairs in each two settings: {of_settings.tolist()}, expected {LEAST_OF_SETTINGS} each")
    value, error = held.chsh(settings, outcomes)
    return {"label": made.label, "pairs": pairs, "s": round(value, 4), "standardError": round(error, 4),
            "ofSettings": of_settings.tolist(), "note": NOT_A_PROOF}  # fmt: skip


def _row(bits: int, count: int) -> numpy.ndarray:
    packed = numpy.frombuffer(to_bits(bits, count), dtype=numpy.uint8)
    return numpy.unpackbits(packed, count=count, bitorder="little")
