"""When a benchmark is passed, in whole numbers: twin of ``contracts/libraries/Benchmark.sol``, with the formulas.

Counts come from the processor and scores from certifiers, so every rule takes whole numbers that both sides of a
dispute can hold in their hands: heavy outputs, distances from a known answer, parts per million, nanoseconds.
"""

from collections.abc import Sequence

from qcrs.errors import QcrsError

PPM = 10**6
MAX_MIRROR_QUBITS = 48
MAX_COUNT = 2**64 - 1
MIN_CERTIFIERS, MAX_CERTIFIERS = 3, 16

# What a measured figure may be worse than claimed before it refutes the claim: certificates are about classes of
# noise, and calibrations drift by as much within a day.
CLAIM_TOLERANCE_PPM = 250_000
# Errors this small (of a readout, of a chain) are within what the estimates leave out.
ERROR_ALLOWANCE_PPM = 1_000

# Class 1 is at least the first, class 2 at least the second, ...; the last class is the rest.
CLASS_BOUNDS_PPM = (965_000, 900_000, 860_000)


class BenchmarkInvalid(QcrsError):
    """Counts, scores or claims that no benchmark can have: too many, too few, or contradictory."""


def heavy_passes(heavy: int, shots: int, circuits: int) -> bool:
    """Return whether heavy outputs show a quantum volume: two deviations over two thirds, circuits as the samples.

    Args:
        heavy: Shots, of all circuits together, whose outcome is heavier than the circuit's median.
        shots: All shots. circuits: How many circuits they were spread over.

    Raises:
        BenchmarkInvalid: There are more heavy shots than shots, fewer shots than circuits, or no circuits.
    """
    if not (0 <= heavy <= shots <= MAX_COUNT and 0 < circuits <= shots):
        raise BenchmarkInvalid(f"{heavy} heavy of {shots} shots over {circuits} circuits")
    margin = 3 * heavy - 2 * shots
    return margin > 0 and margin * margin * circuits > 36 * heavy * (shots - heavy)


def polarisation_power(distances: Sequence[int]) -> int:
    """Return P, the sum of ``(-1)^k 2^(n - k) H_k`` over the shots H_k at Hamming distance k from the known answer.

    Args:
        distances: H_0 to H_n for n qubits.

    Raises:
        BenchmarkInvalid: n is 0 or above 48, or a count is not of 64 bits.
    """
    qubits = len(distances) - 1
    if not 1 <= qubits <= MAX_MIRROR_QUBITS or not all(0 <= count <= MAX_COUNT for count in distances):
        raise BenchmarkInvalid(f"distances of {qubits} qubits, expected 1 to {MAX_MIRROR_QUBITS}, 64 bits each")
    return sum((-1) ** k * (count << (qubits - k)) for k, count in enumerate(distances))


def polarisation_passes(distances: Sequence[int], threshold_ppm: int) -> bool:
    """Return whether the polarisation ``S = (2^n P / N - 1) / (4^n - 1)`` is at least *threshold_ppm*.

    Raises:
        BenchmarkInvalid: As ``polarisation_power``; there are no shots, or the threshold is above 1e6.
    """
    power, shots, qubits = polarisation_power(distances), sum(distances), len(distances) - 1
    if not shots or not 0 <= threshold_ppm <= PPM:
        raise BenchmarkInvalid(f"{shots} shots, threshold {threshold_ppm}: expected some, and at most {PPM}")
    return ((power << qubits) - shots) * PPM >= threshold_ppm * shots * ((1 << 2 * qubits) - 1)


def error_refuted(low_ppm: int, claimed_ppm: int) -> bool:
    """Return whether an error whose lower bound is *low_ppm* refutes a claim of *claimed_ppm*."""
    return low_ppm * PPM > claimed_ppm * (PPM + CLAIM_TOLERANCE_PPM) + ERROR_ALLOWANCE_PPM * PPM


def time_refuted(high_nanoseconds: int, claimed_nanoseconds: int) -> bool:
    """Return whether a lifetime whose upper bound is *high_nanoseconds* refutes a claim of *claimed_nanoseconds*."""
    return high_nanoseconds * (PPM + CLAIM_TOLERANCE_PPM) < claimed_nanoseconds * PPM


def noise_class_of(fidelity_ppm: int) -> int:
    """Return the class, from 1 (best), of a device whose chain fidelity is *fidelity_ppm*."""
    return 1 + sum(fidelity_ppm < bound for bound in CLASS_BOUNDS_PPM)


def median_within(scores: Sequence[int], tolerance_ppm: int) -> tuple[int, bool]:
    """Return the lower median of certifiers' *scores*, and whether more than half of them are near it.

    Near is within *tolerance_ppm* of the median itself.

    Raises:
        BenchmarkInvalid: There are fewer than 3 scores or more than 16, one is not of 64 bits, or the tolerance is
            above 1e6.
    """
    if not MIN_CERTIFIERS <= len(scores) <= MAX_CERTIFIERS or not 0 <= tolerance_ppm <= PPM:
        raise BenchmarkInvalid(f"{len(scores)} scores, tolerance {tolerance_ppm}: expected 3 to 16")
    if not all(0 <= score <= MAX_COUNT for score in scores):
        raise BenchmarkInvalid("scores have 64 bits")
    median = sorted(scores)[(len(scores) - 1) // 2]
    near = sum(abs(score - median) * PPM <= median * tolerance_ppm for score in scores)
    return median, 2 * near > len(scores)
