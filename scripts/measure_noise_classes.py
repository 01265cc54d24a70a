"""Measures whether honest processors of one noise class agree: the evidence for the class bounds.

    python scripts/measure_noise_classes.py                 # every bundled device and circuit
    python scripts/measure_noise_classes.py kolkata hanoi   # only these devices

Every device runs every bundled circuit once at each number of shots, with seeds from the operating
system, and every pair is compared as the contract compares it. The table gives each pair's margin:
how far the worse of the two rules is from its limit, 1 being disagreement; below 0 the devices
differ by less than the rules allow even without any shot noise. Takes about five minutes.
"""

import itertools
import math
import os
import secrets
import sys
from collections import defaultdict
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", RAYON_NUM_THREADS="1")

import qcrs
from qcrs.quantum.calibration import Calibration, bundled_names
from qcrs.quantum.capability import capability_of
from qcrs.quantum.circuit import canonical, load
from qcrs.quantum.device import Device
from qcrs.quantum.request import MAX_SHOTS, RunRequest
from qcrs.quantum.simulate import simulate
from qcrs.rules.agreement import BUCKET_SHARE, BUCKET_TOLERANCE, MAX_SCALE, Frame, bucket_rule, gram_rule, signal_of
from qcrs.rules.count_sketch import dot, sketch_of, unpack

SHOTS = (4_096, 16_384, MAX_SHOTS)
CIRCUITS = sorted((Path(qcrs.__file__).parent / "circuits").glob("*.qasm"))
Counts = dict[int, int]


def counts_of(device: Device) -> dict[tuple[str, int], tuple[Counts, int]]:
    """Run every circuit that fits *device*; return counts and outcome bits by circuit and shots."""
    answers = {}
    for path in CIRCUITS:
        circuit = load(path)
        if circuit.num_qubits > device.target.num_qubits:
            continue
        for shots in SHOTS:
            request = RunRequest(
                canonical(circuit),
                shots,
                secrets.randbits(63),
                circuit.num_qubits,
                circuit.num_clbits,
            )
            counts, _ = simulate(device, request)
            answers[path.stem, shots] = counts, circuit.num_clbits
    return answers


def margin(a: Counts, b: Counts, bits: int, shots: int) -> float:
    """Return how near the pair is to disagreement, 1 being there, by the worse rule."""
    seed = secrets.token_bytes(32)
    x, y = (unpack(sketch_of(counts, bits, seed), bits) for counts in (a, b))
    frame = Frame.of(bits, shots)
    first, second = signal_of(frame, x), signal_of(frame, y)
    excess, far = gram_rule(frame, first, second, dot(x, y))
    square = frame.rows * shots * shots
    powers = first.power + second.power + 2 * (frame.buckets - 1) * frame.rows * shots
    variance = max(0, 4 * frame.rows * powers) + 8 * square
    gram = excess / math.sqrt(1e12 * MAX_SCALE**2 * frame.buckets * variance)
    allowance = shots * BUCKET_TOLERANCE + (frame.share * min(first.amplitude, second.amplitude) >> 8)
    bucket = max(
        (1e4 * abs(i - j) - allowance - BUCKET_SHARE * (i + j)) / math.sqrt(9e8 * (i + j + 1))
        for i, j in zip(x, y, strict=True)
    )
    disagree = far or bucket_rule(frame, first, second)
    if disagree != (max(gram, bucket) > 1):
        raise AssertionError(f"margin {gram}, {bucket} contradicts the rules")
    return max(gram, bucket)


def main() -> None:
    """Print the devices by class, and each class's worst pair at each number of shots."""
    names = sys.argv[1:] or bundled_names()
    classes, answers = defaultdict(list), {}
    for name in names:
        calibration = Calibration.bundled(name)
        facts = capability_of(calibration)
        classes[facts.noise_class].append(name)
        answers[name] = counts_of(Device(calibration))
        print(
            f"class {facts.noise_class}  {name:11} {facts.qubits:4} qubits  two-qubit error "
            f"{facts.two_qubit_error_ppm:6} ppm  readout {facts.readout_error_ppm:6} ppm  "
            f"chain {facts.layer_fidelity_ppm:7} ppm",
            flush=True,
        )
    for noise_class, members in sorted(classes.items()):
        for shots in SHOTS:
            worst = max(
                (
                    (margin(answers[a][key][0], answers[b][key][0], bits, shots), a, b, key[0])
                    for a, b in itertools.combinations(members, 2)
                    for key, (_, bits) in answers[a].items()
                    if key[1] == shots and key in answers[b]
                ),
                default=None,
            )
            if worst is not None:
                value, a, b, circuit = worst
                print(
                    f"class {noise_class}, {len(members)} devices, {shots} shots: "
                    f"worst margin {value:.2f} ({a} and {b} on {circuit})"
                )


if __name__ == "__main__":
    main()
