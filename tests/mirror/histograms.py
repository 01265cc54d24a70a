"""Inputs for the openings of histograms and the hash of sketches, and their twins as the harnesses have them."""

import random
from collections.abc import Iterator
from typing import Any

from qcrs.rules import count_sketch, histogram
from tests.mirror.sketches import Arguments


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
