import pytest
from eth_hash.auto import keccak
from faster_eth_abi import encode

from qcrs.model.channel import ChannelStatus
from qcrs.model.decision import Decision
from qcrs.rules import link_test
from tests.entanglement import PURSE, STAKE, TERMS
from tests.evm import refused


def test_settle_opens_a_channel_and_leaves_its_money(lab):
    test = lab.test().to_revealing()
    now = lab.world.chain.now
    receipt = test.settle(sender=lab.world.stranger)
    event = receipt.event("ChannelSettled")
    assert event["verdict"] == test.status == ChannelStatus.Open
    assert event["tested"] == len(link_test.tested_positions(test.seed, 512)) > 200
    assert event["phaseEndsAt"] == test.record["phaseEndsAt"] == now + TERMS["lifetimeSeconds"]
    assert (event["errorsZ"], event["errorsX"]) == (0, 0)
    assert (lab.purse(1), lab.purse(2)) == (PURSE - test.fee - test.deposit, PURSE - test.deposit)
    assert (lab.stake(), lab.reserved()) == (STAKE, test.deposit)


@pytest.mark.parametrize("basis", [0, 1])
def test_settle_counts_each_basis(lab, basis):
    test = lab.test().to_committing().err(7, basis)
    test.commit(0)
    test.commit(1)
    event = test.settle().event("ChannelSettled")
    assert (event["errorsZ"], event["errorsX"]) == ((7, 0) if basis == 0 else (0, 7))


def test_errors_on_pairs_that_are_not_tested_do_not_count(lab):
    test = lab.test().to_committing()
    tested = link_test.tested_words(test.seed, 512)
    test.flips = [~word & 2**256 - 1 for word in tested]
    test.commit(0)
    test.commit(1)
    event = test.settle().event("ChannelSettled")
    assert (event["verdict"], event["errorsZ"] + event["errorsX"]) == (ChannelStatus.Open, 0)


@pytest.mark.parametrize("over", [0, 1])
def test_the_allowance_is_rounded_down(lab, over):
    test = lab.test().to_committing()
    allowed = len(link_test.tested_positions(test.seed, 512)) * TERMS["errorPpm"] // 10**6
    assert allowed
    test.err(allowed + over)
    test.commit(0)
    test.commit(1)
    verdict = test.settle().event("ChannelSettled")["verdict"]
    assert verdict == (ChannelStatus.Failed if over else ChannelStatus.Open)


def test_a_failed_test_pays_nobody(lab):
    test = lab.test().to_failed()
    assert test.status is ChannelStatus.Failed
    assert (lab.purse(1), lab.purse(2), lab.stake()) == (PURSE, PURSE, STAKE)
    assert lab.reserved() == 0


def test_settle_shows_each_opening_exactly_once(lab):
    together = lab.test().to_revealing().settle()
    assert [event["end"] for event in together.named("OutcomesRevealed")] == [0, 1]
    apart = lab.test(3, 4).to_revealing()
    apart.reveal(1)
    assert [event["end"] for event in apart.settle().named("OutcomesRevealed")] == [0]
    both = lab.test(1, 3).to_revealing()
    both.reveal(0)
    both.reveal(1)
    assert both.settle().named("OutcomesRevealed") == []


def test_settle_needs_no_window(lab):
    test = lab.test().to_revealing()
    test.late()
    test.settle()
    assert test.status is ChannelStatus.Open


@pytest.mark.parametrize("end", [0, 1])
def test_settle_reverts_with_other_outcomes(lab, end):
    test = lab.test().to_revealing()
    openings = [test.opening(0), test.opening(1)]
    openings[end][2][0] ^= 1
    with refused("TranscriptMismatch"):
        lab.channels.settle(test.id, *openings, sender=lab.world.keeper)
    openings[end][2].pop()
    with refused("OutcomesLengthMismatch", channel=test.id, expected=2, actual=1):
        lab.channels.settle(test.id, *openings, sender=lab.world.keeper)


def test_settle_reverts_with_the_ends_swapped(lab):
    test = lab.test().to_revealing()
    with refused("TranscriptMismatch"):
        lab.channels.settle(test.id, test.opening(1), test.opening(0), sender=lab.world.keeper)


@pytest.mark.parametrize("errors", [0, 100])
def test_the_verdict_is_in_the_trail(lab, errors):
    test = lab.test().to_revealing(errors=errors)
    receipt = test.settle()
    told, entry = receipt.event("ChannelSettled"), receipt.event("EntryAppended")
    facts = [test.id, 1, told["verdict"], told["tested"], told["errorsZ"], told["errorsX"]]
    digest = keccak(encode(["uint64", "uint8", "uint8", "uint256", "uint256", "uint256"], facts))
    assert (entry["decision"], entry["subject"]) == (Decision.ChannelSettled, test.id)
    assert (entry["digest"], entry["recorder"]) == (digest, lab.channels.address)
