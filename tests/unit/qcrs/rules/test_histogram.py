import pytest

from qcrs.rules.digest import abi_digest, keccak
from qcrs.rules.histogram import (
    HistogramInvalid,
    binding_of,
    counts_root,
    opens_run,
    require_histogram,
    run_proof,
    unpack_leaf,
)

COUNTS = {0: 2_000, 3: 1_900, 1: 100, 2: 96}


def word(number):
    return number.to_bytes(32, "big")


def leaf(outcome, count):
    return keccak(b"\x00" + word(outcome) + word(count))


def node(left, right):
    return keccak(b"\x01" + left + right)


def test_root_of_three_outcomes_is_as_documented():
    """Leaves by outcome; the third, without a sibling, rises as it is."""
    top = node(node(leaf(1, 5), leaf(4, 6)), leaf(9, 7))
    expected = abi_digest(["uint256", "uint256", "bytes32"], [3, 18, top])
    assert counts_root({9: 7, 1: 5, 4: 6}) == expected


def test_root_of_one_outcome_is_its_leaf_s():
    expected = abi_digest(["uint256", "uint256", "bytes32"], [1, 8, leaf(2, 8)])
    assert counts_root({2: 8}) == expected


def test_root_does_not_depend_on_the_order_of_outcomes():
    assert counts_root(dict(sorted(COUNTS.items()))) == counts_root(COUNTS)


@pytest.mark.parametrize(
    "changed",
    [
        COUNTS | {0: 2_001},
        COUNTS | {0: 1_999, 1: 101},
        COUNTS | {4: 1},
        {outcome: count for outcome, count in COUNTS.items() if outcome != 2},
        {outcome + 1: count for outcome, count in COUNTS.items()},
        {0: 4_096},
        {},
    ],
    ids=["count", "two counts", "more", "fewer", "shifted", "merged", "empty"],
)
def test_root_changes_with_any_change(changed):
    assert counts_root(changed) != counts_root(COUNTS)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33])
def test_root_binds_every_count(size):
    counts = dict.fromkeys(range(size), 10)
    roots = {counts_root(counts | {outcome: 11}) for outcome in counts}
    assert len(roots | {counts_root(counts)}) == size + 1


def test_sound_histogram_is_taken():
    require_histogram(COUNTS, 2, 4_096)
    require_histogram({}, 2, 0)
    require_histogram({2**255 - 1: 1}, 255, 1)


@pytest.mark.parametrize(
    ("counts", "bits", "shots", "message"),
    [
        ({4: 10}, 2, 10, "outcome 4 does not fit 2 bits"),
        ({-1: 10}, 2, 10, "outcome -1 does not fit 2 bits"),
        ({1: 0, 0: 10}, 2, 10, "outcome 1 has a count of 0; counts are positive"),
        ({1: -1, 0: 11}, 2, 10, "outcome 1 has a count of -1; counts are positive"),
        ({1: 9}, 2, 10, "counts add up to 9 shots, expected 10"),
        ({1: 11}, 2, 10, "counts add up to 11 shots, expected 10"),
        ({}, 2, 10, "counts add up to 0 shots, expected 10"),
    ],
)
def test_unsound_histogram_is_refused(counts, bits, shots, message):
    with pytest.raises(HistogramInvalid) as caught:
        require_histogram(counts, bits, shots)
    assert str(caught.value) == message


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 31])
def test_every_run_opens_and_nothing_else_does(size):
    counts = {7 * outcome: outcome + 1 for outcome in range(size)}
    binding = binding_of(counts)
    assert binding.root == counts_root(counts)
    for first in range(size):
        for length in range(1, size - first + 1):
            run = run_proof(counts, first, length)
            assert [unpack_leaf(packed)[0] for packed in run.leaves] == [
                7 * outcome for outcome in range(first, first + length)
            ]
            assert opens_run(binding.root, binding, run)
            assert not opens_run(binding.root, binding, run._replace(first=first + 1))
            assert not opens_run(binding.root, binding, run._replace(siblings=[*run.siblings, bytes(32)]))
            assert not opens_run(binding.root, binding, run._replace(leaves=[run.leaves[0] ^ 1, *run.leaves[1:]]))
            if run.siblings:
                assert not opens_run(binding.root, binding, run._replace(siblings=run.siblings[:-1]))


def test_run_is_as_documented():
    """Of three outcomes, the middle one needs its left neighbour, then the third, which has risen."""
    run = run_proof({9: 7, 1: 5, 4: 6}, 1, 1)
    assert run == (1, [4 << 16 | 6], [leaf(1, 5), leaf(9, 7)])
    assert run_proof({9: 7, 1: 5, 4: 6}, 2, 1).siblings == [node(leaf(1, 5), leaf(4, 6))]


@pytest.mark.parametrize(("first", "length"), [(0, 0), (-1, 2), (3, 2), (4, 1), (0, 5)])
def test_run_out_of_bounds_is_refused(first, length):
    with pytest.raises(HistogramInvalid) as caught:
        run_proof(COUNTS, first, length)
    assert str(caught.value) == f"there are no {length} outcomes from number {first} on among 4"


@pytest.mark.parametrize(("outcome", "count"), [(1 << 240, 1), (0, 65_536)])
def test_leaf_that_does_not_fit_is_refused(outcome, count):
    with pytest.raises(HistogramInvalid, match="does not fit a packed leaf"):
        run_proof({outcome: count}, 0, 1)
    assert counts_root({outcome: count})
