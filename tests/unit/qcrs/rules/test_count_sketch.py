"""The sketch's hash spreads outcomes evenly, and cheats that fool a linear hash do not fool it."""

import random
from collections import Counter

import pytest
from eth_hash.auto import keccak

from qcrs.rules import count_sketch
from qcrs.rules.agreement import Verdict, judge

SEEDS = [keccak(bytes([n])) for n in range(4)]


@pytest.mark.parametrize("bits", [9, 10, 11, 12])
@pytest.mark.parametrize("seed", SEEDS, ids=range(len(SEEDS)))
def test_every_bucket_takes_equally_many_outcomes(bits, seed):
    for row in range(count_sketch.ROWS):
        sizes = Counter(count_sketch.bucket_of(seed, row, x, bits) for x in range(1 << bits))
        assert sizes == dict.fromkeys(range(64), 1 << bits - 6)


def test_known_buckets():
    """Frozen: what a daemon of today posts must still be judged tomorrow."""
    seed = bytes(range(32))
    assert [count_sketch.bucket_of(seed, 0, x, 9) for x in range(8)] == [
        33,
        31,
        25,
        38,
        35,
        1,
        21,
        34,
    ]
    assert [count_sketch.bucket_of(seed, 3, x, 200) for x in range(8)] == [
        6,
        20,
        34,
        46,
        46,
        36,
        61,
        29,
    ]


def test_rows_are_different_permutations():
    rows = {
        tuple(count_sketch.bucket_of(SEEDS[0], row, x, 10) for x in range(1 << 10)) for row in range(count_sketch.ROWS)
    }
    assert len(rows) == count_sketch.ROWS


@pytest.mark.parametrize("bits", range(1, 9))
def test_small_sketch_is_the_histogram(bits):
    counts = {outcome: outcome + 1 for outcome in range(1 << bits)}
    words = count_sketch.sketch_of(counts, bits, SEEDS[0])
    assert count_sketch.unpack(words, bits) == list(counts.values())
    assert words == count_sketch.sketch_of(counts, bits, SEEDS[1])


@pytest.mark.parametrize("bits", [1, 4, 5, 8, 9, 64, 255])
def test_pack_and_unpack_are_inverse(bits):
    rows, buckets = count_sketch.dimensions(bits)
    table = [(7919 * i) % 65_536 for i in range(rows * buckets)]
    words = count_sketch.pack(table)
    assert len(words) == count_sketch.words_of(bits)
    assert count_sketch.unpack(words, bits) == table


@pytest.mark.parametrize("bits", [1, 3, 8, 9, 30, 255])
def test_every_sketch_has_its_totals(bits):
    counts = {0: 60_000, (1 << bits) - 1: 5_535}
    words = count_sketch.sketch_of(counts, bits, SEEDS[0])
    assert count_sketch.has_totals(words, bits, 65_535)
    assert not count_sketch.has_totals(words, bits, 65_534)
    assert not count_sketch.has_totals(words[:-1], bits, 65_535)
    assert not count_sketch.has_totals([*words, 0], bits, 65_535)


def test_stray_lanes_are_not_totals():
    assert count_sketch.has_totals([5 << 16], 1, 5)
    assert not count_sketch.has_totals([5 << 32], 1, 5)


def half(bits, mask, parity):
    """Return the outcomes whose bits under *mask* have a parity: an affine half of all."""
    return [x for x in range(1 << bits) if (x & mask).bit_count() % 2 == parity]


@pytest.mark.parametrize("mask", [0b1, 0b11, 0b101100111, 0b111111111111], ids=bin)
@pytest.mark.parametrize("shots", [4_096, 65_535])
def test_answer_on_the_wrong_affine_half_disagrees(mask, shots):
    """Circuits often answer evenly over a subspace; a cheat may try the other coset."""
    bits, rng, seed = 12, random.Random(mask), SEEDS[0]
    halves = [half(bits, mask, parity) for parity in (0, 0, 1)]
    sketches = [
        count_sketch.unpack(count_sketch.sketch_of(Counter(rng.choices(one, k=shots)), bits, seed), bits)
        for one in halves
    ]
    assert judge(sketches[:2], bits, shots, 2).verdict is not Verdict.Rejected
    assert judge(sketches[1:], bits, shots, 2).verdict is Verdict.Rejected
