"""Key exchange over shared pairs (BBM92): two ends that measured pairs come to the same key, or to an alarm.

Each end has measured every pair in a basis of its own drawing. The messages, one in turn, each authenticated:

1. Alice: that she has measured. 2. Bob, who has too: his bases. 3. Alice: her bases, what she saw where both chose X,
   and a seed. 4. Bob: what he saw there. Both count how often they differ; above what was agreed both raise the alarm.
5. Bob asks for parities and Alice tells them, until where both chose Z they have the same bits (``cascade``).
6. Alice: seeds and a hash of her bits. Bob: whether his have the same. The key is hashed out of them, as short as
   ``privacy_amplification`` says.

Bits in Z make the key and those in X are the test, all of them, as in the theorem that the length is taken from. No
message goes out before both ends have measured, so bases are worth nothing to whoever holds a pair on its way. The
theorem's secrecy is about real pairs: over an emulated link whoever runs it has seen every outcome.

An end is a function of its arguments and of the messages it took: to resume, give it the same again.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from qcrs.errors import QcrsError
from qcrs.rules import privacy_amplification as amplification
from qcrs.rules.cascade import Follower, Leader, Range, ReconciliationFailed
from qcrs.rules.key_account import Account, Measured, Terms, hashed, judged, measured_out, neither, picked
from qcrs.rules.key_message import Door, Kind, MessageRefused, from_bits, from_ranges, to_bits, to_ranges

SHUFFLE_SEED_BYTES = 32
PROOF_BYTES = amplification.VERIFICATION_BITS // 8


class KeysDiffer(QcrsError):
    """After reconciliation the hashes differ."""


class End(IntEnum):
    """Which end; Alice leads."""

    Alice = 0
    Bob = 1


class Exchange(Protocol):
    """Either end."""

    account: Account | None
    alarm: QcrsError | None
    key: bytes | None

    def receive(self, message: bytes) -> bytes:
        """Take a message and return the reply; empty when there is none to give.

        Raises:
            MessageRefused: It is not the other end's next message. Nothing has changed; the right one may still come.
        """


class Alice:
    """The end whose bits the key is made of.

    Args:
        sign: Returns the tag of a message. is_signed: Whether the second is a tag of the first by the other end.
        draw: Returns that many random bytes; to resume it must return the same ones.
    """

    def __init__(
        self, terms: Terms, measured: Measured, sign: Callable[[bytes], bytes],
        is_signed: Callable[[bytes, bytes], bool], draw: Callable[[int], bytes],
    ) -> None:  # fmt: skip
        self._terms, self._measured, self._draw = terms, measured.within(terms), draw
        self._door = Door(End.Alice, terms.digest, sign, is_signed)
        self.account: Account | None = None
        self.alarm: QcrsError | None = None
        self.key: bytes | None = None

    def start(self) -> bytes:
        """Return the first message: that all pairs are measured."""
        return self._door.seal(Kind.Measured, b"")

    def receive(self, message: bytes) -> bytes:
        """See ``Exchange``."""
        steps = {Kind.Bases: self._sift, Kind.Tested: self._judge, Kind.Asked: self._tell, Kind.Verdict: self._end}
        return self._door.take(message, steps, self)

    def _sift(self, body: bytes) -> bytes:
        other = from_bits(body, self._terms.pairs)
        own, self._seed = self._measured, self._draw(SHUFFLE_SEED_BYTES)
        self._tested = picked(own.outcomes, own.bases & other, self._terms.pairs)
        self._sifted = picked(own.outcomes, neither(own.bases, other, self._terms.pairs), self._terms.pairs)
        bases, (tested, outcomes) = to_bits(own.bases, self._terms.pairs), self._tested
        return self._door.seal(Kind.Sifted, bases + to_bits(outcomes, tested) + self._seed)

    def _judge(self, body: bytes) -> bytes:
        tested, own = self._tested
        self.account, self.alarm = judged(self._terms, self._sifted[0], tested, own ^ from_bits(body, tested))
        if self.alarm:
            return b""
        self._leader = Leader(*self._sifted, self._seed)
        return self._door.seal(Kind.Parities, b"")

    def _tell(self, body: bytes) -> bytes:
        ranges = from_ranges(body)
        if not ranges:
            return self._prove()
        try:
            parities = self._leader.answer(ranges)
        except ReconciliationFailed as error:
            self.alarm = error
            return self._door.seal(Kind.Failed, str(error).encode())
        return self._door.seal(Kind.Parities, to_bits(sum(bit << at for at, bit in enumerate(parities)), len(parities)))

    def _prove(self) -> bytes:
        assert self.account is not None
        self.account, self.alarm = measured_out(self._terms, self.account, self._leader.leak)
        if self.alarm:
            return b""
        (bits, value), length = self._sifted, self.account.length
        checking = self._draw(amplification.seed_bytes(bits, amplification.VERIFICATION_BITS))
        self._hashing = self._draw(amplification.seed_bytes(bits, length))
        proof = amplification.toeplitz(bits, value, amplification.VERIFICATION_BITS, checking)
        return self._door.seal(Kind.Proof, proof.to_bytes(PROOF_BYTES, "little") + checking + self._hashing)

    def _end(self, body: bytes) -> bytes:
        if body == b"\x01":
            assert self.account is not None
            self.key = hashed(self._sifted, self.account.length, self._hashing)
        else:
            self.alarm = KeysDiffer("the other end's bits have another hash after reconciliation")
        return b""


class Bob:
    """The end that corrects its bits; see ``Alice`` for the arguments."""

    def __init__(
        self, terms: Terms, measured: Measured, sign: Callable[[bytes], bytes],
        is_signed: Callable[[bytes, bytes], bool],
    ) -> None:  # fmt: skip
        self._terms, self._measured = terms, measured.within(terms)
        self._door = Door(End.Bob, terms.digest, sign, is_signed)
        self._asked: list[Range] = []
        self.account: Account | None = None
        self.alarm: QcrsError | None = None
        self.key: bytes | None = None

    def receive(self, message: bytes) -> bytes:
        """See ``Exchange``."""
        steps = {Kind.Measured: self._announce, Kind.Sifted: self._test, Kind.Parities: self._correct,
                 Kind.Proof: self._conclude}  # fmt: skip
        return self._door.take(message, steps, self)

    def _announce(self, body: bytes) -> bytes:
        if body:
            raise MessageRefused(f"{len(body)} bytes where none were expected")
        return self._door.seal(Kind.Bases, to_bits(self._measured.bases, self._terms.pairs))

    def _test(self, body: bytes) -> bytes:
        pairs, own = self._terms.pairs, self._measured
        size = -(-pairs // 8)
        other = from_bits(body[:size], pairs)
        tested, seen = picked(own.outcomes, own.bases & other, pairs)
        bits, value = picked(own.outcomes, neither(own.bases, other, pairs), pairs)
        outcomes, seed = body[size:-SHUFFLE_SEED_BYTES], body[-SHUFFLE_SEED_BYTES:]
        self.account, self.alarm = judged(self._terms, bits, tested, seen ^ from_bits(outcomes, tested))
        if not self.alarm:
            error_ppm = self.account.errors * 1_000_000 // tested
            self._follower, self._bits = Follower(bits, value, seed, error_ppm), bits
        return self._door.seal(Kind.Tested, to_bits(seen, tested))

    def _correct(self, body: bytes) -> bytes:
        parities = from_bits(body, len(self._asked))
        try:
            self._follower.tell(self._asked, [parities >> at & 1 for at in range(len(self._asked))])
            self._asked = self._follower.ask()
        except ReconciliationFailed as error:
            self.alarm = error
            return self._door.seal(Kind.Failed, str(error).encode())
        if not self._asked:
            assert self.account is not None
            self.account, self.alarm = measured_out(self._terms, self.account, self._follower.leak)
        return self._door.seal(Kind.Asked, to_ranges(self._asked))

    def _conclude(self, body: bytes) -> bytes:
        assert self.account is not None
        bits, length, value = self._bits, self.account.length, self._follower.value
        checking_bytes = amplification.seed_bytes(bits, amplification.VERIFICATION_BITS)
        if len(body) != PROOF_BYTES + checking_bytes + amplification.seed_bytes(bits, length):
            raise MessageRefused(f"a proof of {len(body)} bytes for {bits} bits and a key of {length}")
        proof, seeds = int.from_bytes(body[:PROOF_BYTES], "little"), body[PROOF_BYTES:]
        checking, hashing = seeds[:checking_bytes], seeds[checking_bytes:]
        if amplification.toeplitz(bits, value, amplification.VERIFICATION_BITS, checking) != proof:
            self.alarm = KeysDiffer("the other end's bits have another hash after reconciliation")
            return self._door.seal(Kind.Verdict, b"\x00")
        self.key = hashed((bits, value), length, hashing)
        return self._door.seal(Kind.Verdict, b"\x01")
