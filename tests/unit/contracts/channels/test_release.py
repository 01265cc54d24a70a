import pytest

from qcrs.model.channel import ChannelStatus
from tests.entanglement import PURSE, STAKE
from tests.evm import refused


def test_anyone_has_the_money_of_an_open_channel_divided(lab):
    test = lab.test().to_open()
    receipt = test.release(sender=lab.world.stranger)
    assert receipt.event("ChannelReleased") == {"channel": test.id}
    assert (test.status, lab.reserved()) == (ChannelStatus.Open, 0)
    assert (lab.purse(1), lab.purse(2), lab.stake()) == (PURSE - test.fee, PURSE, STAKE + test.fee)


def test_who_asked_pays_whichever_end_it_is(lab):
    test = lab.test().to_open()
    test.release()
    test.retest(1)
    test.accept()
    test.herald()
    test.commit(0)
    test.commit(1)
    test.settle()
    test.release()
    assert (lab.purse(1), lab.purse(2)) == (PURSE - test.fee, PURSE - test.fee)


def test_money_is_divided_once(lab):
    test = lab.test().to_open()
    test.release()
    with refused("ChannelMoneyDivided", channel=test.id):
        test.release()
    before = lab.purses(), lab.stake(), lab.reserved()
    test.enforce()
    assert (lab.purses(), lab.stake(), lab.reserved()) == before


@pytest.mark.parametrize("stage", ["to_requested", "to_heralding", "to_committing", "to_revealing", "to_failed"])
def test_release_reverts_unless_open(lab, stage):
    test = getattr(lab.test(), stage)()
    actual, allowed = test.status, 1 << ChannelStatus.Open
    with refused("UnexpectedChannelStatus", id=test.id, actual=actual, allowed=allowed):
        test.release()
