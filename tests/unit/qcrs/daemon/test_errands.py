"""What a keeper wants of its daemon is done once, also by one that was killed, and refused in words."""

import asyncio
from types import SimpleNamespace

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.chain.gateway import ChainUnreachable
from qcrs.daemon.errands import CHANNEL, PUT_OFF_SECONDS, RETEST, Errands
from qcrs.daemon.journal import Journal
from qcrs.link.errors import LinkUnreachable
from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, ChannelTerms, Entanglement
from qcrs.wishes import Wish, Wishes

ME, PEER = 1, 2
TERMS = ChannelTerms(
    pairs=256, error_ppm=1, fidelity_ppm=1, capacity=1, lifetime_seconds=1, window_seconds=1
)  # fmt: skip
WANTED = {"link": 1, "peer": PEER, "terms": TERMS.model_dump(by_alias=True)}


class StubEnd:
    """Notes what it is asked for; commitments are the wishes' numbers."""

    def __init__(self, journal):
        self.journal, self.asked, self.error = journal, [], None

    def commitment_of_wish(self, wish):
        return wish.to_bytes(32, "big")

    async def request(self, *arguments):
        self.asked.append(arguments)
        if self.error is not None:
            raise self.error

    async def retest(self, channel, _processor):
        self.asked.append(channel.channel)


@pytest.fixture
def errands(tmp_path):
    with Journal(tmp_path / "journal.sqlite", 1, "here") as journal:
        yield Errands(Wishes(tmp_path / "wishes"), StubEnd(journal), SimpleNamespace())


def known(*channels):
    entanglement = Entanglement()
    entanglement.channels = {channel.channel: channel for channel in channels}
    return entanglement


def channel(wish, status=ChannelStatus.Open, attempt=1, ends=(ME, PEER)):
    return Channel(7, 1, ends, TERMS, {}, wish.to_bytes(32, "big"), 0, status=status, attempt=attempt)


def run(errands, *channels):
    return asyncio.run(errands.run(known(*channels), ME))


def test_a_channel_is_asked_for_and_its_number_told_when_the_chain_has_it(errands):
    errands.wishes.leave(Wish(5, CHANNEL, WANTED))
    assert run(errands)  # the chain was told something
    assert errands.end.asked == [(1, ME, PEER, TERMS, (5).to_bytes(32, "big"))]
    assert errands.wishes.answered(5) is None
    assert not run(errands, channel(5))
    assert errands.wishes.answered(5) == {"channel": 7}
    assert len(errands.end.asked) == 1


def test_another_end_s_channel_with_the_same_commitment_is_not_taken_for_it(errands):
    errands.wishes.leave(Wish(5, CHANNEL, WANTED))
    run(errands, channel(5, ends=(PEER, ME)))
    assert errands.wishes.answered(5) is None


@pytest.mark.parametrize("error", [LinkUnreachable("away"), ChainUnreachable("away")])
def test_what_passes_by_itself_is_tried_again_later_after_a_look_at_the_chain(errands, error):
    now = [100.0]
    errands.clock = lambda: now[0]
    errands.wishes.leave(Wish(5, CHANNEL, WANTED))
    errands.end.error = error
    assert run(errands)
    assert errands.wishes.answered(5) is None
    errands.end.error = None
    now[0] += PUT_OFF_SECONDS - 0.1
    assert not run(errands)
    assert len(errands.end.asked) == 1
    now[0] += 0.1
    run(errands)
    assert len(errands.end.asked) == 2


def test_a_contract_s_refusal_is_told_by_its_name(errands):
    errands.wishes.leave(Wish(5, CHANNEL, WANTED))
    errands.end.error = ContractRefused("PurseTooSmall", {"processor": ME})
    run(errands)
    assert errands.wishes.answered(5)["error"] == "PurseTooSmall"


@pytest.mark.parametrize(
    "terms",
    [{}, {"link": "x", "peer": 1, "terms": {}}, {**WANTED, "terms": {"pairs": 1}}],
    ids=["none", "link", "terms"],
)
def test_terms_that_are_none_are_refused(errands, terms):
    errands.wishes.leave(Wish(5, CHANNEL, terms))
    run(errands)
    assert errands.wishes.answered(5)["error"] == "ErrandRefused"
    assert not errands.end.asked


def test_an_unknown_kind_is_refused(errands):
    errands.wishes.leave(Wish(5, "tea", {}))
    run(errands)
    assert "expected one of channel, retest" in errands.wishes.answered(5)["message"]


def test_a_test_is_asked_for_once_more_and_no_more(errands):
    errands.wishes.leave(Wish(6, RETEST, {"channel": 7}))
    run(errands, channel(5))
    assert errands.end.asked == [7]
    assert errands.wishes.answered(6) is None
    # Killed and started again, it finds the test that it has asked for.
    run(errands, channel(5, ChannelStatus.Requested, attempt=2))
    assert errands.wishes.answered(6) == {"channel": 7, "attempt": 2}
    assert errands.end.asked == [7]


@pytest.mark.parametrize(
    "other", [channel(5, ChannelStatus.Failed), channel(5, ends=(3, PEER))], ids=["ended", "foreign"]
)
def test_what_cannot_be_tested_again_is_refused(errands, other):
    errands.wishes.leave(Wish(6, RETEST, {"channel": 7}))
    run(errands, other)
    assert errands.wishes.answered(6)["error"] == "ErrandRefused"
