"""What a link knows of the chain, and tells it."""

import asyncio

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.chain.gateway import TransactionLost
from qcrs.errors import QcrsError
from qcrs.link.allowance import Taken
from qcrs.link.chain import LinkChain, find_link
from qcrs.link.errors import ChannelMismatch, LinkFileInvalid
from qcrs.link.talked import OpenChannel
from qcrs.model.channel import ChannelStatus
from tests.linked import Contracts, account, chain_of, link_file

RECORD = {
    "status": int(ChannelStatus.Heralding), "attempt": 2, "pairs": 512, "link": 7, "first": 4, "second": 3,
}  # fmt: skip
ROOT = b"\5" * 32


class Gateway:
    """A chain with one channel and one processor."""

    def __init__(self, fault=None, **changes):
        self.record, self.sent, self._fault = RECORD | changes, [], fault

    async def call(self, contract, function, *arguments):
        if function == "daemonOf":
            if arguments[0] == 9:
                raise ContractRefused("ProcessorUnknown", {"processor": 9})
            return account(3).address if arguments[0] == 3 else "0x" + "00" * 20
        assert (contract, function, arguments) == ("Channels", "channelOf", (5,))
        return self.record

    async def send(self, sender, contract, function, *arguments):
        self.sent.append((sender.address, contract, function, arguments))
        if self._fault is not None:
            raise self._fault


def chain(gateway):
    return LinkChain(gateway, account(50), 7)


def test_daemons_are_those_of_the_registry():
    side = chain(Gateway())
    assert [asyncio.run(side.daemon_of(processor)) for processor in (3, 4, 9)] == [account(3).address, None, None]


def test_chain_that_is_away_is_not_taken_for_a_stranger():
    class Away(Gateway):
        async def call(self, *_):
            raise QcrsError("away")

    with pytest.raises(QcrsError, match="away"):
        asyncio.run(chain(Away()).daemon_of(3))


def test_channel_that_waits_for_these_pairs_gets_them():
    asyncio.run(chain(Gateway()).require_heralding(5, 2, (3, 4), 512))


@pytest.mark.parametrize(
    "change",
    [{"attempt": 1}, {"pairs": 256}, {"link": 8}, {"first": 5}]
    + [{"status": int(status)} for status in ChannelStatus if status is not ChannelStatus.Heralding],
)
def test_channel_that_does_not_wait_for_these_pairs_is_refused(change):
    with pytest.raises(ChannelMismatch, match="channel 5"):
        asyncio.run(chain(Gateway(**change)).require_heralding(5, 2, (3, 4), 512))


def test_herald_is_sent_by_the_operator():
    gateway = Gateway()
    asyncio.run(chain(gateway).herald(5, 2, ROOT))
    assert gateway.sent == [(account(50).address, "Channels", "herald", (5, ROOT))]


def test_herald_whose_receipt_was_lost_counts_if_it_was_mined():
    lost = TransactionLost("no receipt")
    asyncio.run(chain(Gateway(lost, status=int(ChannelStatus.Committing))).herald(5, 2, ROOT))
    for change in ({}, {"status": int(ChannelStatus.Committing), "attempt": 3}):
        with pytest.raises(TransactionLost):
            asyncio.run(chain(Gateway(lost, **change)).herald(5, 2, ROOT))


def test_open_channel_tells_what_it_has():
    contracts = Contracts()
    contracts.open(5, (4, 3), capacity=1_000, used=10, attempt=2)
    assert asyncio.run(chain_of(contracts).require_open(5, (3, 4))) == OpenChannel(5, 2, 1_000, 10)
    for ends, change in (((3, 5), {}), ((3, 4), {"link": 8}), ((3, 4), {"status": int(ChannelStatus.Requested)})):
        contracts.open(5, (4, 3), **change)
        with pytest.raises(ChannelMismatch, match="channel 5"):
            asyncio.run(chain_of(contracts).require_open(5, ends))
    contracts.open(5, (4, 3))
    contracts.now += 1_000
    asyncio.run(chain_of(contracts).require_open(5, (3, 4)))
    contracts.now += 1
    with pytest.raises(ChannelMismatch, match="too old"):
        asyncio.run(chain_of(contracts).require_open(5, (3, 4)))


def test_pairs_that_a_session_took_are_told_by_its_members():
    contracts = Contracts()
    for channel, ends in ((5, (4, 3)), (6, (4, 9)), (7, (3, 4))):
        contracts.open(channel, ends, capacity=1_000)
    contracts.arm(1, (3, 4, 9), {5: 100, 6: 20, 7: 3})
    first, second, third = (OpenChannel(channel, 1, 1_000, used) for channel, used in ((5, 100), (6, 20), (7, 3)))
    assert asyncio.run(chain_of(contracts).taken(1, (3, 4, 9))) == {
        (0, 1): [Taken(first, 100), Taken(third, 3)],
        (1, 2): [Taken(second, 20)],
    }
    contracts.uses[1].append({"channel": 8, "pairs": 1})
    with pytest.raises(ChannelMismatch, match=r"channel 8: between processors \(0, 0\), expected two of \(3, 4, 9\)"):
        asyncio.run(chain_of(contracts).taken(1, (3, 4, 9)))


class Opened:
    """A LinkOpened event."""

    def __init__(self, link, digest, operator):
        self.arguments = {"link": link, "descriptorDigest": digest, "operator": operator}


class History:
    """A chain on which links were opened."""

    class network:
        deployed_at = 0

    def __init__(self, *opened):
        self._opened = opened

    async def logs(self, first, names):
        assert names == ("LinkOpened",)
        return self._opened


def test_link_is_found_by_its_file():
    file = link_file()
    other = link_file(0.97)
    history = History(
        Opened(1, file.digest, file.operator), Opened(2, file.digest, "0x" + "0b" * 20),
        Opened(3, other.digest, file.operator), Opened(4, file.digest, file.operator.upper().replace("0X", "0x")),
    )  # fmt: skip
    assert asyncio.run(find_link(history, file)) == 4
    with pytest.raises(LinkFileInvalid, match="open it first"):
        asyncio.run(find_link(history, link_file(0.9)))
