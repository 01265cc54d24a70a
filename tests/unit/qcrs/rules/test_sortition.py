from collections import Counter

import pytest
from eth_hash.auto import keccak

from qcrs.rules.sortition import MAX_DRAWS, draws


@pytest.mark.parametrize("size", [0, 1, 2, 5, 63, 64, 65, 300])
def test_draws_are_distinct_positions(size):
    drawn = list(draws(keccak(b"seed"), size))
    assert len(drawn) == min(size, MAX_DRAWS) == len(set(drawn))
    assert all(0 <= position < size for position in drawn)


def test_small_lottery_is_a_permutation():
    assert sorted(draws(keccak(b"seed"), 40)) == list(range(40))


def test_same_seed_draws_alike_and_another_does_not():
    first, again, other = (list(draws(keccak(seed), 40)) for seed in (b"a", b"a", b"b"))
    assert first == again != other


def test_every_order_of_three_is_equally_likely():
    """6,000 seeds: each of six orders is expected 1,000 times, with a deviation of 29."""
    orders = Counter(tuple(draws(keccak(n.to_bytes(4, "big")), 3)) for n in range(6_000))
    assert len(orders) == 6
    assert all(abs(count - 1_000) < 150 for count in orders.values())


def test_every_position_is_equally_likely_at_every_draw():
    """3,000 seeds over five positions: 600 expected, with a deviation of 22."""
    orders = [list(draws(keccak(n.to_bytes(4, "big")), 5)) for n in range(3_000)]
    for draw in range(5):
        counts = Counter(order[draw] for order in orders)
        assert all(abs(counts[position] - 600) < 110 for position in range(5))
