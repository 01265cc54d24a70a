from itertools import pairwise

import pytest

from qcrs.quantum.distribution.quote import FidelityOutOfReach, Source
from qcrs.quantum.distribution.routing import NoRoute, cheapest_route, routes
from qcrs.quantum.distribution.swapping import swapped
from qcrs.quantum.entanglement.pairs import LocalNoise, purify, werner

LITTLE = LocalNoise(two_qubit_ppm=1_000, readout_ppm=1_000)
DEAR, CHEAP = Source(0.98, 1e3, 10), Source(0.92, 1e4, 1)
NETWORK = {(0, 1): DEAR, (1, 2): DEAR, (0, 3): CHEAP, (2, 3): CHEAP, (4, 5): DEAR}


def test_direct_link_is_a_route_of_one_hop():
    front = routes({(0, 1): DEAR}, 1, 0)
    assert front[0].nodes == (1, 0)
    assert (front[0].hops, front[0].wei, front[0].fidelity, front[0].seconds) == (1, 10, 0.98, 1e-3)
    assert all(route.after == 0 for route in front)


def test_swapping_multiplies_what_is_better_than_noise():
    route = routes({(0, 1): DEAR, (1, 2): DEAR}, 0, 2)[0]
    assert route.fidelity == pytest.approx(0.25 + 0.75 * ((4 * 0.98 - 1) / 3) ** 2)
    assert route.raw_pairs == (1.0, 1.0)


def test_routes_get_dearer_only_to_get_better():
    front = routes(NETWORK, 0, 2, LITTLE)
    assert {route.nodes for route in front} == {(0, 3, 2), (0, 1, 2)}
    for one, next_one in pairwise(front):
        assert next_one.cost > one.cost
        assert next_one.fidelity > one.fidelity


def test_either_order_of_purifying_and_swapping_is_chosen_where_it_is_better():
    front = routes(NETWORK, 0, 2, LITTLE)
    assert any(route.before and not route.after for route in front)
    assert any(route.before and route.after for route in front)
    # Pairs that are good already are better swapped first when the gates that purify make more faults.
    noisy_hops = {
        ends: Source(0.99, noise=LocalNoise(two_qubit_ppm=50_000, readout_ppm=50_000)) for ends in ((0, 1), (1, 2))
    }
    assert all(not route.before for route in routes(noisy_hops, 0, 2))


def test_route_says_what_it_does():
    route = next(one for one in routes(NETWORK, 0, 2) if one.before == 1 and one.after == 1)
    hop = purify(werner(0.92), 1)
    whole = purify(swapped(hop.pair, hop.pair), 1)
    assert route.nodes == (0, 3, 2)
    assert route.pair == whole.pair
    assert route.raw_pairs == pytest.approx([whole.raw_pairs * hop.raw_pairs] * 2)
    assert route.seconds == pytest.approx(whole.raw_pairs * hop.raw_pairs / 1e4)


def test_cheapest_route_that_is_good_enough():
    assert cheapest_route(NETWORK, 0, 2, 0.8).nodes == (0, 3, 2)
    better = cheapest_route(NETWORK, 0, 2, 0.99)
    assert better.fidelity >= 0.99
    assert better.cost > cheapest_route(NETWORK, 0, 2, 0.8).cost


def test_route_serves_as_a_source():
    route = cheapest_route(NETWORK, 0, 2, 0.95)
    source = route.source()
    assert (source.fidelity, source.price) == (route.fidelity, route.wei)
    assert source.rate == pytest.approx(1 / route.seconds)


def test_fidelity_out_of_reach_is_said_with_the_best_there_is():
    with pytest.raises(FidelityOutOfReach, match=r"nodes 0 and 2: expected fidelity 0.9999, at most 0.9"):
        cheapest_route(NETWORK, 0, 2, 0.9999, LocalNoise(two_qubit_ppm=10_000))


def test_nodes_without_a_chain_of_links_have_no_route():
    with pytest.raises(NoRoute, match="nodes 0 and 5"):
        routes(NETWORK, 0, 5)


def test_link_that_is_no_better_than_noise_leads_nowhere():
    with pytest.raises(NoRoute):
        routes({(0, 1): Source(0.25)}, 0, 1)
