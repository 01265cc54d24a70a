import pytest
from qiskit import QuantumCircuit

from qcrs.circuits import text_of
from qcrs.quantum.circuit import canonical, load
from qcrs.quantum.distribution.plan import distribute
from qcrs.quantum.distribution.quote import FidelityOutOfReach, Source, quote
from qcrs.quantum.distribution.routing import NoRoute
from qcrs.quantum.distribution.session import prepare
from qcrs.quantum.distribution.swapping import swapped
from qcrs.quantum.entanglement.pairs import werner
from qcrs.quantum.fragment import Op
from qcrs.quantum.ideal import ideal_distribution
from tests.circuits import small
from tests.fragments import distribution

LINK = Source(0.97, 1000.0, 2)
SWAPPED = "ansatz5"  # of which each two of three parts share pairs


def test_processors_in_line_swap_pairs_in_the_middle():
    circuit = small("ansatz")
    found = prepare(canonical(circuit), [8, 8, 8], {(0, 1): LINK, (1, 2): LINK}, shots=100)
    assert found.paths == {(0, 2): (0, 1, 2)}
    assert set(found.distribution.pairs) == {(0, 1), (1, 2)}
    assert distribution(found.distribution.fragments) == pytest.approx(ideal_distribution(circuit), abs=1e-9)
    assert found.quote.wei == 2 * found.quote.raw_pairs == 200 * found.distribution.ebits


def test_fragments_ask_for_the_rounds_that_the_quote_counts():
    found = prepare(small("ising"), [10, 10], {(0, 1): LINK}, shots=1, fidelity=0.99)
    asked = {step.rounds for one in found.distribution.fragments for step in one.instructions if step.op is Op.Pair}
    assert asked == {found.quote.rounds[0, 1]}
    assert found.quote.rounds[0, 1] > 0
    assert found.quote.fidelity >= 0.99


def test_swapped_pairs_are_purified_end_to_end_where_that_is_cheaper():
    links = {(0, 1): Source(0.945), (1, 2): Source(0.94)}
    found = prepare(text_of(SWAPPED), [8, 8, 8], links, shots=4096, fidelity=0.85)
    [swap] = found.quote.swaps.values()
    assert swap.purified.rounds == 1
    heralds = [sum(step.op is Op.Herald for step in one.instructions) for one in found.distribution.fragments]
    assert heralds == [1, 0, 1]
    assert found.quote.begun == pytest.approx(4096 / swap.purified.success)
    before = quote(distribute(text_of(SWAPPED), [8, 8, 8], paths=found.paths), links, 4096, 0.85)
    assert [one.purified.rounds for one in before.swaps.values()] == [0]
    assert min(before.fidelity, found.quote.fidelity) >= 0.85
    assert found.quote.raw_pairs < before.raw_pairs
    expected = ideal_distribution(load(text_of(SWAPPED)))
    assert distribution(found.distribution.fragments) == pytest.approx(expected, abs=1e-9)


def test_quote_of_swapped_pairs_is_that_of_their_route():
    """Faults of both hops cancel now and then; the rest of the output hangs on pairs that are not swapped."""
    found = prepare(text_of(SWAPPED), [8, 8, 8], {(0, 1): LINK, (1, 2): LINK}, shots=100)
    [(ends, swap)] = found.quote.swaps.items()
    assert (ends, swap.path, swap.before, swap.purified.rounds) == ((0, 2), (0, 1, 2), (0, 0), 0)
    assert swap.fidelity == pytest.approx(swapped(werner(0.97), werner(0.97)).none)
    direct = found.distribution.ebits - 2 * swap.pairs
    assert found.quote.fidelity == pytest.approx(swap.fidelity**swap.pairs * 0.97**direct)
    assert found.quote.begun == 100


def test_a_longer_way_over_better_links_is_taken_where_fidelity_makes_it_cheaper():
    poor, good = Source(0.8), Source(0.995)
    links = {(0, 1): poor, (1, 4): poor, (0, 2): good, (2, 3): good, (3, 4): good}
    plain, wanted = (prepare(small("ising"), [8] * 5, links, 100, fidelity).paths[0, 4] for fidelity in (0.0, 0.9))
    assert (plain, wanted) == ((0, 1, 4), (0, 2, 3, 4))


def test_parts_that_share_most_pairs_sit_at_the_best_link():
    circuit = QuantumCircuit(6, 6)
    circuit.h(range(6))
    for turn in range(4):
        circuit.cz(1, 2)  # the second and the third qubit meet again and again, others once
        circuit.ry(0.3 + turn, [1, 2])
    circuit.cz([0, 2, 4], [1, 3, 5])
    circuit.cz(3, 4)
    circuit.measure(range(6), range(6))
    good, poor = Source(0.99), Source(0.9)
    found = [
        prepare(circuit, [6, 6, 6], {ends: good if ends == best else poor for ends in ((0, 1), (0, 2), (1, 2))},
                1, capacities=[2, 2, 2])
        for best in ((0, 1), (0, 2), (1, 2))
    ]  # fmt: skip
    for one, best in zip(found, ((0, 1), (0, 2), (1, 2)), strict=True):
        pairs = one.distribution.pairs
        assert pairs.get(best, 0) == max(pairs.values())
        assert distribution(one.distribution.fragments) == pytest.approx(ideal_distribution(circuit), abs=1e-9)


def test_processors_that_no_link_joins_are_refused():
    with pytest.raises(NoRoute, match="nodes 0 and 2"):
        prepare(small("ising"), [10, 10, 10], {(0, 1): LINK}, shots=1)


def test_fidelity_out_of_reach_is_refused():
    with pytest.raises(FidelityOutOfReach):
        prepare(small("ising"), [10, 10], {(0, 1): Source(0.45)}, shots=1, fidelity=0.999)
