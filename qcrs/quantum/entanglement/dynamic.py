"""A woven program as one dynamic circuit for Aer: any gate, decided on by any bits."""

from functools import cache
from itertools import count, product

import numpy
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.classical import expr
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, QuantumError, ReadoutError, pauli_error

from qcrs.quantum.entanglement.clifford import Draw
from qcrs.quantum.entanglement.order import Ledger, Step
from qcrs.quantum.entanglement.program import Program
from qcrs.quantum.entanglement.seeds import derive
from qcrs.quantum.fragment import GATES, Op

_GATES = {name: type(gate) for name, gate in get_standard_gate_name_mapping().items() if name in GATES}
_CLIFFORD = {"id", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "cx", "cy", "cz", "swap"}


def compile_dynamic(program: Program) -> tuple[QuantumCircuit, Ledger]:
    """Return the circuit of *program*, and which of its measurements each bit holds in the end."""
    ledger = Ledger([fragment.bits for fragment in program.fragments])
    circuit = QuantumCircuit(QuantumRegister(program.qubits), ClassicalRegister(max(1, program.measurements)))
    for step in program.steps:
        _append(circuit, program, ledger, step)
        ledger.note(step)
    return circuit, ledger


def sampler(program: Program, circuit: QuantumCircuit, seed: int) -> Draw:
    """Return what draws all measurements of some shots.

    Aer gives shot j at seed s what it gives shot j - 1 at seed s + 1: its seeds come from a hash, so that neither
    neighbouring seeds nor the pieces of one run share their randomness.
    """
    method = "stabilizer" if _all_clifford(program) else "statevector"
    simulator = AerSimulator(method=method, noise_model=_readout(program))
    pieces = count()

    def draw(shots: int) -> numpy.ndarray:
        piece = derive("qcrs link Aer seed", seed, next(pieces))
        result = simulator.run(circuit, shots=shots, memory=True, seed_simulator=piece).result()
        if not result.success:
            raise RuntimeError(f"Aer: {result.status}")
        return _rows(result.data()["memory"], circuit.num_clbits)

    return draw


def _rows(memory: list[str], bits: int) -> numpy.ndarray:
    """Return Aer's hexadecimal words as one row of bits a shot, lowest first."""
    length = (bits + 7) // 8
    packed = b"".join(bytes.fromhex(word[2:].zfill(2 * length)) for word in memory)
    table = numpy.frombuffer(packed, dtype=numpy.uint8).reshape(len(memory), length)[:, ::-1]
    return numpy.unpackbits(table, axis=1, count=bits, bitorder="little").view(bool)


def _all_clifford(program: Program) -> bool:
    # Rotations by quarter turns are Clifford to Stim, and not to Aer.
    gates = {step.instruction.name for step in program.steps if step.instruction.op is Op.Gate}
    return gates <= _CLIFFORD


def _readout(program: Program) -> NoiseModel:
    """Return what misreads measurements and leaves the qubits as they are."""
    model = NoiseModel()
    for member, noise in enumerate(program.noises):
        wrong = noise.readout_ppm / 1e6
        if wrong:
            error = ReadoutError([[1 - wrong, wrong], [wrong, 1 - wrong]])
            for own in range(program.fragments[member].qubits):
                model.add_readout_error(error, [program.qubit(member, own)])
    return model


def _append(circuit: QuantumCircuit, program: Program, ledger: Ledger, step: Step) -> None:
    member, instruction, partner = step
    qubits = [program.qubit(member, qubit) for qubit in instruction.qubits]
    noise = program.noises[member]
    if instruction.op is Op.Gate:
        _append_gate(circuit, ledger, step, qubits)
        ppm = (noise.one_qubit_ppm, noise.two_qubit_ppm)[len(qubits) - 1]
        if ppm:
            circuit.append(_depolarising(ppm / 1e6, len(qubits)), qubits)
    elif instruction.op is Op.Measure:
        circuit.measure(qubits[0], ledger.count)
    elif instruction.op is Op.Reset:
        circuit.reset(qubits[0])
    elif instruction.op is Op.Pair and partner is not None:
        other = program.qubit(instruction.peer, partner.qubits[0])
        circuit.reset([qubits[0], other])
        circuit.h(qubits[0])
        circuit.cx(qubits[0], other)
        none, x, y, z = program.fibre.pair(instruction.rounds)
        if none < 1:
            circuit.append(pauli_error([("I", none), ("X", x), ("Y", y), ("Z", z)]), [other])


def _append_gate(circuit: QuantumCircuit, ledger: Ledger, step: Step, qubits: list[int]) -> None:
    instruction = step.instruction
    gate = _GATES[instruction.name](*instruction.parameters)
    if not instruction.condition:
        circuit.append(gate, qubits)
        return
    odd = ledger.condition(step)
    if odd:
        parity = expr.lift(circuit.clbits[odd[0]])
        for number in odd[1:]:
            parity = expr.bit_xor(parity, circuit.clbits[number])
        with circuit.if_test(parity):
            circuit.append(gate, qubits)


@cache
def _depolarising(chance: float, qubits: int) -> QuantumError:
    """Return the noise that is one of the Paulis but the identity, each as likely, with *chance*."""
    paulis = ["".join(letters) for letters in product("IXYZ", repeat=qubits)]
    share = chance / (len(paulis) - 1)
    return pauli_error([(paulis[0], 1 - chance), *((pauli, share) for pauli in paulis[1:])])
