"""Whether the answer to a gold round follows from its circuit: for whoever doubts a requester.

Answers are computed anew, exactly. Another machine's rounding is tolerated, and so are other choices among outcomes
that are as heavy as the lightest entry, when there are too many for all to be entries.
"""

from collections.abc import Mapping

from qcrs.quantum.gold import GoldUnavailable, answer_of, distribution_of
from qcrs.quantum.program import Program
from qcrs.rules.gold import EXPECTATION_UNIT, MAX_ENTRIES, Answer, RoundKind

WEIGHT_TOLERANCE = 16  # of 2^24: a millionth
SHARE_TOLERANCE = 1e-6
_POSSIBLE = 1e-9


def falsehood(program: Program, kind: RoundKind, answer: Answer | None) -> str | None:
    """Return why *answer* is not that of *program* as a round of *kind*, in words, or None: it is."""
    if kind is RoundKind.Target:
        return None if answer is None else "a target with an answer"
    if answer is None:
        return f"a {kind.name.lower()} without an answer"
    try:
        outcomes, shares, measured = distribution_of(program)
        exact = dict(zip(outcomes.tolist(), shares.tolist(), strict=True))
        if kind is RoundKind.Trap:
            expected = {outcome: 1 for outcome, share in exact.items() if share > _POSSIBLE}
            wrong = None if dict(answer.entries) == expected else "its entries are not the possible outcomes, weight 1"
        else:
            wrong = _misweighed(dict(answer.entries), dict(answer_of(program)[0].entries))
    except GoldUnavailable as error:
        return f"its answer cannot be computed: {error}"
    return wrong or _misjudged(answer, exact, measured)


def _misweighed(claimed: Mapping[int, int], expected: Mapping[int, int]) -> str | None:
    """Return which outcome is not weighed by its probability."""
    cuts = [min(table.values(), default=0) if len(table) == MAX_ENTRIES else 0 for table in (claimed, expected)]
    for outcome in sorted(claimed.keys() | expected.keys()):
        # An outcome that is left out weighs as little as any entry, at most.
        weights = [
            table.get(outcome, min(cut, other.get(outcome, 0)))
            for table, cut, other in zip((claimed, expected), cuts, (expected, claimed), strict=True)
        ]
        if abs(weights[0] - weights[1]) > WEIGHT_TOLERANCE:
            return f"outcome {outcome} weighs {weights[0]}, expected {weights[1]}"
    return None


def _misjudged(answer: Answer, exact: Mapping[int, float], measured: int) -> str | None:
    """Return which expectation does not follow from the weights."""
    total = sum(weight for _, weight in answer.entries)
    expected = {
        "ideal": EXPECTATION_UNIT * sum(exact.get(outcome, 0.0) * weight for outcome, weight in answer.entries),
        "uniform": EXPECTATION_UNIT * total / 2**measured,
    }
    for name, value in expected.items():
        actual = getattr(answer, name)
        if abs(actual - value) > 2 + SHARE_TOLERANCE * value:
            return f"{name} is {actual}, expected {round(value)}"
    return None
