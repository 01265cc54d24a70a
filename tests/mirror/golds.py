"""Cases for the rules of gold rounds, and their Python side in the shape of the Solidity functions."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from qcrs.rules import gold
from qcrs.rules.digest import keccak
from qcrs.rules.gold import Answer, AnswerUnsound, RoundKind

UNIT = gold.EXPECTATION_UNIT

Arguments = tuple[Any, ...]


def opening_cases(rng: random.Random) -> Iterator[Arguments]:
    def number() -> int:
        return rng.choice([0, 1, 65_535, rng.randrange(65_536)])

    while True:
        yield ((rng.randbytes(32), number(), number(), number(), rng.choice([bytes(32), rng.randbytes(32)])),)


def last_secret(opening: Arguments) -> bytes:
    """Answer as ``GoldList.lastSecret``."""
    return gold.last_secret(*opening)


def leaf_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        yield rng.getrandbits(rng.choice([1, 8, 16, 256])), RoundKind(rng.randrange(3)), rng.randbytes(32)


def entries_of(rng: random.Random, width: int, most: int) -> tuple[tuple[int, int], ...]:
    """Return random sound entries of at most *most* outcomes."""
    space = 1 << min(width, 32)
    outcomes = sorted(rng.sample(range(space), rng.randint(0, min(most, space))))
    scale = rng.choice([1, 2, 1_000, 2**20, 2**32 - 1])
    return tuple((outcome, rng.randint(0, scale)) for outcome in outcomes)


def answer_of(rng: random.Random, width: int, most: int = 64) -> Answer:
    """Return a sound answer; its expectations need not be those of its weights."""
    entries = entries_of(rng, width, most)
    uniform = rng.choice([0, rng.randrange(UNIT), rng.randrange(2**47)])
    contrast = rng.choice([gold.MIN_CONTRAST, rng.randrange(gold.MIN_CONTRAST, 2 ** rng.randint(16, 47))])
    return Answer(entries, uniform + contrast, uniform)


def digest_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        answer = answer_of(rng, rng.choice([2, 6, 10, 32]))
        yield ((answer.packed, answer.ideal, answer.uniform),)


def digest_of(answer: Arguments) -> bytes:
    """Answer as ``GoldScore.digestOf``."""
    packed, ideal, uniform = answer
    return gold.answer_digest(gold.unpack_answer(packed), ideal, uniform)


def member_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield proofs, most of them sound."""
    while True:
        rounds = rng.choice([1, 2, 3, 84, rng.randint(1, 300)])
        leaves = [keccak(rng.randbytes(8)) for _ in range(rounds)]
        round_ = rng.randrange(rounds)
        root, leaf, proof = gold.gold_root(leaves), leaves[round_], gold.gold_proof(leaves, round_)
        match rng.randrange(12):
            case 0:
                leaf = rng.choice(leaves)
            case 1:
                round_ = rng.choice([rounds, rounds + 1, 2**256 - 1, rng.randrange(rounds)])
            case 2:
                proof = proof[:-1] if rng.random() < 0.5 else [*proof, bytes(32)]
            case 3:
                rounds = rng.choice([rounds + 1, rounds // 2 + 1, 2 * rounds])
            case 4:
                rng.shuffle(proof)
            case 5:
                root = rng.randbytes(32)
        yield root, rounds, round_, leaf, proof


def is_member(root: bytes, rounds: int, round_: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Answer as ``GoldList.requireMember``."""
    return gold.root_from_proof(leaf, round_, rounds, proof) == root


def score_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield rounds measured well, badly and not at all, and rounds on either side of the limit."""
    while True:
        width = rng.choice([1, 2, 6, 6, 10, 10, 40])
        shots = rng.choice([1, 3, 82, 164, 230, 65_535, rng.randint(1, 4_096)])
        answer = answer_of(rng, width, 200)
        prefix = rng.randrange(84) << width
        counts = counts_of(rng, answer, width, shots)
        if rng.random() < 0.3:
            answer = at_the_limit(answer, counts, shots)
        total = shots if rng.random() < 0.9 else rng.choice([0, shots - 1, shots + 1, rng.randint(0, 65_535)])
        leaves = [prefix + outcome << 16 | counts[outcome] for outcome in sorted(counts)]
        yield leaves, width, total or 1, (answer.packed, answer.ideal, answer.uniform)


def counts_of(rng: random.Random, answer: Answer, width: int, shots: int) -> dict[int, int]:
    """Return counts of which a random share follows the answer's weights."""
    faithful = rng.randint(0, shots)
    kinds = min(rng.choice([1, 30, 300]), shots)
    weights = [weight for _, weight in answer.entries]
    drawn: list[int] = []
    if any(weights):
        drawn = rng.choices([outcome for outcome, _ in answer.entries], weights, k=kinds)
    noise = [rng.randrange(1 << width) for _ in range(kinds)]
    outcomes = rng.choices(drawn, k=faithful) if drawn else []
    outcomes += rng.choices(noise, k=shots - len(outcomes))
    return Counter(outcomes)


def at_the_limit(answer: Answer, counts: dict[int, int], shots: int) -> Answer:
    """Return *answer* with the least, or one less than the least, uniform weight at which *counts* fail."""
    low, high = 0, answer.ideal - gold.MIN_CONTRAST
    while high - low > 1:
        middle = (low + high) // 2
        passes, _ = gold.score(counts, shots, Answer(answer.entries, answer.ideal, middle))
        low, high = (middle, high) if passes else (low, middle)
    return Answer(answer.entries, answer.ideal, low if shots % 2 else high)


def score(leaves: Sequence[int], width: int, shots: int, answer: Arguments) -> tuple[bool, int]:
    """Answer as ``GoldScore.score``."""
    packed, ideal, uniform = answer
    counts = {leaf >> 16 & (1 << width) - 1: leaf & 0xFFFF for leaf in leaves}
    return gold.score(counts, shots, Answer(gold.unpack_answer(packed), ideal, uniform))


def pack_cases(rng: random.Random) -> Iterator[Arguments]:
    for leaves, width, _, _ in score_cases(rng):
        yield leaves, min(width, 32)


def pack(leaves: Sequence[int], width: int) -> bytes:
    """Answer as ``GoldScore.pack``."""
    return b"".join(
        (leaf >> 16 & (1 << width) - 1).to_bytes(4, "big") + (leaf & 0xFFFF).to_bytes(4, "big") for leaf in leaves
    )


def answer_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield answers, about half of them unsound."""
    while True:
        answer = answer_of(rng, rng.choice([2, 6, 32]), rng.choice([4, 64]))
        packed, ideal, uniform = answer.packed, answer.ideal, answer.uniform
        match rng.randrange(9):
            case 0:
                packed = packed + bytes(rng.randint(1, 7))
            case 1:
                packed = packed + packed[-8:]
            case 2:
                entries = [packed[at : at + 8] for at in range(0, len(packed), 8)]
                rng.shuffle(entries)
                packed = b"".join(entries)
            case 3:
                many = rng.choice([1_023, 1_024, 1_025])
                packed = b"".join(x.to_bytes(4, "big") + bytes(4) for x in range(many))
            case 4:
                uniform = rng.choice([ideal, ideal + 1, ideal - gold.MIN_CONTRAST, ideal - gold.MIN_CONTRAST + 1])
            case 5:
                ideal = rng.choice([2**48 - 1, 2**48, 2**64 - 1])
            case 6:
                ideal, uniform = uniform, ideal
        yield [], (packed, ideal, uniform)


def is_sound(_: Sequence[int], answer: Arguments) -> bool:
    """Answer as ``GoldScoreHarness.requireSound``."""
    packed, ideal, uniform = answer
    try:
        Answer(gold.unpack_answer(packed), ideal, uniform)
    except AnswerUnsound:
        return False
    return True
