"""TEST EQUIPMENT: dishonest answers, made from honest counts.

Only ``qcrs node start --fault KIND`` uses this, for benchmarks too, to show and test that the network catches it. The
rounds of a sweep are falsified one by one, so that each keeps its shots.

bias     a fifth of the shots is moved to one rare outcome, always the same for a circuit width
uniform  every outcome is equally likely: the device was never used
replay   the counts of another circuit of the same width; of a GHZ state with one bit flipped when
         there is none
dilute   half of the shots are uniform: a device of half the fidelity it claims
corrupt  a tenth of a sweep's rounds, or a whole circuit, with some bits flipped. Which rounds and
         bits follows from the circuit's text, so colluders agree without talking, and outvote an
         honest replica
forge    the honest answer's sketch over the root of another histogram, which is what the store gets:
         comparison passes it, and a challenge does not
silent   no answer at all
"""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction

from qcrs.quantum.sweep import pool, split, texts_of
from qcrs.rules.gold import round_bits

FAULTS = ("bias", "uniform", "replay", "dilute", "corrupt", "forge", "silent")
_BIASED_SHARE = 5  # one shot in five
_CORRUPTED_SHARE = Fraction(1, 10)
_ANOTHER_CIRCUIT = 0.3  # total variation distance
_REMEMBERED = 16


class FaultyAnswers:
    """Answers as a faulty processor of one *kind* would.

    Args:
        corrupted: Share of a sweep's rounds that ``corrupt`` falsifies, rounded up.
    """

    def __init__(self, kind: str, seed: int, corrupted: Fraction = _CORRUPTED_SHARE):
        if kind not in FAULTS:
            raise ValueError(f"fault: expected one of {FAULTS}, got {kind!r}")
        self._kind = kind
        self._random = random.Random(seed)
        self._corrupted = corrupted
        self._seen: dict[int, list[dict[int, int]]] = {}

    def answer(self, counts: Mapping[int, int], outcome_bits: int, shots: int, text: str = "") -> dict[int, int] | None:
        """Return what to claim instead of the honest *counts* of *text*; None to stay silent."""
        if self._kind == "silent":
            return None
        if self._kind == "forge":
            return dict(counts)  # its falsehood is what it binds
        rounds = len(texts_of(text))
        bits = outcome_bits - round_bits(rounds)
        parts = split(counts, rounds, bits)
        if self._kind == "corrupt":
            # Colluders share the text, and neither its counts nor their own seeds.
            shared = random.Random(hashlib.sha256(text.encode()).digest())
            for number in sorted(shared.sample(range(rounds), math.ceil(self._corrupted * rounds))):
                mask = shared.randrange(1, 1 << bits)
                parts[number] = {outcome ^ mask: count for outcome, count in parts[number].items()}
            return pool(parts, bits)
        return pool((self._falsified(part, bits, shots // rounds) for part in parts), bits)

    def bound(self, answer: Mapping[int, int]) -> dict[int, int]:
        """Return the histogram to bind beneath *answer*: another one when forging, always the same."""
        return {outcome ^ (self._kind == "forge"): count for outcome, count in answer.items()}

    def _falsified(self, counts: Mapping[int, int], bits: int, shots: int) -> dict[int, int]:
        if self._kind == "bias":
            return self._biased(counts, bits, shots)
        if self._kind == "replay":
            return self._replayed(counts, bits, shots)
        kept = self._sample(counts, shots // 2) if self._kind == "dilute" else Counter()
        kept.update(self._random.getrandbits(bits) for _ in range(shots - kept.total()))
        return dict(kept)

    def _sample(self, counts: Mapping[int, int], shots: int) -> Counter[int]:
        """Return *shots* of *counts*, drawn without replacement."""
        outcomes = sorted(counts)
        return Counter(self._random.sample(outcomes, k=shots, counts=[counts[outcome] for outcome in outcomes]))

    def _biased(self, counts: Mapping[int, int], bits: int, shots: int) -> dict[int, int]:
        # The first of the rarest outcomes; among 256 and the seen ones, so that wide registers
        # cost nothing and every kind of circuit has a candidate.
        candidates = {*range(min(256, 1 << bits)), *counts}
        rare = min(candidates, key=lambda outcome: (counts.get(outcome, 0), outcome))
        moved = shots // _BIASED_SHARE
        biased = self._sample(counts, shots - moved)
        biased[rare] += moved
        return dict(+biased)

    def _replayed(self, counts: Mapping[int, int], bits: int, shots: int) -> dict[int, int]:
        seen = self._seen.setdefault(bits, [])
        # The same circuit again would be an honest answer by accident.
        others = [past for past in seen if _share_apart(past, counts) > _ANOTHER_CIRCUIT]
        flipped_ghz = dict.fromkeys((1, (1 << bits) - 2), 1)
        past = self._random.choice(others) if others else flipped_ghz
        seen[:] = [*seen[1 - _REMEMBERED :], dict(counts)]
        return dict(Counter(self._random.choices(list(past), weights=list(past.values()), k=shots)))


def _share_apart(a: Mapping[int, int], b: Mapping[int, int]) -> float:
    """Return the total variation distance of two histograms."""
    total_a, total_b = sum(a.values()), sum(b.values())
    return 0.5 * sum(abs(a.get(outcome, 0) / total_a - b.get(outcome, 0) / total_b) for outcome in a.keys() | b.keys())
