"""The processes of a consortium on this machine: known by what they left in its directory, whoever started them."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from qcrs.chain.devnet import answers, is_running, start_time, stop_group
from qcrs.chain.network import Network, NetworkFileInvalid
from qcrs.errors import QcrsError
from qcrs.sdk.provider import NodeFiles


class DevnetNotRunning(QcrsError):
    """No devnet runs from this directory."""


@dataclass
class Devnet:
    """A running devnet.

    Attributes:
        directory: Everything it keeps: chain database, network file, nodes, store.
        chain_pid: Ganache. nodes, services: Name to process, of daemons and of what is none: a link.
        faults: Name to fault, for the test equipment. devices: Calibration snapshot by processor id.
        started_ticks: When a process started, by its id: ids are given away again, and no stranger must be stopped.
    """

    directory: Path
    chain_pid: int = 0
    nodes: dict[str, int] = field(default_factory=dict)
    services: dict[str, int] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    devices: dict[int, str] = field(default_factory=dict)
    started_at: float = field(default_factory=time.time)
    started_ticks: dict[int, int] = field(default_factory=dict)

    @property
    def network_path(self) -> Path:
        """The file of connection facts."""
        return self.directory / "network.json"

    @property
    def state_path(self) -> Path:
        """Where process ids are kept, so that any terminal can stop them."""
        return self.directory / "processes.json"

    def node_files(self, name: str) -> NodeFiles:
        """Return the files of the node called *name*."""
        return NodeFiles(self.directory / "nodes" / name)

    def note(self, pid: int) -> None:
        """Remember when the process *pid*, just made, started."""
        ticks = start_time(pid)
        if ticks is not None:
            self.started_ticks[pid] = ticks

    def save(self) -> None:
        """Write the process ids."""
        state = {
            "chain": self.chain_pid,
            "nodes": self.nodes,
            "services": self.services,
            "faults": self.faults,
            "startedAt": self.started_at,
            "startedTicks": self.started_ticks,
        }
        self.state_path.write_text(json.dumps(state, indent=2) + "\n")

    @classmethod
    def load(cls, directory: Path) -> "Devnet":
        """Return the devnet that runs from *directory*.

        Raises:
            DevnetNotRunning: There is none.
        """
        devnet = cls(directory)
        try:
            state = json.loads(devnet.state_path.read_text())
            devnet.chain_pid, devnet.nodes = state["chain"], state["nodes"]
            devnet.faults, devnet.started_at = state["faults"], state["startedAt"]
            devnet.services = state.get("services", {})
            ticks = state.get("startedTicks", {})
            devnet.started_ticks = {int(pid): started for pid, started in ticks.items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DevnetNotRunning(f"no devnet in {directory}; start one with 'qcrs devnet up'") from error
        return devnet

    def start_node(self, name: str, *flags: str) -> int:
        """Start the daemon of the node called *name* as a process of its own and return its id."""
        files = self.node_files(name)
        command = [sys.executable, "-m", "qcrs", "node", "start", "--config", str(files.config), *flags]
        with files.log.open("a") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.nodes[name] = process.pid
        self.note(process.pid)
        self.save()
        return process.pid

    def runs(self, pid: int) -> bool:
        """Return whether *pid* runs and is still the process that was started here."""
        return is_running(pid, self.started_ticks.get(pid))

    def stop(self) -> None:
        """End all processes, daemons first. Harmless when they have ended."""
        for pid in [*self.nodes.values(), *self.services.values(), self.chain_pid]:
            stop_group(pid, self.started_ticks.get(pid))
        self.state_path.unlink(missing_ok=True)

    def alive(self) -> bool:
        """Return whether its chain runs and answers."""
        if not self.runs(self.chain_pid):
            return False
        try:
            return answers(Network.read(self.network_path).rpc_url)
        except NetworkFileInvalid:
            return False  # it was ended while it came up
