"""TEST EQUIPMENT: dishonest answers, made from honest counts.

Only ``qcrs node start --fault KIND`` uses this, to show and test that the network catches it.

bias     a fifth of the shots is moved to one rare outcome, always the same for a circuit width
uniform  every outcome is equally likely: the device was never used
replay   the counts of another circuit of the same width; a GHZ-like histogram when there is none
silent   no answer at all
"""

import random
from collections import Counter
from collections.abc import Mapping

FAULTS = ("bias", "uniform", "replay", "silent")
_BIASED_SHARE = 5  # one shot in five


class FaultyAnswers:
    """Answers as a faulty processor of one *kind* would."""

    def __init__(self, kind: str, seed: int):
        if kind not in FAULTS:
            raise ValueError(f"fault: expected one of {FAULTS}, got {kind!r}")
        self._kind = kind
        self._random = random.Random(seed)
        self._seen: dict[int, dict[int, int]] = {}

    def answer(
        self, counts: Mapping[int, int], outcome_bits: int, shots: int
    ) -> dict[int, int] | None:
        """Return what to claim instead of the honest *counts*; None to stay silent."""
        if self._kind == "silent":
            return None
        if self._kind == "bias":
            return self._biased(counts, outcome_bits, shots)
        if self._kind == "uniform":
            return dict(Counter(self._random.choices(range(1 << outcome_bits), k=shots)))
        return self._replayed(counts, outcome_bits, shots)

    def _biased(self, counts: Mapping[int, int], outcome_bits: int, shots: int) -> dict[int, int]:
        # The first of the rarest outcomes; among 256 and the seen ones, so that wide registers
        # cost nothing and every kind of circuit has a candidate.
        candidates = {*range(min(256, 1 << outcome_bits)), *counts}
        rare = min(candidates, key=lambda outcome: (counts.get(outcome, 0), outcome))
        moved = shots // _BIASED_SHARE
        kept = self._random.sample(sorted(counts), k=shots - moved, counts=self._sorted(counts))
        biased = Counter(kept)
        biased[rare] += moved
        return dict(biased)

    def _replayed(self, counts: Mapping[int, int], outcome_bits: int, shots: int) -> dict[int, int]:
        ends = (0, (1 << outcome_bits) - 1)
        past = self._seen.get(outcome_bits, dict.fromkeys(ends, 1))
        self._seen[outcome_bits] = dict(counts)
        drawn = self._random.choices(list(past), weights=list(past.values()), k=shots)
        return dict(Counter(drawn))

    @staticmethod
    def _sorted(counts: Mapping[int, int]) -> list[int]:
        return [counts[outcome] for outcome in sorted(counts)]
