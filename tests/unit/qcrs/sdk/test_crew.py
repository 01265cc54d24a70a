"""Which processors can run a program together."""

import pytest

from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, ChannelTerms
from qcrs.sdk.crew import CrewUnavailable, crews, networks


def channel(number, ends, link=1, left=1_000, errors=1, status=ChannelStatus.Open):
    terms = ChannelTerms(pairs=256, error_ppm=0, fidelity_ppm=0, capacity=1_000, lifetime_seconds=1, window_seconds=1)
    return Channel(
        number, link, ends, terms, {}, b"", 0, status=status, used=1_000 - left, tested=100, errors_z=errors
    )  # fmt: skip


SQUARE = [channel(n, ends) for n, ends in enumerate([(1, 2), (4, 3), (1, 3), (2, 4)], 1)]
PAIR = {(0, 1): 1}


def test_members_are_ascending_and_channels_count_both_ways():
    [crew] = crews(SQUARE, {3, 4}, PAIR, 2, 100, 1)
    assert crew.members == (3, 4)
    assert (crew.pairs, crew.link, crew.channel_of((0, 1))) == ({2: 1}, 1, 2)


def test_no_processor_serves_in_two_runs():
    first, second = crews(SQUARE, {1, 2, 3, 4}, PAIR, 2, 100, 2)
    assert not set(first.members) & set(second.members)
    with pytest.raises(CrewUnavailable, match="2 of 3 runs"):
        crews(SQUARE, {1, 2, 3, 4}, PAIR, 2, 100, 3)


def test_the_channel_with_fewest_errors_comes_first():
    worse = [channel(1, (1, 2), errors=5), channel(2, (3, 4), errors=2)]
    assert [crew.members for crew in crews(worse, {1, 2, 3, 4}, PAIR, 2, 10, 2)] == [(3, 4), (1, 2)]
    assert crews(worse, {1, 2, 3, 4}, PAIR, 2, 10, 1)[0].error_ppm == 20_000


def test_only_members_that_share_pairs_need_a_channel():
    line = [channel(1, (1, 2)), channel(2, (2, 3))]
    [crew] = crews(line, {1, 2, 3}, {(0, 1): 1, (1, 2): 2}, 3, 10, 1)
    assert crew.pairs == {1: 1, 2: 2}
    with pytest.raises(CrewUnavailable):
        crews(line, {1, 2, 3}, {(0, 1): 1, (0, 2): 1}, 3, 10, 1)


@pytest.mark.parametrize(
    "only", [channel(1, (1, 2), left=99), channel(1, (1, 2), status=ChannelStatus.Revealing)], ids=["left", "status"]
)
def test_a_channel_must_be_open_and_have_pairs_left(only):
    with pytest.raises(CrewUnavailable, match="0 of 1 runs"):
        crews([only], {1, 2}, PAIR, 2, 100, 1)


def test_a_channel_whose_pairs_are_not_entangled_is_none():
    """Two ends may agree on a test that bears any errors, and are not to spoil what others plan."""
    spoiled = [channel(1, (1, 2), errors=34), channel(2, (2, 3), errors=100)]
    with pytest.raises(CrewUnavailable, match="0 of 1 runs"):
        crews(spoiled, {1, 2}, PAIR, 2, 10, 1)
    assert list(networks(spoiled, {1, 2, 3}, 3)) == []
    assert crews([channel(1, (1, 2), errors=33)], {1, 2}, PAIR, 2, 10, 1)[0].error_ppm == 330_000


def test_channels_over_two_links_do_not_join():
    split = [channel(1, (1, 2), link=1), channel(2, (2, 3), link=2)]
    with pytest.raises(CrewUnavailable):
        crews(split, {1, 2, 3}, {(0, 1): 1, (1, 2): 1}, 3, 10, 1)


def test_whoever_cannot_serve_is_left_out():
    with pytest.raises(CrewUnavailable):
        crews(SQUARE, {1}, PAIR, 2, 100, 1)


def test_networks_are_chains_of_channels_the_best_first():
    line = [channel(1, (1, 2), errors=3), channel(2, (2, 3), errors=1), channel(3, (3, 4), errors=1)]
    ways = list(networks(line, {1, 2, 3, 4}, 3))
    assert [{ends: own.channel for ends, own in way.items()} for way in ways] == [{(0, 1): 2, (1, 2): 3}]
    assert list(networks(line, {1, 2, 4}, 3)) == []


def test_networks_over_two_links_are_none():
    split = [channel(1, (1, 2), link=1), channel(2, (2, 3), link=2)]
    assert list(networks(split, {1, 2, 3}, 3)) == []
