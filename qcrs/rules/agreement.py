"""Do independent replicas tell the same story? Twin of ``contracts/libraries/Agreement.sol``.

The Solidity library states the formulas; names here are the same. Sketches are unpacked bucket counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from qcrs.rules.count_sketch import dimensions, dot

CLASS_SPREAD = 800
BUCKET_TOLERANCE = 300


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
        verdict: Never ``Unset``.
        members: Bit i is set when sketch i belongs to the winning cluster; 0 unless accepted.
    """

    verdict: Verdict
    members: int


def quorum_of(replicas: int) -> int:
    """Return how many of *replicas* must agree."""
    return replicas // 2 + 1


def judge(
    sketches: Sequence[Sequence[int]], outcome_bits: int, shots: int, quorum: int, excluded: int = 0
) -> Judgement:
    """Return the verdict on unpacked *sketches*, each row of which adds up to *shots*.

    Sketches whose bit is set in *excluded* neither vote nor count.
    """
    rows, buckets = dimensions(outcome_bits)
    voters = [i for i in range(len(sketches)) if not excluded >> i & 1]
    norms = [dot(sketch, sketch) for sketch in sketches]
    agreeing = [0 if excluded >> i & 1 else 1 << i for i in range(len(sketches))]
    distance = [0] * len(sketches)
    peaked = sum(1 << i for i in voters if not is_flat(norms[i], rows, buckets, shots))
    for place, i in enumerate(voters):
        for j in voters[:place]:
            product = dot(sketches[i], sketches[j])
            x, far = gram_rule(norms[i], norms[j], product, rows, buckets, shots)
            if far or bucket_rule(sketches[i], sketches[j], shots):
                continue
            agreeing[i] |= 1 << j
            agreeing[j] |= 1 << i
            distance[i] += x
            distance[j] += x
    members = _largest_cluster(agreeing, distance)
    if members.bit_count() < quorum:
        return Judgement(Verdict.Rejected, 0)
    if (members & peaked).bit_count() < quorum:
        return Judgement(Verdict.Inconclusive, 0)
    return Judgement(Verdict.Accepted, members)


def gram_rule(norm_i: int, norm_j: int, product: int, rows: int, buckets: int, shots: int) -> tuple[int, bool]:
    """Return the scaled excess distance of a pair and whether it is beyond honest spread."""
    own = _centred_norm(norm_i, rows, buckets, shots) + _centred_norm(norm_j, rows, buckets, shots)
    cross = buckets * product - rows * shots * shots
    x = (20_000 - CLASS_SPREAD) * own - 40_000 * cross
    far = x > 0 and x * x > 14_400_000_000 * buckets * _variance(norm_i + norm_j, rows, buckets, shots)
    return x, far


def is_flat(norm: int, rows: int, buckets: int, shots: int) -> bool:
    """Return whether a sketch cannot be told from uniform noise at three standard deviations."""
    own = _centred_norm(norm, rows, buckets, shots)
    return own <= 0 or own * own < 9 * buckets * _variance(2 * norm, rows, buckets, shots)


def bucket_rule(a: Sequence[int], b: Sequence[int], shots: int) -> bool:
    """Return whether some bucket differs by more than one noise class and shot noise explain."""
    allowance = shots * BUCKET_TOLERANCE
    for x, y in zip(a, b, strict=True):
        gap = 10_000 * abs(x - y)
        if gap > allowance and (gap - allowance) ** 2 > 3_600_000_000 * (x + y + 1):
            return True
    return False


def _largest_cluster(agreeing: Sequence[int], distance: Sequence[int]) -> int:
    medoid = min(range(len(agreeing)), key=lambda i: (-agreeing[i].bit_count(), distance[i], i), default=None)
    return 0 if medoid is None else agreeing[medoid]


def _centred_norm(norm: int, rows: int, buckets: int, shots: int) -> int:
    return buckets * norm - (rows * shots * shots + (buckets - 1) * rows * shots)


def _variance(norms: int, rows: int, buckets: int, shots: int) -> int:
    excess = 4 * buckets * rows * norms - 8 * rows * rows * shots * shots
    return max(0, excess) + 8 * rows * shots * shots
