"""A devnet's link: an emulated fibre between all its processors, and channels over it, tested like any other."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Collection
from itertools import combinations
from pathlib import Path

from qcrs.chain.contracts import Members
from qcrs.chain.deployment import ETHER
from qcrs.chain.devnet import ACCOUNTS, MNEMONIC
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import account_of, devnet_account
from qcrs.chain.network import Account, Network
from qcrs.config import NodeConfig
from qcrs.errors import QcrsError
from qcrs.link.file import LinkFile
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import ChannelTerms
from qcrs.quantum.entanglement.pairs import PairSource
from qcrs.sdk.channel import CHANNELS, have_done, read_entanglement
from qcrs.sdk.devnet_processes import Devnet
from qcrs.sdk.link import open_link
from qcrs.sdk.membership import node_name
from qcrs.store import Store
from qcrs.wishes import FOLDER, Wishes

NAME = "link"
PURSE, STAKE = 20 * ETHER, 20 * ETHER
READY_SECONDS = 120.0
ERRAND_SECONDS = 60.0
SOURCE = PairSource(fidelity_ppm=970_000, minimum_fidelity_ppm=900_000, rate=1_000_000, memory_milliseconds=600_000)
# Pairs of fidelity 0.97 disagree in 2 % of tests, and the devices' own readout adds about as much again: 4 %, give or
# take 0.7 % with half of these pairs. An eavesdropper on a quarter of them would make it 15 %.
TERMS = ChannelTerms(
    pairs=1536, error_ppm=70_000, fidelity_ppm=940_000, capacity=100_000_000, lifetime_seconds=7 * 86_400,
    window_seconds=120,
)  # fmt: skip


class LinkNotReady(QcrsError):
    """The link's process ended, or did not answer, or a channel did not pass its test."""


async def join_up(
    devnet: Devnet, progress: Callable[[str], None] = lambda _: None, joined: Collection[tuple[int, int]] = ()
) -> int:
    """Start a link between all processors of *devnet*, open channels between them, and return the link's id.

    Its operator is an account of the first laboratory's organisation.

    Args:
        joined: Which two processors get a channel; each two when nothing is said.

    Raises:
        LinkNotReady, ErrandFailed: It did not come up.
    """
    network = Network.read(devnet.network_path)
    operator = devnet_account(MNEMONIC, ACCOUNTS - 1)
    named = Account(
        name=NAME, address=operator.address, organisation=network.account(node_name(0)).organisation,
        private_key="0x" + bytes(operator.key).hex(),
    )  # fmt: skip
    network = network.model_copy(update={"accounts": [*network.accounts, named]})
    network.write(devnet.network_path)
    file = LinkFile(name="devnet", operator=operator.address, source=SOURCE)
    config, url = devnet.directory / "link.toml", f"ws://127.0.0.1:{_free_port()}"
    config.unlink(missing_ok=True)
    file.write(config)
    processors = len(devnet.devices)
    async with Gateway(network) as gateway:
        admin = account_of(network.account(node_name(0)).private_key)
        await gateway.send(admin, "Consortium", "invite", operator.address)
        await gateway.send(operator, "Consortium", "join", await Members(gateway).organisation_of(admin.address))
        link = await open_link(gateway, operator, Store(network.store), file, url, 0, STAKE)
        _start(devnet, config, url)
        for processor in range(1, processors + 1):
            await gateway.send(admin, CHANNELS, "fund", processor, value=PURSE)
        wanted = list(joined or combinations(range(1, processors + 1), 2))
        for number, (first, second) in enumerate(wanted, 1):
            progress(f"channel {number} of {len(wanted)}: processors {first} and {second}")
            await _ask(devnet, link, first, second)
        await _wait(devnet, gateway, progress)
    return link


def _start(devnet: Devnet, config: Path, url: str) -> None:
    port = url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "qcrs", "link", "start", "--config", str(config), "--port", port, "--as", NAME]
    command += ["--network", str(devnet.network_path)]
    with (devnet.directory / "link.log").open("a") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    devnet.services[NAME] = process.pid
    devnet.note(process.pid)
    devnet.save()


async def _ask(devnet: Devnet, link: int, first: int, second: int) -> None:
    config = NodeConfig.read(devnet.node_files(node_name(first - 1)).config)
    wanted = {"link": link, "peer": second, "terms": TERMS.model_dump(by_alias=True)}
    await have_done(Wishes(config.journal.with_name(FOLDER)), "channel", wanted, ERRAND_SECONDS)


async def _wait(devnet: Devnet, gateway: Gateway, progress: Callable[[str], None]) -> None:
    """Wait until every channel has passed its test."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        channels = (await read_entanglement(gateway)).channels.values()
        done = [channel for channel in channels if channel.status is ChannelStatus.Open]
        lost = [channel for channel in channels if channel.ended]
        if len(done) == len(channels):
            return
        if lost or time.monotonic() > deadline or not devnet.runs(devnet.services[NAME]):
            raise LinkNotReady(
                f"{len(done)} of {len(channels)} channels are open, {len(lost)} ended without; the link's log is "
                f"{devnet.directory / 'link.log'}"
            )
        progress(f"testing channels: {len(done)} of {len(channels)} open")
        await asyncio.sleep(0.5)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
