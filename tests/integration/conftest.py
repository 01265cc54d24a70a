"""A real consortium for each test module: Ganache, contracts, daemons as processes, Aer under device calibrations.

Time windows are ten minutes, so that a slow machine changes nothing; tests that need a deadline to pass move the
chain's clock instead of waiting.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from qcrs.chain.deployment import DEFAULT_POLICY
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import account_of
from qcrs.chain.network import Network
from qcrs.model.computation import ComputationStatus
from qcrs.model.story import Story
from qcrs.sdk.client import Client
from qcrs.sdk.devnet import bring_up
from qcrs.sdk.devnet_processes import Devnet
from qcrs.sdk.secrets import Secrets
from qcrs.store import Store

WINDOW_SECONDS = 600
POLICY = DEFAULT_POLICY.model_copy(
    update={
        "commit_seconds": WINDOW_SECONDS,
        "disclose_seconds": WINDOW_SECONDS,
        "reveal_seconds": WINDOW_SECONDS,
    }
)
PATIENCE_SECONDS = 180


@dataclass
class World:
    """A running devnet and ways to use it."""

    devnet: Devnet

    @property
    def network(self) -> Network:
        """Its connection facts."""
        return Network.read(self.devnet.network_path)

    @asynccontextmanager
    async def client(self, name: str = "researcher"):
        """Connect as the account called *name*."""
        network = self.network
        account = account_of(network.account(name).private_key)
        async with Gateway(network) as gateway:
            secrets = Secrets(self.devnet.directory / "secrets.jsonl")
            yield Client(gateway, account, secrets, Store(network.store))

    def run(
        self, *arguments: str, stdin: str | None = None, network: Path | None = None
    ) -> subprocess.CompletedProcess:
        """Run the command line as a user would."""
        return subprocess.run(
            [sys.executable, "-m", "qcrs", *arguments],
            env=self.environment(network),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )

    def environment(self, network: Path | None = None) -> dict[str, str]:
        """Return a user's environment variables."""
        return {
            **os.environ,
            "QCRS_NETWORK": str(network or self.devnet.network_path),
            "QCRS_HOME": str(self.devnet.directory / "home"),
        }

    def json(self, *arguments: str) -> dict:
        """Run the command line with --json and return what it prints."""
        finished = self.run(*arguments, "--json")
        assert finished.stdout, finished.stderr
        return json.loads(finished.stdout)


@contextmanager
def running(
    directory: Path, processors: int, faults: dict[int, str] | None = None, node_flags: Sequence[str] = ()
) -> Iterator[World]:
    """Bring up a devnet and stop it afterwards, whatever happens."""
    devnet = asyncio.run(
        bring_up(directory, processors, policy=POLICY, heartbeat_seconds=60, faults=faults, node_flags=node_flags)
    )
    try:
        yield World(devnet)
    finally:
        devnet.stop()


async def move_clock(client: Client, seconds: int) -> None:
    """Let *seconds* pass on the chain, at once."""
    await client.gateway.request("evm_increaseTime", seconds)
    await client.gateway.request("evm_mine")


async def until(client: Client, computation: int, condition) -> Story:
    """Wait, without acting, until *condition* holds for the story of *computation*."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            story = await client.story(computation)
            if condition(story):
                return story
            await asyncio.sleep(0.1)


async def drive(client: Client, computation: int) -> Story:
    """Drive *computation* to its end."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await client.drive(computation)


async def allocate(client: Client, computation: int) -> None:
    """Have the processors drawn, and nothing else."""
    await client.gateway.send(client.account, "ComputationAllocator", "allocate", computation)


def is_in(status: ComputationStatus):
    """Return the condition that a story is in *status*."""
    return lambda story: story.status is status


@pytest.hookimpl(tryfirst=True)  # xdist reads the mark in the same hook, and may be there before this file
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each module, with its devnet, on one worker."""
    for item in items:
        if "integration" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
