"""``qcrs node``: a processor's daemon."""

import argparse
import asyncio
import getpass
import json
import logging
import random
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from qcrs.chain.devnet import is_running
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import KeyLock, LocalAccount, load_keystore
from qcrs.chain.network import Network
from qcrs.chain.spool import Spool
from qcrs.cli.options import command, emit, positive, seconds
from qcrs.config import NodeConfig, given_password, network_path, password
from qcrs.daemon.auditor import Auditor
from qcrs.daemon.entangler import entangler_of
from qcrs.daemon.examiner import Examiner
from qcrs.daemon.execution import Executor
from qcrs.daemon.host import Host
from qcrs.daemon.journal import Journal
from qcrs.daemon.outbox import Outbox
from qcrs.daemon.runtime import WISH, Node
from qcrs.door import Door
from qcrs.errors import QcrsError
from qcrs.model.finding import Standing
from qcrs.quantum.calibration import bundled_names, bundled_path
from qcrs.quantum.client import EngineClient
from qcrs.quantum.faults import FAULTS, FaultyAnswers
from qcrs.sdk.challenge import accuser
from qcrs.sdk.enrolment import load_keys
from qcrs.sdk.inspection import Evidence
from qcrs.sdk.keyed import daemon_door
from qcrs.sdk.keyring import HASH_KEYS
from qcrs.sdk.provider import init_node, state_path
from qcrs.sdk.watch import Tell, Watch, follow
from qcrs.store import Store
from qcrs.vault import Vault


class FlagsInvalid(QcrsError):
    """Flags do not go together."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this noun's verbs."""
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    init = command(verbs, "init", _init, "make a processor's keys and its daemon's configuration in a directory")
    init.add_argument("directory", type=Path)
    init.add_argument("--network", metavar="FILE", help="network file that the daemon will use")
    init.add_argument(
        "--calibration", required=True,
        help=f"calibration file, or a bundled snapshot: {', '.join(bundled_names())}",
    )  # fmt: skip
    init.add_argument("--workers", type=positive, help="circuits to run at once (as many as there are cores)")
    init.add_argument(
        "--password-file", type=Path, metavar="FILE",
        help="file with the password of all keys; otherwise $QCRS_PASSWORD, which is then needed again to start; "
        "otherwise one is drawn and kept in the directory",
    )  # fmt: skip
    init.add_argument("--ask-password", action="store_true", help="type the password, now and at every start")
    start = command(verbs, "start", _start, "run the daemon until it is interrupted")
    start.add_argument("--config", type=Path, required=True, help="the node.toml that 'qcrs node init' wrote")
    start.add_argument("--fault", choices=FAULTS, help="TEST EQUIPMENT: answer falsely on purpose")
    start.add_argument(
        "--auditor", action="store_true",
        help="also replay the whole chain as it grows, check every histogram, and raise an alarm when something does "
        "not follow; 'qcrs node status' shows it",
    )  # fmt: skip
    start.add_argument(
        "--challenge", action="store_true",
        help="with --auditor: also post the proof against an answer whose histogram contradicts it",
    )  # fmt: skip
    start.add_argument(
        "--relay", type=Path, metavar="SPOOL",
        help="leave signed reports in this folder for 'qcrs relay start' to post; what nobody has posted when half of "
        "the time is over, the daemon sends itself",
    )  # fmt: skip
    start.add_argument(
        "--hash-keys", action="store_true",
        help="act through hash-based keys as well, for good: made, installed and rotated by the daemon itself",
    )  # fmt: skip
    start.add_argument("--verbose", action="store_true", help="log races and retries too")
    for name, run, help_ in (
        ("drain", _drain, "finish what is leased and take nothing new, until 'resume'"),
        ("resume", _resume, "take work again"),
    ):
        verb = command(verbs, name, run, help_)
        verb.add_argument("--config", type=Path, required=True, help="the daemon's node.toml")
        verb.add_argument(
            "--wait", type=seconds, default=60, metavar="SECONDS",
            help="how long to wait for the daemon to do it, and, when draining, to become empty (60)",
        )  # fmt: skip
    status = command(verbs, "status", _status, "say how a daemon on this machine is doing")
    status.add_argument("--config", type=Path, required=True, help="the daemon's node.toml")


def _init(options: argparse.Namespace) -> None:
    calibration = Path(options.calibration)
    if options.calibration in bundled_names():
        calibration = bundled_path(options.calibration)
    secret, file = _secret(options)
    daemon = init_node(options.directory, network_path(options.network), calibration, options.workers, secret, file)
    config = options.directory / "node.toml"
    emit(
        options,
        {"daemon": daemon.address, "config": str(config)},
        f"daemon account {daemon.address}\nconfiguration  {config}\n\nNext: give the account some coin for gas, then\n"
        f"  qcrs processor register --config {config} --as OPERATOR\n  qcrs node start --config {config}",
    )


def _secret(options: argparse.Namespace) -> tuple[str | None, Path | None]:
    """Return the password of the keys and the file that it is in; None to have one drawn and kept beside them."""
    if options.password_file is not None:
        return password(options.password_file), options.password_file
    if not options.ask_password:
        return given_password(), None
    first, second = getpass.getpass("password of the new keys: "), getpass.getpass("once more: ")
    if first != second or not first:
        raise FlagsInvalid("the passwords differ, or are empty")
    return first, None


def _start(options: argparse.Namespace) -> None:
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(message)s",
        datefmt="%H:%M:%S",
    )
    logging.getLogger("qcrs").setLevel(logging.DEBUG if options.verbose else logging.INFO)
    asyncio.run(_serve(options))
    emit(options, {"status": "stopped"}, "stopped")


async def _serve(options: argparse.Namespace) -> None:
    if options.challenge and not options.auditor:
        raise FlagsInvalid("--challenge means nothing without --auditor: only an auditor finds what to challenge")
    config = NodeConfig.read(options.config)
    network = Network.read(config.network)
    account, keys = load_keystore(config.keystore, config.password_file), load_keys(config)
    if keys is None:
        logging.getLogger("qcrs").warning("no post-quantum keys: encrypted circuits are refused, answers go unsigned")
    faulty = None
    if options.fault:
        logging.getLogger("qcrs").warning("TEST EQUIPMENT: this daemon answers falsely (%s)", options.fault)
        faulty = FaultyAnswers(options.fault, seed=random.SystemRandom().getrandbits(63))
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with (
        KeyLock(account.address, network.chain_id),
        Journal(config.journal, network.chain_id, network.deployment) as journal,
    ):
        async with EngineClient(config.calibration, config.workers) as engine:
            gateway = Gateway(network)
            executor = Executor(
                gateway=gateway,
                account=account,
                journal=journal,
                engine=engine,
                store=Store(network.store),
                processor=0,
                time_limit_seconds=config.time_limit_seconds,
                memory_limit_bytes=config.memory_limit_mebibytes << 20,
                faulty=faulty,
                outbox=_outbox(options, network, journal),
                door=_door(options, config, gateway, account),
                vault=Vault(Store(network.store), network.deployment),
                keys=keys,
            )
            # The daemon's account acts, so over the daemon's connection: nonces are counted in one place.
            accuse = partial(accuser, gateway, account, executor.store) if options.challenge else None
            auditor = Auditor(partial(_follow, config, accuse)) if options.auditor else None
            host = Host(
                gateway, account, engine, executor.store, executor.time_limit_seconds, executor.memory_limit_bytes
            )
            examiner = Examiner(
                gateway, account, journal, engine, executor.store, config.calibration, executor.time_limit_seconds,
                executor.memory_limit_bytes, config.keeper, faulty,
            )  # fmt: skip
            entangler = entangler_of(executor, config) if "EntanglementCoordinator" in gateway.addresses else None
            services, state = (host, examiner), state_path(config.journal)
            node = Node(gateway, executor, journal, state, config.keeper, auditor, services, entangler)
            try:
                await node.run(stop)
            finally:
                if executor.door is not None:
                    executor.door.close()


def _door(options: argparse.Namespace, config: NodeConfig, gateway: Gateway, account: LocalAccount) -> Door | None:
    """Return the way by which a daemon that has hash keys, or is to, acts."""
    if not options.hash_keys and not config.journal.with_name(HASH_KEYS).is_dir():
        return None
    return daemon_door(config, gateway, account)


def _outbox(options: argparse.Namespace, network: Network, journal: Journal) -> Outbox | None:
    if options.relay is None:
        return None
    spool = Spool(options.relay)
    spool.claim(network.chain_id, network.deployment)
    return Outbox(spool, journal)


async def _follow(
    config: NodeConfig,
    accuse: Callable[[Tell], Evidence] | None,
    tell: Tell,
    told: Callable[[Standing], None],
    stop: asyncio.Event,
) -> None:
    """Watch the chain of the node's network file, over a connection of its own.

    Args:
        accuse: Makes what posts proofs; None only watches.
    """

    def open_watch(tell: Tell) -> Watch:
        network = Network.read(config.network)
        return Watch(Gateway(network), Store(network.store), tell, None if accuse is None else accuse(tell))

    await follow(open_watch, tell, told, stop)


def _drain(options: argparse.Namespace) -> int:
    return _wish(options, "drain")


def _resume(options: argparse.Namespace) -> int:
    return _wish(options, "resume")


def _wish(options: argparse.Namespace, wish: str) -> int:
    """Leave the daemon a word, since its key is its own, and wait until it has told the chain."""
    config = NodeConfig.read(options.config)
    path = state_path(config.journal)
    path.with_name(WISH).write_text(wish + "\n")
    until = time.monotonic() + options.wait
    while True:
        state = _state(path)
        running = state["status"] == "running"
        told = running and state["draining"] == (wish == "drain")
        empty = told and not state["engaged"]
        if (empty if wish == "drain" else told) or not running or time.monotonic() >= until:
            break
        time.sleep(0.2)
    if not running:
        line = f"the daemon is not running ({state['status']}); it will {wish} when it starts"
    elif not told:
        line = f"the daemon has not told the chain yet; see 'qcrs node status --config {options.config}'"
    elif wish == "resume":
        line = f"processor {state['processor']} takes work again"
    elif empty:
        line = f"processor {state['processor']} is drained: empty, and takes nothing new"
    else:
        line = f"processor {state['processor']} takes nothing new; {state['engaged']} to finish"
    emit(options, {"wish": wish, "told": told, "empty": empty, "engaged": state.get("engaged")}, line)
    return 0 if told else 1


def _state(path: Path) -> dict[str, Any]:
    state = json.loads(path.read_text()) if path.exists() else {"status": "never started", "pid": 0}
    if state["status"] == "running" and not is_running(state["pid"]):
        state["status"] = "ended without a word"
    return state


def _status(options: argparse.Namespace) -> int:
    config = NodeConfig.read(options.config)
    state = _state(state_path(config.journal))
    lines = [f"{key:10} {value}" for key, value in state.items() if key != "auditor"]
    lines += [f"auditor    {key:13} {_plain(value)}" for key, value in state.get("auditor", {}).items()]
    if "updatedAt" in state:
        lines.append(f"{'age':10} {int(time.time()) - state['updatedAt']} s")
    emit(options, state, "\n".join(lines))
    return 0 if state["status"] == "running" else 1


def _plain(value: Any) -> str:
    return "; ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)
