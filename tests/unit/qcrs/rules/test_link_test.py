import random

import pytest
from eth_hash.auto import keccak

from qcrs.rules import link_test

SEED = keccak(b"a test")
PAIRS = 1_536


def bit(words, number):
    return words[number // 256] >> number % 256 & 1


def test_about_half_of_the_pairs_are_tested_in_both_bases_alike():
    positions = link_test.tested_positions(SEED, PAIRS)
    assert len(positions) == pytest.approx(PAIRS / 2, abs=5 * (PAIRS / 4) ** 0.5)
    assert sum(positions.values()) == pytest.approx(len(positions) / 2, abs=5 * (len(positions) / 4) ** 0.5)


def test_positions_are_the_bits_of_the_words():
    masks, bases = link_test.tested_words(SEED, PAIRS), link_test.basis_words(SEED, PAIRS)
    expected = {number: bit(bases, number) for number in range(PAIRS) if bit(masks, number)}
    assert link_test.tested_positions(SEED, PAIRS) == expected
    assert list(expected) == sorted(expected)


def test_count_is_what_one_finds_pair_by_pair():
    rng = random.Random("outcomes")
    first, second = ([rng.getrandbits(256) for _ in range(PAIRS // 256)] for _ in range(2))
    positions = link_test.tested_positions(SEED, PAIRS)
    wrong = [basis for number, basis in positions.items() if bit(first, number) != bit(second, number)]
    found = link_test.count(SEED, first, second)
    assert (found.tested, found.errors_z, found.errors_x) == (len(positions), wrong.count(0), wrong.count(1))
    assert found.errors == len(wrong) > 0


def test_count_refuses_ends_of_different_length():
    with pytest.raises(ValueError, match="shorter"):
        link_test.count(SEED, [0, 0], [0])


@pytest.mark.parametrize("changed", range(6))
def test_the_seed_depends_on_everything(changed):
    arguments = [1337, "0x" + "11" * 20, 7, 1, keccak(b"first"), keccak(b"second")]
    other = [1338, "0x" + "12" * 20, 8, 2, keccak(b"1st"), keccak(b"2nd")]
    seed = link_test.seed_of(*arguments)
    arguments[changed] = other[changed]
    assert link_test.seed_of(*arguments) != seed


def test_the_allowance_is_rounded_down():
    assert link_test.is_passed(3, 100, 30_000)
    assert not link_test.is_passed(4, 100, 39_999)
    assert link_test.is_passed(0, 100, 0)
    assert not link_test.is_passed(1, 100, 0)
