"""``qcrs devnet``: a consortium on this machine."""

import argparse
import asyncio
from pathlib import Path

from qcrs.chain.network import Network
from qcrs.cli.options import Progress, command, emit, positive, table, whole
from qcrs.config import home
from qcrs.sdk.devnet import bring_up
from qcrs.sdk.devnet_link import join_up
from qcrs.sdk.devnet_processes import Devnet


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    up = command(
        verbs,
        "up",
        _up,
        "start chain, contracts, organisations and daemons, and leave them running",
    )
    up.add_argument(
        "--processors",
        type=positive,
        default=5,
        help="processors (5)",
    )
    up.add_argument(
        "--organisations", type=positive, metavar="N",
        help="organisations that own the processors, in turn; each processor has one of its own by default",
    )  # fmt: skip
    up.add_argument(
        "--weights", type=_weights, default=(1,), metavar="W:W:...",
        help="fair-share weights of the organisations that only submit, one each, such as 4:2:1:1; their accounts are "
        "researcher, researcher-2, ... (1)",
    )  # fmt: skip
    up.add_argument(
        "--bodies", action="store_true",
        help="have committees hold the roles: the operator and two delegates in each, two of whom carry a motion",
    )  # fmt: skip
    up.add_argument("--hash-keys", action="store_true", help="have the daemons report by hash keys beside their ECDSA")
    up.add_argument(
        "--link", action="store_true",
        help="an emulated link between all processors as well, and a tested channel between each two",
    )  # fmt: skip
    up.add_argument("--port", type=whole(1, 65535), help="the chain's port; a free one by default")
    for verb in (
        up,
        command(verbs, "status", _status, "say what runs"),
        command(verbs, "down", _down, "stop all of it"),
    ):
        verb.add_argument("--directory", type=Path, help="where it keeps its files (default ~/.qcrs/devnet)")


def _weights(text: str) -> tuple[int, ...]:
    read = whole(1, 2**16)
    return tuple(read(part) for part in text.split(":"))


def _directory(options: argparse.Namespace) -> Path:
    return (options.directory or home() / "devnet").resolve()


async def _started(options: argparse.Namespace) -> Devnet:
    progress = Progress(options.json)
    devnet = await bring_up(
        _directory(options), options.processors, options.port, organisations=options.organisations,
        weights=options.weights, bodies=options.bodies, hash_keys=options.hash_keys, progress=progress,
    )  # fmt: skip
    if options.link:
        try:
            await join_up(devnet, progress)
        except BaseException:
            devnet.stop()
            raise
    return devnet


def _up(options: argparse.Namespace) -> None:
    devnet = asyncio.run(_started(options))
    network = Network.read(devnet.network_path)
    emit(
        options,
        {"networkFile": str(devnet.network_path), **network.to_json()},
        f"chain {network.chain_id} at {network.rpc_url}, {options.processors} processors\n"
        f"network file {devnet.network_path} (keys in it are public: development only)\n\nIn another terminal:\n"
        f"  export QCRS_NETWORK={devnet.network_path}\n  qcrs job submit bell.qasm --shots 4096 --wait",
    )


def _status(options: argparse.Namespace) -> int:
    devnet = Devnet.load(_directory(options))
    chain = devnet.alive()
    nodes = {name: devnet.runs(pid) for name, pid in devnet.nodes.items()}
    rows = [["chain", str(devnet.chain_pid), "running" if chain else "down"]]
    services = {name: devnet.runs(pid) for name, pid in devnet.services.items()}
    pids = devnet.nodes | devnet.services
    rows += [[name, str(pids[name]), "running" if up else "down"] for name, up in (nodes | services).items()]
    value = {"chain": chain, "nodes": nodes, "services": services, "networkFile": str(devnet.network_path)}
    emit(options, value, table(["process", "pid", "state"], rows))
    return 0 if chain and all((nodes | services).values()) else 1


def _down(options: argparse.Namespace) -> None:
    devnet = Devnet.load(_directory(options))
    devnet.stop()
    emit(
        options,
        {"stopped": len(devnet.nodes) + 1},
        f"stopped the chain and {len(devnet.nodes)} daemons",
    )
