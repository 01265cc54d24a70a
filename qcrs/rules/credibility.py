"""How much a group's word is worth: twin of ``contracts/libraries/Credibility.sol``, which states the formulas."""

from collections.abc import Sequence
from math import prod

MAX_MEMBERS = 16
MAX_WEIGHT = 4095
PROVEN_FAULT = 4


def score_of(accepted: int, outliers: int, silent: int, failed: int) -> int:
    """Return the score of a processor with such conduct; *failed* counts faults proven against it."""
    return 2 * accepted // (2 + outliers + silent + PROVEN_FAULT * failed)


def weight_of(score: int) -> int:
    """Return the weight, from 2 to ``MAX_WEIGHT``, of a replica on a processor with *score*."""
    return min(max(score // 3, 3) - 1, MAX_WEIGHT)


def is_credible(scores: Sequence[int], members: int, trust: int) -> bool:
    """Return whether the group *members* (a bitmap over *scores*) is believed to 1 - 1 / *trust*."""
    if trust <= 1:
        return True
    weights = [weight_of(score) for score in scores]
    group = prod(weight for i, weight in enumerate(weights) if members >> i & 1)
    outside = [weight for i, weight in enumerate(weights) if not members >> i & 1]
    total = 1 + group + (prod(outside) if outside else 0)
    return group * trust > total * (trust - 1)
