#!/usr/bin/env python3
"""Set up what is missing, then run every check; ``make test`` is this.

The quick checks run first and the large pytest suite last, so that its own closing lines close the
output. Those between them, which mostly wait for a compiler of one thread, run two at a time; what
each prints is shown when it ends. One that fails does not keep the others from running, but the
exit code is 1. ``--only NAME``, as often as wanted, runs some of them, and arguments after ``--``
go to the last one: ``python3 scripts/check.py --only pytest -- -k ledger``.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import bootstrap

BROWNIE = ["brownie", "test", "tests/brownie", "--network", "development"]
SLITHER = ["slither", ".", "--config-file", "qcrs/toolchain/slither.json", "--fail-low"]
# Slither builds with --force: in folders of its own, or forge would lose what it has compiled.
SLITHER_FOLDERS = {
    "FOUNDRY_OUT": "build/slither",
    "FOUNDRY_CACHE_PATH": "build/slither-cache",
}

CHECKS = {
    "ruff": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "forge": ["forge", "test"],
    "slither": SLITHER,
    "brownie": BROWNIE,
    "pytest": ["pytest", "-n", "2", "--dist", "loadgroup", "--durations", "20"],
}
COMPILING = ("forge", "slither", "brownie")
NEEDS_FORGE = ("forge", "slither")  # Slither compiles through it


def run(name, extra, beside=False):
    """Run one check, *beside* another perhaps, and return its name and its line in the summary."""
    begin = time.monotonic()
    verdict = judge(name, [*CHECKS[name], *extra], beside)
    return name, f"{name:8} {time.monotonic() - begin:6.1f} s  {verdict}"


def judge(name, command, beside):
    """Run *command* and return ``passed``, ``FAILED`` or why it was skipped."""
    if name in NEEDS_FORGE and not shutil.which("forge"):
        return "skipped: npm has no forge for this platform"
    title = f"\n=== {name}: {' '.join(command)}"
    print(f"{title}{' (its output follows when it ends)' if beside else ''}", flush=True)
    env = {**os.environ, **(SLITHER_FOLDERS if name == "slither" else {})}
    together = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    finished = subprocess.run(command, cwd=bootstrap.ROOT, env=env, **(together if beside else {}))
    if beside:
        print(f"{title}\n{finished.stdout}", end="", flush=True)
    return "passed" if finished.returncode == 0 else f"FAILED with exit code {finished.returncode}"


def main():
    """Run the checks asked for and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--only", action="append", choices=CHECKS, metavar="NAME",
                        help=f"one of {', '.join(CHECKS)}; may be repeated")  # fmt: skip
    own, extra = sys.argv[1:], []
    if "--" in own:
        own, extra = own[: own.index("--")], own[own.index("--") + 1 :]
    names = [name for name in CHECKS if name in (parser.parse_args(own).only or CHECKS)]
    last, between = names[-1], [name for name in names[:-1] if name in COMPILING]
    verdicts = dict(run(name, []) for name in names[:-1] if name not in COMPILING)
    with ThreadPoolExecutor(2) as pool:
        verdicts |= pool.map(lambda name: run(name, [], beside=True), between)
    if verdicts:
        print("\n" + "\n".join(verdicts.values()), flush=True)
    verdicts |= [run(last, extra)]
    failed = [name for name in names if "FAILED" in verdicts[name]]
    if failed:
        print("\n" + "\n".join(verdicts.values()))
        print(f"\nfailed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    bootstrap.enter()
    sys.exit(main())
