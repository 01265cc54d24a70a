import pytest

from qcrs.model.channel import ChannelStatus
from qcrs.rules import link_test
from tests.doors import key_node
from tests.entanglement import TERMS
from tests.evm import refused

COMMITTED, SECOND_FIRST = 1, 16


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_both_commitments_lead_to_revealing(lab, order):
    test = lab.test().to_committing()
    one, other = order
    due = test.record["phaseEndsAt"]
    event = test.commit(one).event("OutcomesCommitted")
    assert event == {"channel": test.id, "end": one, "commitment": test.commitment(one), "phaseEndsAt": due}
    assert test.status is ChannelStatus.Committing
    now = lab.world.chain.now
    assert test.commit(other).event("OutcomesCommitted")["phaseEndsAt"] == now + TERMS["windowSeconds"]
    assert test.status is ChannelStatus.Revealing
    assert bool(test.record["marks"] & SECOND_FIRST) == (order == (1, 0))
    transcript = link_test.extend(*map(link_test.of_seed, test.seeds))
    for end in order:
        transcript = link_test.extend(transcript, test.commitment(end))
    assert test.record["transcript"] == transcript


def test_commit_reverts_twice(lab):
    test = lab.test().to_committing()
    test.commit(1)
    with refused("ChannelEndDone", channel=test.id, end=1):
        test.commit(1)


def test_commit_reverts_for_the_other_end_s_daemon(lab):
    test, node = lab.test().to_committing(), lab.world.nodes[0]
    with refused(
        "CallerNotOfProcessor", processor=1, account=test.daemon(1), daemon=node.daemon, operator=node.operator
    ):
        test.commit(0, sender=test.daemon(1))


def test_an_end_is_0_or_1(lab):
    test = lab.test().to_committing()
    with refused("ChannelEndInvalid", channel=test.id, end=2):
        lab.channels.commit(test.id, 2, bytes(32), sender=test.daemon(1))
    test.commit(0)
    test.commit(1)
    with refused("ChannelEndInvalid", channel=test.id, end=2):
        lab.channels.reveal(test.id, 2, test.opening(0), bytes(32), bytes(32), sender=test.daemon(1))


def test_keyed_daemons_act_through_the_door_alone(lab):
    test = lab.test().to_committing()
    _, daemon = key_node(lab.world, 1)
    with refused("HashSignatureRequired", account=daemon.account, door=lab.world.hash_keys.address):
        test.commit(0)
    assert daemon.perform(lab.channels, "commit", test.id, 0, test.commitment(0)).result[0]
    assert test.record["marks"] & COMMITTED


def test_a_keyed_daemon_spends_its_processor_s_purse_through_the_door(lab):
    _, daemon = key_node(lab.world, 2)
    test = lab.test().to_requested()
    before = lab.purse(2)
    with refused("HashSignatureRequired", account=daemon.account, door=lab.world.hash_keys.address):
        test.accept()
    assert daemon.perform(lab.channels, "accept", test.id, link_test.of_seed(test.seeds[1])).result[0]
    assert (test.status, lab.purse(2)) == (ChannelStatus.Heralding, before - test.deposit)


def test_a_keyed_operator_does_not_act_outside_the_door(lab):
    node = lab.world.nodes[0]
    operator, _ = key_node(lab.world, 1)
    test = lab.test()
    with refused("HashSignatureRequired", account=node.operator, door=lab.world.hash_keys.address):
        test.request(sender=node.operator)
    terms = tuple(test.terms.values())
    arguments = lab.link, 1, 2, terms, link_test.of_seed(test.seeds[0])
    assert operator.perform(lab.channels, "request", *arguments).result[0]
