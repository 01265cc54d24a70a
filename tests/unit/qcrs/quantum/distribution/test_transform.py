import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import IfElseOp
from qiskit.quantum_info import Operator

from qcrs.quantum.distribution.transform import CannotTeleport, teledata, telegate
from qcrs.quantum.fragment import Op
from tests.fragments import Branch, Step, branches_of


def steps_of(circuit):
    """Return a dynamic circuit whose conditions are one bit each as steps of the tests' executor."""
    steps = []
    for instruction in circuit.data:
        operation = instruction.operation
        if isinstance(operation, IfElseOp):
            bit, value = operation.condition
            assert value == 1
            (inner,) = operation.blocks[0].data
            steps.append(Step(Op.Gate, inner.operation.name, (), (instruction.qubits[0],), (), (bit,)))
        elif operation.name in ("measure", "reset"):
            op = Op.Measure if operation.name == "measure" else Op.Reset
            steps.append(Step(op, qubits=tuple(instruction.qubits), bits=tuple(instruction.clbits)))
        else:
            steps.append(Step(Op.Gate, operation.name, tuple(operation.params), tuple(instruction.qubits)))
    return steps


def assert_does_the_same(changed, original, moved=None):
    """The state that *changed* makes of qubits that are entangled with witnesses is, in every branch, *original*'s."""
    count = original.num_qubits
    witnesses = [("witness", number) for number in range(count)]
    state = np.eye(2**count).reshape((2,) * (2 * count)) / np.sqrt(2**count)
    start = Branch(wires=[*witnesses, *reversed(changed.qubits[:count])], state=state)
    ends = list(reversed([changed.qubits[number] for number in range(count)]))
    if moved is not None:
        ends[count - 1 - moved] = next(r for r in changed.qregs if r.name == "pair")[1]
    expected = Operator(original).data.T.ravel() / np.sqrt(2**count)
    branches = branches_of(steps_of(changed), start)
    assert sum(branch.weight for branch in branches) == pytest.approx(1)
    for branch in branches:
        wires = [*witnesses, *ends]
        others = [axis for axis, wire in enumerate(branch.wires) if wire not in wires]
        assert all(np.count_nonzero(np.abs(np.moveaxis(branch.state, axis, 0)).sum(axis=tuple(
            range(1, branch.state.ndim))) > 1e-9) == 1 for axis in others)  # fmt: skip
        order = [branch.wires.index(wire) for wire in wires]
        flat = np.transpose(branch.state, [*others, *order]).reshape(-1, 4**count)
        (row,) = np.nonzero(np.abs(flat).sum(axis=1) > 1e-9)[0]
        assert abs(np.vdot(flat[row], expected)) == pytest.approx(1, abs=1e-9)


def sample():
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.t(0)
    circuit.cp(0.3, 0, 2)
    circuit.ry(0.4, 1)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.swap(1, 2)
    return circuit


def test_telegate_is_exactly_the_gate():
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    assert_does_the_same(telegate(circuit, 0, [0]), circuit)


def test_one_pair_carries_gates_with_phases_between_them():
    changed = telegate(sample(), 0, [1, 3, 5])
    assert sum(register.name == "pair" for register in changed.qregs) == 1
    assert_does_the_same(changed, sample())


def test_gates_left_out_stay_where_they_were():
    assert_does_the_same(telegate(sample(), 0, [1, 5]), sample())


def test_telegate_twice_takes_two_pairs():
    once = telegate(sample(), 0, [1, 3])
    place = next(place for place, one in enumerate(once.data) if one.operation.name == "cx" and place > 12)
    twice = telegate(once, 0, [place])
    assert [register.name for register in twice.qregs if "pair" in register.name] == ["pair", "pair1"]
    assert_does_the_same(twice, sample())


def test_telegate_refuses_a_gate_that_flips_the_shared_qubit():
    with pytest.raises(CannotTeleport, match=r"instruction 1 \(cx\): expected a gate diagonal in qubit 1"):
        telegate(sample(), 1, [1])


def test_telegate_refuses_to_span_a_gate_that_mixes_the_qubit():
    circuit = sample()
    circuit.cx(0, 1)
    with pytest.raises(CannotTeleport, match=r"instruction 6 \(h\)"):
        telegate(circuit, 0, [5, 8])


def test_telegate_refuses_a_gate_elsewhere():
    with pytest.raises(CannotTeleport, match="instruction 4"):
        telegate(sample(), 0, [4])


@pytest.mark.parametrize(("start", "stop"), [(0, 8), (1, 4), (3, 3), (5, 7)])
@pytest.mark.parametrize("qubit", range(3))
def test_teledata_there_and_back_is_nothing(qubit, start, stop):
    assert_does_the_same(teledata(sample(), qubit, start, stop), sample())


@pytest.mark.parametrize("qubit", range(3))
def test_teledata_for_good_leaves_the_qubit_on_the_far_half(qubit):
    assert_does_the_same(teledata(sample(), qubit, 2), sample(), moved=qubit)


def test_teledata_refuses_a_stretch_outside_the_circuit():
    with pytest.raises(CannotTeleport, match=r"expected 0 <= start <= stop <= 8, got 3 and 9"):
        teledata(sample(), 0, 3, 9)
