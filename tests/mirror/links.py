"""Cases for the tests of links, and for the digests and the money of sessions."""

import random
from collections.abc import Iterator
from typing import Any

from qcrs.model.session import SessionStatus
from qcrs.rules import link_test, session_digest
from tests.mirror.sketches import Arguments

CHAIN_ID = 1337


def _words(rng: random.Random, count: int) -> list[int]:
    return [rng.choice([0, 2**256 - 1, rng.getrandbits(256)]) for _ in range(count)]


def _number(rng: random.Random, bits: int) -> int:
    return rng.choice([0, 2**bits - 1, rng.getrandbits(bits)])


def outcome_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        address, opening = "0x" + rng.randbytes(20).hex(), (rng.randbytes(32), rng.randbytes(32))
        about = address, _number(rng, 64), _number(rng, 256), rng.randrange(2)
        yield *about, (*opening, _words(rng, rng.randint(0, 8)))


def of_outcomes(channels: str, channel: int, attempt: int, end: int, opening: tuple) -> bytes:
    return link_test.of_outcomes(CHAIN_ID, channels, channel, attempt, end, *opening)


def count_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield outcomes of both ends that differ nowhere, everywhere, or here and there."""
    while True:
        words = rng.randint(0, 8)
        first, second = _words(rng, words), _words(rng, words)
        if rng.random() < 0.5:
            second = [a ^ rng.choice([0, 1 << rng.randrange(256)]) for a in first]
        yield rng.randbytes(32), first, second


def count(seed: bytes, first: list[int], second: list[int]) -> tuple[int, int, int]:
    found = link_test.count(seed, first, second)
    return found.tested, found.errors_z, found.errors_x


def passing_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield numbers of errors around the allowance."""
    while True:
        tested, ppm = rng.randint(0, 8192), rng.choice([0, 1, 10**6, rng.randint(0, 10**6)])
        yield max(0, tested * ppm // 10**6 + rng.randint(-2, 2)), tested, ppm


def population_cases(rng: random.Random) -> Iterator[Arguments]:
    yield from ((word,) for word in (0, 2**256 - 1, 1, 1 << 255))
    while True:
        yield (rng.getrandbits(256) & rng.getrandbits(256),)


def division_cases(rng: random.Random) -> Iterator[Arguments]:
    ends = [status for status in SessionStatus if status >= SessionStatus.Disputed]
    while True:
        members = rng.randint(2, 12)
        absent = rng.choice([0, (1 << members) - 1, rng.getrandbits(members)])
        yield rng.choice(ends), members, absent, _number(rng, 96), _number(rng, 96)


def divide(*arguments: Any) -> tuple[list[int], int, int]:
    shares = session_digest.divide(*arguments)
    return list(shares.pay), shares.refund, shares.forfeit
