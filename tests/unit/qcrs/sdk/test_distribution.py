"""A circuit's way to processors: over channels of each two, over others' where there are none, or refused."""

from types import SimpleNamespace

import pytest

from qcrs.circuits import text_of
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, ChannelTerms, Entanglement
from qcrs.quantum.distribution.quote import FidelityOutOfReach
from qcrs.sdk.crew import CrewUnavailable
from qcrs.sdk.distribution import plan_for

SHOTS = 100


def channel(number, ends, errors=2):
    terms = ChannelTerms(pairs=256, error_ppm=0, fidelity_ppm=0, capacity=100_000, lifetime_seconds=1, window_seconds=1)
    return Channel(number, 1, ends, terms, {}, b"", 0, status=ChannelStatus.Open, tested=100, errors_z=errors)


def known(*ends, errors=2):
    entanglement = Entanglement()
    entanglement.channels = {n: channel(n, pair, errors) for n, pair in enumerate(ends, 1)}
    return entanglement


def market(*processors, free=20, screened=()):
    candidates = [SimpleNamespace(processor=p, free=free, screened=p in screened) for p in processors]
    return SimpleNamespace(candidates=candidates, ready=lambda chosen, _qubits: chosen)


def plan(entanglement, place, circuit="ghz5", members=3, runs=1, fidelity=0.0, excluded=()):
    return plan_for(entanglement, place, text_of(circuit), members, runs, SHOTS, fidelity, excluded)


def test_where_each_two_have_a_channel_nothing_is_swapped():
    found = plan(known((1, 2), (2, 3), (1, 3)), market(1, 2, 3))
    assert found.crews[0].members == (1, 2, 3)
    assert sum(found.distribution.pairs.values()) == found.ebits == 2
    assert found.fidelity == pytest.approx(0.97**2)


@pytest.mark.parametrize("middle", [1, 2, 3])
def test_without_a_channel_between_two_pairs_go_over_the_third(middle):
    ends = [(middle, other) for other in (1, 2, 3) if other != middle]
    found = plan(known(*ends), market(1, 2, 3), circuit="qft5")
    apart = tuple(sorted({0, 1, 2} - {middle - 1}))
    assert apart not in found.distribution.pairs
    assert set(found.crews[0].pairs) == {1, 2}


def test_who_is_not_joined_cannot_serve():
    with pytest.raises(CrewUnavailable, match="qcrs channel request"):
        plan(known((1, 2)), market(1, 2, 3))


def test_who_is_excluded_screened_or_too_small_is_left_out():
    square = known((1, 2), (2, 3), (3, 4), (1, 4), (1, 3), (2, 4))
    assert plan(square, market(1, 2, 3, 4), "bell", 2, excluded={1, 2}).crews[0].members == (3, 4)
    assert plan(square, market(1, 2, 3, 4, screened=(2, 3)), "bell", 2).crews[0].members == (1, 4)
    with pytest.raises(CrewUnavailable):
        plan(square, market(1, 2, 3, 4), "bell", 2, runs=2, excluded={1})


def test_a_wanted_fidelity_is_bought_with_raw_pairs_or_refused():
    pair = known((1, 2), errors=6)  # fidelity 0.91
    plain, purified = plan(pair, market(1, 2), "bell", 2), plan(pair, market(1, 2), "bell", 2, fidelity=0.97)
    assert plain.fidelity < 0.97 <= purified.fidelity
    assert purified.raw_pairs > 2 * plain.raw_pairs
    assert purified.crews[0].pairs[1] * SHOTS >= purified.raw_pairs
    with pytest.raises(FidelityOutOfReach):
        plan(pair, market(1, 2), "bell", 2, fidelity=0.9999999)
