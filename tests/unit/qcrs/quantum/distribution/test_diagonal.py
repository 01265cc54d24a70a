import math

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.random import random_circuit

from qcrs.quantum.circuit import build
from qcrs.quantum.distribution.diagonal import JOINT, diagonal
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.fragment import GATES
from qcrs.quantum.ideal import ideal_distribution
from qcrs.quantum.program import Program

HEAD = 'OPENQASM 3.0; include "stdgates.inc";'


def names(source):
    return [operation.name for operation in diagonal(source).operations]


def text(body, qubits=3):
    return f"{HEAD} qubit[{qubits}] q; bit[{qubits}] c; {body} c = measure q;"


def in_another_basis(circuit):
    """Return *circuit* measured along axes that are no gate's, so that counts show phases too."""
    turned = QuantumCircuit(circuit.num_qubits, circuit.num_qubits)
    for qubit in range(circuit.num_qubits):
        turned.u(0.3 + qubit, 0.7, 0.2, qubit)
    turned.compose(circuit, range(circuit.num_qubits), inplace=True)
    for qubit in range(circuit.num_qubits):
        turned.u(1.1, 0.4 + qubit, 0.5, qubit)
        turned.measure(qubit, qubit)
    return turned


def assert_same(circuit):
    program = diagonal(circuit)
    assert {operation.name for operation in program.operations} <= GATES.keys() | {"measure", "reset", "barrier"}
    assert {operation.name for operation in program.operations if operation.name in GATES
            and len(operation.qubits) == 2} <= JOINT  # fmt: skip
    assert ideal_distribution(built(program)) == pytest.approx(ideal_distribution(circuit), abs=1e-9)


def built(program):
    """Return *program* with rzz, which texts do not know, as Qiskit has it."""
    circuit = build(Program(program.qubits, program.bits, ()))
    for operation in program.operations:
        if operation.name in ("rzz", "sxdg", "u"):
            getattr(circuit, operation.name)(*operation.parameters, *operation.qubits)
        else:
            circuit.compose(build(Program(program.qubits, program.bits, (operation,))), inplace=True)
    return circuit


@pytest.mark.parametrize("seed", range(25))
def test_random_circuit_keeps_its_distribution(seed):
    assert_same(in_another_basis(random_circuit(4, 5, max_operands=4, seed=seed)))


@pytest.mark.parametrize("gate", ["cx", "cy", "cz", "ch", "swap", "dcx", "iswap", "ecr", "csx"])
def test_gate_on_two_qubits_keeps_its_action(gate):
    circuit = QuantumCircuit(2)
    getattr(circuit, gate)(0, 1)
    assert_same(in_another_basis(circuit))


@pytest.mark.parametrize("gate", ["cp", "crx", "cry", "crz", "rxx", "ryy", "rzz", "rzx"])
def test_turn_of_two_qubits_keeps_its_action(gate):
    circuit = QuantumCircuit(2)
    getattr(circuit, gate)(0.7, 1, 0)
    assert_same(in_another_basis(circuit))


@pytest.mark.parametrize("gate", ["ch", "crx", "cry", "rxx"])
def test_controlled_gate_is_one_joint_gate(gate):
    circuit = QuantumCircuit(2, 2)
    getattr(circuit, gate)(*([] if gate == "ch" else [0.7]), 0, 1)
    assert sum(name in JOINT for name in names(circuit)) == 1


def test_swaps_are_done_by_name():
    program = diagonal(text("x q[0]; swap q[0], q[2]; h q[2];"))
    gates = [operation for operation in program.operations if operation.name != "measure"]
    measured = {operation.bits[0]: operation.qubits[0] for operation in program.operations if operation.bits}
    assert {operation.qubits for operation in gates} == {(0,)}
    assert measured == {0: 2, 1: 1, 2: 0}


def test_clifford_gates_keep_names_that_a_stabiliser_simulator_knows():
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.rz(math.pi / 2, 0)
    circuit.cx(0, 1)
    circuit.u(math.pi / 2, 0, math.pi, 1)
    circuit.measure([0, 1], [0, 1])
    assert set(names(circuit)) <= {"z", "s", "sdg", "x", "y", "h", "sx", "sxdg", "cz", "measure"}


def test_frames_that_meet_cancel():
    assert names(text("cx q[0], q[2]; cx q[1], q[2];")).count("h") == 2


def test_rzz_written_as_two_cx_is_one_joint_gate():
    body = "cx q[0], q[1]; rz(0.4) q[1]; cx q[0], q[1];"
    assert [name for name in names(text(body)) if name in JOINT] == ["rzz"]
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    circuit.rz(0.4, 1)
    circuit.t(0)
    circuit.cx(0, 1)
    assert_same(in_another_basis(circuit))


def test_cx_with_the_control_mixed_between_stay_two():
    body = "cx q[0], q[1]; rz(0.4) q[1]; h q[0]; cx q[0], q[1];"
    assert [name for name in names(text(body)) if name in JOINT] == ["cz", "cz"]


def test_barrier_of_all_qubits_stays_and_others_and_delays_go():
    body = "h q[0]; barrier q; barrier q[0], q[1]; delay[100ns] q[0];"
    assert names(text(body)) == ["h", "barrier", "measure", "measure", "measure"]


def test_measurement_and_reset_in_mid_circuit_stay():
    source = text("h q[0]; cx q[0], q[1]; c[0] = measure q[0]; reset q[0]; h q[0]; cx q[0], q[2];")
    program = diagonal(source)
    assert ideal_distribution(built(program))[0b000] == pytest.approx(0.25)


def test_circuit_with_feed_forward_is_refused():
    with pytest.raises(CircuitRefused):
        diagonal(HEAD + "qubit[2] q; bit[2] c; c[0] = measure q[0]; if (c[0]) x q[1]; c[1] = measure q[1];")
