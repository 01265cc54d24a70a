"""Cases for the rules that a verdict rests on, and answers as the harnesses give them."""

import random
from collections.abc import Iterator

from qcrs.rules import agreement, count_sketch, credibility, independence
from tests.mirror.sketches import (
    WIDTHS,
    Arguments,
    at_the_threshold,
    buckets_of,
    near_copy,
    pair,
    shapes_of,
    shots_of,
    table,
)

# --- agreement ---


def gram_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield powers and products of pairs of sketches, and products on either side of the limit."""
    dot = count_sketch.dot
    while True:
        bits, shots, a, b = pair(rng)
        frame = agreement.Frame.of(bits, shots)
        first, second = (agreement.signal_of(frame, sketch) for sketch in (a, b))
        if rng.random() < 0.3:  # either side of where scaling ends
            second = signal_of(
                frame, first.power * agreement.MAX_SCALE**2 // 100 + rng.choice([-1, 0, 1]) * frame.buckets
            )
        powers = first.power, second.power
        yield *powers, dot(a, b), bits, shots
        low, high = 0, max(dot(a, a), dot(b, b))
        while high - low > 1:
            middle = (low + high) // 2
            _, far = agreement.gram_rule(frame, first, second, middle)
            low, high = (middle, high) if far else (low, middle)
        yield *powers, low, bits, shots
        yield *powers, high, bits, shots


def gram_rule(power_i: int, power_j: int, product: int, bits: int, shots: int) -> tuple[int, bool]:
    """Answer as the harness's ``gramRule``."""
    frame = agreement.Frame.of(bits, shots)
    return agreement.gram_rule(frame, signal_of(frame, power_i), signal_of(frame, power_j), product)


def signal_of(frame: agreement.Frame, power: int) -> agreement.Signal:
    """Return a signal of such power, or the next higher one that a sketch can have; without a sketch."""
    floor = frame.rows * frame.shots * (frame.shots + frame.buckets - 1)
    return agreement.signal_of(frame, [], -(-(floor + power) // frame.buckets))


def signal_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        bits, shots, a, _ = pair(rng)
        yield count_sketch.pack(a), bits, shots


def signal(words: list[int], bits: int, shots: int) -> tuple[int, int]:
    """Answer as the harness's ``signalOf``."""
    found = agreement.signal_of(agreement.Frame.of(bits, shots), buckets_of(words))
    return found.power, found.amplitude


def flat_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield powers of sketches, and powers on either side of where flatness ends."""
    while True:
        bits, shots, a, _ = pair(rng)
        frame = agreement.Frame.of(bits, shots)
        yield agreement.signal_of(frame, a).power, bits, shots
        low, high = -frame.shots, frame.buckets * frame.rows * shots * shots
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if agreement.is_flat(frame, middle) else (low, middle)
        yield low, bits, shots
        yield high, bits, shots


def bucket_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield pairs of sketches, and pairs that differ by just (not) enough in one bucket."""
    while True:
        bits, shots, a, b = pair(rng)
        yield count_sketch.pack(a), count_sketch.pack(b), bits, shots
        frame = agreement.Frame.of(bits, shots)
        row = a[: frame.buckets]
        source = max(range(len(row)), key=row.__getitem__)
        at = (source + rng.randrange(1, len(row))) % len(row)

        def moved(shots_moved: int, a=a, source=source, at=at) -> list[int]:
            b = list(a)
            b[source] -= shots_moved
            b[at] += shots_moved
            return b

        low, high = 0, a[source]
        while high - low > 1:
            middle = (low + high) // 2
            far = bucket_rule(a, moved(middle), bits, shots)
            low, high = (low, middle) if far else (middle, high)
        for gap in (low, high):
            both = [a, moved(gap)]
            rng.shuffle(both)
            yield *map(count_sketch.pack, both), bits, shots


def bucket_rule(a: list[int], b: list[int], bits: int, shots: int) -> bool:
    """Answer as the harness's ``bucketRule``, for unpacked sketches."""
    frame = agreement.Frame.of(bits, shots)
    return agreement.bucket_rule(frame, agreement.signal_of(frame, a), agreement.signal_of(frame, b))


def judge_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield committees of 2 to 16 with rogues, noise, replays and near misses among them."""
    while True:
        bits, shots = rng.choice(WIDTHS), shots_of(rng)
        replicas = rng.choice([1, 3, 3, 4, 5, 5, 7, 9, 16])
        revealed = rng.randint(replicas // 2 + 1, replicas)
        truth = shapes_of(rng, bits)
        sketches = []
        for _ in range(revealed):
            kind = rng.randrange(8)
            if kind == 0:
                sketches.append(table(rng, shapes_of(rng, bits), shots, 1))
            elif kind == 1 and sketches:
                sketches.append(at_the_threshold(rng, rng.choice(sketches), bits, shots))
            elif kind == 2 and sketches:
                sketches.append(rng.choice(sketches))
            else:
                sketches.append(table(rng, truth, shots, 1))
        words = count_sketch.words_of(bits)
        flat = [word for sketch in sketches for word in count_sketch.pack(sketch)]
        excluded = rng.getrandbits(revealed) & rng.getrandbits(revealed) if rng.random() < 0.2 else 0
        yield flat, words, bits, shots, agreement.quorum_of(replicas), excluded


def judge(flat: list[int], words: int, bits: int, shots: int, quorum: int, excluded: int) -> tuple[int, int]:
    """Answer as ``Agreement.judge``."""
    sketches = [count_sketch.unpack(flat[start : start + words], bits) for start in range(0, len(flat), words)]
    judgement = agreement.judge(sketches, bits, shots, quorum, excluded)
    return int(judgement.verdict), judgement.members


# --- independence and credibility ---


def closeness_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield pairs of sketches, and copies on either side of where they are too close."""
    while True:
        bits, _, a, b = pair(rng)
        yield count_sketch.pack(a), count_sketch.pack(b), bits
        b = near_copy(rng, a, bits)
        both = [count_sketch.pack(a), count_sketch.pack(b)]
        rng.shuffle(both)
        yield *both, bits


def too_close(a: list[int], b: list[int], bits: int) -> bool:
    """Answer as the harness's ``tooClose``."""
    tables = (count_sketch.unpack(words, bits) for words in (a, b))
    return independence.too_close(*tables, *count_sketch.dimensions(bits))


def surprise_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        bits, _, a, _ = pair(rng)
        if rng.random() < 0.1:  # any counts will do, none too
            a = [rng.choice([0, 0, 1, 2, 3, 65_535]) for _ in a]
        yield count_sketch.pack(a), bits


def surprise_of(words: list[int], bits: int) -> int:
    """Answer as the harness's ``surpriseOf``."""
    return independence.surprise_of(count_sketch.unpack(words, bits), count_sketch.dimensions(bits)[0])


def conduct_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        yield tuple(rng.choice([0, 1, rng.randrange(100), 2**24 - 1]) for _ in range(4))


def group_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield groups, and the trust on either side of what they are worth."""
    while True:
        size = rng.randint(1, credibility.MAX_MEMBERS)
        scores = [rng.choice([0, 11, 12, rng.randrange(60), rng.randrange(20_000), 2**24]) for _ in range(size)]
        members = rng.getrandbits(size)
        low, high = 1, 1 << 32
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if credibility.is_credible(scores, members, middle) else (low, middle)
        yield scores, members, low
        yield scores, members, high
        yield scores, members, rng.choice([0, 1, 5, 100, 255])
