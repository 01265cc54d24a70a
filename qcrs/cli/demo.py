"""``qcrs demo``: the main job, from nothing to verified counts."""

import argparse
import asyncio
import json
import tempfile
from pathlib import Path

from qcrs.cli.job import narrate
from qcrs.cli.options import Progress, carry_out, table, whole
from qcrs.quantum.faults import FAULTS
from qcrs.sdk.audit import Report
from qcrs.sdk.demonstration import Demonstration, demonstrate
from qcrs.sdk.devnet import bring_up, demonstration_policy
from qcrs.sdk.devnet_processes import Devnet

_STEPS = ("submit", "allocate", "commit", "disclose", "reveal", "settle", "total")
PROCESSORS = 5
ROGUE = 3
# A processor that never answers cannot be outvoted, only replaced: five honest ones must remain.
PROCESSORS_WITH_SILENT = 6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's flags; it has no verbs."""
    carry_out(parser, _demo)
    # Comparison does not find a forged histogram; a challenge does.
    kinds = [kind for kind in FAULTS if kind != "forge"]
    parser.add_argument("--fault", choices=kinds, default="bias", help="what the rogue does (bias)")
    parser.add_argument("--output", type=Path, default=Path("build/demo"), help="where the report goes (build/demo)")
    parser.add_argument("--port", type=whole(1, 65535), help="the chain's port; a free one by default")


def _demo(options: argparse.Namespace) -> int:
    progress = Progress(options.json)
    options.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="qcrs-demo-") as scratch:
        outcome = asyncio.run(_run(options, Path(scratch), progress))
    report = options.output / "report.json"
    report.write_text(json.dumps(outcome.to_json(), indent=2) + "\n")
    print(json.dumps(outcome.to_json()) if options.json else _pretty(outcome, report))
    return 0 if outcome.holds else 1


async def _run(options: argparse.Namespace, scratch: Path, progress: Progress) -> Demonstration:
    devnet: Devnet = await bring_up(
        scratch / "devnet",
        PROCESSORS_WITH_SILENT if options.fault == "silent" else PROCESSORS,
        options.port,
        policy=demonstration_policy(options.fault),
        faults={ROGUE - 1: options.fault},
        progress=progress,
    )
    try:
        return await demonstrate(
            devnet, ROGUE, options.fault, options.output,
            lambda name: narrate(progress, prefix=name), progress,
        )  # fmt: skip
    finally:
        devnet.stop()


def _pretty(outcome: Demonstration, report: Path) -> str:
    rows = []
    for job in outcome.jobs:
        result = job.result
        rows.append([
            str(result.id), job.name, str(result.replicas), result.status.name,
            " ".join(map(str, result.accepted)) or "-",
            " ".join(map(str, [*result.outliers, *result.silent])) or "-",
            "-" if job.distance is None else f"{job.distance:.4f}",
            *(f"{result.gas.get(step, 0):,}" for step in _STEPS),
            f"{job.latency:.2f}",
        ])  # fmt: skip
    headings = ["job", "circuit", "k", "verdict", "agreed", "caught", "TVD", *_STEPS, "s"]
    devices = ", ".join(f"{processor} {device}" for processor, device in outcome.devices.items())
    lines = [
        "",
        table(headings, rows),
        "",
        f"processors (simulated from calibration snapshots): {devices}",
        f"processor {outcome.rogue} is test equipment that answers falsely ({outcome.fault}): "
        + ("caught, and nobody else" if outcome.flagged else "NOT CAUGHT, OR NOT IT ALONE"),
        "the books " + ("balance" if outcome.balanced else "DO NOT BALANCE"),
        "audit trail: " + _audit_line(outcome.audit),
        f"report {report}, a histogram picture of each job beside it",
        "",
        "every job verified, the rogue caught" if outcome.holds else "THE DEMONSTRATION DOES NOT HOLD",
    ]
    return "\n".join(lines)


def _audit_line(audit: Report) -> str:
    if audit.fault is not None:
        return f"DOES NOT HOLD: {audit.fault}"
    return f"holds; {audit.entries} entries and {sum(audit.checks.values())} comparisons replayed from events"
