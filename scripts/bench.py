#!/usr/bin/env python3
"""Set up what is missing, then run the measurements in ``tests/benchmarks/``: all, or those named."""

import os
import subprocess
import sys

import bootstrap

FOLDER = bootstrap.ROOT / "tests" / "benchmarks"


def main():
    """Run each measurement in its own process and return the exit code."""
    known = {file.stem: file for file in sorted(FOLDER.glob("[!_]*.py"))}
    names = sys.argv[1:] or list(known)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        wanted = ", ".join(unknown) or "all"
        print(f"benchmark {wanted}: expected one of {', '.join(known) or 'none'}", file=sys.stderr)
        return 2
    status = 0
    for name in names:
        print(f"\n=== {name}", flush=True)
        # Some share the tests' consortium.
        environment = {**os.environ, "PYTHONPATH": str(bootstrap.ROOT)}
        status |= subprocess.run([sys.executable, known[name]], cwd=bootstrap.ROOT, env=environment).returncode
    return 1 if status else 0


if __name__ == "__main__":
    bootstrap.enter()
    sys.exit(main())
