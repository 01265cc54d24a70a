"""A process that makes challenges and scores answers, beside a daemon whose event loop never imports Qiskit.

``python -m qcrs.quantum.examiner`` reads one task from standard input, as JSON, and writes what comes of it to standard
output; ``qcrs.quantum.examination`` asks it.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qcrs.model.records import Capability, Measured
from qcrs.quantum.benchmark import FULL, QUICK, Claim, ClaimInvalid, Depth, Evidence, challenge, digest, score
from qcrs.quantum.calibration import Calibration, CalibrationInvalid
from qcrs.quantum.examination import decode_bundle
from qcrs.rules.digest import keccak
from qcrs.rules.measurement import NOTHING, PPM, is_heavy

DEPTHS: Mapping[str, Depth] = {depth.name: depth for depth in (FULL, QUICK)}


def claim_of(calibration: str, capability: Capability) -> Claim:
    """Return the claim that *capability* makes with its calibration file, whose text is *calibration*.

    Raises:
        ClaimInvalid: The file is not the one that the capability names, or says something else.
    """
    content = calibration.encode()
    if keccak(content) != capability.calibration_digest:
        raise ClaimInvalid("a calibration file that is not the one of the claim")
    try:
        claim = Claim.of(Calibration.parse(content))
    except CalibrationInvalid as error:
        raise ClaimInvalid(str(error)) from error
    facts = claim.facts
    said = (facts.qubits, facts.noise_class, keccak(facts.coupling_map))
    asked = (capability.qubits, capability.noise_class, capability.coupling_map_digest)
    if said != asked or capability.quantum_volume_log2 > facts.quantum_volume_log2:
        raise ClaimInvalid(
            f"a calibration of {facts.qubits} qubits, noise class {facts.noise_class} and quantum volume "
            f"2^{facts.quantum_volume_log2}: claimed {capability.qubits}, {capability.noise_class} and "
            f"2^{capability.quantum_volume_log2}"
        )
    # A processor may claim a smaller volume than its calibration foretells, and is then tested at that.
    return Claim(replace(facts, quantum_volume_log2=capability.quantum_volume_log2), claim.chain)


def requests_of(seed: bytes, calibration: str, capability: Capability, depth: str) -> list[dict[str, Any]]:
    """Return what a processor has to run, as fields of ``RunRequest``, without its own chance and limits."""
    suite = challenge(seed, claim_of(calibration, capability), DEPTHS[depth])
    requests = (run.request(seed=0) for run in suite.runs)
    names = ("text", "shots", "qubits", "outcome_bits", "depth_class", "pinned")
    return [{name: getattr(request, name) for name in names} for request in requests]


def examined(
    seed: bytes, calibration: str, capability: Capability, depth: str, bundle: bytes
) -> tuple[Measured, bytes]:
    """Return what a certifier says of a bundle, and the digest of its evidence: whole numbers, the same everywhere."""
    suite = challenge(seed, claim_of(calibration, capability), DEPTHS[depth])
    counts = decode_bundle(bundle, len(suite.runs))
    found = score(suite, counts)
    heavy, shots, circuits = found.heavy or (0, 0, 0)
    volume = capability.quantum_volume_log2
    shown = volume < 2 or (circuits > 0 and is_heavy(circuits, shots, heavy))
    shares = [shape.passed * PPM // shape.blocks for shape in found.shapes if shape.blocks]
    measured = Measured(
        qubits=0 if found.unanswered else capability.qubits,
        quantum_volume_log2=volume if shown else 0,
        noise_class=found.noise_class,
        # Without couplings there is no such gate: none is the worst that can be said of it.
        two_qubit_error_ppm=_value(found.two_qubit_error_ppm, PPM),
        readout_error_ppm=_value(found.readout_error_ppm, PPM),
        layer_fidelity_ppm=_value(found.layer_fidelity_ppm, 0),
        t1_nanoseconds=_value(found.t1_nanoseconds, 0),
        t2_nanoseconds=_value(found.t2_nanoseconds, 0),
        circuits=circuits,
        shots=shots,
        heavy_outputs=heavy,
        mirror_ppm=min(shares, default=0),
    )
    return measured, digest(Evidence.of(suite, counts, found))


def _value(estimate: Any, otherwise: int) -> int:
    return otherwise if estimate is None else estimate.value


def main() -> None:
    """Do the task on standard input."""
    task = json.load(sys.stdin)
    seed, capability = bytes.fromhex(task["seed"]), Capability.from_chain(_plain(task["capability"]))
    common = (seed, task["calibration"], capability, task["depth"])
    try:
        if task["bundle"] is None:
            answer: dict[str, Any] = {"requests": requests_of(*common)}
        else:
            measured, report = examined(*common, bytes.fromhex(task["bundle"]))
            answer = {"measured": measured.model_dump(by_alias=True), "report": report.hex()}
    except ClaimInvalid as error:
        answer = {"invalid": str(error), "measured": NOTHING.model_dump(by_alias=True), "report": "00" * 32}
    json.dump(answer, sys.stdout)


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: bytes.fromhex(value) if isinstance(value, str) else value for name, value in fields.items()}


if __name__ == "__main__":
    main()
