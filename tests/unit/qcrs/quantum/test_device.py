import itertools
import math

import pytest
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError
from qiskit_aer.noise.device import basic_device_gate_errors

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.calibration import Calibration
from qcrs.quantum.circuit import load
from qcrs.quantum.device import Device
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.request import RunRequest
from qcrs.quantum.simulate import circuit_seed, simulate

GHZ = """OPENQASM 3.0; include "stdgates.inc"; qubit[4] q; bit[4] c;
h q[0]; cx q[0], q[1]; cx q[1], q[2]; cx q[0], q[3]; c = measure q;"""


@pytest.fixture(scope="module")
def device() -> Device:
    return Device(Calibration.bundled("oslo"))


def test_transpiled_circuits_use_only_what_the_device_has(device: Device) -> None:
    transpiled = device.transpile(load(GHZ))
    for instruction in transpiled.data:
        qubits = tuple(transpiled.find_bit(qubit).index for qubit in instruction.qubits)
        assert device.target.instruction_supported(instruction.operation.name, qubits)


def test_transpiling_is_repeatable(device: Device) -> None:
    again = Device(device.calibration).transpile(load(GHZ))
    assert again == device.transpile(load(GHZ))


def test_noise_of_the_used_gates_is_aers_noise_of_the_whole_device(device: Device) -> None:
    transpiled = device.transpile(load(GHZ))
    whole = NoiseModel(basis_gates=list(device.target.operation_names))
    for name, qubits, error in basic_device_gate_errors(target=device.target):
        if name not in ("measure", "reset", "rz"):
            whole.add_quantum_error(error, name, qubits)
    for index, qubit in enumerate(device.calibration.qubits):
        a, b = qubit.read_zero_as_one_ppm / 1e6, qubit.read_one_as_zero_ppm / 1e6
        whole.add_readout_error(ReadoutError([[1 - a, a], [b, 1 - b]]), [index])
    counts = [
        AerSimulator(method="density_matrix", noise_model=noise)
        .run(transpiled, shots=2_000, seed_simulator=3)
        .result()
        .get_counts()
        for noise in (device.noise(transpiled), whole)
    ]
    assert counts[0] == counts[1]


def test_more_qubits_than_the_device_has_are_refused(device: Device) -> None:
    with pytest.raises(CircuitRefused) as caught:
        device.transpile(QuantumCircuit(8))
    assert caught.value.code is RefusalCode.TooManyQubits


def test_pinned_circuits_stay_on_the_qubits_they_name(device: Device) -> None:
    circuit = QuantumCircuit(7, 2)
    circuit.cx(5, 6)
    circuit.barrier()
    circuit.cx(5, 6)
    circuit.measure([5, 6], [0, 1])
    transpiled = device.transpile(circuit, pinned=True)
    found = {tuple(transpiled.find_bit(q).index for q in each.qubits) for each in transpiled.get_instructions("cx")}
    assert found == {(5, 6)}
    assert transpiled.count_ops()["cx"] == 2
    placed = device.transpile(circuit)
    assert {tuple(placed.find_bit(q).index for q in each.qubits) for each in placed.get_instructions("cx")} != found


def test_a_narrow_pinned_circuit_is_on_the_first_qubits(device: Device) -> None:
    circuit = QuantumCircuit(2, 1)
    circuit.x(1)
    circuit.measure(1, 0)
    transpiled = device.transpile(circuit, pinned=True)
    assert [transpiled.find_bit(each.qubits[0]).index for each in transpiled.data] == [1, 1]


def test_qubits_relax_while_they_wait(device: Device) -> None:
    """A delay of T1 leaves 1 / e of the excitation, an echo over T2 1 / e of the coherence, beside readout errors."""
    qubit = device.calibration.qubits[4]
    contrast = 1 - (qubit.read_zero_as_one_ppm + qubit.read_one_as_zero_ppm) / 1e6
    text = 'OPENQASM 3.0; include "stdgates.inc"; qubit[5] q; bit[1] c; {} c[0] = measure q[4];'
    relaxing = f"x q[4]; delay[{qubit.t1_nanoseconds}ns] q[4];"
    half = f"delay[{qubit.t2_nanoseconds // 2}ns] q[4];"
    echo = f"h q[4]; {half} x q[4]; {half} h q[4];"
    for waiting, expected in ((relaxing, math.exp(-1)), (echo, (1 - math.exp(-1)) / 2)):
        counts, _ = simulate(device, RunRequest(text.format(waiting), 40_000, 3, 5, 1, pinned=True))
        ones = (counts[1] / 40_000 - qubit.read_zero_as_one_ppm / 1e6) / contrast
        assert abs(ones - expected) < 0.015


def test_neighbouring_seeds_do_not_reach_the_simulator_as_neighbours() -> None:
    seeds = [circuit_seed(seed, GHZ) for seed in range(1_000)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert len(set(seeds)) == 1_000
    assert min(abs(a - b) for a, b in itertools.pairwise(seeds)) > 2**32
    assert circuit_seed(1, GHZ) != circuit_seed(1, GHZ + " ")
