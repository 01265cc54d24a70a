"""Accept, cancel and herald."""

import pytest
from eth_hash.auto import keccak

from qcrs.model.channel import ChannelStatus
from qcrs.rules import link_test
from tests.entanglement import LINK_OPERATOR, PURSE, STAKE, TERMS
from tests.evm import refused


def test_accept_takes_a_deposit_and_reserves_the_link_s_stake(lab):
    test = lab.test().to_requested()
    now = lab.world.chain.now
    event = test.accept().event("ChannelAccepted")
    assert event == {
        "channel": test.id,
        "seedCommitment": link_test.of_seed(test.seeds[1]),
        "phaseEndsAt": now + TERMS["windowSeconds"],
    }
    assert test.status is ChannelStatus.Heralding
    assert lab.purse(2) == PURSE - test.deposit
    assert lab.reserved() == test.deposit
    assert test.record["transcript"] == link_test.extend(*map(link_test.of_seed, test.seeds))


def test_accept_reverts_for_all_but_the_end_that_has_not_asked(lab):
    test, node = lab.test().to_requested(), lab.world.nodes[1]
    for caller in (test.daemon(0), lab.world.stranger, LINK_OPERATOR):
        with refused("CallerNotOfProcessor", processor=2, account=caller, daemon=node.daemon, operator=node.operator):
            test.accept(sender=caller)


def test_accept_reverts_when_the_link_has_too_little_at_stake(lab):
    test = lab.test().to_requested()
    lab.channels.unstake(lab.link, STAKE - test.deposit + 1, sender=LINK_OPERATOR)
    with refused("LinkStakeTooSmall", link=lab.link, free=test.deposit - 1, needed=test.deposit):
        test.accept()
    lab.channels.stake(lab.link, sender=LINK_OPERATOR, value=1)
    test.accept()


@pytest.mark.parametrize(
    ("stage", "step"),
    [
        ("to_requested", lambda test: test.accept()),
        ("to_heralding", lambda test: test.herald()),
        ("to_committing", lambda test: test.commit(0)),
        ("to_revealing", lambda test: test.reveal(0)),
        ("to_open", lambda test: test.retest(0)),
    ],
    ids=["accept", "herald", "commit", "reveal", "retest"],
)
def test_no_step_is_made_after_its_window(lab, stage, step):
    test = getattr(lab.test(), stage)()
    due = test.record["phaseEndsAt"]
    lab.world.chain.warp(due + 1)
    with refused("ChannelOverdue", channel=test.id, dueAt=due, timestamp=due + 1):
        step(test)


def test_every_step_is_made_in_the_last_second_of_its_window(lab):
    test = lab.test().to_requested()
    for step in (test.accept, test.herald, lambda: test.commit(0), lambda: test.reveal(0)):
        lab.world.chain.warp(test.record["phaseEndsAt"] - 1)
        if test.status is ChannelStatus.Committing:
            test.commit(1)
        lab.world.chain.warp(test.record["phaseEndsAt"])
        step()
    test.settle()
    assert test.status is ChannelStatus.Open


def test_cancel_returns_fee_and_deposit(lab):
    test = lab.test().to_requested()
    event = test.cancel().event("ChannelEnded")
    assert event == {"channel": test.id, "status": ChannelStatus.Cancelled, "silent": 0}
    assert lab.purse(1) == PURSE


def test_cancel_reverts_for_all_but_the_asker(lab):
    test, node = lab.test().to_requested(), lab.world.nodes[0]
    for caller in (test.daemon(1), lab.world.stranger):
        with refused("CallerNotOfProcessor", processor=1, account=caller, daemon=node.daemon, operator=node.operator):
            test.cancel(sender=caller)


def test_herald_is_the_link_operator_s(lab):
    test = lab.test().to_heralding()
    for caller in (test.daemon(0), lab.world.stranger):
        with refused("CallerNotLinkOperator", link=lab.link, account=caller, operator=LINK_OPERATOR):
            test.herald(sender=caller)
    now = lab.world.chain.now
    event = test.herald().event("PairsHeralded")
    assert event == {"channel": test.id, "root": keccak(b"pairs"), "phaseEndsAt": now + TERMS["windowSeconds"]}
    assert test.status is ChannelStatus.Committing
    assert lab.reserved() == test.deposit
