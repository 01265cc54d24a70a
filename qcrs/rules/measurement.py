"""What three certifiers' scores make together: twin of ``contracts/libraries/Measurement.sol``."""

from collections.abc import Sequence

from qcrs.model.records import Capability, Measured

SEATS = 3
FIELDS = 12
PPM = 1_000_000
FLOOR = 1_000
LEAST_VOLUME_LOG2 = 2
LEAST_CIRCUITS = 100
LEAST_MIRROR_PPM = 500_001
# Of a capability, what takes effect as measured; what must be as claimed and is tested for that; and what no benchmark
# here measures, and is the operator's word: a simulator has no speed of its own that would mean anything.
AS_MEASURED = (
    "two_qubit_error_ppm", "readout_error_ppm", "layer_fidelity_ppm", "t1_nanoseconds", "t2_nanoseconds",
)  # fmt: skip
AS_TESTED = ("qubits", "quantum_volume_log2", "noise_class")
AS_CLAIMED = ("profile", "clops", "coupling_map_digest", "calibration_digest")
NOTHING = Measured(**dict.fromkeys(Measured.model_fields, 0))  # what certifiers say where there was nothing to measure


def median_of(scores: Sequence[Measured], tolerance_ppm: int) -> tuple[Measured, int]:
    """Return the median of each field, and the seats, as a bitmap, with a field too far from it."""
    values, outliers = [], 0
    for field in zip(*(score.to_chain() for score in scores), strict=True):
        middle = sorted(field)[1]
        values.append(middle)
        for seat, value in enumerate(field):
            if abs(value - middle) * PPM > tolerance_ppm * max(middle, FLOOR):
                outliers |= 1 << seat
    return Measured(**dict(zip(Measured.model_fields, values, strict=True))), outliers


def is_enough(measured: Measured, claim: Capability) -> bool:
    """Return whether *measured* is what *claim* says of width, volume and noise, and passes the tests behind them."""
    m = measured
    return (
        m.qubits >= claim.qubits
        and m.quantum_volume_log2 >= claim.quantum_volume_log2
        and m.noise_class == claim.noise_class
        and m.mirror_ppm >= LEAST_MIRROR_PPM
        and (claim.quantum_volume_log2 < LEAST_VOLUME_LOG2 or is_heavy(m.circuits, m.shots, m.heavy_outputs))
    )


def is_heavy(circuits: int, shots: int, heavy: int) -> bool:
    """Return whether heavy outputs are more than two thirds by two standard errors."""
    excess = 3 * heavy - 2 * shots
    if circuits < LEAST_CIRCUITS or heavy > shots or excess <= 0:
        return False
    return excess * excess * circuits > 36 * heavy * (shots - heavy)


def capability_of(measured: Measured, claim: Capability, measured_at: int, expires_at: int) -> Capability:
    """Return the capability that takes effect: as measured, and of *claim* what no benchmark here measures."""
    return claim.model_copy(
        update={
            "noise_class": measured.noise_class,
            **{name: getattr(measured, name) for name in AS_MEASURED},
            "measured_at": measured_at,
            "expires_at": expires_at,
        }
    )
