"""Frozen challenges: ``python -m tests.mirror.suites`` rewrites ``tests/vectors/benchmark.json``.

Do so only with a new ``VERSION`` of the suite: certifiers of different versions find different circuits.
"""

import json
from pathlib import Path

from qcrs.quantum.benchmark import FULL, QUICK, VERSION, Claim, Evidence, challenge, digest
from qcrs.quantum.benchmark.verdict import NO_COUNTS
from qcrs.quantum.calibration import Calibration

FROZEN = Path(__file__).parents[1] / "vectors" / "benchmark.json"
_CASES = (
    ("oslo", None, QUICK, bytes(32)),
    ("oslo", None, FULL, bytes(range(32))),
    ("kolkata", 5, QUICK, b"\xff" * 32),
    ("guadalupe", 3, FULL, b"\x01" * 32),
    ("brisbane", None, QUICK, b"\x02" * 32),
)


def frozen() -> dict[str, object]:
    """Return what the file holds: challenges by digest, and the digest of an evidence with made-up figures."""
    suites = []
    for name, volume, depth, seed in _CASES:
        suite = challenge(seed, Claim.of(Calibration.bundled(name), volume), depth)
        suites.append(
            {
                "calibration": name,
                "volumeLog2": volume,
                "depth": depth.name,
                "seed": seed.hex(),
                "digest": suite.digest.hex(),
                "size": [suite.circuits, suite.shots, suite.layers, suite.text_bytes],
            }
        )
    evidence = Evidence(bytes(range(32)), VERSION, b"\x07" * 32, (b"\x08" * 32, NO_COUNTS), (1, 0, 2**64))
    return {"version": VERSION, "suites": suites, "evidence": digest(evidence).hex()}


if __name__ == "__main__":
    FROZEN.write_text(json.dumps(frozen(), indent=1) + "\n", encoding="utf-8")
