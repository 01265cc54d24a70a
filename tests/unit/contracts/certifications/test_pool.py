"""Who scores: in for a stake, out with it."""

import pytest

from qcrs.rules import certifying
from qcrs.rules.digest import keccak
from tests.certified import CHAIN, Trials
from tests.doors import keyed
from tests.evm import refused

TIP = keccak(b"tip")


def test_enlist_takes_the_stake(world):
    node, stake = world.nodes[0], Trials(world).terms["stake"]
    receipt = world.certifications.enlist(node.id, TIP, sender=node.operator, value=stake)
    assert receipt.event("CertifierEnlisted") == {"certifier": node.id, "stake": stake, "tip": TIP}
    assert world.certifications.certifierOf(node.id) == {"place": 1, "busy": False, "stake": stake, "tip": TIP}
    assert world.certifications.certifiers() == [node.id]
    Trials(world).require_balanced()


def test_enlist_reverts_twice_for_others_and_for_another_stake(trials):
    world, node = trials.world, trials.world.nodes[0]
    with refused("CertifierNotFree", processor=node.id):
        trials.enlist(node)
    trials.contract.delist(node.id, sender=node.operator)
    stake = trials.terms["stake"]
    with refused("CallerNotCertificationOperator"):
        trials.contract.enlist(node.id, TIP, sender=world.keeper, value=stake)
    with refused("CertificationPriceMismatch", required=stake, sent=stake - 1):
        trials.contract.enlist(node.id, TIP, sender=node.operator, value=stake - 1)


def test_delist_gives_the_stake_back_and_fills_the_place(trials):
    world, node = trials.world, trials.world.nodes[1]
    purse = world.purse(node.operator)
    receipt = trials.contract.delist(node.id, sender=node.operator)
    stake = trials.terms["stake"]
    assert receipt.event("CertifierDelisted") == {"certifier": node.id, "stake": stake}
    assert purse.gain(node.operator) == stake
    assert trials.contract.certifiers() == [1, 5, 3, 4]
    assert trials.contract.certifierOf(5)["place"] == 2
    with refused("CertifierNotFree", processor=node.id):
        trials.contract.delist(node.id, sender=node.operator)


def test_delist_reverts_while_it_sits_and_for_others(trials, trial):
    trial.convene()
    seat = trial.seats[0]
    with refused("CertifierNotFree", processor=seat.id):
        trials.contract.delist(seat.id, sender=seat.operator)
    with refused("CallerNotCertificationOperator"):
        trials.contract.delist(seat.id, sender=trials.world.keeper)


def test_salts_follow_from_the_root(trials):
    root, tip = trials.roots[1], trials.contract.certifierOf(1)["tip"]
    chain = certifying.chain_of(root, CHAIN)
    assert chain[-1] == tip
    assert certifying.next_salt(root, tip, CHAIN) == chain[-2]
    assert certifying.next_salt(root, root, CHAIN) is None  # used up
    assert certifying.next_salt(root, TIP, CHAIN) is None  # of another root


@pytest.mark.parametrize(
    "change",
    [
        {"windowSeconds": 0}, {"windowSeconds": 7 * 86_400 + 1}, {"answerSeconds": 0}, {"validSeconds": 0},
        {"cadenceSeconds": 0}, {"surprisePpm": 10**6 + 1}, {"tolerancePpm": 10**6 + 1}, {"driftPpm": 10**6 + 1},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_terms_have_bounds(trials, change):
    with refused("CertificationTermsInvalid"):
        trials.contract.setTerms(tuple((trials.terms | change).values()), sender=trials.world.certifier)


def test_terms_are_the_certification_authority_s(trials):
    world, terms = trials.world, trials.terms | {"fee": 1}
    for caller in (world.deployer, world.committee, world.stranger):
        with refused("AccessManagedUnauthorized", caller=caller):
            trials.contract.setTerms(tuple(terms.values()), sender=caller)
    receipt = trials.contract.setTerms(tuple(terms.values()), sender=world.certifier)
    assert receipt.event("CertificationTermsChanged") == {"terms": terms} == {"terms": trials.terms}


def test_a_raised_fee_is_not_that_of_what_is_open(trials, trial):
    terms = trials.terms
    trials.contract.setTerms(tuple((terms | {"fee": 10**18}).values()), sender=trials.world.certifier)
    purse = trials.world.purse(*(node.operator for node in trials.world.nodes[:5]))
    trial.finish()
    assert all(purse.gain(seat.operator) == terms["fee"] for seat in trial.seats)


def test_delist_of_a_keyed_operator_comes_through_the_door(trials):
    world, node, stake = trials.world, trials.world.nodes[1], trials.terms["stake"]
    operator = keyed(world, "operator 2")
    with refused("HashSignatureRequired", account=operator.account, door=world.hash_keys.address):
        trials.contract.delist(node.id, sender=node.operator)
    purse = world.purse(node.operator)
    assert operator.perform(trials.contract, "delist", node.id).result[0]
    assert purse.gain(node.operator) == stake
