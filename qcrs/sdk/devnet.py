"""A whole consortium on this machine: chain, contracts, organisations, processors, daemons as processes.

For development, tests and the demonstration. Its keys are known to everybody.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from qcrs.chain.contracts import Registry
from qcrs.chain.deploy import deploy_suite
from qcrs.chain.deployment import DEFAULT_POLICY, SuiteSettings
from qcrs.chain.devnet import ACCOUNTS, MNEMONIC, start_chain
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import devnet_account
from qcrs.chain.network import Network
from qcrs.errors import QcrsError
from qcrs.model.records import Policy
from qcrs.sdk.authority import of_account, of_bodies
from qcrs.sdk.devnet_bodies import SIZE, founding, make_keyring
from qcrs.sdk.devnet_directory import clear
from qcrs.sdk.devnet_processes import Devnet, DevnetNotRunning
from qcrs.sdk.governance import Governance
from qcrs.sdk.membership import found, named_accounts, node_name

READY_SECONDS = 120.0
MAX_PROCESSORS = 40


class DevnetRunning(QcrsError):
    """A devnet already runs from this directory."""


class DevnetAbandoned(QcrsError):
    """The start was interrupted before the chain's process was made."""


class TooManyProcessors(QcrsError):
    """More processors are wanted than the devnet has accounts or calibrations for."""


class DaemonsNotReady(QcrsError):
    """A daemon ended, or sent no heartbeat in time."""


async def bring_up(
    directory: Path,
    processors: int = 5,
    port: int | None = None,
    policy: Policy = DEFAULT_POLICY,
    heartbeat_seconds: int = 30,
    faults: dict[int, str] | None = None,
    node_flags: Sequence[str] = (),
    start_daemons: bool = True,
    organisations: int | None = None,
    weights: Sequence[int] = (1,),
    bodies: bool = False,
    hash_keys: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Devnet:
    """Start a chain, deploy the suite, admit organisations, register processors and start their daemons.

    Each of the *processors* belongs to an organisation of its own, unless there are fewer *organisations*, which own
    them in turn. Further organisations only submit: one for each of *weights*, which is its fair-share weight.

    Args:
        faults: Fault by processor number from 0: test equipment.
        node_flags: Further flags for every daemon.
        bodies: Have committees hold the roles, instead of the operator's account: it and two delegates sit in each, and
            two of them carry a motion, by hash keys.
        hash_keys: Have the daemons report by hash keys.

    Raises:
        DevnetRunning, PortInUse, ChainDidNotStart, TooManyProcessors, DaemonsNotReady: It could not be started;
            whatever had been is stopped again.
    """
    owners = processors if organisations is None else organisations
    _require_size(processors, owners, len(weights) + (SIZE - 1 if bodies else 0))
    with suppress(DevnetNotRunning):
        previous = Devnet.load(directory)
        if previous.alive():
            raise DevnetRunning(f"a devnet already runs from {directory}; stop it with 'qcrs devnet down'")
        previous.stop()  # daemons may have outlived their chain
    clear(directory)
    devnet = Devnet(directory)
    progress("starting Ganache")
    abandoned = threading.Event()

    def started(pid: int) -> None:
        # In the waiting thread, which an interruption does not stop: either it sees that nobody wants the chain any
        # more, or whoever gave up sees the process.
        devnet.chain_pid = pid
        devnet.note(pid)
        if abandoned.is_set():
            raise DevnetAbandoned(f"the start from {directory} was interrupted")
        devnet.save()

    try:
        chain = await asyncio.to_thread(start_chain, directory, port, started)
        operator = devnet_account(MNEMONIC, 0)
        delegates = [devnet_account(MNEMONIC, 1 + owners + len(weights) + number) for number in range(SIZE - 1)]
        members = [operator, *delegates]
        if bodies:
            progress("making the hash keys of the committees' members")
        keyring = make_keyring(directory)
        rulers = await asyncio.to_thread(founding, bodies, members, keyring)
        settings = SuiteSettings(policy=policy, heartbeat_seconds=heartbeat_seconds, **rulers)
        network, _ = await deploy_suite(
            chain.rpc_url, chain.ws_url, operator, settings, str(directory / "store"),
            lambda name: progress(f"deploying {name}"),
        )  # fmt: skip
        operators = [devnet_account(MNEMONIC, 1 + number) for number in range(owners)]
        researchers = [devnet_account(MNEMONIC, 1 + owners + number) for number in range(len(weights))]
        accounts = named_accounts(operator, operators, researchers, delegates if bodies else ())
        network = network.model_copy(update={"accounts": accounts})
        network.write(devnet.network_path)
        with closing(keyring):
            async with Gateway(network) as gateway:
                authority = of_account(gateway, operator)
                if bodies:
                    authority = of_bodies(gateway, Governance(gateway, keyring), members)
                devnet.devices = await found(
                    gateway, devnet.network_path, directory / "nodes", operator, authority, operators, processors,
                    weights, progress,
                )  # fmt: skip
        if start_daemons:
            for number in range(processors):
                name = node_name(number)
                fault = (faults or {}).get(number)
                if fault:
                    devnet.faults[name] = fault
                keyed = ["--hash-keys"] if hash_keys else []
                devnet.start_node(name, *node_flags, *keyed, *(["--fault", fault] if fault else []))
            await wait_for_heartbeats(devnet, network, processors, progress)
    except BaseException:
        abandoned.set()
        devnet.stop()
        raise
    return devnet


def _require_size(processors: int, organisations: int, requesters: int) -> None:
    if not 1 <= processors <= MAX_PROCESSORS:
        raise TooManyProcessors(f"{processors} processors; expected 1 to {MAX_PROCESSORS}")
    most = min(processors, ACCOUNTS - 1 - requesters)
    if not 1 <= organisations <= most:
        raise TooManyProcessors(
            f"{organisations} organisations for {processors} processors beside {requesters} that only submit; expected "
            f"1 to {most}"
        )


def demonstration_policy(fault: str) -> Policy:
    """Return the policy under which a demonstration with *fault* ends in time: a silent rogue costs one window."""
    return DEFAULT_POLICY.model_copy(update={"commit_seconds": 15}) if fault == "silent" else DEFAULT_POLICY


async def wait_for_heartbeats(
    devnet: Devnet,
    network: Network,
    processors: int,
    progress: Callable[[str], None] = lambda _: None,
) -> None:
    """Wait until *processors* daemons have sent a heartbeat.

    Raises:
        DaemonsNotReady: One ended, or they take too long; the end of its log is in the message.
    """
    deadline = time.monotonic() + READY_SECONDS
    async with Gateway(network) as gateway:
        registry = Registry(gateway)
        while True:
            beating = 0
            for processor in range(1, processors + 1):
                beating += (await registry.standing(processor)).last_beat_at > 0
            if beating == processors:
                return
            progress(f"waiting for daemons: {beating} of {processors} ready")
            for name, pid in devnet.nodes.items():
                if not devnet.runs(pid):
                    raise DaemonsNotReady(f"daemon {name} ended:\n{_tail(devnet.node_files(name).log)}")
            if time.monotonic() > deadline:
                raise DaemonsNotReady(
                    f"only {beating} of {processors} daemons sent a heartbeat in {READY_SECONDS:.0f} s"
                )
            await asyncio.sleep(0.25)


def _tail(path: Path, lines: int = 5) -> str:
    return "\n".join(path.read_text().splitlines()[-lines:]) if path.exists() else "(no log)"
