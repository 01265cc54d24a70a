"""A link for tests, and clients of it: processor p's daemon has key p."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

from qcrs.chain.keys import account_of
from qcrs.chain.link_login import LinkDomain
from qcrs.link.chain import LinkChain
from qcrs.link.client import LinkClient
from qcrs.link.file import LinkFile, ServiceLimits
from qcrs.link.server import LinkServer
from qcrs.model.channel import ChannelStatus
from qcrs.model.session import SessionStatus
from qcrs.quantum.entanglement.pairs import Equipment, PairSource

DOMAIN = LinkDomain(chain_id=31337, contract="0x" + "c0" * 20, link=7)


def account(processor):
    return account_of("0x" + processor.to_bytes(32, "big").hex())


async def daemon_of(processor):
    return account(processor).address if processor < 100 else None


def link_file(fidelity=1.0, equipment=None, members=(), service=None, **source):
    return LinkFile(
        name="test", operator="0x" + "0a" * 20, members=members, equipment=equipment or Equipment(),
        source=PairSource(fidelity_ppm=round(1e6 * fidelity), rate=source.pop("rate", 10_000_000), **source),
        service=service or ServiceLimits(wait_seconds=20),
    )  # fmt: skip


@asynccontextmanager
async def linked(*processors, file=None, **more):
    """A running link, its address, and a client for each of *processors*."""
    server = LinkServer(file or link_file(), DOMAIN, daemon_of, **more)
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(server.serving())
        clients = [
            await stack.enter_async_context(LinkClient(url, account(one), DOMAIN, one, patience=5))
            for one in processors
        ]
        yield url, *clients


def on_link(work, *processors, seconds=60, **more):
    """Run ``work(url, *clients)`` with a link of its own, and return what it returns."""

    async def run():
        async with asyncio.timeout(seconds), linked(*processors, **more) as (url, *clients):
            return await work(url, *clients)

    return asyncio.run(run())


class Contracts:
    """A chain for a ``LinkChain``: records of channels and sessions that a test may change at will."""

    def __init__(self, now=1_000):
        self.now = now
        self.channels, self.sessions, self.uses = {}, {}, {}

    def open(self, channel, ends, capacity=100_000, used=0, **changes):
        first, second = ends
        self.channels[channel] = {
            "status": int(ChannelStatus.Open), "attempt": 1, "capacity": capacity, "used": used, "link": 7,
            "first": first, "second": second, "phaseEndsAt": self.now + 1_000, "pairs": 512, **changes,
        }  # fmt: skip

    def arm(self, session, members, uses, status=SessionStatus.Armed):
        """Let *session* have taken so many pairs of channels, as the contract does when all have joined."""
        self.sessions[session] = ({"status": int(status)}, list(members))
        self.uses[session] = [{"channel": channel, "pairs": pairs} for channel, pairs in uses.items()]
        for channel, pairs in uses.items():
            self.channels[channel]["used"] += pairs

    async def call(self, contract, function, *arguments):
        held, nothing = {
            ("Channels", "channelOf"): (self.channels, {**dict.fromkeys(("link", "first", "second"), 0), "status": 0}),
            ("EntanglementCoordinator", "sessionOf"): (self.sessions, ({"status": 0}, [])),
            ("EntanglementCoordinator", "usesOf"): (self.uses, []),
        }[contract, function]
        return held.get(arguments[0], nothing)


def chain_of(contracts):
    """Return what a link knows of *contracts*."""
    return LinkChain(contracts, account(50), DOMAIN.link)
