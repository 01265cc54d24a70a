import pytest

from qcrs.rules import link_test
from tests.evm import refused


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("end", [0, 1])
def test_reveal_opens_what_was_committed_to(lab, order, end):
    test = lab.test().to_revealing(*order)
    receipt = test.reveal(end, sender=lab.world.stranger)
    seed, salt, outcomes = test.opening(end)
    event = receipt.event("OutcomesRevealed")
    assert (event["channel"], event["end"]) == (test.id, end)
    assert event["opening"] == {"seed": seed, "salt": salt, "outcomes": outcomes}
    assert test.record["marks"] & 4 << end


@pytest.mark.parametrize("what", ["seed", "salt", "outcomes", "other seed", "other outcomes"])
def test_reveal_reverts_with_anything_else(lab, what):
    test = lab.test().to_revealing()
    seed, salt, outcomes = test.opening(1)
    others = [link_test.of_seed(test.seeds[0]), test.commitment(0)]
    if what == "seed":
        seed = bytes(32)
    elif what == "salt":
        salt = bytes(32)
    elif what == "outcomes":
        outcomes[-1] ^= 1
    else:
        others[what == "other outcomes"] = bytes(32)
    with refused("TranscriptMismatch") as refusal:
        lab.channels.reveal(test.id, 1, (seed, salt, outcomes), *others, sender=test.daemon(1))
    assert refusal.arguments["expected"] == test.record["transcript"] != refusal.arguments["actual"]


def test_reveal_reverts_with_another_number_of_words(lab):
    test = lab.test().to_revealing()
    seed, salt, outcomes = test.opening(0)
    others = link_test.of_seed(test.seeds[1]), test.commitment(1)
    with refused("OutcomesLengthMismatch", channel=test.id, expected=2, actual=3):
        lab.channels.reveal(test.id, 0, (seed, salt, [*outcomes, 0]), *others, sender=test.daemon(0))


def test_reveal_reverts_twice(lab):
    test = lab.test().to_revealing()
    test.reveal(0)
    with refused("ChannelEndDone", channel=test.id, end=0):
        test.reveal(0)
