"""Cases for every rule that exists twice: in a Solidity library and in ``qcrs.rules``.

A ``Rule`` names the harness function, makes cases from a fixed seed, and says how the Python twin
answers the same arguments. ``python -m tests.mirror.vectors`` rewrites the frozen sample in
``tests/vectors/rules.json``; do so only when a rule is meant to change.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from qcrs.rules import agreement, commitment, count_sketch, credibility, gold, histogram, independence, sortition
from tests.mirror import golds, proofs
from tests.mirror.sketches import WIDTHS, at_the_threshold, near_copy, pair, shapes_of, shots_of, table

FROZEN = Path(__file__).parents[1] / "vectors" / "rules.json"
COUNT = 1_000
SAMPLE = 8
CHAIN_ID = 1337

Arguments = tuple[Any, ...]


@dataclass(frozen=True)
class Rule:
    """One rule, twice.

    Attributes:
        harness: Contract that exposes the Solidity side.
        function: Its function.
        cases: Makes arguments, as the function takes them, without end.
        twin: Answers them as the function would.
        refusable: Whether the Solidity side says no by reverting, and yes by returning.
        count: How many cases to compare.
    """

    harness: str
    function: str
    cases: Callable[[random.Random], Iterator[Arguments]]
    twin: Callable[..., Any]
    refusable: bool = False
    count: int = COUNT

    @property
    def name(self) -> str:
        """The rule's name in files and reports."""
        return f"{self.harness.removesuffix('Harness')}.{self.function}"

    def generate(self, count: int | None = None) -> list[Arguments]:
        """Return the first *count* cases, or all that are compared: the same on every run."""
        return _generate(self, count or self.count)


@cache
def _generate(rule: Rule, count: int) -> list[Arguments]:
    return list(islice(rule.cases(random.Random(rule.name)), count))


# --- sketches ---


def dimension_cases(rng: random.Random) -> Iterator[Arguments]:
    yield from ((bits,) for bits in range(256))
    while True:
        yield (rng.getrandbits(rng.randint(9, 256)),)


def totals_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        bits, shots, a, _ = pair(rng)
        words = count_sketch.pack(a)
        match rng.randrange(5):
            case 0:
                shots += rng.choice([-1, 1])
            case 1:
                words[rng.randrange(len(words))] ^= 1 << rng.randrange(256)
            case 2:
                words = words[:-1] if rng.random() < 0.5 else [*words, 0]
            case 3:
                bits = rng.choice(WIDTHS)
        yield words, bits, shots


def dot_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        _, _, a, b = pair(rng)
        yield count_sketch.pack(a), count_sketch.pack(b)


def gram_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield powers and products of pairs of sketches, and products on either side of the limit."""
    dot = count_sketch.dot
    while True:
        bits, shots, a, b = pair(rng)
        frame = agreement.Frame.of(bits, shots)
        first, second = (agreement.signal_of(frame, sketch) for sketch in (a, b))
        if rng.random() < 0.3:  # either side of where scaling ends
            second = signal_of(frame, first.power * 169 // 100 + rng.choice([-1, 0, 1]) * frame.buckets)
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


# --- histograms ---


def bucket_hash_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        bits = rng.choice([rng.randint(9, 240), rng.randint(1, 8), 9, 10, 239, 240])
        rows, _ = count_sketch.dimensions(bits)
        outcome = rng.choice([0, 2**bits - 1, rng.getrandbits(bits), rng.getrandbits(bits)])
        yield rng.randbytes(32), rng.randrange(rows), outcome, bits


def bucket_of(seed: bytes, row: int, outcome: int, bits: int) -> int:
    """Answer as ``BucketHash.bucketOf``, which takes narrow outcomes too."""
    wide = bits > count_sketch.MAX_HISTOGRAM_BITS
    return count_sketch.bucket_of(seed, row, outcome, bits) if wide else outcome


def fold_cases(rng: random.Random) -> Iterator[Arguments]:
    while True:
        bits = rng.choice([rng.randint(9, 240), rng.randint(1, 8), 9, 10, 239, 240])
        outcomes = sorted({rng.getrandbits(bits) for _ in range(rng.choice([0, 1, 2, 20, 60]))})
        most = 65_535 // max(1, len(outcomes))
        yield rng.randbytes(32), [outcome << 16 | rng.choice([0, 1, most]) for outcome in outcomes], bits


def fold(seed: bytes, leaves: list[int], bits: int) -> tuple[list[int], int, int]:
    """Answer as ``BucketHash.fold`` from an empty sketch."""
    counts = dict(map(histogram.unpack_leaf, leaves))
    return count_sketch.sketch_of(counts, bits, seed), sum(counts.values()), list(counts.values()).count(0)


def run_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield runs of histograms of all small sizes, and runs with one thing wrong."""
    sizes = [*range(1, 40), 64, 65, 127, 300]
    while True:
        bits = rng.choice([9, 32, 240])
        outcomes = {rng.getrandbits(bits) for _ in range(rng.choice(sizes))}
        size = len(outcomes)
        counts = {outcome: rng.choice([1, 65_535, rng.randint(1, 99)]) for outcome in sorted(outcomes)}
        first = rng.choice([0, size - 1, rng.randrange(size)])
        run = histogram.run_proof(counts, first, rng.choice([1, size - first, rng.randint(1, size - first)]))
        binding = histogram.binding_of(counts)
        yield binding.root, binding, *run
        yield _spoilt(rng, binding.root, binding, run)


def _spoilt(rng: random.Random, root: bytes, binding: histogram.Binding, run: histogram.Run) -> Arguments:
    count, shots, top = binding
    first, leaves, siblings = run.first, list(run.leaves), list(run.siblings)
    at = rng.randrange(len(leaves))
    match rng.randrange(11):
        case 0:
            root = rng.randbytes(32)
        case 1:  # another number of leaves, or of shots, in the binding alone
            return root, (count + rng.choice([0, 1]), shots + 1, top), first, leaves, siblings
        case 2:  # a tree that says it has more leaves
            count += rng.choice([1, 2, 2**256 - 1 - count])
            root = histogram.Binding(count, shots, top).root
        case 3:
            first = rng.choice([first + 1, count, 2**256 - 1, first ^ 1])
        case 4:
            leaves[at] ^= 1 << rng.randrange(256)
        case 5:
            leaves = leaves[:at] + leaves[at + 1 :]
        case 6:
            leaves.insert(at, leaves[at])
        case 7:
            leaves.reverse()
        case 8 if siblings:
            siblings.pop(rng.randrange(len(siblings)))
        case 9 if siblings:
            at = rng.randrange(len(siblings))
            siblings[at] = rng.randbytes(32)
        case _:
            siblings.insert(rng.randint(0, len(siblings)), rng.randbytes(32))
    return root, (count, shots, top), first, leaves, siblings


def opens_run(root: bytes, binding: Any, first: int, leaves: list[int], siblings: list[bytes]) -> bool:
    """Answer as ``Histogram.requireRun``."""
    return histogram.opens_run(root, histogram.Binding(*binding), histogram.Run(first, leaves, siblings))


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


def score_of_cases(rng: random.Random) -> Iterator[Arguments]:
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


# --- digests and draws ---


def random_cases(*kinds: str) -> Callable[[random.Random], Iterator[Arguments]]:
    """Return a maker of arguments of the given Solidity types."""

    def cases(rng: random.Random) -> Iterator[Arguments]:
        while True:
            yield tuple(random_value(rng, kind) for kind in kinds)

    return cases


def random_value(rng: random.Random, kind: str) -> Any:
    """Return a value of a Solidity type, extremes included."""
    if kind.endswith("[]"):
        return [random_value(rng, kind[:-2]) for _ in range(rng.randint(0, 20))]
    if kind == "address":
        return "0x" + rng.randbytes(20).hex()
    if kind.startswith("bytes"):
        return rng.choice([bytes(int(kind[5:])), rng.randbytes(int(kind[5:]))])
    bits = int(kind.removeprefix("uint"))
    return rng.choice([0, 1, 2**bits - 1, rng.getrandbits(bits), rng.getrandbits(bits)])


def draw_cases(rng: random.Random) -> Iterator[Arguments]:
    yield from ((rng.randbytes(32), size) for size in range(1, 301))
    while True:
        yield rng.randbytes(32), rng.randint(1, 300)


RULES = [
    Rule("CountSketchHarness", "dimensions", dimension_cases, count_sketch.dimensions),
    Rule("CountSketchHarness", "wordsOf", dimension_cases, count_sketch.words_of),
    Rule("CountSketchHarness", "requireTotals", totals_cases, count_sketch.has_totals, True),
    Rule(
        "CountSketchHarness",
        "dot",
        dot_cases,
        lambda a, b: count_sketch.dot(buckets_of(a), buckets_of(b)),
    ),
    Rule("AgreementHarness", "quorumOf", dimension_cases, agreement.quorum_of),
    Rule("AgreementHarness", "signalOf", signal_cases, signal),
    Rule("AgreementHarness", "gramRule", gram_cases, gram_rule),
    Rule(
        "AgreementHarness",
        "isFlat",
        flat_cases,
        lambda power, bits, shots: agreement.is_flat(agreement.Frame.of(bits, shots), power),
    ),
    Rule(
        "AgreementHarness",
        "bucketRule",
        bucket_cases,
        lambda a, b, bits, shots: bucket_rule(buckets_of(a), buckets_of(b), bits, shots),
    ),
    Rule("AgreementHarness", "judge", judge_cases, judge),
    Rule("BucketHashHarness", "bucketOf", bucket_hash_cases, bucket_of),
    Rule("BucketHashHarness", "fold", fold_cases, fold),
    Rule("HistogramHarness", "requireRun", run_cases, opens_run, True),
    Rule("IndependenceHarness", "tooClose", closeness_cases, too_close),
    Rule("IndependenceHarness", "surpriseOf", surprise_cases, surprise_of),
    Rule("CredibilityHarness", "scoreOf", score_of_cases, credibility.score_of),
    Rule("CredibilityHarness", "weightOf", dimension_cases, credibility.weight_of),
    Rule("CredibilityHarness", "isCredible", group_cases, credibility.is_credible),
    Rule(
        "SortitionHarness",
        "draws",
        draw_cases,
        lambda seed, size: list(sortition.draws(seed, size)),
    ),
    Rule(
        "CommitmentHarness",
        "ofResult",
        random_cases("address", "uint64", "uint256", "uint32", "bytes32", "bytes32"),
        lambda *arguments: commitment.of_result(CHAIN_ID, *arguments),
    ),
    Rule(
        "CommitmentHarness",
        "ofReveal",
        random_cases("bytes32", "bytes32", "uint256[]"),
        commitment.of_reveal,
    ),
    Rule("CommitmentHarness", "ofSecret", random_cases("bytes24"), commitment.of_secret),
    Rule(
        "CommitmentHarness",
        "extend",
        random_cases("bytes9", "uint256", "bytes24"),
        commitment.extend,
    ),
    Rule(
        "CommitmentHarness",
        "seedOf",
        random_cases("uint64", "uint256", "bytes24", "bytes9"),
        commitment.seed_of,
    ),
    Rule(
        "CommitmentHarness",
        "drawSeedOf",
        random_cases("bytes32", "uint64", "uint256"),
        commitment.draw_seed_of,
    ),
    Rule(
        "CommitmentHarness",
        "ofAnswer",
        random_cases("uint64", "uint256", "bytes32[]"),
        commitment.of_answer,
    ),
    Rule("GoldListHarness", "lastSecret", golds.opening_cases, golds.last_secret),
    Rule("GoldListHarness", "leafOf", golds.leaf_cases, gold.leaf_of),
    Rule("GoldScoreHarness", "digestOf", golds.digest_cases, golds.digest_of),
    Rule("GoldListHarness", "requireMember", golds.member_cases, golds.is_member, True),
    Rule("GoldScoreHarness", "score", golds.score_cases, golds.score, count=10_000),
    Rule("GoldScoreHarness", "pack", golds.pack_cases, golds.pack),
    Rule("GoldScoreHarness", "requireSound", golds.answer_cases, golds.is_sound, True),
    Rule("MountainRangeHarness", "verify", proofs.inclusion_cases, proofs.verify),
    Rule("AuditProofHarness", "includes", proofs.entry_cases, proofs.includes),
    Rule("AuditProofHarness", "leafOf", proofs.leaf_cases, proofs.leaf_of),
]


def buckets_of(words: list[int]) -> list[int]:
    """Return all lanes of wire words, used or not."""
    return [word >> shift & 0xFFFF for word in words for shift in range(0, 256, 16)]


# --- the frozen sample ---


def plain(value: Any) -> Any:
    """Return *value* as JSON can hold it."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def freeze() -> None:
    """Write every n-th case of each rule, with the Python answer, to ``FROZEN``."""
    sample = {}
    for rule in RULES:
        cases = rule.generate(COUNT)[:: COUNT // SAMPLE]
        sample[rule.name] = [{"arguments": plain(case), "result": plain(rule.twin(*case))} for case in cases]
    FROZEN.parent.mkdir(exist_ok=True)
    FROZEN.write_text(json.dumps(sample, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    freeze()
