"""Exact answers of honest processors: calibrations, and what each makes of each circuit.

Sites are the bundled calibrations, connected patches of the larger devices, and both with all errors scaled, because
few bundled devices are of class 1 or 4. Each has the noise class that ``qcrs.quantum.capability`` gives it. Answers
are those of Aer's density matrix with readout errors applied exactly, so that a million can be drawn from one; they are
kept under ``build``. Constants of the rules were chosen on the first half of the devices; the second half is held out.
"""

import hashlib
import heapq
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", RAYON_NUM_THREADS="1", QISKIT_PARALLEL="FALSE")

import numpy as np
from _verification_circuits import circuits
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator

from qcrs.quantum import capability
from qcrs.quantum.calibration import Calibration, bundled_names
from qcrs.quantum.device import Device

CACHE = Path(__file__).resolve().parents[2] / "build" / "verification"
PATCH_QUBITS = 27  # a device of IBM's Falcon generation
SCALES = (0.35, 0.5, 1.2, 1.4)
STALE = 3.0  # what errors are multiplied by on a device that was not calibrated again
WIDE_CHAIN = 10
SITES_PER_CLASS = 16
CLASS_FLOORS = {1: 0.965, 2: 0.9, 3: 0.86, 4: 0.8}  # chain fidelity; class 4 has none, so one is set here


@dataclass(frozen=True)
class Site:
    """A calibration to answer with.

    Attributes:
        name: Device, number of the patch if it is one, and factor of its errors if they are scaled.
        device: The bundled device it comes from: two sites of one device are not compared.
        noise_class: As a processor with this calibration would declare.
        chain: Chain fidelity, which decides the class.
        wide_chain: The same of the best ten qubits in line.
    """

    name: str
    device: str
    calibration: Calibration
    noise_class: int
    chain: float
    wide_chain: float

    @classmethod
    def of(cls, name: str, device: str, calibration: Calibration) -> "Site":
        """Return the site with *calibration*."""
        chain = capability.chain_fidelity_ppm(calibration)
        wide = _chain_fidelity(calibration, WIDE_CHAIN)
        return cls(name, device, calibration, capability.noise_class_of(chain), chain / 1e6, wide)

    def keeps_class(self, qubits: int) -> bool:
        """Return whether the class's fidelity per qubit holds for as many *qubits* as a circuit has.

        The registry measures a chain of five; a device may have five good qubits in line, but not ten.
        """
        floor = CLASS_FLOORS[self.noise_class]
        return self.chain >= floor and (qubits <= capability.CHAIN_QUBITS or self.wide_chain >= floor**2)


def _chain_fidelity(calibration: Calibration, qubits: int) -> float:
    """Return the fidelity of the best *qubits* in line, by a beam of the best partial lines."""
    readout = [1 - qubit.readout_error_ppm / 1e6 for qubit in calibration.qubits]
    links: dict[int, list[tuple[int, float]]] = {qubit: [] for qubit in range(len(readout))}
    for (low, high), gate in calibration.edges().items():
        links[low].append((high, 1 - gate.error_ppb / 1e9))
        links[high].append((low, 1 - gate.error_ppb / 1e9))
    lines = [(readout[qubit], (qubit,)) for qubit in links if calibration.qubits[qubit].operational]
    for _ in range(qubits - 1):
        longer = [
            (fidelity * link * readout[other], (*line, other))
            for fidelity, line in lines
            for other, link in links[line[-1]]
            if other not in line
        ]
        lines = heapq.nlargest(2_000, longer) or lines
    return max(lines)[0]


# --- calibrations ---


@cache
def sites() -> tuple[Site, ...]:
    """Return the bundled calibrations and the patches of the larger ones."""
    found = []
    for name in bundled_names():
        calibration = Calibration.bundled(name)
        found.append(Site.of(name, name, calibration))
        if len(calibration.qubits) > 2 * PATCH_QUBITS:
            patches = enumerate(_patches(calibration))
            found += [Site.of(f"{name}/{number}", name, part) for number, part in patches]
    return tuple(found)


def held_out(sites: Sequence[Site]) -> list[Site]:
    """Return those of the devices that no constant was chosen on: every other one by name."""
    kept = bundled_names()[1::2]
    return [site for site in sites if site.device in kept]


def measured_sites() -> dict[int, list[Site]]:
    """Return the held-out sites of each class: those that keep it on ten qubits first, at most ``SITES_PER_CLASS``."""
    natural = held_out(sites())
    kept = [site for site in natural if site.keeps_class(1)] + scaled(natural)
    return {
        noise_class: sorted(
            (site for site in kept if site.noise_class == noise_class),
            key=lambda site: (not site.keeps_class(WIDE_CHAIN), "*" in site.name),
        )[:SITES_PER_CLASS]
        for noise_class in CLASS_FLOORS
    }


def scaled(sites: Sequence[Site]) -> list[Site]:
    """Return *sites* with errors scaled so that they come to lie in classes 1, 3 and 4."""
    found = []
    for site in sites:
        for factor in SCALES:
            other = Site.of(f"{site.name}*{factor}", site.device, worn(site.calibration, factor))
            if other.noise_class != 2 and other.keeps_class(1):
                found.append(other)
    return found


def _patches(calibration: Calibration) -> Iterator[Calibration]:
    """Yield disjoint connected parts of ``PATCH_QUBITS`` qubits."""
    links: dict[int, set[int]] = {}
    for low, high in calibration.edges():
        links.setdefault(low, set()).add(high)
        links.setdefault(high, set()).add(low)
    free = {qubit for qubit in links if calibration.qubits[qubit].operational}
    while free:
        part, border = [], [min(free)]
        while border and len(part) < PATCH_QUBITS:
            qubit = border.pop(0)
            if qubit in part:
                continue
            part.append(qubit)
            border += sorted(other for other in links[qubit] & free if other not in part)
        free -= set(part)
        if len(part) == PATCH_QUBITS:
            yield _part(calibration, part)


def _part(calibration: Calibration, qubits: Sequence[int]) -> Calibration:
    place = {qubit: index for index, qubit in enumerate(qubits)}
    gates = tuple(
        gate.model_copy(update={"qubits": tuple(place[qubit] for qubit in gate.qubits)})
        for gate in calibration.gates
        if all(qubit in place for qubit in gate.qubits)
    )
    return calibration.model_copy(update={"qubits": tuple(calibration.qubits[q] for q in qubits), "gates": gates})


def worn(calibration: Calibration, factor: float) -> Calibration:
    """Return *calibration* with errors *factor* times as large and relaxation as much faster: long not calibrated."""

    def rate(value: int, cap: int) -> int:
        return min(cap, round(value * factor))

    qubits = tuple(
        qubit.model_copy(
            update={
                "t1_nanoseconds": qubit.t1_nanoseconds and max(1, round(qubit.t1_nanoseconds / factor)),
                "t2_nanoseconds": qubit.t2_nanoseconds and max(1, round(qubit.t2_nanoseconds / factor)),
                "read_one_as_zero_ppm": rate(qubit.read_one_as_zero_ppm, 500_000),
                "read_zero_as_one_ppm": rate(qubit.read_zero_as_one_ppm, 500_000),
            }
        )
        for qubit in calibration.qubits
    )
    gates = tuple(
        gate.model_copy(update={"error_ppb": rate(gate.error_ppb, 700_000_000)}) for gate in calibration.gates
    )
    return calibration.model_copy(update={"qubits": qubits, "gates": gates})


# --- exact distributions ---


def distribution(transpiled: QuantumCircuit, device: Device) -> np.ndarray:
    """Return the exact probabilities of the outcomes of *transpiled* under the noise of *device*."""
    bare, wires = transpiled.copy_empty_like(), {}
    for instruction in transpiled.data:
        if instruction.operation.name == "measure":
            wires[transpiled.find_bit(instruction.clbits[0]).index] = transpiled.find_bit(instruction.qubits[0]).index
        elif instruction.operation.name != "barrier":
            bare.append(instruction)
    noise = device.noise(bare)
    measured = [wires[bit] for bit in sorted(wires)]
    bare.save_probabilities(measured)
    simulator = AerSimulator(method="density_matrix", noise_model=noise, max_parallel_threads=1)
    p = np.asarray(simulator.run(bare, shots=1).result().data()["probabilities"], dtype=float)
    for bit, qubit in enumerate(measured):
        facts = device.calibration.qubits[qubit]
        one_as_zero, zero_as_one = facts.read_one_as_zero_ppm / 1e6, facts.read_zero_as_one_ppm / 1e6
        confusion = np.array([[1 - zero_as_one, one_as_zero], [zero_as_one, 1 - one_as_zero]])
        p = np.moveaxis(np.tensordot(confusion, p.reshape(-1, 2, 1 << bit), axes=(1, 1)), 0, 1).reshape(-1)
    p = np.clip(p, 0, None)
    return p / p.sum()


def answers_of(site: Site, wear: float = 1) -> dict[str, np.ndarray]:
    """Return the distribution of every circuit that fits *site*, from the cache where it is there.

    The circuit is placed by the calibration that the processor has declared; *wear* is what became of it since.
    """
    noise = worn(site.calibration, wear) if wear != 1 else site.calibration
    made = circuits()
    key = hashlib.sha256((repr([(name, c.data) for name, c in made.items()]) + noise.model_dump_json()).encode())
    file = CACHE / f"{key.hexdigest()[:32]}.npz"
    if not file.exists():
        layout, device = Device(site.calibration), Device(noise)
        found = {
            name: distribution(layout.transpile(circuit), device)
            for name, circuit in made.items()
            if circuit.num_qubits <= len(site.calibration.qubits)
        }
        CACHE.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}.npz")
        np.savez_compressed(partial, **found)
        partial.replace(file)
    with np.load(file) as stored:
        return dict(stored)


def _job(job: tuple[Site, float]) -> dict[str, np.ndarray]:
    return answers_of(*job)


def all_answers(jobs: Sequence[tuple[Site, float]], workers: int = 2) -> list[dict[str, np.ndarray]]:
    """Return the answers of sites at a wear, in order."""
    # spawned: a process that has used Qiskit has threads, and must not fork
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(_job, jobs))
