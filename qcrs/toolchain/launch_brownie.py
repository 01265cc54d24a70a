"""Run Brownie on this project with networks of its own; `.venv/bin/brownie` calls this.

Brownie keeps its networks in the user's home, ships an Istanbul-era Ganache there, and takes no
free port. This gives each run a home of its own under ``build/brownie-home`` in which

* ``development`` is Ganache with the rules of shanghai on a port that was free a moment ago,
* live networks and accounts are the user's (``~/.brownie``), so that `brownie accounts new` and
  `brownie networks add` are not lost.

``QCRS_BROWNIE_PORT`` chooses the port; Brownie attaches to a chain that already listens there.
"""

import os
import shutil
import socket
import sys
from pathlib import Path

import yaml

TOOLCHAIN = Path(__file__).resolve().parent
ROOT = TOOLCHAIN.parent.parent
HOMES = ROOT / "build" / "brownie-home"

DEVELOPMENT = {
    "id": "development",
    "name": "QCRS: Ganache",
    "cmd": "ganache --logging.quiet",  # Brownie never reads its pipe, which would fill and block it
    "host": "http://127.0.0.1",
    "timeout": 120,
    "cmd_settings": {
        "accounts": 12,
        "mnemonic": "brownie",
        "evm_version": "shanghai",  # the newest rules Ganache has
        "chain_id": 1337,
        "network_id": 1337,
        "gas_limit": 30_000_000,
        "default_balance": 1000,
    },
}


def free_port() -> int:
    """Return a TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def networks(users: Path) -> dict:
    """Return the user's networks, or Brownie's, with `development` replaced by ours."""
    import importlib.util

    package = Path(importlib.util.find_spec("brownie").origin).parent
    source = users / "network-config.yaml"
    if not source.exists():
        source = package / "data" / "network-config.yaml"
    configured = yaml.safe_load(source.read_text())
    port = int(os.environ.get("QCRS_BROWNIE_PORT") or free_port())
    ours = {**DEVELOPMENT, "cmd_settings": {**DEVELOPMENT["cmd_settings"], "port": port}}
    others = [network for network in configured["development"] if network["id"] != ours["id"]]
    return {"live": configured["live"], "development": [ours, *others]}


def prune_homes() -> None:
    """Remove the homes of runs that ended: each is named after its process."""
    for home in HOMES.glob("run-*"):
        if not Path(f"/proc/{home.name.removeprefix('run-')}").exists():
            shutil.rmtree(home, ignore_errors=True)


def make_home(arguments: list[str]) -> Path:
    """Make this run's home and return it."""
    users = Path.home() / ".brownie"
    home = HOMES / f"run-{os.getpid()}"
    settings = home / ".brownie"
    shutil.rmtree(home, ignore_errors=True)
    settings.mkdir(parents=True)
    keeps = arguments[:1] in (["accounts"], ["networks"])
    if keeps:  # the user asked Brownie to remember something
        (users / "accounts").mkdir(parents=True, exist_ok=True)
    if (users / "accounts").is_dir():
        (settings / "accounts").symlink_to(users / "accounts")
    (settings / "network-config.yaml").write_text(yaml.safe_dump(networks(users), sort_keys=False))
    return home


def main() -> None:
    """Prepare the home, then become Brownie."""
    arguments = sys.argv[1:]
    os.environ["PATH"] = os.pathsep.join([str(ROOT / ".venv" / "bin"), os.environ["PATH"]])
    os.environ["SOLCX_BINARY_PATH"] = str(TOOLCHAIN / "solcx")
    os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")
    if arguments[:1] != ["networks"]:  # that command edits the user's own list
        prune_homes()
        os.environ["HOME"] = str(make_home(arguments))
    start = "import sys; from brownie._cli.__main__ import main; sys.argv[0] = 'brownie'; main()"
    os.execv(sys.executable, [sys.executable, "-c", start, *arguments])


if __name__ == "__main__":
    main()
