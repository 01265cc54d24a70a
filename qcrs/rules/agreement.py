"""Do independent replicas tell the same story? Twin of ``contracts/libraries/Agreement.sol``.

The Solidity library states the formulas; names here are the same. Sketches are unpacked bucket counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from math import isqrt

from qcrs.rules.count_sketch import dimensions, dot

NARROW_BITS = 5
WIDE_BITS = 10
CLASS_SPREAD = 400
CLASS_SPREAD_PER_BIT = 180
AMPLITUDE_SHARE = 250
AMPLITUDE_SHARE_PER_BIT = 60
BUCKET_TOLERANCE = 100
BUCKET_SHARE = 2500
MAX_SCALE = 12


class Verdict(IntEnum):
    """What a committee's answers amount to."""

    Unset = 0
    Accepted = 1
    Rejected = 2
    Inconclusive = 3
    Unverified = 4
    Escalated = 5


@dataclass(frozen=True)
class Judgement:
    """A verdict and the sketches it stands on.

    Attributes:
        verdict: ``Accepted``, ``Rejected`` or ``Inconclusive``.
        members: Bit i is set when sketch i belongs to the winning cluster; 0 unless accepted.
    """

    verdict: Verdict
    members: int


@dataclass(frozen=True, slots=True)
class Frame:
    """What all sketches of one computation have in common: dimensions, shots, K and B."""

    rows: int
    buckets: int
    shots: int
    spread: int
    share: int

    @classmethod
    def of(cls, outcome_bits: int, shots: int) -> "Frame":
        """Return the frame of outcomes *outcome_bits* wide."""
        width = min(max(outcome_bits, NARROW_BITS), WIDE_BITS) - NARROW_BITS
        return cls(
            *dimensions(outcome_bits),
            shots,
            CLASS_SPREAD + CLASS_SPREAD_PER_BIT * width,
            AMPLITUDE_SHARE + AMPLITUDE_SHARE_PER_BIT * width,
        )


@dataclass(frozen=True, slots=True)
class Signal:
    """A sketch as the rules see it: its buckets, S_ii, and A_i in 2^-8 shots."""

    sketch: Sequence[int]
    power: int
    amplitude: int


def quorum_of(replicas: int) -> int:
    """Return how many of *replicas* must agree."""
    return replicas // 2 + 1


def judge(
    sketches: Sequence[Sequence[int]], outcome_bits: int, shots: int, quorum: int, excluded: int = 0
) -> Judgement:
    """Return the verdict on unpacked *sketches*, each row of which adds up to *shots*.

    Sketches whose bit is set in *excluded* neither vote nor count.
    """
    frame = Frame.of(outcome_bits, shots)
    voters = [i for i in range(len(sketches)) if not excluded >> i & 1]
    signals = {i: signal_of(frame, sketches[i]) for i in voters}
    agreeing = [0 if excluded >> i & 1 else 1 << i for i in range(len(sketches))]
    distance = [0] * len(sketches)
    for place, i in enumerate(voters):
        for j in voters[:place]:
            x, far = gram_rule(frame, signals[i], signals[j], dot(sketches[i], sketches[j]))
            if far or bucket_rule(frame, signals[i], signals[j]):
                continue
            agreeing[i] |= 1 << j
            agreeing[j] |= 1 << i
            distance[i] += x
            distance[j] += x
    members = _largest_cluster(agreeing, distance)
    peaked = sum(1 << i for i in voters if not is_flat(frame, signals[i].power))
    if members.bit_count() < quorum:
        return Judgement(Verdict.Rejected, 0)
    if (members & peaked).bit_count() < quorum:
        return Judgement(Verdict.Inconclusive, 0)
    return Judgement(Verdict.Accepted, members)


def signal_of(frame: Frame, sketch: Sequence[int], norm: int | None = None) -> Signal:
    """Return *sketch* with its power and amplitude, both functions of its *norm* G_ii."""
    norm = dot(sketch, sketch) if norm is None else norm
    power = frame.buckets * norm - frame.rows * frame.shots * (frame.shots + frame.buckets - 1)
    return Signal(sketch, power, isqrt((power << 16) // (frame.rows * frame.buckets)) if power > 0 else 0)


def gram_rule(frame: Frame, a: Signal, b: Signal, product: int) -> tuple[int, bool]:
    """Return the scaled excess distance of a pair and whether it is beyond honest spread."""
    square = frame.shots * frame.shots
    low, high = min(a.power, b.power), max(a.power, b.power)
    if low > 0 and 100 * high <= MAX_SCALE * MAX_SCALE * low:
        own = 20 * MAX_SCALE * (frame.rows * frame.buckets * a.amplitude * b.amplitude >> 16)
    else:
        own = MAX_SCALE * MAX_SCALE * low + 100 * high
    cross = frame.buckets * product - frame.rows * square
    x = (20_000 - frame.spread) * own - 400_000 * MAX_SCALE * cross
    variance = 4 * frame.rows * (low + high + 2 * (frame.buckets - 1) * frame.rows * frame.shots)
    variance = max(0, variance) + 8 * frame.rows * square
    return x, x > 0 and x * x > 1_000_000_000_000 * MAX_SCALE * MAX_SCALE * frame.buckets * variance


def is_flat(frame: Frame, power: int) -> bool:
    """Return whether a sketch of such power cannot be told from uniform noise at three standard deviations."""
    if power <= 0:
        return True
    noise = frame.shots * (frame.shots + (frame.buckets - 1) * frame.rows)
    return power * power < 72 * frame.buckets * frame.rows * (power + noise)


def bucket_rule(frame: Frame, a: Signal, b: Signal) -> bool:
    """Return whether some bucket differs by more than one noise class and shot noise explain."""
    allowance = frame.shots * BUCKET_TOLERANCE + (frame.share * min(a.amplitude, b.amplitude) >> 8)
    return any(_is_far(x, y, allowance) for x, y in zip(a.sketch, b.sketch, strict=True))


def _is_far(a: int, b: int, allowance: int) -> bool:
    excess = 10_000 * abs(a - b) - allowance - BUCKET_SHARE * (a + b)
    return excess > 0 and excess * excess > 900_000_000 * (a + b + 1)


def _largest_cluster(agreeing: Sequence[int], distance: Sequence[int]) -> int:
    medoid = min(range(len(agreeing)), key=lambda i: (-agreeing[i].bit_count(), distance[i], i), default=None)
    return 0 if medoid is None else agreeing[medoid]
