"""Two daemons' ends of an open channel that talk over a link, without a chain: processors 1 and 2."""

import asyncio
import time
from contextlib import asynccontextmanager
from functools import cache
from types import SimpleNamespace

from qcrs.crypto.keys import Keys, OpeningKey, SigningKey
from qcrs.daemon.journal import Journal
from qcrs.daemon.key_folder import KeyFolder
from qcrs.daemon.talks import Talks
from qcrs.identities import ProcessorUnkeyed
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, ChannelTerms, Entanglement
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.rules.invitation import Talk
from qcrs.store import Store
from qcrs.vault import Vault
from tests.linked import linked

CHANNEL, NUMBER, PAIRS = 5, 77, 16_384
LOOK_SECONDS = 0.02


@cache
def keys_of(processor):
    return Keys(SigningKey(bytes([processor]) * 32), OpeningKey(bytes([processor]) * 32))


def known(error_ppm=45_000, status=ChannelStatus.Open, attempt=1):
    """What both ends know of the chain: channel 5 between them."""
    terms = ChannelTerms(
        pairs=512, error_ppm=error_ppm, fidelity_ppm=940_000, capacity=1, lifetime_seconds=1, window_seconds=1
    )
    everything = Entanglement()
    everything.channels[CHANNEL] = Channel(CHANNEL, 7, (2, 1), terms, {}, b"", 2**33, status, attempt)
    return everything


class Links:
    """Gives the one link that there is."""

    def __init__(self, client):
        self.client = client

    async def of(self, link):
        return self.client


class Identities:
    """Says what a registry would of processors 1 and 2."""

    async def of(self, processor):
        if processor not in (1, 2):
            raise ProcessorUnkeyed(f"there is no processor {processor}")
        return SimpleNamespace(document=SimpleNamespace(signing_key=keys_of(processor).signing.public))


def gateway():
    network = SimpleNamespace(chain_id=31337, deployment="genesis/verifier")
    return SimpleNamespace(now=time.time(), network=network, addresses={"Channels": "0x" + "c0" * 20})


def end_of(processor, client, path, keys=None):
    """The end of *processor*, as a daemon that has just been started with what is in *path*."""
    scope = gateway()
    return Talks(
        scope, Links(client), Journal(path / f"{processor}" / "journal.db", 31337, scope.network.deployment),
        Vault(Store(str(path / "store")), scope.network.deployment), Identities(), keys or keys_of(processor),
        LocalNoise(), KeyFolder(path / f"{processor}" / "channel-keys"),
    )  # fmt: skip


class Pair:
    """Both ends: 1 asks, 2 is asked."""

    def __init__(self, ends, everything):
        self.ends, self.known = ends, everything

    async def serve(self, processor):
        """Look after the end of *processor* for ever, as its daemon does."""
        while True:
            self.ends[processor].look(self.known, processor, True)
            await asyncio.sleep(LOOK_SECONDS)

    async def ask(self, talk=Talk.Key, number=NUMBER, processor=1, **terms):
        """Return what becomes of a wish of the keeper of *processor*."""
        terms = {"channel": CHANNEL, "pairs": PAIRS, **terms}
        if talk is Talk.Key:
            terms.setdefault("bits", 128)
        while (answer := self.ends[processor].ask(talk, number, terms, self.known, processor)) is None:
            await asyncio.sleep(LOOK_SECONDS)
        return answer

    async def settled(self, processor):
        """Wait until *processor* is in no conversation."""
        while self.ends[processor].going:
            await asyncio.sleep(LOOK_SECONDS)

    def kept(self, processor):
        """What the daemon of *processor* has written."""
        return sorted(self.ends[processor].folder.path.glob("*"))


@asynccontextmanager
async def talking(path, clients, everything=None, serving=(1, 2), keys=None):
    """Both ends, over *clients* of a link; the daemons of *serving* look after theirs."""
    ends = {one: end_of(one, client, path, (keys or {}).get(one)) for one, client in enumerate(clients, 1)}
    pair = Pair(ends, everything or known())
    tasks = [asyncio.create_task(pair.serve(processor)) for processor in serving]
    try:
        yield pair
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(result, asyncio.CancelledError):
                raise result
        for end in pair.ends.values():
            await end.close()
            end.journal.close()


def talk(work, path, seconds=60, file=None, chain=None, **more):
    """Run ``work(pair)`` with two ends over a link of their own, and return what it returns."""

    async def run():
        async with (
            asyncio.timeout(seconds),
            linked(1, 2, file=file, chain=chain) as (_, *clients),
            talking(path, clients, **more) as pair,
        ):
            return await work(pair)

    return asyncio.run(run())
