"""``qcrs deploy``: the contracts onto a chain."""

import argparse
import asyncio
import tempfile
from pathlib import Path

from qcrs.chain.deploy import deploy_suite
from qcrs.chain.deployment import (
    DISPUTE_RESOLUTION,
    PROCESSOR_CERTIFICATION,
    QUANTUM_SECURITY,
    RESOURCE_ALLOCATION,
    VERIFICATION_STANDARDS,
    SuiteSettings,
)
from qcrs.chain.governance import Governance
from qcrs.chain.keys import load_keystore
from qcrs.cli.options import Progress, address, carry_out, emit, table
from qcrs.config import network_path
from qcrs.errors import QcrsError


class NetworkFileTaken(QcrsError):
    """There is a network file already; another chain's facts, and a devnet's accounts, may be in it."""


class RolesNamedTwice(QcrsError):
    """Accounts are named for roles that bodies are to hold."""


_ROLES = {
    "resource-allocation": RESOURCE_ALLOCATION,
    "processor-certification": PROCESSOR_CERTIFICATION,
    "quantum-security": QUANTUM_SECURITY,
    "dispute-resolution": DISPUTE_RESOLUTION,
    "verification-standards": VERIFICATION_STANDARDS,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's flags; it has no verbs."""
    carry_out(parser, _deploy)
    parser.add_argument("--rpc", required=True, metavar="URL", help="HTTP endpoint of the chain's node")
    parser.add_argument("--ws", required=True, metavar="URL", help="WebSocket endpoint of the same node")
    parser.add_argument("--keystore", type=Path, required=True, metavar="FILE", help="the deployer's key")
    parser.add_argument("--password-file", type=Path, required=True, metavar="FILE")
    parser.add_argument("--store", required=True, help="directory or fsspec URL for circuits and histograms")
    parser.add_argument("--network", metavar="FILE", help="network file to write")
    parser.add_argument("--force", action="store_true", help="replace a network file that exists")
    for name in _ROLES:
        parser.add_argument(
            f"--{name}", metavar="ADDRESS", type=address, help="without bodies: who holds this role (the deployer)"
        )
    parser.add_argument(
        "--bodies", type=Path, metavar="FILE",
        help="found the committees and the Constitution that this JSON file names; they hold the roles, and the "
        "deployer keeps no power",
    )  # fmt: skip


def _deploy(options: argparse.Namespace) -> None:
    path = network_path(options.network)
    if path.exists() and not options.force:
        raise NetworkFileTaken(f"{path} exists; name another with --network, or replace it with --force")
    # A disk that cannot be written to is better found before the contracts are paid for.
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent):
        pass
    deployer = load_keystore(options.keystore, options.password_file)
    settings = _settings(options, deployer.address)
    progress = Progress(options.json)
    network, gas = asyncio.run(
        deploy_suite(options.rpc, options.ws, deployer, settings, store_url(options.store), progress)
    )
    network.write(path)
    rows = [[name, network.contracts[name], f"{used:,}"] for name, used in gas.items()]
    emit(
        options,
        {"networkFile": str(path), "gas": gas, **network.to_json()},
        table(["contract", "address", "gas"], rows) + f"\n\nnetwork file {path}",
    )


def _settings(options: argparse.Namespace, deployer: str) -> SuiteSettings:
    named = {role: getattr(options, name.replace("-", "_")) for name, role in _ROLES.items()}
    if options.bodies is None:
        return SuiteSettings({role: holder or deployer for role, holder in named.items()})
    if any(named.values()):
        raise RolesNamedTwice("--bodies says who holds every role; leave out the flags that name accounts for them")
    return SuiteSettings(governance=Governance.read(options.bodies))


def store_url(text: str) -> str:
    """Return *text*, a URL or a directory, so that it means the same from every directory."""
    return text if "://" in text else str(Path(text).resolve())
