"""Asking for challenges and scores, without importing what makes them: see ``qcrs.quantum.examiner``.

Counts travel as a *bundle*: a JSON list with one histogram for each run, outcomes in hexadecimal and ascending, null
where there was no answer. Its keccak-256 is what a processor commits to.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from qcrs.errors import QcrsError
from qcrs.model.records import Capability

DEPTH = "full"  # of every challenge: see qcrs.quantum.benchmark.Depth
MAX_OUTCOMES = 65_535  # of one run: it has no more shots


class ExaminerFailed(QcrsError):
    """The process that makes challenges and scores answers ended without an answer."""


def encode_bundle(counts: Sequence[Mapping[int, int] | None]) -> bytes:
    """Return the stored form of the counts of all runs."""
    table = [None if run is None else {f"{x:x}": run[x] for x in sorted(run)} for run in counts]
    return json.dumps(table, separators=(",", ":")).encode()


def decode_bundle(content: bytes, runs: int) -> list[dict[int, int] | None]:
    """Return the counts of *runs* runs in *content*; None for each that is not there, or is no histogram."""
    try:
        table: Any = json.loads(content)
    except (ValueError, RecursionError):
        return [None] * runs
    listed = table if isinstance(table, list) and len(table) == runs else [None] * runs
    return [_histogram(entry) for entry in listed]


def task_of(
    seed: bytes, calibration: str, claim: Capability, bundle: bytes | None, depth: str = DEPTH
) -> dict[str, Any]:
    """Return a task for ``examine``: the circuits of a seed, or, with a *bundle*, its scores."""
    plain = {k: v.hex() if isinstance(v, bytes) else v for k, v in claim.model_dump(by_alias=True).items()}
    return {
        "seed": seed.hex(),
        "calibration": calibration,
        "capability": plain,
        "depth": depth,
        "bundle": None if bundle is None else bundle.hex(),
    }


async def examine(task: Mapping[str, Any]) -> dict[str, Any]:
    """Have a process of its own do *task*.

    Raises:
        ExaminerFailed: It ended without an answer.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "qcrs.quantum.examiner",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        out, err = await process.communicate(json.dumps(task).encode())
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise ExaminerFailed(f"examiner ended with {process.returncode}: {err.decode(errors='replace')[-300:]}")
    return json.loads(out)


def _histogram(entry: Any) -> dict[int, int] | None:
    if not isinstance(entry, dict) or not 0 < len(entry) <= MAX_OUTCOMES:
        return None
    try:
        counts = {int(outcome, 16): count for outcome, count in entry.items()}
    except ValueError:
        return None
    sound = all(type(count) is int and 0 < count <= MAX_OUTCOMES for count in counts.values())
    return counts if sound and len(counts) == len(entry) and min(counts) >= 0 else None
