from math import log2
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcrs.rules.cascade import Follower, Leader, Parities, Range, ReconciliationFailed, block_sizes, shuffled

SEED = b"seed of the orders"


def reconcile(bits: int, own: int, errors: int, error_ppm: int, seed: bytes = SEED) -> tuple[Leader, Follower, int]:
    leader, follower, steps = Leader(bits, own, seed), Follower(bits, own ^ errors, seed, error_ppm), 0
    while wanted := follower.ask():
        follower.tell(wanted, leader.answer(wanted))
        steps += 1
    return leader, follower, steps


def noise(bits: int, share: float, chance: Random) -> int:
    return sum((chance.random() < share) << at for at in range(bits))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.03, 0.08, 0.11])
def test_the_follower_ends_with_the_leaders_bits(share: float) -> None:
    chance = Random(7)
    for _ in range(10):
        own, errors = chance.getrandbits(1_500), noise(1_500, share, chance)
        _, follower, steps = reconcile(1_500, own, errors, round(1e6 * share))
        assert follower.value == own
        assert follower.corrected >= errors.bit_count()
        assert steps <= 100


@given(st.integers(1, 300), st.data())
@settings(max_examples=60, deadline=None)
def test_both_ends_count_the_same_leak(bits: int, data: st.DataObject) -> None:
    own, other = (data.draw(st.integers(0, (1 << bits) - 1)) for _ in range(2))
    leader, follower = Leader(bits, own, SEED), Follower(bits, other, SEED, data.draw(st.integers(0, 500_000)))
    try:
        while wanted := follower.ask():
            follower.tell(wanted, leader.answer(wanted))
    except ReconciliationFailed:
        assert follower.leak == leader.leak <= bits
    else:
        assert follower.leak == leader.leak <= bits


def test_the_leak_is_every_parity_told_and_near_what_must_be() -> None:
    chance, told = Random(3), []
    bits, share = 10_000, 0.03
    own = chance.getrandbits(bits)
    leader, follower = Leader(bits, own, SEED), Follower(bits, own ^ noise(bits, share, chance), SEED, 30_000)
    while wanted := follower.ask():
        told += wanted
        follower.tell(wanted, leader.answer(wanted))
    assert leader.leak == follower.leak == len(told) == len(set(told))
    least = -bits * (share * log2(share) + (1 - share) * log2(1 - share))
    assert least < leader.leak < 1.3 * least


def test_orders_are_permutations_that_differ() -> None:
    orders = [shuffled(200, number, SEED) for number in range(4)]
    assert all(sorted(order) == list(range(200)) for order in orders)
    assert len(set(map(tuple, orders))) == 4
    assert shuffled(200, 1, b"another") != orders[1]


def test_blocks_never_exceed_the_string() -> None:
    assert block_sizes(10, 0) == [10] * 4 + [5] * 4
    assert block_sizes(1_000, 30_000)[:4] == [24, 48, 96, 192]
    assert min(block_sizes(1, 500_000)) == 1


@pytest.mark.parametrize("wanted", [Range(9, 0, 4), Range(0, 4, 4), Range(0, 0, 65), Range(0, 5, 4)])
def test_the_leader_tells_of_its_own_bits_only(wanted: Range) -> None:
    with pytest.raises(ReconciliationFailed, match="expected one within 64 bits"):
        Leader(64, 0, SEED).answer([wanted])


def test_the_leader_tells_nothing_twice() -> None:
    leader = Leader(64, 0, SEED)
    leader.answer([Range(0, 0, 8)])
    with pytest.raises(ReconciliationFailed, match="twice"):
        leader.answer([Range(0, 0, 8)])
    with pytest.raises(ReconciliationFailed, match="twice"):
        leader.answer([Range(0, 8, 16), Range(0, 8, 16)])


def test_the_leader_tells_no_more_than_there_is() -> None:
    leader = Leader(8, 0, SEED)
    leader.answer([Range(0, at, at + 1) for at in range(8)])
    with pytest.raises(ReconciliationFailed, match="nothing is left"):
        leader.answer([Range(1, 0, 1)])


def test_a_leader_that_contradicts_itself_does_not_hold_the_follower() -> None:
    def listen(chance: Random) -> None:
        follower = Follower(60, 0, SEED, 100_000)
        while wanted := follower.ask():
            follower.tell(wanted, [chance.getrandbits(1) for _ in wanted])

    with pytest.raises(ReconciliationFailed, match="contradict"):
        listen(Random(4))


@pytest.mark.parametrize("seed", range(20))
def test_a_leader_cannot_have_bits_corrected_to_and_fro(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time would be a look at all blocks, as often as there are bits, and the follower would not come back."""
    flipped: list[int] = []

    def listen(chance: Random, follower: Follower) -> None:
        while wanted := follower.ask():
            follower.tell(wanted, [chance.random() < 0.2 for _ in wanted])

    flip = Parities.flip
    monkeypatch.setattr(Parities, "flip", lambda own, position: flipped.append(position) or flip(own, position))
    with pytest.raises(ReconciliationFailed, match="is to be corrected twice: parities contradict"):
        listen(Random(seed), Follower(600, 0, SEED, 100_000))
    assert len(set(flipped)) == len(flipped) > 0
