"""What a daemon looks at before it joins a session."""

import asyncio
import time
from types import SimpleNamespace

import pytest

from qcrs.daemon.member import NOTHING, Member
from qcrs.daemon.runs import RunRefused
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, ChannelTerms, Session, Use
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.rules.digest import keccak

CAPACITY, WANTED = 1_000, 300


class Sender:
    """Notes what is sent."""

    def __init__(self):
        self.sent = []

    async def send(self, contract, function, *arguments, keyed=True):
        self.sent.append((contract, function, arguments))


class Link:
    """A link that has counted so many pairs of keys and reports."""

    def __init__(self, talked):
        self.asked, self._talked = [], talked

    async def usage(self, channel, attempt):
        self.asked.append((channel, attempt))
        return self._talked


def joined(talked, used):
    """Let a daemon join a session that uses a channel of which *used* and *talked* pairs are used, and return both."""
    terms = ChannelTerms(
        pairs=256, error_ppm=0, fidelity_ppm=0, capacity=CAPACITY, lifetime_seconds=1, window_seconds=1
    )
    channel = Channel(7, 4, (1, 2), terms, {}, b"", 0, status=ChannelStatus.Open, attempt=3, used=used)
    session = Session(9, 9, (1, 2), (b"", b""), (Use(channel=7, pairs=WANTED),), 0)
    sender, link = Sender(), Link(talked)

    async def reached(_link):
        return link

    member = Member(None, sender, SimpleNamespace(of=reached), None, None, bytes, LocalNoise())

    async def part(*_):
        return None

    member._run = part
    asyncio.run(member.join(session, None, {7: channel}, 1))
    return sender.sent, link.asked


@pytest.mark.parametrize(("talked", "used"), [(0, 0), (CAPACITY - WANTED, 0), (400, 300)])
def test_a_session_is_joined_whose_channels_have_pairs_left(talked, used):
    assert joined(talked, used) == ([("EntanglementCoordinator", "join", (9, 1))], [(7, 3)])


@pytest.mark.parametrize(("talked", "used"), [(CAPACITY - WANTED + 1, 0), (401, 300), (0, 701)])
def test_a_session_is_not_joined_whose_pairs_keys_and_reports_have_used(talked, used):
    with pytest.raises(RunRefused, match=f"300 pairs of channel 7, of which {talked + used} of 1000 are used"):
        joined(talked, used)


@pytest.mark.parametrize(("content", "digest"), [(None, NOTHING), (b"file", keccak(b"file"))])
def test_others_are_waited_for_until_the_last_third_of_a_phase(content, digest):
    """Then a member arrives with what it has, or with nothing: it is not absent for what others have not done."""
    sender, asked = Sender(), []

    async def measured(phase, until):
        asked.append((phase, until - time.monotonic()))
        return content

    async def part(*_):
        return SimpleNamespace(measured=measured)

    member = Member(SimpleNamespace(now=1_000), sender, None, None, None, bytes, LocalNoise())
    member._run = part
    session = Session(9, 9, (1, 2), (b"", b""), (), 1_250)
    session.phase = 1
    group = SimpleNamespace(request=SimpleNamespace(phase_seconds=300))
    asyncio.run(member.run(session, group, {}, 1))
    assert asked == [(1, pytest.approx(150, abs=5))]
    assert sender.sent == [("EntanglementCoordinator", "arrive", (9, 1, 1, digest))]
