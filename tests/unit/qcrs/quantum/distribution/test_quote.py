from dataclasses import replace
from math import exp, inf, prod

import pytest
from qiskit import QuantumCircuit

from qcrs.quantum.distribution.plan import distribute
from qcrs.quantum.distribution.quote import (
    FidelityOutOfReach,
    LinkMissing,
    Source,
    SourceInvalid,
    ghz_fidelity,
    quote,
    teledata_fidelity,
    telegate_fidelity,
)
from qcrs.quantum.entanglement.pairs import Fibre, PairSource

GOOD = Source(fidelity=0.97, rate=1000.0, price=3)


@pytest.fixture(scope="module")
def chain():
    """Nine qubits in line on three processors: a pair for two and two of them."""
    circuit = QuantumCircuit(9, 9)
    circuit.h(0)
    for qubit in range(8):
        circuit.cx(qubit, qubit + 1)
    circuit.measure(range(9), range(9))
    return distribute(circuit, [6, 6, 6])


@pytest.mark.parametrize(("fidelity", "teledata", "telegate"), [(1, 1, 1), (0.97, 0.98, 0.976), (0.9, 0.9333, 0.92)])
def test_published_fidelities_of_teleportation(fidelity, teledata, telegate):
    assert teledata_fidelity(fidelity) == pytest.approx(teledata, abs=1e-4)
    assert telegate_fidelity(fidelity) == pytest.approx(telegate, abs=1e-4)


@pytest.mark.parametrize(("nodes", "expected"), [(2, 0.97), (3, 0.9410), (4, 0.9130)])
def test_fidelity_of_ghz_states(nodes, expected):
    assert ghz_fidelity(0.97, nodes) == pytest.approx(expected, abs=1e-4)


def test_quote_without_purification(chain):
    found = quote(chain, GOOD, shots=100)
    assert found.ebits == chain.ebits == 2
    assert found.fidelity == pytest.approx(0.97**2)
    assert (found.raw_pairs, found.wei, found.seconds) == (200, 600, 0.1)
    assert set(found.rounds.values()) == {0}


def test_quote_purifies_until_the_output_is_good_enough(chain):
    found = quote(chain, GOOD, shots=100, fidelity=0.99)
    assert found.fidelity >= 0.99
    assert found.raw_pairs > 200
    rounds = chain.with_rounds(found.rounds)
    asked = [step.rounds for one in rounds.fragments for step in one.instructions if step.op.name == "Pair"]
    assert sorted(asked) == sorted([*found.rounds.values()] * 2)


def test_quote_purifies_the_worse_link_first(chain):
    first, second = sorted(chain.pairs)
    found = quote(chain, {first: Source(0.99), second: Source(0.9)}, shots=1, fidelity=0.97)
    assert found.rounds[first] == 0
    assert found.rounds[second] > 0
    assert found.fidelity == pytest.approx(prod(use.fidelity for use in found.uses.values()))


def test_a_session_takes_more_than_is_expected_only_for_what_may_fail(chain):
    plain, purified = quote(chain, GOOD, shots=100), quote(chain, GOOD, shots=100, fidelity=0.99)
    assert [use.taken for use in plain.uses.values()] == [use.pairs for use in plain.uses.values()]
    for use in purified.uses.values():
        assert use.taken * 100 > use.raw_pairs


def test_quote_of_a_source_without_limits_takes_no_time(chain):
    assert quote(chain, Source(1.0, rate=inf), shots=10).seconds == 0


def test_fidelity_that_no_purification_reaches_is_refused(chain):
    with pytest.raises(FidelityOutOfReach, match=r"expected 0\.99, at most"):
        quote(chain, Source(0.4), shots=1, fidelity=0.99)


def test_missing_link_is_named(chain):
    first, second = sorted(chain.pairs)
    with pytest.raises(LinkMissing, match=f"processors {second[0]} and {second[1]}"):
        quote(chain, {first: GOOD}, shots=1)


def test_circuit_without_pairs_is_free_and_perfect():
    circuit = QuantumCircuit(2, 2)
    circuit.h([0, 1])
    circuit.measure([0, 1], [0, 1])
    found = quote(distribute(circuit, [1, 1]), {}, shots=10, fidelity=1.0)
    assert (found.fidelity, found.wei, found.raw_pairs, found.seconds) == (1.0, 0, 0, 0.0)


@pytest.mark.parametrize(("fidelity", "rate"), [(0.0, 1.0), (1.1, 1.0), (0.9, 0.0)])
def test_source_that_gives_no_pairs_is_refused(fidelity, rate):
    with pytest.raises(SourceInvalid, match=f"got {fidelity} and {rate}"):
        Source(fidelity, rate)


def test_source_of_a_link_has_what_is_left_of_its_pairs_when_they_are_used():
    fibre = Fibre(source=PairSource(fidelity_ppm=950_000, rate=1000, loss_ppm=200_000, memory_milliseconds=100,
                                    storage_milliseconds=10))  # fmt: skip
    source = Source.of(fibre, price=7)
    assert source.fidelity == pytest.approx(0.25 + 0.7 * exp(-0.1))
    assert (source.rate, source.price) == (800.0, 7)


def many(distribution, times):
    """As *distribution*, with so many times its pairs in a shot."""
    return replace(
        distribution,
        pairs={ends: times * count for ends, count in distribution.pairs.items()},
        relayed={ends: times * count for ends, count in distribution.relayed.items()},
    )


def test_chances_too_small_for_a_number_are_out_of_reach_like_others(chain):
    with pytest.raises(FidelityOutOfReach, match=r"expected 0\.5, at most 0\.0000"):
        quote(many(chain, 5_000), Source(0.4), shots=10, fidelity=0.5)
    better = quote(many(chain, 5_000), Source(0.99), shots=10, fidelity=0.5)
    assert better.fidelity >= 0.5


def test_a_quote_that_begins_at_nothing_finds_the_rounds_that_help(chain):
    assert quote(many(chain, 10_000), Source(0.9), shots=10).fidelity == 0
    assert quote(many(chain, 1_000), Source(0.9), shots=10, fidelity=0.01).fidelity >= 0.01


def test_shots_that_hardly_ever_count_are_refused(chain):
    """Each herald fails now and then: of thousands in a shot one does."""
    swapped = replace(
        chain, pairs={(0, 1): 2, (1, 2): 2}, relayed={(0, 2): 1}, paths={(0, 2): (0, 1, 2)}, after={(0, 2): 1}
    )
    assert 10 < quote(swapped, Source(0.9), shots=10).begun < 20
    with pytest.raises(FidelityOutOfReach, match="a shot counts with chance"):
        quote(many(swapped, 10_000), Source(0.9), shots=10)
