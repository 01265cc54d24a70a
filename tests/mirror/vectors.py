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

from qcrs.rules import (
    agreement,
    audit_trail,
    benchmark,
    bundle,
    commitment,
    count_sketch,
    credibility,
    gold,
    hash_signature,
    link_test,
    session_digest,
)
from tests.mirror import benchmarks, golds, histograms, links, proofs, signatures, verdicts
from tests.mirror.sketches import WIDTHS, Arguments, buckets_of, pair

FROZEN = Path(__file__).parents[1] / "vectors" / "rules.json"
COUNT = 1_000
SAMPLE = 8
CHAIN_ID = 1337


@dataclass(frozen=True)
class Rule:
    """One rule, twice.

    Attributes:
        harness: Contract that exposes the Solidity side.
        function: Its function.
        cases: Makes arguments, as the function takes them, without end.
        twin: Answers them as the function would.
        refusable: Whether the Solidity side says no by reverting, and yes by returning.
        count: Cases that both sides are held to.
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
        """Return the first *count* cases, all by default: the same on every run."""
        return _generate(self, self.count if count is None else count)


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


# --- digests ---


def random_cases(*kinds: str) -> Callable[[random.Random], Iterator[Arguments]]:
    """Return a maker of arguments of the given Solidity types."""

    def cases(rng: random.Random) -> Iterator[Arguments]:
        while True:
            yield tuple(random_value(rng, kind) for kind in kinds)

    return cases


def tree_cases(rng: random.Random) -> Iterator[Arguments]:
    """Yield the leaves of trees of every size up to 40."""
    while True:
        yield ([rng.randbytes(32) for _ in range(rng.randint(1, 40))],)


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


def certification_rules() -> Iterator[Rule]:
    """Yield the rules of certification; what they refuse is compared in the unit tests of the library."""
    for function, cases, twin in (
        ("heavyPasses", benchmarks.heavy_cases, benchmark.heavy_passes),
        ("polarisationPower", benchmarks.power_cases, benchmark.polarisation_power),
        ("polarisationPasses", benchmarks.polarisation_cases, benchmark.polarisation_passes),
        ("errorRefuted", benchmarks.pair_cases(benchmark.error_refuted, True), benchmark.error_refuted),
        ("timeRefuted", benchmarks.pair_cases(benchmark.time_refuted, False), benchmark.time_refuted),
        ("noiseClassOf", benchmarks.class_cases, benchmark.noise_class_of),
        ("medianWithin", benchmarks.median_cases, benchmark.median_within),
    ):
        yield Rule("BenchmarkHarness", function, benchmarks.valid(cases, twin), twin)


def entanglement_rules() -> Iterator[Rule]:
    """Yield the rules of channels and sessions."""
    for function, cases, twin in (
        ("ofSeed", random_cases("bytes32"), link_test.of_seed),
        ("ofOutcomes", links.outcome_cases, links.of_outcomes),
        ("extend", random_cases("bytes24", "bytes32"), link_test.extend),
        (
            "seedOf",
            random_cases("address", "uint64", "uint256", "bytes32", "bytes32"),
            lambda *arguments: link_test.seed_of(CHAIN_ID, *arguments),
        ),
        ("count", links.count_cases, links.count),
        ("isPassed", links.passing_cases, link_test.is_passed),
        ("populationOf", links.population_cases, int.bit_count),
    ):
        yield Rule("LinkTestHarness", function, cases, twin)
    for function, cases, twin in (
        (
            "ofResult",
            random_cases("address", "uint64", "uint32", "bytes32", "bytes32"),
            lambda *arguments: session_digest.of_result(CHAIN_ID, *arguments),
        ),
        ("ofReport", random_cases("bytes32", "uint256[]"), session_digest.of_report),
        ("seedOf", random_cases("uint64", "bytes24"), session_digest.seed_of),
        ("substituteOf", random_cases("uint64", "bytes24", "bytes24"), session_digest.substitute_of),
        ("ofAnswer", random_cases("uint64", "uint256", "bytes32[]"), session_digest.of_answer),
        ("divide", links.division_cases, links.divide),
    ):
        yield Rule("SessionDigestHarness", function, cases, twin)


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
    Rule("AgreementHarness", "signalOf", verdicts.signal_cases, verdicts.signal),
    Rule("AgreementHarness", "gramRule", verdicts.gram_cases, verdicts.gram_rule),
    Rule(
        "AgreementHarness",
        "isFlat",
        verdicts.flat_cases,
        lambda power, bits, shots: agreement.is_flat(agreement.Frame.of(bits, shots), power),
    ),
    Rule(
        "AgreementHarness",
        "bucketRule",
        verdicts.bucket_cases,
        lambda a, b, bits, shots: verdicts.bucket_rule(buckets_of(a), buckets_of(b), bits, shots),
    ),
    Rule("AgreementHarness", "judge", verdicts.judge_cases, verdicts.judge),
    Rule("IndependenceHarness", "tooClose", verdicts.closeness_cases, verdicts.too_close),
    Rule("IndependenceHarness", "surpriseOf", verdicts.surprise_cases, verdicts.surprise_of),
    Rule("CredibilityHarness", "scoreOf", verdicts.conduct_cases, credibility.score_of),
    Rule("CredibilityHarness", "weightOf", dimension_cases, credibility.weight_of),
    Rule("CredibilityHarness", "isCredible", verdicts.group_cases, credibility.is_credible),
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
        random_cases("bytes4", "uint256", "bytes24"),
        commitment.extend,
    ),
    Rule(
        "CommitmentHarness",
        "seedOf",
        random_cases("uint64", "uint256", "bytes24", "bytes4"),
        commitment.seed_of,
    ),
    Rule(
        "CommitmentHarness",
        "drawSeedOf",
        random_cases("bytes24", "uint64", "uint256"),
        commitment.draw_seed_of,
    ),
    Rule(
        "CommitmentHarness",
        "ofAnswer",
        random_cases("uint64", "uint256", "bytes32[]"),
        commitment.of_answer,
    ),
    Rule("BundleHarness", "leafOf", random_cases("uint64", "uint256", "uint256", "bytes24"), bundle.leaf_of),
    Rule("BundleHarness", "rootOf", tree_cases, bundle.root_of),
    Rule("BundleHarness", "rootFrom", random_cases("bytes32", "bytes32[]"), bundle.root_from),
    *certification_rules(),
    *entanglement_rules(),
    Rule("BucketHashHarness", "bucketOf", histograms.bucket_hash_cases, histograms.bucket_of),
    Rule("BucketHashHarness", "fold", histograms.fold_cases, histograms.fold),
    Rule("HistogramHarness", "requireRun", histograms.run_cases, histograms.opens_run, True),
    Rule("GoldListHarness", "lastSecret", golds.opening_cases, golds.last_secret),
    Rule("GoldListHarness", "leafOf", golds.leaf_cases, gold.leaf_of),
    Rule("GoldScoreHarness", "digestOf", golds.digest_cases, golds.digest_of),
    Rule("GoldListHarness", "requireMember", golds.member_cases, golds.is_member, True),
    Rule("GoldScoreHarness", "score", golds.score_cases, golds.score, count=10_000),
    Rule("GoldScoreHarness", "pack", golds.pack_cases, golds.pack),
    Rule("GoldScoreHarness", "requireSound", golds.answer_cases, golds.is_sound, True),
    Rule("MountainRangeHarness", "fold", proofs.fold_cases, audit_trail.fold),
    Rule("MountainRangeHarness", "verify", proofs.inclusion_cases, audit_trail.stands),
    Rule("AuditProofHarness", "includes", proofs.entry_cases, proofs.includes),
    Rule("AuditProofHarness", "leafOf", proofs.leaf_cases, proofs.leaf_of),
    Rule("HashSignatureHarness", "verify", signatures.cases, hash_signature.verify, count=11_000),
]


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
