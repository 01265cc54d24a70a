"""What one end of a channel does: seeds, the tested pairs, commitment, opening.

Both ends' seeds fix what is tested and how. They are secret until the link has said that all pairs are there: then they
are told over the link, which could no longer make use of them. Each is checked against its commitment on the chain.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

from qcrs.chain.gateway import Gateway
from qcrs.daemon.journal import Journal
from qcrs.daemon.links import Links
from qcrs.daemon.sender import Sender
from qcrs.errors import QcrsError
from qcrs.model.entanglement import Channel, ChannelTerms, Opening
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.rules import link_test
from qcrs.rules.digest import keccak

SEED = "seed"  # under which name ends leave it for each other
OUTCOMES = "channel-outcomes"


class SeedUnknown(QcrsError):
    """A channel's commitment is to no seed of this daemon: its operator, or another key, has asked for it."""


class SeedFalse(QcrsError):
    """What the other end gives as its seed is not what it has committed to."""


@dataclass
class End:
    """The means with which a daemon is an end of channels.

    Attributes:
        root: Secret that seeds and salts follow from. wishes: Numbers of the wishes by which channels were asked for.
        noise: Of the processor's own device.
    """

    gateway: Gateway
    sender: Sender
    links: Links
    journal: Journal
    root: Callable[[], bytes]
    wishes: Callable[[], list[int]]
    noise: LocalNoise

    def seed_of_wish(self, wish: int) -> bytes:
        """Return the seed of the first test of a channel that is asked for by *wish*."""
        return keccak(self.root() + b"wish" + wish.to_bytes(8, "big"))

    def commitment_of_wish(self, wish: int) -> bytes:
        """Return the commitment to that seed."""
        return link_test.of_seed(self.seed_of_wish(wish))

    async def request(self, link: int, processor: int, peer: int, terms: ChannelTerms, commitment: bytes) -> None:
        """Ask for a channel to *peer*, paid out of the processor's purse."""
        await self.links.of(link)
        await self.sender.send("Channels", "request", link, processor, peer, terms.to_chain(), commitment)

    async def retest(self, channel: Channel, processor: int) -> None:
        """Ask for another test of an open channel."""
        commitment = link_test.of_seed(self._seed_of_test(channel.channel, channel.attempt + 1))
        end = channel.ends.index(processor)
        await self.sender.send("Channels", "retest", channel.channel, end, commitment)

    async def accept(self, channel: Channel, processor: int) -> None:
        """Accept *channel*, with a seed of its own."""
        await self.links.of(channel.link)  # whoever cannot reach the link would only lose its deposit
        commitment = link_test.of_seed(self._seed_of_test(channel.channel, channel.attempt))
        await self.sender.send("Channels", "accept", channel.channel, commitment)

    async def ask_pairs(self, channel: Channel, processor: int) -> None:
        """Ask the link for the pairs of the test; it makes them when the other end has asked as well."""
        client = await self.links.of(channel.link)
        await client.prepare(channel.channel, channel.attempt, self._peer(channel, processor), channel.terms.pairs)

    async def commit(self, channel: Channel, processor: int) -> None:
        """Measure the tested pairs, unless that was done before, and bind this end to what came out."""
        end = channel.ends.index(processor)
        opening = await self._opening(channel, processor)
        commitment = self._commitment(channel, end, opening)
        await self.sender.send("Channels", "commit", channel.channel, end, commitment)

    async def reveal(self, channel: Channel, processor: int) -> None:
        """Open what this end has committed to."""
        end = channel.ends.index(processor)
        opening = await self._opening(channel, processor)
        other = (channel.seed_commitments[1 - end], channel.commitments[1 - end])
        await self.sender.send("Channels", "reveal", channel.channel, end, opening.to_chain(), *other, keyed=False)

    async def _opening(self, channel: Channel, processor: int) -> Opening:
        """Return what this end measured, and what opens its commitment to it."""
        end = channel.ends.index(processor)
        seed = self._seed(channel, end)
        kept = self.journal.kept(OUTCOMES, channel.channel, channel.attempt)
        if kept is None:
            words = await self._measured(channel, processor, seed)
            kept = self.journal.keep(OUTCOMES, channel.channel, channel.attempt, json.dumps(words).encode())
        salt = keccak(self.root() + b"outcomes" + _numbered(channel.channel, channel.attempt))
        return Opening(seed=seed, salt=salt, outcomes=json.loads(kept))

    async def _measured(self, channel: Channel, processor: int, seed: bytes) -> list[int]:
        """Tell the other end the seed, learn its own, and measure what both together choose."""
        end, peer = channel.ends.index(processor), self._peer(channel, processor)
        client = await self.links.of(channel.link)
        topic = f"{SEED}-{channel.channel}-{channel.attempt}"
        await client.post(peer, topic, seed)
        other = await client.fetch(peer, topic)
        if len(other) != len(seed) or link_test.of_seed(other) != channel.seed_commitments[1 - end]:
            raise SeedFalse(f"channel {channel.channel}: processor {peer} gives a seed that it has not committed to")
        seeds = (seed, other) if end == 0 else (other, seed)
        chosen = link_test.seed_of(
            self.gateway.network.chain_id, self.gateway.addresses["Channels"], channel.channel, channel.attempt, *seeds
        )
        positions, bases = (
            words(chosen, channel.terms.pairs) for words in (link_test.tested_words, link_test.basis_words)
        )
        return await client.measure(
            channel.channel, channel.attempt, peer, positions, bases, readout_ppm=self.noise.readout_ppm
        )

    def _commitment(self, channel: Channel, end: int, opening: Opening) -> bytes:
        return link_test.of_outcomes(
            self.gateway.network.chain_id, self.gateway.addresses["Channels"], channel.channel, channel.attempt, end,
            opening.seed, opening.salt, opening.outcomes,
        )  # fmt: skip

    def _seed(self, channel: Channel, end: int) -> bytes:
        """Return the seed that this end has committed to."""
        candidates = [self._seed_of_test(channel.channel, channel.attempt), *map(self.seed_of_wish, self.wishes())]
        for seed in candidates:
            if link_test.of_seed(seed) == channel.seed_commitments[end]:
                return seed
        raise SeedUnknown(f"channel {channel.channel}: this daemon has not made the seed that end {end} committed to")

    def _seed_of_test(self, channel: int, attempt: int) -> bytes:
        return keccak(self.root() + b"test" + _numbered(channel, attempt))

    @staticmethod
    def _peer(channel: Channel, processor: int) -> int:
        return channel.ends[1 - channel.ends.index(processor)]


def _numbered(subject: int, number: int) -> bytes:
    return subject.to_bytes(8, "big") + number.to_bytes(4, "big")
