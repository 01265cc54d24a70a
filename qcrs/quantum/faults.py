"""TEST EQUIPMENT: dishonest answers, made from honest counts.

Only ``qcrs node start --fault KIND`` uses this, to show and test that the network catches it.

bias     a fifth of the shots is moved to one rare outcome, always the same for a circuit width
uniform  every outcome is equally likely: the device was never used
replay   the counts of another circuit of the same width; of a GHZ state with one bit flipped when
         there is none
silent   no answer at all
"""

import random
from collections import Counter
from collections.abc import Mapping

FAULTS = ("bias", "uniform", "replay", "silent")
_BIASED_SHARE = 5  # one shot in five
_ANOTHER_CIRCUIT = 0.3  # total variation distance
_REMEMBERED = 16


class FaultyAnswers:
    """Answers as a faulty processor of one *kind* would."""

    def __init__(self, kind: str, seed: int):
        if kind not in FAULTS:
            raise ValueError(f"fault: expected one of {FAULTS}, got {kind!r}")
        self._kind = kind
        self._random = random.Random(seed)
        self._seen: dict[int, list[dict[int, int]]] = {}

    def answer(self, counts: Mapping[int, int], outcome_bits: int, shots: int) -> dict[int, int] | None:
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
        outcomes = sorted(counts)
        kept = self._random.sample(outcomes, k=shots - moved, counts=[counts[outcome] for outcome in outcomes])
        biased = Counter(kept)
        biased[rare] += moved
        return dict(biased)

    def _replayed(self, counts: Mapping[int, int], outcome_bits: int, shots: int) -> dict[int, int]:
        seen = self._seen.setdefault(outcome_bits, [])
        # The same circuit again would be an honest answer by accident.
        others = [past for past in seen if _share_apart(past, counts) > _ANOTHER_CIRCUIT]
        flipped_ghz = dict.fromkeys((1, (1 << outcome_bits) - 2), 1)
        past = self._random.choice(others) if others else flipped_ghz
        seen[:] = [*seen[1 - _REMEMBERED :], dict(counts)]
        return dict(Counter(self._random.choices(list(past), weights=list(past.values()), k=shots)))


def _share_apart(a: Mapping[int, int], b: Mapping[int, int]) -> float:
    """Return the total variation distance of two histograms."""
    total_a, total_b = sum(a.values()), sum(b.values())
    return 0.5 * sum(abs(a.get(outcome, 0) / total_a - b.get(outcome, 0) / total_b) for outcome in a.keys() | b.keys())
