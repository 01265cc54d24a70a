import pytest
from eth_hash.auto import keccak
from faster_eth_abi import encode

from qcrs.model.channel import ChannelStatus
from qcrs.model.decision import Decision
from tests.entanglement import PURSE, STAKE
from tests.evm import refused

FIRST, SECOND, LINK = 1, 2, 4


def ended(test, silent):
    receipt = test.enforce(sender=test.lab.world.stranger)
    event = receipt.event("ChannelEnded")
    assert event == {"channel": test.id, "status": ChannelStatus.Expired, "silent": silent}
    assert test.status is ChannelStatus.Expired
    assert test.lab.reserved() == 0
    entry = receipt.event("EntryAppended")
    digest = keccak(encode(["uint64", "uint8", "uint8", "uint256"], [test.id, test.attempt, test.status, silent]))
    assert (entry["decision"], entry["subject"], entry["digest"]) == (Decision.ChannelEnded, test.id, digest)


def test_a_request_that_nobody_accepts_is_refunded(lab):
    ended(lab.test().to_requested(), 0)
    assert (lab.purse(1), lab.purse(2), lab.stake()) == (PURSE, PURSE, STAKE)


def test_a_silent_link_pays_both_ends_from_its_stake(lab):
    test = lab.test().to_heralding()
    ended(test, LINK)
    half = test.deposit // 2
    assert (lab.purse(1), lab.purse(2)) == (PURSE + test.deposit - half, PURSE + half)
    assert lab.stake() == STAKE - test.deposit


@pytest.mark.parametrize("silent", [0, 1])
@pytest.mark.parametrize("stage", ["commit", "reveal"])
def test_a_silent_end_pays_the_other(lab, stage, silent):
    test = lab.test().to_committing() if stage == "commit" else lab.test().to_revealing()
    getattr(test, stage)(1 - silent)
    ended(test, 1 << silent)
    fees = (test.fee, 0)
    gains = (-test.deposit, test.deposit) if silent == 0 else (test.deposit, -test.deposit)
    assert [lab.purse(1), lab.purse(2)] == [PURSE - fees[end] + gains[end] for end in (0, 1)]
    assert lab.stake() == STAKE + test.fee, "the link has done its part"


@pytest.mark.parametrize("stage", ["to_committing", "to_revealing"])
def test_when_both_are_silent_neither_gains(lab, stage):
    test = getattr(lab.test(), stage)()
    treasury = lab.world.allocator.treasury()
    ended(test, FIRST | SECOND)
    assert (lab.purse(1), lab.purse(2)) == (PURSE - test.fee - test.deposit, PURSE - test.deposit)
    assert lab.world.allocator.treasury() == treasury + 2 * test.deposit


def test_what_both_have_revealed_is_settled_not_enforced(lab):
    test = lab.test().to_revealing()
    test.reveal(0)
    test.reveal(1)
    with refused("SettlementDue", channel=test.id):
        test.enforce()
    test.settle()


def test_an_open_channel_ends_by_its_age_and_its_money_is_divided(lab):
    test = lab.test().to_open()
    ended(test, 0)
    assert (lab.purse(1), lab.purse(2), lab.stake()) == (PURSE - test.fee, PURSE, STAKE + test.fee)


def test_a_silent_end_of_a_retest_pays_as_well(lab):
    test = lab.test().to_open()
    test.retest(1)
    test.accept()
    test.herald()
    test.commit(1)
    before = lab.purse(2)
    ended(test, FIRST)
    assert lab.purse(2) == before + 2 * test.deposit
    assert lab.stake() == STAKE + 2 * test.fee, "of both tests"


def test_a_silent_link_refunds_who_asked_again(lab):
    test = lab.test().to_open()
    test.release()
    before = lab.purses()
    test.retest(1)
    test.accept()
    ended(test, LINK)
    half = test.deposit // 2
    assert lab.purses() == {**before, 1: before[1] + test.deposit - half, 2: before[2] + half}


@pytest.mark.parametrize("stage", ["to_requested", "to_heralding", "to_committing", "to_revealing", "to_open"])
def test_nothing_is_enforced_in_the_last_second(lab, stage):
    test = getattr(lab.test(), stage)()
    due = test.record["phaseEndsAt"]
    lab.world.chain.warp(due)
    with refused("ChannelNotDue", channel=test.id, dueAt=due, timestamp=due):
        lab.channels.enforce(test.id, sender=lab.world.keeper)
