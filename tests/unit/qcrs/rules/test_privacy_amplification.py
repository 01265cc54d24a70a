from decimal import Decimal, localcontext
from itertools import pairwise
from math import log, log2, sqrt
from random import Random

import pytest

from qcrs.rules.privacy_amplification import SECRECY, deviation, key_length, seed_bytes, toeplitz


def in_floats(bits: int, tested: int, tolerated: float, leak: int) -> float:
    phase = tolerated + sqrt((bits + tested) / (bits * tested) * (tested + 1) / tested * log(2 / 1e-10))
    entropy = -phase * log2(phase) - (1 - phase) * log2(1 - phase)
    return bits * (1 - entropy) - leak - log2(2 / (1e-20 * 2**-64)) - 2 * 17


@pytest.mark.parametrize(
    ("bits", "tested", "ppm", "leak"),
    [
        (2_000, 2_000, 20_000, 300),
        (5_000, 5_000, 0, 0),
        (10_000, 1_000, 10_000, 900),
        (100_000, 20_000, 60_000, 40_000),
    ],
)
def test_a_key_is_as_long_as_the_theorem_says(bits: int, tested: int, ppm: int, leak: int) -> None:
    assert key_length(bits, tested, ppm, leak) == int(in_floats(bits, tested, ppm / 1e6, leak)) > 0


def test_the_deviation_is_that_of_the_literature() -> None:
    assert round(float(deviation(1_000, 1_000)), 2) == 0.22
    assert round(float(deviation(5_000, 5_000)), 2) == 0.10


def test_no_digit_depends_on_the_machine() -> None:
    found = deviation(2_039, 2_091)
    with localcontext() as context:
        context.prec = 80
        sizes = Decimal((2_039 + 2_091) * 2_092) / (2_039 * 2_091**2)
        exact = (sizes * (2 / SECRECY).ln()).sqrt()
        assert abs(found - exact) < Decimal("1e-49")
        assert len(found.as_tuple().digits) == 50
        context.prec = 5  # what a caller has set is no matter
        assert deviation(2_039, 2_091) == found


@pytest.mark.parametrize(
    ("bits", "tested", "ppm", "leak"), [(0, 9, 0, 0), (9, 0, 0, 0), (500, 500, 1, 0), (5_000, 5_000, 450_000, 0)]
)
def test_where_too_much_may_be_known_there_is_no_key(bits: int, tested: int, ppm: int, leak: int) -> None:
    assert key_length(bits, tested, ppm, leak) == 0


def test_every_parity_disclosed_costs_a_bit() -> None:
    lengths = [key_length(4_000, 4_000, 20_000, leak) for leak in range(0, 800, 100)]
    assert all(longer - shorter == 100 for longer, shorter in pairwise(lengths))


def test_toeplitz_is_the_matrix_that_it_says() -> None:
    chance = Random(1)
    bits, length = 23, 9
    seed, value = chance.randbytes(seed_bytes(bits, length)), chance.getrandbits(bits)
    diagonals = int.from_bytes(seed, "little")
    rows = [
        sum((diagonals >> row + column & 1) & (value >> column & 1) for column in range(bits)) & 1
        for row in range(length)
    ]
    assert toeplitz(bits, value, length, seed) == sum(bit << row for row, bit in enumerate(rows))


def test_different_strings_rarely_have_one_hash() -> None:
    chance, trials, bits, length = Random(2), 20_000, 40, 6
    collisions = 0
    for _ in range(trials):
        first, second = chance.sample(range(1 << bits), 2)
        seed = chance.randbytes(seed_bytes(bits, length))
        collisions += toeplitz(bits, first, length, seed) == toeplitz(bits, second, length, seed)
    expected = trials / 2**length
    assert abs(collisions - expected) < 5 * sqrt(expected)


@pytest.mark.parametrize(("bits", "value", "seed"), [(8, 1, bytes(1)), (8, 256, bytes(2))])
def test_toeplitz_wants_a_seed_for_each_diagonal_and_no_stray_bit(bits: int, value: int, seed: bytes) -> None:
    with pytest.raises(ValueError, match="bytes of seed"):
        toeplitz(bits, value, 8, seed)
