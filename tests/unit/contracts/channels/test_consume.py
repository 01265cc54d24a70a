import pytest

from qcrs.model.channel import ChannelStatus
from tests.entanglement import TERMS
from tests.evm import refused
from tests.team import use
from tests.unit.contracts.channels.conftest import COORDINATOR


@pytest.fixture
def lab(shop):
    return shop


@pytest.fixture
def consume(lab):
    """Lets the contract of sessions take pairs, as for session 1."""
    return lambda *uses: lab.channels.consume(1, list(uses), sender=COORDINATOR)


def test_retest_renews_the_pairs(lab, consume):
    test = lab.test().to_open()
    consume(use(test.id, 400))
    assert test.record["used"] == 400
    test.retest(0)
    assert test.record["used"] == 0


def test_consume_takes_pairs_of_each_channel(lab, consume):
    one, other = lab.channel(1, 2), lab.channel(2, 3)
    receipt = consume(use(one, 30), use(other, 40))
    assert [event.arguments for event in receipt.named("PairsConsumed")] == [
        {"channel": one, "session": 1, "pairs": 30},
        {"channel": other, "session": 1, "pairs": 40},
    ]
    assert [lab.channels.channelOf(id_)["used"] for id_ in (one, other)] == [30, 40]


def test_consume_reverts_beyond_capacity(lab, consume):
    channel = lab.channel()
    consume(use(channel, TERMS["capacity"] - 5))
    assert lab.channels.unusableOf([use(channel, 5)]) == 0
    assert lab.channels.unusableOf([use(channel, 6)]) == channel
    with refused("ChannelExhausted", channel=channel, left=5, needed=6):
        consume(use(channel, 6))
    consume(use(channel, 5))


def test_consume_takes_all_or_nothing(lab, consume):
    one, other = lab.channel(1, 2), lab.channel(2, 3)
    with refused("ChannelExhausted"):
        consume(use(one, 5), use(other, TERMS["capacity"] + 1))
    assert lab.channels.channelOf(one)["used"] == 0
    assert lab.channels.unusableOf([use(one, 5), use(other, TERMS["capacity"] + 1)]) == other


def test_consume_reverts_when_the_pairs_are_too_old(lab, consume):
    test = lab.test().to_open()
    due = test.record["phaseEndsAt"]
    lab.world.chain.warp(due)
    assert lab.channels.unusableOf([use(test.id)]) == 0
    lab.world.chain.warp(due + 1)
    assert lab.channels.unusableOf([use(test.id)]) == test.id
    with refused("ChannelOverdue", channel=test.id, dueAt=due, timestamp=due + 1):
        consume(use(test.id))


@pytest.mark.parametrize("stage", ["to_requested", "to_heralding", "to_committing", "to_revealing", "to_failed"])
def test_consume_reverts_unless_the_channel_is_open(lab, consume, stage):
    test = getattr(lab.test(), stage)()
    assert lab.channels.unusableOf([use(test.id)]) == test.id
    with refused("UnexpectedChannelStatus", id=test.id, actual=test.status, allowed=1 << ChannelStatus.Open):
        consume(use(test.id))
