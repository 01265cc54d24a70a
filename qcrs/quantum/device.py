"""A calibrated device as Qiskit and Aer see it: target, pass manager, noise."""

from collections.abc import Iterable
from functools import cached_property
from itertools import chain

from qiskit import QuantumCircuit
from qiskit.circuit import Delay, Gate, Measure, Parameter, Reset
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import (
    InstructionProperties,
    QubitProperties,
    StagedPassManager,
    Target,
    TranspilerError,
    generate_preset_pass_manager,
)
from qiskit_aer.noise import NoiseModel, QuantumError, ReadoutError, thermal_relaxation_error
from qiskit_aer.noise.device import basic_device_gate_errors

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.calibration import Calibration, QubitCalibration
from qcrs.quantum.errors import CalibrationInvalid, CircuitRefused

# The transpiler is part of the device: the same circuit always becomes the same instructions.
_TRANSPILER_SEED = 20_480
_OPTIMIZATION_LEVEL = 3
_PINNED_OPTIMIZATION_LEVEL = 1  # gates of one qubit are merged, those of two are kept one for one
_PASSIVE = ("barrier", "delay")


class Device:
    """Turns circuits into this device's instructions, and gives the noise they suffer.

    Noise is Aer's device model: per gate, thermal relaxation over its duration, then depolarising
    noise that brings the average infidelity up to the calibrated error; per measurement, the
    assignment matrix; per delay, thermal relaxation. Virtual gates, resets and qubits that idle without
    a delay are free of noise.
    """

    def __init__(self, calibration: Calibration):
        self.calibration = calibration
        self.target = _target(calibration)
        self._gate_errors = _gate_errors(self.target, calibration)

    @cached_property
    def pass_manager(self) -> StagedPassManager:
        """The transpiler of this device.

        Made at first use, because making it starts Qiskit's native thread pool, and a process
        with threads must not fork: the engine leaves it to its children.
        """
        return generate_preset_pass_manager(
            optimization_level=_OPTIMIZATION_LEVEL,
            target=self.target,
            seed_transpiler=_TRANSPILER_SEED,
        )

    @cached_property
    def pinned_pass_manager(self) -> StagedPassManager:
        """The transpiler that leaves each qubit where it is; made at first use, as the other."""
        return generate_preset_pass_manager(
            optimization_level=_PINNED_OPTIMIZATION_LEVEL,
            target=self.target,
            initial_layout=list(range(self.target.num_qubits)),
            seed_transpiler=_TRANSPILER_SEED,
        )

    def transpile(self, circuit: QuantumCircuit, pinned: bool = False) -> QuantumCircuit:
        """Return *circuit* in instructions that this device offers.

        Args:
            pinned: Whether qubit i of the circuit is to be qubit i of the device.

        Raises:
            CircuitRefused: some instruction has no counterpart on this device.
        """
        if circuit.num_qubits > self.target.num_qubits:
            raise CircuitRefused(
                RefusalCode.TooManyQubits,
                f"circuit for {self.calibration.name}",
                f"at most {self.target.num_qubits} qubits",
                circuit.num_qubits,
            )
        try:
            if pinned:
                wide = QuantumCircuit(self.target.num_qubits, circuit.num_clbits)
                wide.compose(circuit, range(circuit.num_qubits), range(circuit.num_clbits), inplace=True)
                transpiled = self.pinned_pass_manager.run(wide)
            else:
                transpiled = self.pass_manager.run(circuit)
        except TranspilerError as error:
            raise CircuitRefused(
                RefusalCode.OperationUnsupported,
                f"circuit for {self.calibration.name}",
                "a placement on connected qubits",
                error.message,
            ) from error
        for name, qubits in _instructions(transpiled):
            if name not in _PASSIVE and not self.target.instruction_supported(name, qubits):
                raise CircuitRefused(
                    RefusalCode.OperationUnsupported,
                    f"instruction for {self.calibration.name}",
                    f"one of {sorted(self.target.operation_names)} on connected qubits",
                    f"{name} on {qubits}",
                )
        return transpiled

    def with_relaxation(self, transpiled: QuantumCircuit) -> QuantumCircuit:
        """Return the *transpiled* circuit with the noise of each delay in its place; Aer's model has none for them."""
        if "delay" not in transpiled.count_ops():
            return transpiled
        relaxing = transpiled.copy_empty_like()
        for instruction in transpiled.data:
            if instruction.operation.name != "delay":
                relaxing.append(instruction)
                continue
            (qubit,) = (transpiled.find_bit(qubit).index for qubit in instruction.qubits)
            calibrated = self.calibration.qubits[qubit]
            t1, t2 = calibrated.t1_nanoseconds or 0, calibrated.t2_nanoseconds or 0
            duration = _nanoseconds(instruction.operation)
            relaxing.append(thermal_relaxation_error(t1, min(t2, 2 * t1), duration).to_instruction(), [qubit])
        return relaxing

    def noise(self, *transpiled: QuantumCircuit) -> NoiseModel:
        """Return the noise of the instructions that the *transpiled* circuits use, and of no others.

        Aer converts a whole device's noise on every run, which takes longer than the run itself.
        """
        model = NoiseModel(basis_gates=list(self.target.operation_names))
        for name, qubits in dict.fromkeys(chain.from_iterable(map(_instructions, transpiled))):
            if name == "measure":
                model.add_readout_error(_readout_error(self.calibration.qubits[qubits[0]]), qubits)
            elif (name, qubits) in self._gate_errors:
                model.add_quantum_error(self._gate_errors[name, qubits], name, qubits)
        return model


def _instructions(circuit: QuantumCircuit) -> Iterable[tuple[str, tuple[int, ...]]]:
    for instruction in circuit.data:
        yield (
            instruction.operation.name,
            tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits),
        )


def _target(calibration: Calibration) -> Target:
    target = Target(
        num_qubits=len(calibration.qubits),
        qubit_properties=[
            QubitProperties(t1=(qubit.t1_nanoseconds or 0) * 1e-9, t2=(qubit.t2_nanoseconds or 0) * 1e-9)
            for qubit in calibration.qubits
        ],
    )
    usable = [index for index, qubit in enumerate(calibration.qubits) if qubit.operational]
    for name in calibration.virtual_gates:
        perfect = InstructionProperties(error=0.0, duration=0.0)
        target.add_instruction(_gate(name), {(qubit,): perfect for qubit in usable})
    for name in dict.fromkeys(gate.name for gate in calibration.gates):
        properties = {
            gate.qubits: InstructionProperties(error=gate.error_ppb * 1e-9, duration=gate.duration_nanoseconds * 1e-9)
            for gate in calibration.gates
            if gate.name == name
        }
        target.add_instruction(_gate(name), properties)
    measurements = {
        (index,): InstructionProperties(
            error=calibration.qubits[index].readout_error_ppm * 1e-6,
            duration=calibration.qubits[index].readout_nanoseconds * 1e-9,
        )
        for index in usable
    }
    target.add_instruction(Measure(), measurements)
    target.add_instruction(Delay(Parameter("duration")), {(index,): None for index in usable})
    target.add_instruction(Reset(), {(index,): None for index in usable})
    return target


def _nanoseconds(delay: Delay) -> float:
    return float(delay.duration) * {"ns": 1.0, "s": 1e9}[delay.unit]


def _readout_error(qubit: QubitCalibration) -> ReadoutError:
    one_as_zero, zero_as_one = qubit.read_one_as_zero_ppm / 1e6, qubit.read_zero_as_one_ppm / 1e6
    return ReadoutError([[1 - zero_as_one, zero_as_one], [one_as_zero, 1 - one_as_zero]])


def _gate(name: str) -> Gate:
    gates = get_standard_gate_name_mapping()
    if name not in gates:
        raise CalibrationInvalid(f"gate {name}: expected a standard gate of Qiskit")
    gate = gates[name]
    # The parameters of the mapping are shared objects; the target only needs their number.
    return gate.base_class(*(Parameter(f"angle{index}") for index in range(len(gate.params))))


def _gate_errors(target: Target, calibration: Calibration) -> dict[tuple[str, tuple[int, ...]], QuantumError]:
    virtual = set(calibration.virtual_gates)
    return {
        (name, tuple(qubits)): error
        for name, qubits, error in basic_device_gate_errors(target=target)
        if name not in virtual and name not in ("reset", "measure", "delay")
    }
