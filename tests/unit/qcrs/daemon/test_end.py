"""What an end of a channel makes of what the other end tells it over the link."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.daemon.end import End, SeedFalse
from qcrs.model.entanglement import Channel, ChannelTerms
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.rules import link_test

ME, PEER = 1, 2
OTHER = b"\5" * 31 + b"\0"
TERMS = ChannelTerms(pairs=256, error_ppm=1, fidelity_ppm=1, capacity=1, lifetime_seconds=1, window_seconds=1)


class Client:
    """A link over which the other end leaves *letter*."""

    def __init__(self, letter):
        self.letter, self.measured = letter, []

    async def post(self, peer, topic, data):
        assert peer == PEER

    async def fetch(self, peer, topic):
        assert peer == PEER
        return self.letter

    async def measure(self, *arguments, **_):
        self.measured.append(arguments)
        return [0]


def measured(letter):
    client = Client(letter)
    channel = Channel(7, 1, (ME, PEER), TERMS, {1: link_test.of_seed(OTHER)}, bytes(32), 0)
    gateway = SimpleNamespace(network=SimpleNamespace(chain_id=1), addresses={"Channels": "0x" + "c0" * 20})

    async def of(link):
        return client

    end = End(gateway, None, SimpleNamespace(of=of), None, lambda: bytes(32), list, LocalNoise())
    asyncio.run(end._measured(channel, ME, b"\4" * 32))
    return client.measured


def test_the_seed_that_it_has_committed_to_is_measured_with():
    assert len(measured(OTHER)) == 1


@pytest.mark.parametrize("letter", [b"", b"\5" * 32, OTHER + b"\0", OTHER[:-1], b"\5" * 100])
def test_anything_else_is_refused_whatever_its_size(letter):
    with pytest.raises(SeedFalse, match="processor 2 gives a seed that it has not committed to"):
        measured(letter)
