"""A throwaway chain: Ganache as a process of its own, with known accounts, for development and tests only."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from qcrs.config import command_path
from qcrs.errors import QcrsError

# Known to everybody: whatever holds these keys is worth nothing.
MNEMONIC = "test test test test test test test test test test test junk"
CHAIN_ID = 1337
ACCOUNTS = 64
ETHER_EACH = 10_000
START_SECONDS = 60.0
STOP_SECONDS = 10.0


class PortInUse(QcrsError):
    """Something else listens on the port that the chain was to have."""


class ChainDidNotStart(QcrsError):
    """Ganache ended, or did not answer in time."""


@dataclass(frozen=True)
class DevnetChain:
    """A running Ganache.

    Attributes:
        pid: Its process, which leads a process group of its own.
    """

    pid: int
    port: int

    @property
    def rpc_url(self) -> str:
        """HTTP endpoint."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """WebSocket endpoint."""
        return f"ws://127.0.0.1:{self.port}"


def free_port() -> int:
    """Return a port that nothing listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_chain(
    directory: Path, port: int | None = None, started: Callable[[int], None] = lambda _: None
) -> DevnetChain:
    """Start Ganache with its database in *directory* and wait until it answers.

    However the wait ends other than with an answer, Ganache is ended too.

    Args:
        port: Where to listen; a free one by default.
        started: Called with the process id as soon as there is one, long before the chain answers.

    Raises:
        PortInUse: Something listens there already.
        ChainDidNotStart: Ganache is not installed, ended early or is too slow.
    """
    port = port or free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortInUse(f"port {port} is in use; choose another with --port, or leave it out") from error
    directory.mkdir(parents=True, exist_ok=True)
    log_path = directory / "ganache.log"
    with log_path.open("w") as log:
        try:
            process = subprocess.Popen(
                _command(directory, port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise ChainDidNotStart("the command 'ganache' is not installed; 'make demo' sets it up") from error
    chain = DevnetChain(process.pid, port)
    try:
        started(process.pid)
        began = time.monotonic()
        while not answers(chain.rpc_url):
            elapsed = time.monotonic() - began
            if process.poll() is not None or elapsed > START_SECONDS:
                tail = "\n".join(log_path.read_text().splitlines()[-5:])
                raise ChainDidNotStart(f"Ganache did not answer on port {port} after {elapsed:.0f} s:\n{tail}")
            time.sleep(0.2)
    except BaseException:
        stop_group(process.pid)  # it has a session of its own: Ctrl-C in the terminal does not reach it
        raise
    return chain


def answers(url: str) -> bool:
    """Return whether a chain answers at *url*."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
    try:
        with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=2) as answer:
            return "result" in json.load(answer)
    except (URLError, OSError, ValueError):
        return False


def start_time(pid: int) -> int | None:
    """Return when process *pid* started, in clock ticks since boot; None where the system does not tell.

    A process id is given to another process in time; together with the start it names one process only.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(status.rpartition(")")[2].split()[19])  # field 22; the name in field 2 may hold spaces


def stop_group(pid: int, started_at: int | None = None) -> None:
    """End the process group that *pid* leads: politely, then by force. Harmless when it has ended.

    Args:
        started_at: The leader's ``start_time`` when it was ours; a leader with another one is left alone.
    """
    if pid <= 0 or _is_another(pid, started_at):
        return
    for signal_, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        try:
            os.killpg(pid, signal_)
        except (ProcessLookupError, PermissionError):
            return  # ended, or the id went to somebody else's process
        deadline = time.monotonic() + patience
        while is_running(pid, started_at) and time.monotonic() < deadline:
            time.sleep(0.05)


def is_running(pid: int, started_at: int | None = None) -> bool:
    """Return whether process *pid* runs; a zombie child is collected and counts as ended.

    Args:
        started_at: Its ``start_time`` when it was ours; a process with another one does not count.
    """
    if pid <= 0 or _is_another(pid, started_at):
        return False
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # not our child: signal 0 tells
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False  # another user's process: ours has ended and its id was given away
    return True


def _is_another(pid: int, started_at: int | None) -> bool:
    now = start_time(pid)
    return started_at is not None and now is not None and now != started_at


def _command(directory: Path, port: int) -> list[str]:
    return [
        command_path("ganache"),
        *("--server.host", "127.0.0.1", "--server.port", str(port)),
        *(
            "--chain.chainId",
            str(CHAIN_ID),
            "--chain.networkId",
            str(CHAIN_ID),
            "--chain.hardfork",
            "shanghai",
        ),
        *("--wallet.mnemonic", MNEMONIC, "--wallet.totalAccounts", str(ACCOUNTS)),
        *("--wallet.defaultBalance", str(ETHER_EACH), "--miner.blockGasLimit", "30000000"),
        *("--database.dbPath", str(directory / "chain"), "--logging.quiet"),
    ]
