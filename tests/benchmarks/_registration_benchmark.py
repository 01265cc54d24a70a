"""How well certification measures processors, against what their noise was made from.

Every processor here is simulated: Aer runs the challenge with a calibration's noise, by the code that a daemon runs. So
the truth is known, and what is measured is the benchmark, not a device. Seeds are fixed: the figures come again.

The truth is the noise as it is simulated. It is the calibration file's but for gates whose published error is less than
T1 and T2 alone cause within the gate's duration: those are simulated with what relaxation causes, and a benchmark that
found the published error there would be wrong.
"""

import math
import os
import random
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", RAYON_NUM_THREADS="1")

from _report import Goal

from qcrs.quantum.benchmark import FULL, Claim, Depth, Estimate, Measured, challenge, score, verdict
from qcrs.quantum.calibration import Calibration, GateCalibration
from qcrs.quantum.capability import CapabilityFacts, capability_of, chain_fidelity_ppm
from qcrs.quantum.device import Device
from qcrs.quantum.simulate import simulate
from qcrs.rules.benchmark import CLASS_BOUNDS_PPM, PPM
from qcrs.rules.digest import keccak

COMMAND = "make bench-registration"
# Snapshots of all noise classes, and the quantum volume each reaches when simulated: for most, less than published.
SNAPSHOTS = (("prague", 0), ("kolkata", 5), ("oslo", 5), ("guadalupe", 5), ("geneva", 5))
MODELS = ("oslo", "perth", "jakarta", "casablanca") * 4 + ("guadalupe", "kolkata")
PROCESSORS = 200
DEGRADED = 40
# No volume circuits: a class does not depend on them, and they take most of the time.
BRIEF = Depth("brief", 0, 0, 1, 200, 3, 1_000, 1, 1_500)
# Closer to a bound than this, calibrations of one week differ by more.
NEAR_PPM = 10_000
FIGURES = (
    ("two-qubit error, ppm", "two_qubit_error_ppm"),
    ("readout error, ppm", "readout_error_ppm"),
    ("chain fidelity, ppm", "layer_fidelity_ppm"),
    ("T1, ns", "t1_nanoseconds"),
    ("T2, ns", "t2_nanoseconds"),
)


@dataclass(frozen=True)
class Certification:
    """One processor through the whole benchmark.

    Attributes:
        claim: What it claimed. true: What is simulated.
        seconds: CPU time of running, then of scoring.
    """

    name: str
    claim: Claim
    true: CapabilityFacts
    measured: Measured
    passed: bool
    reasons: tuple[str, ...]
    seconds: tuple[float, float]


@dataclass(frozen=True)
class Classified:
    """One simulated processor: chain fidelities and classes, true and measured."""

    name: str
    true_ppm: int
    measured_ppm: Estimate
    true_class: int
    measured_class: int
    passed: bool
    covered: tuple[bool, ...]

    @property
    def near(self) -> bool:
        """Whether the truth lies near the bound of a class."""
        return min(abs(self.true_ppm - bound) for bound in CLASS_BOUNDS_PPM) < NEAR_PPM


def certify(calibration: Calibration, claim: Claim, true: CapabilityFacts, depth: Depth, seed: bytes) -> Certification:
    """Return how a processor of such a *calibration*, which *true* sums up, does with such a *claim*."""
    suite = challenge(seed, claim, depth)
    device = Device(calibration)
    began = time.process_time()
    chance = random.Random(seed)
    counts = [simulate(device, run.request(chance.getrandbits(63)))[0] for run in suite.runs]
    ran = time.process_time()
    measured = score(suite, counts)
    found = verdict(measured, claim)
    seconds = ran - began, time.process_time() - ran
    return Certification(calibration.name, claim, true, measured, found.passed, found.reasons, seconds)


def snapshots(depth: Depth = FULL, workers: int = 2) -> list[Certification]:
    """Return the certification of each of ``SNAPSHOTS``, by its own calibration."""
    with _pool(workers) as pool:
        return list(pool.map(_snapshot, SNAPSHOTS, [depth] * len(SNAPSHOTS)))


def classified(processors: int = PROCESSORS, workers: int = 2) -> list[Classified]:
    """Return how *processors* perturbed ones are classified."""
    with _pool(workers) as pool:
        return list(pool.map(_classified, range(processors)))


def degraded(factor: float = 2.0, processors: int = DEGRADED, workers: int = 2) -> list[bool]:
    """Return for each of *processors* whether it is caught: it is *factor* times as noisy as it claims."""
    with _pool(workers) as pool:
        return list(pool.map(_caught, range(processors), [factor] * processors))


def perturbed(calibration: Calibration, chance: random.Random, factor: float, spread: float) -> Calibration:
    """Return *calibration* with errors about *factor* times as large and lifetimes as much shorter.

    Each figure moves on its own besides, by a log-normal factor of *spread*.
    """

    def worse(rate: int, largest: int) -> int:
        return min(largest, round(rate * factor * chance.lognormvariate(0, spread)))

    def shorter(life: int | None) -> int | None:
        return None if life is None else max(1_000, round(life / factor * chance.lognormvariate(0, spread)))

    qubits = tuple(
        qubit.model_copy(
            update={
                "t1_nanoseconds": shorter(qubit.t1_nanoseconds),
                "t2_nanoseconds": shorter(qubit.t2_nanoseconds),
                "read_one_as_zero_ppm": worse(qubit.read_one_as_zero_ppm, PPM // 2),
                "read_zero_as_one_ppm": worse(qubit.read_zero_as_one_ppm, PPM // 2),
            }
        )
        for qubit in calibration.qubits
    )
    # One factor for a pair: its gate is the same in both directions, but for gates of one qubit.
    moves = {frozenset(gate.qubits): chance.lognormvariate(0, spread) for gate in calibration.gates}
    gates = tuple(
        gate.model_copy(
            update={"error_ppb": min(500_000_000, round(gate.error_ppb * factor * moves[frozenset(gate.qubits)]))}
        )
        for gate in calibration.gates
    )
    return calibration.model_copy(update={"qubits": qubits, "gates": gates})


def simulated(calibration: Calibration) -> Calibration:
    """Return *calibration* with the gate errors that its noise really has: at least what relaxation causes."""

    def kept(qubit: int, duration: int) -> float:
        """Return the process fidelity of waiting."""
        lives = calibration.qubits[qubit]
        t1 = lives.t1_nanoseconds or 1
        t2 = min(lives.t2_nanoseconds or 1, 2 * t1)
        return (1 + math.exp(-duration / t1) + 2 * math.exp(-duration / t2)) / 4

    def slow(gate: GateCalibration) -> GateCalibration:
        fidelity = math.prod(kept(qubit, gate.duration_nanoseconds) for qubit in gate.qubits)
        size = 2 ** len(gate.qubits)
        least = round(1e9 * (1 - (size * fidelity + 1) / (size + 1)))
        return gate.model_copy(update={"error_ppb": max(gate.error_ppb, least)})

    return calibration.model_copy(update={"gates": tuple(map(slow, calibration.gates))})


def covers(certification: Certification, field: str) -> bool:
    """Return whether the interval of a figure holds the truth."""
    found = getattr(certification.measured, field)
    return bool(found) and found.low <= getattr(certification.true, field) <= found.high


def snapshot_rows(certifications: Sequence[Certification]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the header and the rows of measured against true figures, one row a processor and figure."""
    header = ("calibration", "figure", "published", "simulated", "measured", "low", "high", "off, %", "holds the truth")
    rows: list[tuple[Any, ...]] = []
    for each in certifications:
        for title, field in FIGURES:
            found, true = getattr(each.measured, field), getattr(each.true, field)
            off = 100 * (found.value - true) / true
            rows.append(
                (
                    each.name,
                    title,
                    getattr(each.claim.facts, field),
                    true,
                    *found,
                    off,
                    "yes" if covers(each, field) else "no",
                )
            )
    return header, rows


def verdict_rows(certifications: Sequence[Certification]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the header and the rows of verdicts, one row a processor."""
    header = (
        "calibration",
        "qubits",
        "volume",
        "class claimed",
        "true",
        "measured",
        "verdict",
        "CPU s, run",
        "CPU s, score",
    )
    rows = [
        (
            each.name,
            each.claim.facts.qubits,
            f"2^{each.claim.facts.quantum_volume_log2}" if each.measured.heavy else "none",
            each.claim.facts.noise_class,
            each.true.noise_class,
            each.measured.noise_class,
            "passed" if each.passed else "; ".join(each.reasons),
            *each.seconds,
        )
        for each in certifications
    ]
    return header, rows


def class_rows(found: Sequence[Classified]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the header and the rows of the table of true by measured classes."""
    classes = range(1, len(CLASS_BOUNDS_PPM) + 2)
    header = ("true class", *(f"measured {each}" for each in classes), "near a bound", "wrong, near", "wrong, else")
    rows = []
    for true in classes:
        own = [each for each in found if each.true_class == true]
        wrong = [each for each in own if each.measured_class != true]
        rows.append(
            (
                true,
                *(sum(each.measured_class == measured for each in own) for measured in classes),
                sum(each.near for each in own),
                sum(each.near for each in wrong),
                sum(not each.near for each in wrong),
            )
        )
    return header, rows


def goals(
    certifications: Sequence[Certification], found: Sequence[Classified], caught: Sequence[bool]
) -> tuple[Goal, ...]:
    """Return what the benchmark promises of certification."""
    wrong = [each for each in found if each.true_class != each.measured_class]
    far = [each for each in found if not each.near]
    covered = [held for each in found for held in each.covered]
    return (
        Goal(
            "honest processors certified, of five real calibrations",
            sum(each.passed for each in certifications),
            len(certifications),
            "",
            COMMAND,
            at_least=True,
        ),
        Goal("processors put in a wrong noise class", 100 * len(wrong) / len(found), 10, "%", COMMAND),
        Goal(
            "the same, 10,000 ppm or more from a bound",
            100 * sum(not each.near for each in wrong) / max(1, len(far)),
            2,
            "%",
            COMMAND,
        ),
        Goal(
            "honest processors that pass as they are, all claims but volume",
            100 * sum(each.passed for each in found) / len(found),
            95,
            "%",
            COMMAND,
            at_least=True,
        ),
        Goal(
            "processors twice as noisy as claimed that are caught",
            100 * sum(caught) / len(caught),
            95,
            "%",
            COMMAND,
            at_least=True,
        ),
        Goal(
            "true figures within their interval of two deviations",
            100 * sum(covered) / len(covered),
            90,
            "%",
            COMMAND,
            at_least=True,
        ),
        Goal("CPU of one certification", max(sum(each.seconds) for each in certifications), 60, "s", COMMAND),
    )


def _pool(workers: int) -> ProcessPoolExecutor:
    # Qiskit starts threads, and a process with threads must not fork.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def _snapshot(snapshot: tuple[str, int], depth: Depth) -> Certification:
    name, volume = snapshot
    calibration = Calibration.bundled(name)
    true = capability_of(simulated(calibration))
    return certify(calibration, Claim.of(calibration, volume), true, depth, keccak(name.encode()))


def _processor(number: int) -> tuple[Calibration, random.Random]:
    chance = random.Random(f"processor {number}")
    model = Calibration.bundled(MODELS[number % len(MODELS)])
    calibration = perturbed(model, chance, chance.choice((0.35, 0.6, 0.8, 1.0, 1.2, 1.5)), 0.2)
    return simulated(calibration), chance


def _classified(number: int) -> Classified:
    calibration, chance = _processor(number)
    claim = Claim.of(calibration, 0)
    certification = certify(calibration, claim, claim.facts, BRIEF, chance.randbytes(32))
    fidelity = certification.measured.layer_fidelity_ppm
    if fidelity is None:
        raise ValueError(f"processor {number}: a benchmark that was run measured no chain")
    return Classified(
        calibration.name,
        chain_fidelity_ppm(calibration),
        fidelity,
        claim.facts.noise_class,
        certification.measured.noise_class,
        certification.passed,
        tuple(covers(certification, field) for _, field in FIGURES),
    )


def _caught(number: int, factor: float) -> bool:
    calibration, chance = _processor(number)
    worse = perturbed(calibration, chance, factor, 0.0)
    claim = Claim.of(calibration, 0)
    return not certify(worse, claim, capability_of(worse), BRIEF, chance.randbytes(32)).passed
