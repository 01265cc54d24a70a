import random
from pathlib import Path

import pytest
import qiskit.qasm2
import qiskit.qasm3
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import UnitaryGate, get_standard_gate_name_mapping
from qiskit.quantum_info import Operator, random_unitary

import qcrs
from qcrs.quantum.circuit import canonical, facts, load
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.ideal import ideal_distribution
from qcrs.quantum.profile import GATES_2, GATES_3

EXAMPLES = sorted((Path(qcrs.__file__).parent / "circuits").glob("*.qasm"))


def random_circuit(seed: int) -> QuantumCircuit:
    """A circuit of any standard gates, resets, barriers and mid-circuit measurements."""
    choose = random.Random(seed)
    width = choose.randint(1, 5)
    circuit = QuantumCircuit(width, choose.randint(1, 4))
    gates = [
        gate
        for name, gate in sorted(get_standard_gate_name_mapping().items())
        if gate.num_qubits <= width and name not in ("delay", "measure", "global_phase")
    ]
    for _ in range(choose.randint(1, 20)):
        gate = choose.choice(gates)
        angles = [choose.uniform(-10, 10) for _ in gate.params]
        qubits = choose.sample(range(width), gate.num_qubits)
        circuit.append(gate.base_class(*angles), qubits)
        if choose.random() < 0.1:
            circuit.barrier(qubits)
        if choose.random() < 0.05:
            circuit.measure(choose.randrange(width), choose.randrange(circuit.num_clbits))
    circuit.measure(0, 0)
    return circuit


def unitary(circuit: QuantumCircuit) -> Operator:
    return Operator(circuit.remove_final_measurements(inplace=False))


@pytest.mark.parametrize("seed", range(40))
def test_canonical_is_idempotent_and_keeps_the_answer(seed: int) -> None:
    circuit = random_circuit(seed)
    text = canonical(circuit)
    assert canonical(load(text)) == text
    before, after = ideal_distribution(circuit), ideal_distribution(load(text))
    assert before == pytest.approx(after, abs=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_canonical_means_the_same_to_qiskits_own_importer(seed: int) -> None:
    circuit = random_circuit(seed)
    assert ideal_distribution(qiskit.qasm3.loads(canonical(circuit))) == pytest.approx(
        ideal_distribution(circuit), abs=1e-9
    )


@pytest.mark.parametrize(("name", "version"), [*((n, 3) for n in sorted(GATES_3)), *((n, 2) for n in sorted(GATES_2))])
def test_every_gate_means_what_qiskits_importers_mean(name: str, version: int) -> None:
    shape = (GATES_3 if version == 3 else GATES_2)[name]
    angles = ", ".join(f"0.{index + 3}" for index in range(shape.parameters))
    call = f"{name}({angles})" if angles else name
    operands = ", ".join(f"q[{index}]" for index in range(shape.qubits))
    width = shape.qubits
    if version == 3:
        text = f'OPENQASM 3.0; include "stdgates.inc"; qubit[{width}] q; bit[{width}] c;'
        text += f"{call} {operands}; c = measure q;"
        theirs = qiskit.qasm3.loads(text)
    else:
        text = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[{width}]; creg c[{width}];'
        text += f"{call} {operands}; measure q -> c;"
        theirs = qiskit.qasm2.loads(text, custom_instructions=qiskit.qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    ours = load(text)
    assert unitary(ours).equiv(unitary(theirs))
    assert unitary(load(canonical(ours))).equiv(unitary(theirs))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_loads_and_is_worth_running(path: Path) -> None:
    circuit = load(path)
    assert load(canonical(circuit)).num_qubits == circuit.num_qubits
    assert facts(circuit).two_qubit_operations > 0
    # A flat answer could not be verified: repetitions must be far likelier than chance.
    distribution = ideal_distribution(circuit)
    assert sum(p * p for p in distribution.values()) > 1.5 / 2**circuit.num_clbits


def test_canonical_lays_registers_end_to_end() -> None:
    circuit = load(
        'OPENQASM 2.0; include "qelib1.inc"; qreg a[1]; qreg b[1]; creg c[1]; creg d[1];'
        "x b[0]; measure b[0] -> d[0]; measure a[0] -> c[0];"
    )
    assert ideal_distribution(circuit) == {0b10: 1.0}


def test_canonical_decomposes_unitaries() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.append(UnitaryGate(random_unitary(4, seed=1)), [0, 1])
    circuit.measure([0, 1], [0, 1])
    assert ideal_distribution(load(canonical(circuit))) == pytest.approx(ideal_distribution(circuit), abs=1e-9)


def test_canonical_looks_at_a_gate_not_at_its_name() -> None:
    impostor = Gate("cx", 1, [])
    impostor.definition = QuantumCircuit(1)
    impostor.definition.x(0)
    circuit = QuantumCircuit(1, 1)
    circuit.append(impostor, [0])
    circuit.measure(0, 0)
    assert "x q[0];" in canonical(circuit).splitlines()


def with_if() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    return circuit


def with_parameter() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    circuit.rz(Parameter("theta"), 0)
    circuit.measure(0, 0)
    return circuit


def with_delay() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    circuit.delay(100, 0)
    circuit.measure(0, 0)
    return circuit


def with_fraction_of_a_nanosecond() -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    circuit.delay(0.3, 0, unit="ns")
    circuit.measure(0, 0)
    return circuit


@pytest.mark.parametrize(("duration", "unit"), [(1_500, "ns"), (1.5, "us"), (0.0015, "ms"), (1.5e-6, "s")])
def test_delays_are_written_in_nanoseconds(duration: float, unit: str) -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.delay(duration, 0, unit=unit)
    circuit.measure(0, 0)
    text = canonical(circuit)
    assert "delay[1500ns] q[0];" in text
    assert canonical(load(text)) == text


def with_everything_twice() -> QuantumCircuit:
    inner = QuantumCircuit(1)
    for _ in range(200):
        inner.x(0)
    for _ in range(7):
        outer = QuantumCircuit(1)
        gate = inner.to_gate()
        outer.append(gate, [0])
        outer.append(gate, [0])
        inner = outer
    circuit = QuantumCircuit(1, 1)
    circuit.append(inner.to_gate(), [0])
    circuit.measure(0, 0)
    return circuit


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (with_if, "FeedForwardUnsupported"),
        (with_parameter, "ParameterInvalid"),
        (with_delay, "ForbiddenStatement"),
        (with_fraction_of_a_nanosecond, "ForbiddenStatement"),
        (with_everything_twice, "TooManyOperations"),
        (lambda: QuantumCircuit(1, 1), "NoMeasurement"),
        (lambda: QuantumCircuit(300, 1), "TooManyQubits"),
    ],
)
def test_canonical_refuses(make, code: str) -> None:
    with pytest.raises(CircuitRefused) as caught:
        canonical(make())
    assert caught.value.code.name == code


def test_load_reads_no_more_of_a_file_than_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "long.qasm"
    path.write_text("OPENQASM 3.0; //" + "x" * 1_000_000)
    with pytest.raises(CircuitRefused) as caught:
        load(path)
    assert caught.value.actual == 65_537
