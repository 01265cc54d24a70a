"""Runs one circuit, or one sweep, on one device, start to end: what a forked child of the engine does."""

import hashlib
import itertools
import time
from collections.abc import Sequence

from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.circuit import build
from qcrs.quantum.device import Device
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.parts import active_qubits, combine, parts_of
from qcrs.quantum.program import LAYERS_OF_CLASS, Program, depth_class
from qcrs.quantum.request import MAX_SHOTS, RunRequest
from qcrs.quantum.sweep import pool, scan_rounds
from qcrs.rules.gold import round_bits

# Up to here a density matrix is cheaper than one noisy trajectory per shot. Trajectories run one by
# one: Aer's shot branching is tens of times faster and its counts are wrong (on a noisy GHZ-6 it
# put 8 standard deviations more into both peaks than the density matrix did).
_DENSITY_MATRIX_QUBITS = 12
# Beyond this, a circuit is looked at for parts that never meet.
_WHOLE_QUBITS = 6
_AMPLITUDE_BYTES = 16
# Circuits that Aer runs in one call get seeds this far apart, and the shots of a circuit use up one
# seed each (``circuit_seed``): rounds of more shots would share their randomness with neighbours.
_AER_SEED_STRIDE = 2_113


def simulate(device: Device, request: RunRequest) -> tuple[dict[int, int], dict[str, float]]:
    """Return the counts of *request* on *device*, and milliseconds per stage.

    Raises:
        CircuitRefused: the circuit is invalid, is not what was declared, or its run failed.
    """
    marks = [time.perf_counter()]
    programs = scan_rounds(request.text)
    _check_declared(programs, request)
    marks.append(time.perf_counter())
    transpiled = [device.transpile(build(program), request.pinned) for program in programs]
    marks.append(time.perf_counter())
    counts = _run(device, transpiled, request)
    marks.append(time.perf_counter())
    spent = [1e3 * (end - start) for start, end in itertools.pairwise(marks)]
    return pool(counts, programs[0].bits), dict(zip(("scan", "transpile", "simulate"), spent, strict=True))


def circuit_seed(seed: int, text: str) -> int:
    """Return Aer's seed for *seed* and *text*.

    Aer gives shot j at seed s what it gives shot j - 1 at seed s + 1, so neighbouring seeds must
    not reach it as neighbours.
    """
    material = seed.to_bytes(8, "big") + hashlib.sha256(text.encode()).digest()
    digest = hashlib.sha256(b"qcrs circuit seed" + material).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def _check_declared(programs: Sequence[Program], request: RunRequest) -> None:
    rounds = len(programs)
    qubits, bits = programs[0].qubits, programs[0].bits + round_bits(rounds)
    if (qubits, bits) != (request.qubits, request.outcome_bits):
        raise CircuitRefused(
            RefusalCode.WidthMismatch,
            "circuit width",
            f"the declared {request.qubits} qubits and {request.outcome_bits} bits",
            f"{qubits} and {bits}",
        )
    deep = depth_class(programs)
    if deep > request.depth_class:
        raise CircuitRefused(
            RefusalCode.DepthExceeded,
            "depth class",
            f"the declared {request.depth_class}: {request.depth_class * LAYERS_OF_CLASS} layers",
            f"{deep}",
        )
    if not 1 <= request.shots <= MAX_SHOTS:
        raise CircuitRefused(RefusalCode.ShotsInvalid, "shots", f"1 to {MAX_SHOTS}", request.shots)
    if request.shots % rounds:
        raise CircuitRefused(RefusalCode.ShotsInvalid, "shots", f"a multiple of {rounds} rounds", request.shots)


def _run(device: Device, transpiled: Sequence[QuantumCircuit], request: RunRequest) -> list[dict[int, int]]:
    """Return the counts of each circuit; all, or all their parts, run by the method that the widest needs."""
    relaxing = [device.with_relaxation(circuit) for circuit in transpiled]
    divided = [parts_of(circuit) if active_qubits(circuit) > _WHOLE_QUBITS else [circuit] for circuit in relaxing]
    pieces = list(itertools.chain.from_iterable(divided))
    active = max(active_qubits(piece) for piece in pieces)
    method, exponent = "density_matrix", 2 * active
    if active > _DENSITY_MATRIX_QUBITS:
        method, exponent = "statevector", active
    if _AMPLITUDE_BYTES << exponent > request.memory_limit_bytes:
        raise CircuitRefused(
            RefusalCode.SimulationOutOfMemory,
            f"{method} of {active} qubits",
            f"at most {request.memory_limit_bytes} bytes",
            _AMPLITUDE_BYTES << exponent,
        )
    simulator = AerSimulator(
        method=method,
        noise_model=device.noise(*transpiled),
        max_parallel_threads=1,
        max_memory_mb=max(1, request.memory_limit_bytes >> 20),
    )
    shots = request.shots // len(transpiled)
    if shots <= _AER_SEED_STRIDE or len(pieces) == 1:
        counts = _counts(simulator, pieces, shots, circuit_seed(request.seed, request.text))
    else:
        counts = [
            _counts(simulator, [piece], shots, circuit_seed(request.seed, f"{number} {request.text}"))[0]
            for number, piece in enumerate(pieces)
        ]
    left = iter(counts)
    return [
        combine(list(itertools.islice(left, len(parts))), circuit.num_clbits, circuit_seed(request.seed, f"{number}"))
        for number, (circuit, parts) in enumerate(zip(transpiled, divided, strict=True))
    ]


def _counts(simulator: AerSimulator, circuits: Sequence[QuantumCircuit], shots: int, seed: int) -> list[dict[int, int]]:
    result = simulator.run(list(circuits), shots=shots, seed_simulator=seed).result()
    if not result.success:
        memory = "memory" in str(result.status).lower()
        raise CircuitRefused(
            RefusalCode.SimulationOutOfMemory if memory else RefusalCode.SimulationFailed,
            "simulation",
            "success",
            result.status,
        )
    return [
        {int(outcome, 16): count for outcome, count in result.data(number)["counts"].items()}
        for number in range(len(circuits))
    ]
