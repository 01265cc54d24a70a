import math
from collections import Counter

from qcrs.quantum.benchmark.stream import TURN, Stream, radians, sine


def test_same_seed_and_label_give_the_same_draws():
    first, again = ([Stream(bytes(32), "a").below(1000) for _ in range(3)] for _ in range(2))
    assert first == again
    draws = {
        label: [stream.below(1 << 30) for _ in range(5)] for label in "ab" for stream in [Stream(bytes(32), label)]
    }
    assert draws["a"] != draws["b"]
    other = Stream(bytes(31) + b"\1", "a")
    assert draws["a"] != [other.below(1 << 30) for _ in range(5)]


def test_first_draws_never_change():
    stream = Stream(bytes(range(32)), "frozen")
    assert [stream.below(limit) for limit in (2, 10, 1000, 1 << 24, 1 << 64, 1)] == [
        1, 9, 40, 3440618, 5066506282434070049, 0,
    ]  # fmt: skip
    assert stream.order("abcdef") == ["c", "b", "f", "e", "d", "a"]


def test_draws_are_even_and_below_the_limit():
    stream = Stream(bytes(32), "even")
    counts = Counter(stream.below(6) for _ in range(6_000))
    assert set(counts) == set(range(6))
    assert sum((count - 1_000) ** 2 / 1_000 for count in counts.values()) < 20.5  # 0.1 % of even dice exceed it
    orders = Counter("".join(stream.order("abc")) for _ in range(6_000))
    assert len(orders) == 6
    assert sum((count - 1_000) ** 2 / 1_000 for count in orders.values()) < 20.5


def test_sine_in_whole_numbers_is_the_sine():
    for turn in [*range(0, TURN, 99_991), TURN // 4, TURN // 2, TURN - 1, 5 * TURN + 3, -12_345]:
        assert math.isclose(sine(turn) / 2**64, abs(math.sin(2 * math.pi * turn / TURN)), abs_tol=1e-12)
    assert sine(TURN // 4) == 2**64
    assert sine(0) == sine(TURN // 2) == 0


def test_angles_lie_around_zero():
    assert radians(TURN // 4) == math.pi / 2
    assert radians(TURN // 2) == -math.pi
    assert radians(-1) == -math.pi / (TURN // 2)
