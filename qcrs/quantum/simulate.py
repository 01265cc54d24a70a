"""Runs one circuit on one device, start to end: what a forked child of the engine does."""

import hashlib
import itertools
import time

from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.circuit import build
from qcrs.quantum.device import Device
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.request import MAX_SHOTS, RunRequest
from qcrs.quantum.scan import scan

# Up to here a density matrix is cheaper than one noisy trajectory per shot. Trajectories run one by
# one: Aer's shot branching is tens of times faster and its counts are wrong (on a noisy GHZ-6 it
# put 8 standard deviations more into both peaks than the density matrix did).
_DENSITY_MATRIX_QUBITS = 12
_AMPLITUDE_BYTES = 16


def simulate(device: Device, request: RunRequest) -> tuple[dict[int, int], dict[str, float]]:
    """Return the counts of *request* on *device*, and milliseconds per stage.

    Raises:
        CircuitRefused: the circuit is invalid, is not what was declared, or its run failed.
    """
    marks = [time.perf_counter()]
    program = scan(request.text)
    _check_declared(program.qubits, program.bits, request)
    marks.append(time.perf_counter())
    transpiled = device.transpile(build(program))
    marks.append(time.perf_counter())
    counts = _run(device, transpiled, request)
    marks.append(time.perf_counter())
    spent = [1e3 * (end - start) for start, end in itertools.pairwise(marks)]
    return counts, dict(zip(("scan", "transpile", "simulate"), spent, strict=True))


def circuit_seed(seed: int, text: str) -> int:
    """Return Aer's seed for *seed* and *text*.

    Aer gives shot j at seed s what it gives shot j - 1 at seed s + 1, so neighbouring seeds must
    not reach it as neighbours.
    """
    material = seed.to_bytes(8, "big") + hashlib.sha256(text.encode()).digest()
    digest = hashlib.sha256(b"qcrs circuit seed" + material).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _check_declared(qubits: int, bits: int, request: RunRequest) -> None:
    if (qubits, bits) != (request.qubits, request.outcome_bits):
        raise CircuitRefused(
            RefusalCode.WidthMismatch,
            "circuit width",
            f"the declared {request.qubits} qubits and {request.outcome_bits} bits",
            f"{qubits} and {bits}",
        )
    if not 1 <= request.shots <= MAX_SHOTS:
        raise CircuitRefused(RefusalCode.ShotsInvalid, "shots", f"1 to {MAX_SHOTS}", request.shots)


def _run(device: Device, transpiled: QuantumCircuit, request: RunRequest) -> dict[int, int]:
    active = {qubit for instruction in transpiled.data for qubit in instruction.qubits}
    method, exponent = "density_matrix", 2 * len(active)
    if len(active) > _DENSITY_MATRIX_QUBITS:
        method, exponent = "statevector", len(active)
    if _AMPLITUDE_BYTES << exponent > request.memory_limit_bytes:
        raise CircuitRefused(
            RefusalCode.SimulationOutOfMemory,
            f"{method} of {len(active)} qubits",
            f"at most {request.memory_limit_bytes} bytes",
            _AMPLITUDE_BYTES << exponent,
        )
    simulator = AerSimulator(
        method=method,
        noise_model=device.noise(transpiled),
        max_parallel_threads=1,
        max_memory_mb=max(1, request.memory_limit_bytes >> 20),
    )
    seed = circuit_seed(request.seed, request.text)
    result = simulator.run(transpiled, shots=request.shots, seed_simulator=seed).result()
    if not result.success:
        memory = "memory" in str(result.status).lower()
        raise CircuitRefused(
            RefusalCode.SimulationOutOfMemory if memory else RefusalCode.SimulationFailed,
            "simulation",
            "success",
            result.status,
        )
    counts = result.data()["counts"]
    return {int(outcome, 16): count for outcome, count in counts.items()}
