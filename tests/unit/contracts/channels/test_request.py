import pytest

from qcrs.model.channel import ChannelStatus
from qcrs.rules import link_test
from tests.entanglement import PRICE, PURSE, TERMS
from tests.evm import refused


def test_request_records_terms_and_takes_fee_and_deposit(lab):
    test = lab.test()
    now = lab.world.chain.now
    receipt = test.request()
    event = receipt.event("ChannelRequested")
    assert (event["channel"], event["first"], event["second"], event["link"]) == (test.id, 1, 2, lab.link)
    assert event["terms"] == dict(TERMS)
    assert event["seedCommitment"] == link_test.of_seed(test.seeds[0])
    assert (event["fee"], event["phaseEndsAt"]) == (512 * PRICE, now + TERMS["windowSeconds"])
    assert lab.channels.channelCount() == test.id == 1
    record = test.record
    for name in ("pairs", "errorPpm", "capacity", "lifetimeSeconds", "windowSeconds"):
        assert record[name] == TERMS[name]
    assert (record["first"], record["second"], record["link"]) == (1, 2, lab.link)
    assert (record["attempt"], record["used"], record["marks"]) == (1, 0, 0)
    assert test.status is ChannelStatus.Requested
    assert lab.channels.endsOf(test.id) == (1, 2)
    assert lab.purse(1) == PURSE - test.fee - test.deposit
    assert lab.reserved() == 0


def test_what_is_sent_along_goes_into_the_purse_first(lab):
    test = lab.test()
    lab.world.chain.fund(test.daemon(0), PURSE)
    receipt = test.request(value=9)
    assert receipt.event("PurseFunded") == {"processor": 1, "from": test.daemon(0), "amount": 9}
    assert lab.purse(1) == PURSE + 9 - test.fee - test.deposit


def test_operator_may_request_as_well(lab):
    test = lab.test()
    test.request(sender=lab.world.nodes[0].operator)
    assert test.status is ChannelStatus.Requested


def test_request_reverts_for_strangers_and_the_other_end(lab):
    test, node = lab.test(), lab.world.nodes[0]
    for caller in (lab.world.stranger, test.daemon(1)):
        with refused("CallerNotOfProcessor", processor=1, account=caller, daemon=node.daemon, operator=node.operator):
            test.request(sender=caller)


@pytest.mark.parametrize("ends", [(1, 1), (1, 0)])
def test_request_reverts_without_two_ends(lab, ends):
    with refused("ChannelEndsInvalid", first=ends[0], second=ends[1]):
        lab.channels.request(lab.link, *ends, tuple(TERMS.values()), bytes(32), sender=lab.world.nodes[0].daemon)


@pytest.mark.parametrize(
    "terms",
    [
        {"pairs": 0},
        {"pairs": 255},
        {"pairs": 8192 + 256},
        {"errorPpm": 1_000_001},
        {"capacity": 0},
        {"windowSeconds": 0},
        {"lifetimeSeconds": 0},
        {"lifetimeSeconds": 30 * 86_400 + 1},
    ],
    ids=str,
)
def test_request_reverts_with_terms_out_of_range(lab, terms):
    wrong = {**TERMS, **terms}
    with refused("ChannelTermsInvalid", terms=wrong):
        lab.channels.request(lab.link, 1, 2, tuple(wrong.values()), bytes(32), sender=lab.world.nodes[0].daemon)


@pytest.mark.parametrize("terms", [{"pairs": 256}, {"pairs": 8192}, {"errorPpm": 0}, {"lifetimeSeconds": 30 * 86_400}])
def test_request_takes_terms_at_the_ends_of_their_range(lab, terms):
    assert lab.test(**terms).to_requested().status is ChannelStatus.Requested


def test_request_reverts_with_too_small_a_purse(lab):
    test = lab.test()
    lab.channels.withdraw(1, PURSE - test.fee - test.deposit + 1, sender=lab.world.nodes[0].operator)
    needed = test.fee + test.deposit
    with refused("PurseTooSmall", processor=1, available=needed - 1, needed=needed):
        test.request()


def test_request_and_retest_revert_while_work_is_stopped(lab):
    channel, test = lab.test(3, 4).to_open(), lab.test()
    lab.world.allocator.pause(1, bytes(32), sender=lab.world.security)
    with refused("WorkStopped"):
        test.request()
    with refused("WorkStopped"):
        channel.retest(0)
