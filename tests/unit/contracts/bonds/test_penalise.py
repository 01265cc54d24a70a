import pytest

from tests.evm import refused

COURTS = ["challenges_court", "disputes_court"]


@pytest.mark.parametrize("court", COURTS)
def test_penalise_sends_what_a_fault_costs_to_the_court(courts, court):
    court, slash = getattr(courts, court), courts.policy["slash"]
    before = courts.chain.balance(court)
    receipt = courts.bonds.penalise(7, 1, sender=court)
    assert receipt.result == slash == courts.chain.balance(court) - before
    assert courts.bonds.bondOf(1) == courts.policy["minimumBond"] - slash
    assert receipt.names == ["BondSlashed", "ProcessorBonded"]
    assert receipt.event("BondSlashed") == {"computation": 7, "processor": 1, "amount": slash}
    assert receipt.event("ProcessorBonded") == {"processor": 1, "bonded": False}
    assert courts.allocator.treasury() == 0


def test_penalise_takes_no_more_than_the_bond_holds(courts):
    policy = courts.policy | {"slash": courts.policy["minimumBond"] - 1}
    courts.set_policy(policy)
    taken = [courts.bonds.penalise(7, 1, sender=courts.disputes_court).result for _ in range(3)]
    assert taken == [policy["slash"], 1, 0]
    assert courts.bonds.bondOf(1) == 0


def test_penalise_reaches_a_bond_that_is_on_its_way_out(courts):
    node = courts.nodes[0]
    courts.bonds.beginUnbonding(node.id, sender=node.operator)
    receipt = courts.bonds.penalise(7, node.id, sender=courts.challenges_court)
    assert receipt.names == ["BondSlashed"]
    assert receipt.result == courts.policy["slash"]


def test_penalise_of_an_unknown_processor_takes_nothing(courts):
    assert courts.bonds.penalise(7, 99, sender=courts.disputes_court).result == 0


def test_let_go_reverts_without_a_hold(courts):
    with refused("Panic", code=0x11):
        courts.bonds.letGo(1, sender=courts.disputes_court)
