import pytest
from eth_hash.auto import keccak

from qcrs.chain.deployment import ETHER
from tests.entanglement import LINK_OPERATOR, PRICE, PURSE, STAKE
from tests.evm import refused

DIGESTS = keccak(b"descriptor"), keccak(b"endpoint")


def test_open_link_records_operator_price_and_stake(lab):
    receipt = lab.channels.openLink(*DIGESTS, 7, sender=LINK_OPERATOR, value=5)
    link = receipt.result
    assert link == lab.channels.linkCount() == lab.link + 1
    event = receipt.event("LinkOpened")
    assert (event["link"], event["operator"], event["pricePerPair"], event["stake"]) == (link, LINK_OPERATOR, 7, 5)
    assert (event["descriptorDigest"], event["endpointDigest"]) == DIGESTS
    assert event["organisation"] == lab.world.consortium.organisationOf(LINK_OPERATOR)
    assert lab.channels.linkOf(link) == {
        "operator": LINK_OPERATOR, "pricePerPair": 7, "closed": False, "stake": 5, "reserved": 0,
    }  # fmt: skip


def test_open_link_reverts_outside_the_consortium(lab):
    stranger = lab.world.stranger
    with refused("LinkOperatorNotInConsortium", account=stranger):
        lab.channels.openLink(*DIGESTS, 7, sender=stranger)


def test_anyone_adds_to_a_stake_and_its_operator_takes_what_is_free(lab):
    world = lab.world
    assert lab.channels.stake(lab.link, sender=world.stranger, value=3).event("LinkStaked")["stake"] == STAKE + 3
    before = world.available(LINK_OPERATOR)
    receipt = lab.channels.unstake(lab.link, STAKE, sender=LINK_OPERATOR)
    assert receipt.event("LinkStaked") == {"link": lab.link, "stake": 3}
    assert world.available(LINK_OPERATOR) == before + STAKE


def test_unstake_leaves_what_is_behind_channels(lab):
    deposit = lab.test().to_heralding().deposit
    with refused("LinkStakeTooSmall", link=lab.link, free=STAKE - deposit, needed=STAKE - deposit + 1):
        lab.channels.unstake(lab.link, STAKE - deposit + 1, sender=LINK_OPERATOR)
    lab.channels.unstake(lab.link, STAKE - deposit, sender=LINK_OPERATOR)


@pytest.mark.parametrize(("function", "arguments"), [("unstake", (1,)), ("closeLink", ())])
def test_only_its_operator_touches_a_link(lab, function, arguments):
    stranger = lab.world.stranger
    with refused("CallerNotLinkOperator", link=lab.link, account=stranger, operator=LINK_OPERATOR):
        getattr(lab.channels, function)(lab.link, *arguments, sender=stranger)


def test_close_link_returns_the_stake(lab):
    before = lab.world.available(LINK_OPERATOR)
    receipt = lab.channels.closeLink(lab.link, sender=LINK_OPERATOR)
    assert receipt.event("LinkClosed") == {"link": lab.link, "refund": STAKE}
    assert lab.world.available(LINK_OPERATOR) == before + STAKE
    assert lab.channels.linkOf(lab.link)["closed"]


@pytest.mark.parametrize("stage", ["to_heralding", "to_committing", "to_revealing", "to_open"])
def test_close_link_reverts_while_stake_is_behind_a_channel(lab, stage):
    test = getattr(lab.test(), stage)()
    with refused("LinkInUse", link=lab.link, reserved=test.deposit):
        lab.channels.closeLink(lab.link, sender=LINK_OPERATOR)


def test_a_link_closes_when_its_channels_have_ended(lab):
    lab.test().to_failed()
    lab.test().to_requested().cancel()
    lab.test().to_open().enforce()
    lab.test().to_open().release()
    lab.channels.closeLink(lab.link, sender=LINK_OPERATOR)


def test_a_closed_link_takes_no_channel_that_was_asked_for_before(lab):
    asked, open_ = lab.test().to_requested(), lab.test(3, 4).to_open()
    open_.release()
    lab.channels.closeLink(lab.link, sender=LINK_OPERATOR)
    for step in (asked.accept, lambda: open_.retest(0)):
        with refused("LinkNotOpen", link=lab.link):
            step()
    asked.cancel()
    assert lab.purse(1) == PURSE
    open_.enforce()


@pytest.mark.parametrize("link", [0, 99, "closed"])
def test_nothing_is_done_with_a_link_that_is_not_open(lab, link):
    if link == "closed":
        link = lab.link
        lab.channels.closeLink(link, sender=LINK_OPERATOR)
    test = lab.test()
    lab.link = link
    for call in (
        lambda: test.request(),
        lambda: lab.channels.stake(link, sender=LINK_OPERATOR, value=1),
        lambda: lab.channels.unstake(link, 0, sender=LINK_OPERATOR),
        lambda: lab.channels.closeLink(link, sender=LINK_OPERATOR),
    ):
        with refused("LinkNotOpen", link=link):
            call()


def test_deposit_is_the_price_of_the_pairs_and_ten_bounties(lab):
    assert lab.channels.depositOf(lab.link, 512) == 512 * PRICE + 10 * lab.world.bounty
    assert lab.margin == 10 * lab.world.bounty < ETHER
