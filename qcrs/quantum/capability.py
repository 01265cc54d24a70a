"""What a calibration entitles a processor to claim.

Every figure is computed from the calibration alone, so that anyone who has the file gets the same
claim.

**Noise classes.** Replicas are compared under the assumption that honest devices answer alike. How
alike depends on what a computation meets: the gates and readouts of the qubits it is placed on,
which the transpiler picks among the best. Medians over a whole device do not show that (a device
with a poor median readout may own an excellent chain), so a class is a band of *chain fidelity*,
the product of (1 - error) over the gates and readouts of the best five qubits in line. The bounds
were drawn where devices stop agreeing: ``scripts/measure_noise_classes.py`` runs every pair of
bundled devices on every bundled circuit and prints how close each class comes to disagreement.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import median_low

from qcrs.quantum.calibration import Calibration
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.rules.benchmark import CLASS_BOUNDS_PPM, noise_class_of

__all__ = [
    "CHAIN_QUBITS",
    "CLASS_BOUNDS_PPM",
    "CapabilityFacts",
    "best_chain",
    "capability_of",
    "chain_fidelity_ppm",
    "local_noise",
]

CHAIN_QUBITS = 5


@dataclass(frozen=True, slots=True)
class CapabilityFacts:
    """A processor's size and quality; units in the names.

    Attributes:
        quantum_volume_log2: As published; 0 when it was not.
        two_qubit_error_ppm: Median over connected pairs; 0 on a device without any.
        readout_error_ppm: Median over usable qubits, as are T1 and T2.
        layer_fidelity_ppm: The chain fidelity described above.
        measured_at: Unix seconds.
        coupling_map: Connected pairs, lower qubit first, sorted, four bytes each (two big-endian
            ``uint16``): what the coupling-map digest is taken of.
    """

    qubits: int
    quantum_volume_log2: int
    noise_class: int
    two_qubit_error_ppm: int
    readout_error_ppm: int
    layer_fidelity_ppm: int
    t1_nanoseconds: int
    t2_nanoseconds: int
    measured_at: int
    coupling_map: bytes


def capability_of(calibration: Calibration) -> CapabilityFacts:
    """Return what a processor with *calibration* may claim."""
    edges = calibration.edges()
    usable = [qubit for qubit in calibration.qubits if qubit.operational]
    fidelity = chain_fidelity_ppm(calibration)
    errors = [gate.error_ppb // 1000 for gate in edges.values()]
    return CapabilityFacts(
        qubits=len(calibration.qubits),
        quantum_volume_log2=calibration.quantum_volume_log2,
        noise_class=noise_class_of(fidelity),
        two_qubit_error_ppm=median_low(errors) if errors else 0,
        readout_error_ppm=median_low(qubit.readout_error_ppm for qubit in usable),
        layer_fidelity_ppm=fidelity,
        t1_nanoseconds=median_low(qubit.t1_nanoseconds or 0 for qubit in usable),
        t2_nanoseconds=median_low(qubit.t2_nanoseconds or 0 for qubit in usable),
        measured_at=int(calibration.measured_at.timestamp()),
        coupling_map=b"".join(low.to_bytes(2, "big") + high.to_bytes(2, "big") for low, high in sorted(edges)),
    )


def chain_fidelity_ppm(calibration: Calibration) -> int:
    """Return the chain fidelity: of five qubits, or of as many in line as the device has."""
    return round(1e6 * math.exp(_rated_chain(calibration)[1]))


def best_chain(calibration: Calibration) -> tuple[int, ...]:
    """Return the qubits, in line, that have the chain fidelity."""
    return _rated_chain(calibration)[0]


def local_noise(calibration: Calibration) -> LocalNoise:
    """Return the Pauli noise that stands for the device in programs over a link: medians over its best chain.

    What a qubit loses while it waits is not in it: a link's programs have no clock.
    """
    chain, edges = best_chain(calibration), calibration.edges()
    single = [
        gate.error_ppb // 1000
        for gate in calibration.gates
        if len(gate.qubits) == 1 and gate.qubits[0] in chain and gate.error_ppb
    ]
    double = [edges[min(pair), max(pair)].error_ppb // 1000 for pair in pairwise(chain)]
    return LocalNoise(
        one_qubit_ppm=median_low(single) if single else 0,
        two_qubit_ppm=median_low(double) if double else 0,
        readout_ppm=median_low(calibration.qubits[qubit].readout_error_ppm for qubit in chain),
    )


def _rated_chain(calibration: Calibration) -> tuple[tuple[int, ...], float]:
    """Return the best chain and the logarithm of its fidelity.

    Every simple path is tried: qubits of such devices have two or three neighbours, so there are a
    few thousand.
    """
    readout = [_log_fidelity(qubit.readout_error_ppm, 10**6) for qubit in calibration.qubits]
    links: dict[int, list[tuple[int, float]]] = {qubit: [] for qubit in range(len(readout))}
    for (low, high), gate in calibration.edges().items():
        weight = _log_fidelity(gate.error_ppb, 10**9)
        links[low].append((high, weight))
        links[high].append((low, weight))
    usable = [index for index, qubit in enumerate(calibration.qubits) if qubit.operational]
    paths = [((qubit,), readout[qubit]) for qubit in usable]
    for _ in range(CHAIN_QUBITS - 1):
        longer = [
            ((*path, neighbour), weight + link + readout[neighbour])
            for path, weight in paths
            for neighbour, link in links[path[-1]]
            if neighbour not in path
        ]
        if not longer:
            break
        paths = longer
    return max(paths, key=lambda path: path[1])


def _log_fidelity(error: int, unit: int) -> float:
    # An error of 1 would be minus infinity; nothing that bad is ever part of a best chain.
    return math.log1p(-min(error, unit - 1) / unit)
