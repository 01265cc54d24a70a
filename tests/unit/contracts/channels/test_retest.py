import pytest

from qcrs.model.channel import ChannelStatus
from qcrs.rules import link_test
from tests.entanglement import PURSE, STAKE, TERMS
from tests.evm import refused


@pytest.mark.parametrize("end", [0, 1])
def test_either_end_asks_for_another_test_and_pays_for_it(lab, end):
    test = lab.test().to_open()
    now = lab.world.chain.now
    event = test.retest(end).event("ChannelRetested")
    assert event == {
        "channel": test.id,
        "attempt": 2,
        "asker": end,
        "seedCommitment": link_test.of_seed(test.seeds[end]),
        "fee": test.fee,
        "phaseEndsAt": now + TERMS["windowSeconds"],
    }
    assert test.status is ChannelStatus.Requested
    test.accept()
    test.herald()
    test.err(3)
    test.commit(1)
    test.commit(0)
    test.reveal(end)
    assert test.settle().event("ChannelSettled")["attempt"] == 2
    test.release()
    fees = [(1 - end) * test.fee + test.fee, end * test.fee]
    assert [lab.purse(1), lab.purse(2)] == [PURSE - fee for fee in fees]
    assert lab.stake() == STAKE + 2 * test.fee


@pytest.mark.parametrize("released", [False, True])
def test_a_retest_divides_what_the_channel_held_once(lab, released):
    test = lab.test().to_open()
    if released:
        test.release()
    test.retest(1)
    assert lab.purses() | {1: PURSE - test.fee, 2: PURSE - test.fee - test.deposit} == lab.purses()
    assert (lab.stake(), lab.reserved()) == (STAKE + test.fee, 0)


@pytest.mark.parametrize("end", [0, 1])
def test_who_asked_again_may_withdraw(lab, end):
    test = lab.test().to_open()
    test.release()
    before = lab.purses()
    test.retest(end)
    test.cancel()
    assert (test.status, lab.purses()) == (ChannelStatus.Cancelled, before)


def test_retest_reverts_for_strangers_and_other_ends(lab):
    test, node = lab.test().to_open(), lab.world.nodes[1]
    with refused(
        "CallerNotOfProcessor", processor=2, account=test.daemon(0), daemon=node.daemon, operator=node.operator
    ):
        test.retest(1, sender=test.daemon(0))
    with refused("ChannelEndInvalid", channel=test.id, end=2):
        lab.channels.retest(test.id, 2, bytes(32), sender=test.daemon(0))


def test_a_failed_retest_returns_the_fee_to_who_asked_for_it(lab):
    test = lab.test().to_open()
    test.retest(1)
    test.accept()
    test.herald()
    test.err(200)
    test.commit(0)
    test.commit(1)
    test.settle()
    assert test.status is ChannelStatus.Failed
    assert (lab.purse(1), lab.purse(2)) == (PURSE - test.fee, PURSE)
