"""What two ends agreed on and measured, and what that comes to: bits for a key, bits for the test, or an alarm.

Both ends of ``qcrs.rules.key_exchange`` reckon alike, each with what it has measured and heard.
"""

import json
from dataclasses import asdict, dataclass
from typing import Self

from qcrs.errors import QcrsError
from qcrs.rules import privacy_amplification as amplification
from qcrs.rules.digest import keccak

TERMS_DOMAIN = keccak(b"QCRS key exchange terms")


class TermsInvalid(QcrsError):
    """Terms that no key can be made on: both ends of a channel may have agreed on any."""


class EavesdropperSuspected(QcrsError):
    """More tested pairs disagreed than was agreed to be tolerable."""


class NoKeyLeft(QcrsError):
    """What may be known of the bits leaves fewer secret ones than were agreed on."""


@dataclass(frozen=True)
class Terms:
    """What both ends agreed on before they measured anything.

    Attributes:
        context: 32 bytes that name this exchange and no other: of the channel, its attempt, both ends.
        pairs: Measured. tolerated_ppm: Share of tested pairs, per million, that may disagree.
        least_bits: A shorter key is none.

    Raises:
        TermsInvalid: They are beyond what there is.
    """

    context: bytes
    pairs: int
    tolerated_ppm: int
    least_bits: int = 128

    def __post_init__(self) -> None:
        if len(self.context) != 32 or not 0 < self.pairs <= amplification.MAX_BITS or self.least_bits < 8:
            raise TermsInvalid(
                f"terms of {len(self.context)} bytes of context, {self.pairs} pairs, {self.least_bits} bits"
            )
        if not 0 <= self.tolerated_ppm < 500_000:
            raise TermsInvalid(f"tolerated {self.tolerated_ppm} ppm: expected below 500,000")

    @property
    def digest(self) -> bytes:
        """What every message names."""
        return keccak(TERMS_DOMAIN + json.dumps({**asdict(self), "context": self.context.hex()}).encode())


@dataclass(frozen=True)
class Measured:
    """What an end did: bit i of *bases* is 1 if pair i was measured in X, bit i of *outcomes* what was seen."""

    bases: int
    outcomes: int

    def within(self, terms: Terms) -> Self:
        """Return it, if it is about no more pairs than *terms*."""
        if min(self.bases, self.outcomes) < 0 or max(self.bases, self.outcomes) >> terms.pairs:
            raise ValueError(f"bases or outcomes of more than {terms.pairs} pairs")
        return self


@dataclass(frozen=True)
class Account:
    """How an exchange went, the same at both ends.

    Attributes:
        sifted: Bits in Z. tested: Pairs in X. errors: Of these. leak: Parities disclosed. length: Bits of the key.
    """

    sifted: int
    tested: int
    errors: int
    leak: int = 0
    length: int = 0


def picked(outcomes: int, mask: int, pairs: int) -> tuple[int, int]:
    """Return how many of *pairs* are in *mask*, and their outcomes side by side, the first lowest."""
    text, inside = f"{outcomes:0{pairs}b}", f"{mask:0{pairs}b}"
    bits = "".join(bit for bit, kept in zip(text, inside, strict=True) if kept == "1")
    return len(bits), int(bits or "0", 2)


def neither(first: int, second: int, pairs: int) -> int:
    """Return which of *pairs* are in neither mask."""
    return (1 << pairs) - 1 ^ (first | second)


def judged(terms: Terms, sifted: int, tested: int, wrong: int) -> tuple[Account, QcrsError | None]:
    """Return the account after the test, and the alarm if it is one."""
    account = Account(sifted, tested, wrong.bit_count())
    if account.errors * 1_000_000 > terms.tolerated_ppm * tested:
        return account, EavesdropperSuspected(
            f"{account.errors} of {tested} tested pairs disagree; at most {terms.tolerated_ppm} in a million may"
        )
    return measured_out(terms, account, 0)


def measured_out(terms: Terms, account: Account, leak: int) -> tuple[Account, QcrsError | None]:
    """Return the account with the key's length, whole bytes, and the alarm if there are too few."""
    length = amplification.key_length(account.sifted, account.tested, terms.tolerated_ppm, leak) // 8 * 8
    found = Account(account.sifted, account.tested, account.errors, leak, length)
    if length >= terms.least_bits:
        return found, None
    return found, NoKeyLeft(
        f"{length} secret bits of {account.sifted}, with {account.tested} pairs tested, {terms.tolerated_ppm} wrong in "
        f"a million tolerated and {leak} parities disclosed; expected at least {terms.least_bits}: measure more pairs"
    )


def hashed(sifted: tuple[int, int], length: int, seed: bytes) -> bytes:
    """Return the key."""
    return amplification.toeplitz(*sifted, length, seed).to_bytes(length // 8, "little")
