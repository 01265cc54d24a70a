"""What accusers and the accused bring along; that the contract takes it is in tests/unit/contracts/challenges."""

import pytest

from qcrs.rules import evidence
from qcrs.rules.count_sketch import bucket_of, sketch_of, unpack
from qcrs.rules.digest import keccak
from qcrs.rules.histogram import HistogramInvalid, opens_run, unpack_leaf
from tests.challenged import measured, shifted

SEED = keccak(b"seed")
COUNTS = measured(1)
DIGEST = evidence.sketch_digest(sketch_of(COUNTS, 12, SEED))


def steps(**options):
    return list(evidence.answer_steps(COUNTS, DIGEST, 12, SEED, **options))


@pytest.mark.parametrize("size", [1, 64, 199, 200, 512])
def test_steps_show_every_leaf_once_in_order(size):
    shown = [leaf for step in steps(size=size) for leaf in step.leaves]
    assert [unpack_leaf(leaf) for leaf in shown] == sorted(COUNTS.items())
    for step in steps(size=size):
        assert opens_run(step.binding.root, step.binding, evidence.Run(step.progress.next, *step[2:]))
        assert step.progress.shots == sum(leaf & 0xFFFF for leaf in shown[: step.progress.next])


def test_progress_holds_the_sketch_of_what_was_shown():
    first, second, third, *_ = steps(size=64)
    assert first.progress == (first.binding.root, DIGEST, 0, 0, 0, [0] * 16)
    assert second.progress.last == first.leaves[-1]
    two = dict(unpack_leaf(leaf) for leaf in first.leaves + second.leaves)
    assert third.progress.sketch == sketch_of(two, 12, SEED)


@pytest.mark.parametrize("done", [1, 2])
def test_answer_resumes_where_it_stopped(done):
    assert steps(start=64 * done, size=64) == steps(size=64)[done:]


def test_nothing_is_left_to_show_at_the_end():
    assert steps(start=len(COUNTS)) == []


@pytest.mark.parametrize("bits", [2, 8, 9, 12, 40])
def test_proof_names_a_bucket_that_holds_more_than_claimed(bits):
    counts, claimed = measured(1, bits), measured(2, bits)
    sketch = sketch_of(claimed, bits, SEED)
    row, bucket, binding, runs = evidence.forged_sketch(counts, sketch, bits, SEED)
    leaves = [unpack_leaf(leaf) for run in runs for leaf in run.leaves]
    assert all(counts[outcome] == count for outcome, count in leaves)
    assert all((bucket_of(SEED, row, x, bits) if bits > 8 else x) == bucket for x, _ in leaves)
    assert sum(count for _, count in leaves) > unpack(sketch, bits)[row * 64 + bucket]
    assert all(opens_run(binding.root, binding, run) for run in runs)
    assert [run.first for run in runs] == sorted(run.first for run in runs)


def test_proof_is_as_short_as_can_be():
    """One outcome too many in a bucket that claims none needs one leaf."""
    proof = evidence.forged_sketch(COUNTS, sketch_of({0: 4096}, 12, SEED), 12, SEED)
    assert [len(run.leaves) for run in proof.runs] == [1]


def test_neighbours_are_shown_as_one_run():
    """All outcomes of one bucket, and one of another in between."""
    mine = [x for x in range(1 << 9) if bucket_of(SEED, 0, x, 9) == 5]
    others = [x for x in range(1 << 9) if bucket_of(SEED, 0, x, 9) == 6 and mine[1] < x < mine[-1]]
    counts = dict.fromkeys(mine, 10) | {others[0]: 1}
    claimed = [sketch_of(counts, 9, SEED)[i] - (1 << 80 if i == 0 else 0) for i in range(16)]
    proof = evidence.forged_sketch(counts, claimed, 9, SEED)
    assert (proof.row, proof.bucket) == (0, 5)
    at = sorted(counts).index(others[0])
    assert [(run.first, len(run.leaves)) for run in proof.runs] == [(0, at), (at + 1, len(mine) - at)]


def test_nothing_proves_an_honest_sketch_forged():
    assert evidence.forged_sketch(COUNTS, sketch_of(COUNTS, 12, SEED), 12, SEED) is None


@pytest.mark.parametrize(
    ("counts", "run"),
    [
        ({1: 4095}, None),
        ({}, None),
        ({1: 4096, 5: 0}, [5 << 16]),
        ({1: 1, 4: 4095}, [4 << 16 | 4095]),
    ],
    ids=["total", "empty", "no shots", "too wide"],
)
def test_malformed_histogram_is_named(counts, run):
    binding, shown = evidence.malformed(counts, 2, 4096)
    assert binding.leaf_count == len(counts)
    assert shown.leaves == (run or [])


def test_sound_histogram_is_not_malformed():
    assert evidence.malformed({1: 96, 3: 4000}, 2, 4096) is None


def test_leaf_that_does_not_fit_cannot_be_shown():
    with pytest.raises(HistogramInvalid):
        evidence.malformed({1 << 240: 4096}, 2, 4096)


def test_copies_are_found_among_sketches_of_a_round():
    own = {index: sketch_of(measured(index), 12, SEED) for index in range(4)}
    assert evidence.copies(own, 12) == []
    assert evidence.copies(own | {7: own[2]}, 12) == [(2, 7)]


def test_rich_histograms_are_telling_and_peaks_are_not():
    assert evidence.is_telling(sketch_of(COUNTS, 12, SEED), 12)
    assert not evidence.is_telling(sketch_of(shifted({0: 2048, 9: 2048}), 12, SEED), 12)
