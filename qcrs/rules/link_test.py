"""Which pairs of a channel are tested, how, and with what result: twin of ``contracts/libraries/LinkTest.sol``."""

from collections.abc import Sequence
from dataclasses import dataclass

from qcrs.rules.digest import abi_digest, keccak

SEED_DOMAIN = keccak(b"QCRS channel seed")
OUTCOMES_DOMAIN = keccak(b"QCRS channel outcomes")
TEST_DOMAIN = keccak(b"QCRS channel test")

WORD_BITS = 256
PER_MILLION = 1_000_000
TRANSCRIPT_BYTES = 24
_TESTED, _BASES = 0, 1


@dataclass(frozen=True)
class Count:
    """What a test has found.

    Attributes:
        tested: Pairs that both ends have measured. errors_z, errors_x: Those on which they disagree, by basis.
    """

    tested: int
    errors_z: int
    errors_x: int

    @property
    def errors(self) -> int:
        """Tested pairs on which the ends disagree."""
        return self.errors_z + self.errors_x


def of_seed(seed: bytes) -> bytes:
    """Return the commitment to a seed."""
    return abi_digest(["bytes32", "bytes32"], [SEED_DOMAIN, seed])


def of_outcomes(
    chain_id: int,
    channels: str,
    channel: int,
    attempt: int,
    end: int,
    seed: bytes,
    salt: bytes,
    outcomes: Sequence[int],
) -> bytes:
    """Return what *end* commits to after it has measured, for test number *attempt*."""
    words = keccak(b"".join(word.to_bytes(32, "big") for word in outcomes))
    return abi_digest(
        ["bytes32", "uint256", "address", "uint64", "uint256", "uint256", "bytes32", "bytes32", "bytes32"],
        [OUTCOMES_DOMAIN, chain_id, channels, channel, attempt, end, seed, salt, words],
    )


def extend(transcript: bytes, commitment: bytes) -> bytes:
    """Return the transcript after *commitment*: 24 bytes. The first of all is a seed's commitment, cut to these."""
    return abi_digest(["bytes24", "bytes32"], [transcript[:TRANSCRIPT_BYTES], commitment])[:TRANSCRIPT_BYTES]


def seed_of(chain_id: int, channels: str, channel: int, attempt: int, first: bytes, second: bytes) -> bytes:
    """Return the seed of a test from those of end 0 and end 1."""
    return abi_digest(
        ["bytes32", "uint256", "address", "uint64", "uint256", "bytes32", "bytes32"],
        [TEST_DOMAIN, chain_id, channels, channel, attempt, first, second],
    )


def tested_words(seed: bytes, pairs: int) -> list[int]:
    """Return which pairs are tested: bit i of word w is for pair ``256 w + i``."""
    return _words(seed, _TESTED, pairs)


def basis_words(seed: bytes, pairs: int) -> list[int]:
    """Return the bases in which they are measured: Z where the bit is 0, X where it is 1."""
    return _words(seed, _BASES, pairs)


def tested_positions(seed: bytes, pairs: int) -> dict[int, int]:
    """Return the basis, 0 for Z and 1 for X, of each pair that is tested, by its number, ascending."""
    masks, bases = tested_words(seed, pairs), basis_words(seed, pairs)
    numbers = (divmod(number, WORD_BITS) for number in range(pairs))
    return {WORD_BITS * w + i: bases[w] >> i & 1 for w, i in numbers if masks[w] >> i & 1}


def count(seed: bytes, first: Sequence[int], second: Sequence[int]) -> Count:
    """Count tested pairs, and errors among them, from the outcome words of both ends, which are as many."""
    pairs = WORD_BITS * len(first)
    tested = errors_z = errors_x = 0
    for mask, basis, a, b in zip(tested_words(seed, pairs), basis_words(seed, pairs), first, second, strict=True):
        errors = (a ^ b) & mask
        tested += mask.bit_count()
        errors_x += (errors & basis).bit_count()
        errors_z += (errors & ~basis).bit_count()
    return Count(tested, errors_z, errors_x)


def is_passed(errors: int, tested: int, error_ppm: int) -> bool:
    """Return whether so many errors are borne: at most *error_ppm* of a million tested, rounded down."""
    return errors * PER_MILLION <= error_ppm * tested


def _words(seed: bytes, what: int, pairs: int) -> list[int]:
    digests = (abi_digest(["bytes32", "uint256", "uint256"], [seed, what, word]) for word in range(pairs // WORD_BITS))
    return [int.from_bytes(digest, "big") for digest in digests]
