"""The rule of purification, against the published formulas and against the density matrix of two pairs."""

from functools import reduce

import numpy
import pytest

from qcrs.quantum.correction import pair as correction
from qcrs.quantum.entanglement.pairs import (
    NOISELESS,
    BellDiagonal,
    Fibre,
    LocalNoise,
    PairSource,
    dejmps,
    purifications,
    purify,
    werner,
)

NOISES = [
    NOISELESS,
    LocalNoise(one_qubit_ppm=20_000),
    LocalNoise(two_qubit_ppm=30_000),
    LocalNoise(readout_ppm=40_000),
    LocalNoise(one_qubit_ppm=5_000, two_qubit_ppm=10_000, readout_ppm=20_000),
]
PAIRS = [
    BellDiagonal(0.8, 0.15, 0.04, 0.01),
    BellDiagonal(0.6, 0.05, 0.3, 0.05),
    BellDiagonal(0.5, 0.0, 0.0, 0.5),
    werner(0.25),
    werner(0.7),
]
PAULIS = {
    "I": numpy.eye(2, dtype=complex),
    "X": numpy.array([[0, 1], [1, 0]], dtype=complex),
    "Y": numpy.array([[0, -1j], [1j, 0]]),
    "Z": numpy.diag([1, -1]).astype(complex),
}


@pytest.mark.parametrize("fidelity", [0.3, 0.5, 0.6, 0.75, 0.9, 0.99, 1.0])
def test_a_round_with_werner_pairs_is_that_of_bbpssw(fidelity):
    """Bennett et al., Phys. Rev. Lett. 76, 722 (1996); the protocols differ only from the second round on."""
    fault = (1 - fidelity) / 3
    success = fidelity**2 + 2 * fidelity * fault + 5 * fault**2
    kept, chance = dejmps(werner(fidelity))
    assert chance == pytest.approx(success, rel=1e-12)
    assert kept.none == pytest.approx((fidelity**2 + fault**2) / success, rel=1e-12)


@pytest.mark.parametrize("pair", PAIRS)
def test_a_round_with_bell_diagonal_pairs_is_that_of_dejmps(pair):
    """Deutsch et al., equation 3, with A to D the shares of Phi+, Psi-, Psi+ and Phi-."""
    a, b, c, d = pair.none, pair.y, pair.x, pair.z
    success = (a + b) ** 2 + (c + d) ** 2
    kept, chance = dejmps(pair)
    assert chance == pytest.approx(success, rel=1e-12)
    published = [(a**2 + b**2) / success, 2 * c * d / success, (c**2 + d**2) / success, 2 * a * b / success]
    assert [kept.none, kept.y, kept.x, kept.z] == pytest.approx(published, rel=1e-12)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("pair", PAIRS)
def test_a_round_is_what_becomes_of_the_density_matrix(pair, noise):
    expected, success = _round(pair, noise)
    kept, chance = dejmps(pair, noise)
    assert chance == pytest.approx(success, abs=1e-12)
    assert kept == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("noise", NOISES)
def test_rounds_are_a_tree_of_which_every_step_has_to_succeed(noise):
    pair, success, raw = PAIRS[0], 1.0, []
    for done, found in enumerate(purifications(PAIRS[0], noise)):
        assert (found.pair, found.rounds, found.success) == (pair, done, success)
        raw.append(found.raw_pairs)
        pair, chance = dejmps(pair, noise)
        success = success**2 * chance
    assert raw[:2] == pytest.approx([1, 2 / dejmps(PAIRS[0], noise)[1]])


@pytest.mark.parametrize("rounds", range(4))
def test_links_quotes_and_memories_reckon_alike(rounds):
    fibre = Fibre(source=PairSource(fidelity_ppm=900_000, rate=1))
    ours, memory = purify(werner(0.9), rounds), correction.purify(correction.Pair.werner(0.1), rounds)
    assert fibre.pair(rounds) == ours.pair
    assert fibre.raw_pairs(rounds) == ours.raw_pairs
    assert memory.pair == pytest.approx(ours.pair)
    assert memory.raw_pairs == pytest.approx(ours.raw_pairs)


def _round(pair, noise):
    """Return shares of the pair that is kept, and how often it is, from the state of qubits 0 to 3.

    One end has qubits 0 and 2, the other 1 and 3; 0 and 1 are kept.
    """
    state = numpy.kron(_mixture(pair), _mixture(pair))
    turn = (PAULIS["I"] - 1j * PAULIS["X"]) / numpy.sqrt(2)
    for qubit in range(4):
        state = _turned(state, _on({qubit: turn if qubit % 2 == 0 else turn.conj().T}))
        state = _depolarised(state, [qubit], noise.one_qubit_ppm / 1e6)
    for control, target in ((0, 2), (1, 3)):
        zero, one = (PAULIS["I"] + PAULIS["Z"]) / 2, (PAULIS["I"] - PAULIS["Z"]) / 2
        state = _turned(state, _on({control: zero}) + _on({control: one, target: PAULIS["X"]}))
        state = _depolarised(state, [control, target], noise.two_qubit_ppm / 1e6)
    wrong = noise.readout_ppm / 1e6
    agree = wrong**2 + (1 - wrong) ** 2
    parity = _on({2: PAULIS["Z"], 3: PAULIS["Z"]})
    said_equal = agree * (numpy.eye(16) + parity) / 2 + (1 - agree) * (numpy.eye(16) - parity) / 2
    shares = [_share(state, said_equal, fault) for fault in "IXYZ"]
    success = sum(shares)
    return BellDiagonal(*(share / success for share in shares)), success


def _mixture(pair):
    return sum(
        share * numpy.outer(_bell(fault), _bell(fault).conj()) for share, fault in zip(pair, "IXYZ", strict=True)
    )


def _bell(fault):
    return numpy.kron(PAULIS["I"], PAULIS[fault]) @ numpy.array([1, 0, 0, 1]) / numpy.sqrt(2)


def _on(gates):
    return reduce(numpy.kron, [gates.get(qubit, PAULIS["I"]) for qubit in range(4)])


def _turned(state, gate):
    return gate @ state @ gate.conj().T


def _depolarised(state, qubits, error):
    faults = [_on({qubits[0]: first}) for first in PAULIS.values()]
    if len(qubits) == 2:
        faults = [fault @ _on({qubits[1]: second}) for fault in faults for second in PAULIS.values()]
    spread = sum(_turned(state, fault) for fault in faults[1:])
    return (1 - error) * state + error / (len(faults) - 1) * spread


def _share(state, effect, fault):
    """Return the chance that qubits 2 and 3 are said to be equal and 0 and 1 are the Bell state of *fault*."""
    bell = numpy.outer(_bell(fault), _bell(fault).conj())
    return float(numpy.trace(state @ effect @ numpy.kron(bell, numpy.eye(4))).real)
