from math import prod

import numpy as np
import pytest
import stim

from qcrs.quantum.correction.circuit import direct, spelt
from qcrs.quantum.correction.code import Basis
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise, Rates, SeamModel
from qcrs.quantum.correction.pair import PERFECT, Pair
from qcrs.quantum.entanglement.pairs import LocalNoise

NOISY = Noise(0.003, Pair.werner(0.08))


def errors(circuit: stim.Circuit) -> dict[tuple[str, ...], float]:
    return {
        tuple(sorted(map(str, error.targets_copy()))): error.args_copy()[0]
        for error in circuit.detector_error_model(flatten_loops=True)
        if error.type == "error"
    }


@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize(
    "noise",
    [NOISY, Noise(0.002), Noise(0.0, Pair.werner(0.06)), Noise(0.001, Pair(0.01, 0.002, 0.05))],
    ids=["both", "bulk", "pairs", "uneven pairs"],
)
def test_teleporting_each_crossing_gate_is_the_same_as_the_seams_noise(basis: Basis, noise: Noise) -> None:
    memory = Memory(3, 3, basis)
    whole, parts = errors(direct(memory, noise)), errors(spelt(memory, noise))
    assert whole.keys() == parts.keys()
    assert [whole[key] for key in parts] == pytest.approx(list(parts.values()), rel=1e-9)


def test_a_pair_can_only_flip_the_phase_of_the_control_and_the_bit_of_the_target() -> None:
    noise = Noise(0.0, Pair(0.01, 0.0, 0.02))
    assert dict(noise.seam()) == pytest.approx({"IX": 0.01, "ZI": 0.02}, rel=0.03)
    assert {pauli for pauli, _ in Noise(0.0, Pair.werner(0.1)).seam()} == {"IX", "ZI", "ZX"}


def test_the_seams_independent_errors_make_the_channel_that_was_asked_for() -> None:
    channel = {"": 1.0}
    for pauli, rate in Noise(0.0, Pair(0.03, 0.01, 0.06)).seam():
        stays = {found: weight * (1 - rate) for found, weight in channel.items()}
        for found, weight in channel.items():
            flipped = "".join(sorted(set(found) ^ {"ZI": {"c"}, "IX": {"t"}, "ZX": {"c", "t"}}[pauli]))
            stays[flipped] = stays.get(flipped, 0.0) + weight * rate
        channel = stays
    assert channel == pytest.approx({"": 0.9, "t": 0.03, "ct": 0.01, "c": 0.06})


def test_the_depolarising_model_has_all_fifteen_errors_and_the_same_infidelity() -> None:
    seam = Noise(0.0, Pair.werner(0.1), SeamModel.Depolarising).seam()
    assert len(seam) == 15
    assert prod(1 - 2 * rate for pauli, rate in seam if pauli[0] in "XY") == pytest.approx(1 - 2 * 0.1 * 8 / 15)


def test_a_perfect_pair_over_perfect_gates_has_no_noise() -> None:
    assert Noise(0.0).seam() == [] == Noise(0.0).half_pair()
    assert direct(Memory(3, 2, Basis.Z), Noise(0.0)).detector_error_model().num_errors == 0


def test_a_gate_that_is_not_teleported_has_the_noise_of_any_other() -> None:
    rates = dict(Noise(0.003, PERFECT, teleports=False).seam())
    reference = stim.Circuit("DEPOLARIZE2(0.003) 0 1").flattened()
    single = (1 - (1 - 16 / 15 * reference[0].gate_args_copy()[0]) ** (1 / 8)) / 2
    assert list(rates.values()) == pytest.approx([single] * 15)


def test_a_blind_decoder_knows_the_bulk_only() -> None:
    assert NOISY.blind() == Noise(0.003, PERFECT, teleports=False)


@pytest.mark.parametrize("bulk", [-0.1, 0.6])
def test_rates_that_are_none_are_refused(bulk: float) -> None:
    with pytest.raises(ValueError, match="bulk noise"):
        Noise(bulk)


@pytest.mark.parametrize("basis", list(Basis))
def test_without_noise_no_detector_fires(basis: Basis) -> None:
    for circuit in (direct(Memory(5, 3, basis), Noise(0.0)), spelt(Memory(5, 3, basis), Noise(0.0))):
        assert not np.any(circuit.compile_detector_sampler(seed=1).sample(500, append_observables=True))


def test_the_rates_of_two_devices_are_their_mean_without_resets_and_rest() -> None:
    devices = [LocalNoise(one_qubit_ppm=100, two_qubit_ppm=2_000, readout_ppm=8_000), LocalNoise(readout_ppm=4_000)]
    assert Rates.of_devices(devices) == Rates(5e-5, 1e-3, 6e-3, 0.0, 0.0)


@pytest.mark.parametrize("basis", list(Basis))
def test_rates_of_their_own_are_the_same_in_both_circuits(basis: Basis) -> None:
    memory, noise = Memory(3, 2, basis), Noise(Rates(0.0003, 0.002, 0.009, 0.001, 0.0005), Pair.werner(0.05))
    whole, parts = errors(direct(memory, noise)), errors(spelt(memory, noise))
    assert whole.keys() == parts.keys()
    assert [whole[key] for key in parts] == pytest.approx(list(parts.values()), rel=1e-9)
    uniform = Noise(Rates.uniform(0.003), Pair.werner(0.05))
    assert direct(memory, uniform) == direct(memory, Noise(0.003, Pair.werner(0.05)))


def test_a_rate_too_high_is_named() -> None:
    with pytest.raises(ValueError, match=r"bulk noise 0.6 \(readout\)"):
        Rates(0, 0, 0.6, 0, 0)
