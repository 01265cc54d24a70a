"""Channels from the side of those who keep their ends: what they cost, what they are like, asking for them."""

import asyncio
import secrets
import time

from qcrs.chain.gateway import Gateway
from qcrs.errors import QcrsError
from qcrs.model.entanglement import ENTANGLEMENT_EVENTS, Channel, Entanglement
from qcrs.wishes import Wish, Wishes

CHANNELS = "Channels"
POLL_SECONDS = 0.2
MILLION = 1_000_000


class ChannelUnknown(QcrsError):
    """There is no channel with this id."""


class ErrandFailed(QcrsError):
    """The daemon could not do what was wanted of it, or did not say in time."""


async def read_entanglement(gateway: Gateway) -> Entanglement:
    """Return all channels and sessions, as the events tell them."""
    known = Entanglement()
    for event in await gateway.logs(gateway.network.deployed_at, names=ENTANGLEMENT_EVENTS):
        known.apply(event.name, event.arguments, event.block)
    return known


async def channel_of(gateway: Gateway, channel: int) -> Channel:
    """Return *channel*.

    Raises:
        ChannelUnknown: There is none with this id.
    """
    found = (await read_entanglement(gateway)).channels.get(channel)
    if found is None:
        raise ChannelUnknown(f"there is no channel {channel}; see 'qcrs channel list'")
    return found


def error_ppm(channel: Channel) -> int:
    """Return how many of a million tested pairs the ends of *channel* disagreed on, in its last test."""
    return (channel.errors_z + channel.errors_x) * MILLION // max(1, channel.tested)


def fidelity_ppm(channel: Channel) -> int:
    """Return the fidelity that its last test speaks for, if its pairs are Werner's: 1 - 3/2 of the error rate."""
    return max(0, MILLION - 3 * error_ppm(channel) // 2)


async def have_done(wishes: Wishes, kind: str, terms: dict, patience_seconds: float) -> dict:
    """Leave a wish for a daemon on this machine, and return what became of it.

    Raises:
        ErrandFailed: It was refused, or nobody answered; the daemon may still do it.
    """
    wish = Wish(secrets.randbits(62) + 1, kind, terms)
    wishes.leave(wish)
    deadline = time.monotonic() + patience_seconds
    while (answer := wishes.answered(wish.number)) is None:
        if time.monotonic() > deadline:
            raise ErrandFailed(
                f"the daemon of {wishes.folder} has not done it within {patience_seconds:.0f} s; is it running? It "
                "will do it when it is"
            )
        await asyncio.sleep(POLL_SECONDS)
    if "error" in answer:
        raise ErrandFailed(f"{answer['error']}: {answer['message']}")
    return answer
