"""What two nodes' bits say: the logical outcomes, how often they are wrong, and a digest that anyone can recompute.

The nodes prepare logical 0 or +, so a logical outcome of 1 after correction is an error.

A daemon decodes in a child (``decoder``): ``python -m qcrs.quantum.correction.verdict LEFT RIGHT [SECONDS MEBIBYTES]``
with two files and limits of its own reads the job's JSON and writes ``Verdict.to_json``; it exits with 1 and the reason
when something does not fit.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import stim

from qcrs.quantum.correction.circuit import spelt
from qcrs.quantum.correction.code import LEFT, RIGHT
from qcrs.quantum.correction.decoding import Decoder
from qcrs.quantum.correction.errors import RecordInvalid
from qcrs.quantum.correction.job import Job
from qcrs.quantum.correction.noise import Noise
from qcrs.quantum.correction.pair import Pair
from qcrs.quantum.correction.rate import Rate, clopper_pearson
from qcrs.quantum.sandbox import limit_self
from qcrs.rules.digest import keccak

VERDICT_DOMAIN = keccak(b"QCRS decoded surface code memory")
_LEAST_BULK = 1e-6  # a decoder must have an explanation for every detector, also when noise is said to be none


@dataclass(frozen=True)
class Verdict:
    """What is decoded.

    Attributes:
        outcomes: The logical outcome of every shot, lowest bit first.
        logical_error: Of a whole experiment in this basis. digest: Of the job, the records and the outcomes.
        detection_rate: Share of detectors that fired. expected_rate: The share by the job's noise; far from it, the
            noise is another, or bits are not what was measured.
    """

    outcomes: bytes
    logical_error: Rate
    detection_rate: float
    expected_rate: float
    digest: bytes

    def to_json(self) -> str:
        """Return what is told of it; the outcomes themselves are in the digest."""
        rate = self.logical_error
        told = {"errors": rate.errors, "shots": rate.shots, "low": rate.low, "high": rate.high}
        rates = {"detectionRate": self.detection_rate, "expectedRate": self.expected_rate}
        return json.dumps({**told, **rates, "digest": "0x" + self.digest.hex()})


def decode(job: Job, records: tuple[bytes, bytes], assumed: Noise | None = None) -> Verdict:
    """Return what the records of the left and the right node say.

    Args:
        assumed: What the decoder takes the noise for; None for the job's own, as everyone does who compares digests.

    Raises:
        RecordInvalid: A record has another size or stray bits.
    """
    noise = job.noise if assumed is None else assumed
    noise = replace(noise, bulk=noise.rates.at_least(_LEAST_BULK))
    circuit = spelt(job.memory, noise)
    measured = np.empty((job.shots, circuit.num_measurements), dtype=np.bool_)
    for member in (LEFT, RIGHT):
        measured[:, job.halves.outputs[member]] = _bits(job, member, records[member])
    detectors, flips = circuit.compile_m2d_converter().convert(measurements=measured, separate_observables=True)
    packed_detectors = np.packbits(detectors, axis=1, bitorder="little")
    outcomes = Decoder(job.memory, circuit).flips(packed_detectors) ^ flips[:, 0]
    packed = np.packbits(outcomes, bitorder="little").tobytes()
    found = b"".join(keccak(part) for part in (*records, packed))
    return Verdict(
        outcomes=packed,
        logical_error=clopper_pearson(int(outcomes.sum()), job.shots),
        detection_rate=float(detectors.mean()),
        expected_rate=_fired(circuit),
        digest=keccak(VERDICT_DOMAIN + job.digest + found),
    )


def expected_rate(job: Job, pair: Pair) -> float:
    """Return the share of detectors that fire when the pairs of *job* are like *pair*."""
    return _fired(spelt(job.memory, replace(job.noise, pair=pair)))


def _fired(circuit: stim.Circuit) -> float:
    """Return the mean chance of a detector to fire: that an odd number of the independent errors on it happen."""
    even = np.ones(circuit.num_detectors)
    for error in circuit.detector_error_model(flatten_loops=True):
        if error.type == "error":
            for target in error.targets_copy():
                if target.is_relative_detector_id():
                    even[target.val] *= 1 - 2 * error.args_copy()[0]
    return float(np.mean((1 - even) / 2))


def _bits(job: Job, member: int, record: bytes) -> np.ndarray:
    job.require_record(member, record)
    rows = np.frombuffer(record, dtype=np.uint8).reshape(job.shots, -1)
    bits = np.unpackbits(rows, axis=1, bitorder="little")
    if bits[:, job.halves.bits(member) :].any():
        raise RecordInvalid(f"member {member} set bits beyond its {job.halves.bits(member)}; they are to be 0")
    return bits[:, : job.halves.bits(member)].astype(np.bool_)


def main(arguments: Sequence[str]) -> int:
    """Decode two files for whoever started this process."""
    try:
        if limits := arguments[2:]:
            limit_self(*map(int, limits))
        left, right = (Path(name).read_bytes() for name in arguments[:2])
        print(decode(Job.model_validate_json(sys.stdin.buffer.read()), (left, right)).to_json())
    except (ValueError, OSError, RecordInvalid) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
