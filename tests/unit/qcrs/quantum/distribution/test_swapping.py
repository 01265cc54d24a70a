import pytest
import stim

from qcrs.quantum.distribution.swapping import swapped
from qcrs.quantum.entanglement.pairs import (
    NOISELESS,
    BellDiagonal,
    LocalNoise,
    dejmps,
    purifications,
    purify,
    werner,
)

SHOTS = 200_000
NOISY = LocalNoise(one_qubit_ppm=5_000, two_qubit_ppm=10_000, readout_ppm=20_000)


def test_known_figures_of_dejmps():
    found = [purify(werner(0.9), rounds) for rounds in (1, 2, 3)]
    assert [one.fidelity for one in found] == pytest.approx([0.926, 0.989, 0.999], abs=5e-4)
    assert [one.success for one in found] == pytest.approx([0.876, 0.665, 0.433], abs=5e-4)
    assert found[1].raw_pairs == pytest.approx(6.0, abs=0.02)


def test_known_figures_of_dejmps_with_noisy_gates():
    found = [purify(werner(0.9), rounds, LocalNoise(two_qubit_ppm=1_000)) for rounds in (1, 2, 3)]
    assert [one.fidelity for one in found] == pytest.approx([0.925, 0.987, 0.997], abs=1e-3)


def test_perfect_pairs_stay_perfect_and_always_succeed():
    assert purify(werner(1.0), 4).pair == BellDiagonal(1, 0, 0, 0)
    assert purify(werner(1.0), 4).raw_pairs == 16


def test_chances_add_up_to_one():
    noise = NOISY
    for one in purifications(BellDiagonal(0.8, 0.15, 0.04, 0.01), noise):
        assert sum(one.pair) == pytest.approx(1)
    assert sum(swapped(werner(0.8), BellDiagonal(0.7, 0.1, 0.15, 0.05), noise)) == pytest.approx(1)


def noisy_pair(circuit, near, far, pair):
    circuit.append("R", [near, far])
    circuit.append("H", [near])
    circuit.append("CX", [near, far])
    circuit.append("PAULI_CHANNEL_1", [far], [pair.x, pair.y, pair.z])


def share_of_pairs(circuit, near, far, conditions):
    """Return how often two qubits are in Phi+ where all measurements of *conditions* pair up equal, and how often."""
    circuit.append("MPP", [stim.target_x(near), stim.target_combiner(), stim.target_x(far)])
    circuit.append("MPP", [stim.target_z(near), stim.target_combiner(), stim.target_z(far)])
    bits = circuit.compile_sampler(seed=1).sample(SHOTS)
    kept = bits[[True] * SHOTS]
    for first, second in conditions:
        kept = kept[kept[:, first] == kept[:, second]]
    return float((~kept[:, -2] & ~kept[:, -1]).mean()), len(kept) / SHOTS


@pytest.mark.parametrize("noise", [NOISELESS, NOISY])
@pytest.mark.parametrize("pair", [werner(0.85), BellDiagonal(0.8, 0.15, 0.04, 0.01)])
def test_a_round_of_purification_is_what_stim_makes_of_it(pair, noise):
    circuit = stim.Circuit()
    for halves in ((0, 1), (2, 3)):
        noisy_pair(circuit, *halves, pair)
    circuit.append("SQRT_X", [0, 2])
    circuit.append("SQRT_X_DAG", [1, 3])
    circuit.append("DEPOLARIZE1", [0, 1, 2, 3], noise.one_qubit_ppm / 1e6)
    circuit.append("CX", [0, 2, 1, 3])
    circuit.append("DEPOLARIZE2", [0, 2, 1, 3], noise.two_qubit_ppm / 1e6)
    circuit.append("M", [2, 3], noise.readout_ppm / 1e6)
    fidelity, success = share_of_pairs(circuit, 0, 1, [(0, 1)])
    kept, chance = dejmps(pair, noise)
    assert (fidelity, success) == pytest.approx((kept.none, chance), abs=4e-3)


@pytest.mark.parametrize("noise", [NOISELESS, NOISY])
def test_swapping_is_what_stim_makes_of_it(noise):
    first, second = werner(0.9), BellDiagonal(0.8, 0.15, 0.04, 0.01)
    circuit = stim.Circuit()
    noisy_pair(circuit, 0, 1, first)
    noisy_pair(circuit, 2, 3, second)
    circuit.append("CX", [1, 2])
    circuit.append("DEPOLARIZE2", [1, 2], noise.two_qubit_ppm / 1e6)
    circuit.append("H", [1])
    circuit.append("DEPOLARIZE1", [1], noise.one_qubit_ppm / 1e6)
    circuit.append("M", [1, 2], noise.readout_ppm / 1e6)
    circuit.append("CX", [stim.target_rec(-1), 3])
    circuit.append("DEPOLARIZE1", [3], noise.one_qubit_ppm / 1e6)
    circuit.append("CZ", [stim.target_rec(-2), 3])
    circuit.append("DEPOLARIZE1", [3], noise.one_qubit_ppm / 1e6)
    fidelity, _ = share_of_pairs(circuit, 0, 3, [])
    assert fidelity == pytest.approx(swapped(first, second, noise).none, abs=4e-3)
