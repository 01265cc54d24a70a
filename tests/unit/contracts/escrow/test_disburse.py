import pytest

from tests.evm import refused
from tests.scenario import account


@pytest.fixture
def treasury(world):
    """What a lost commit round leaves in the treasury."""
    job = world.submit().allocate().end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    return 3 * world.policy["slash"] - 2 * world.bounty


def test_disburse_sends_from_the_treasury(world, treasury):
    receiver = account("research fund")
    assert world.allocator.treasury() == treasury
    receipt = world.allocator.disburse(receiver, treasury - 1, sender=world.committee)
    assert world.chain.balance(receiver) == treasury - 1
    assert world.allocator.treasury() == 1
    assert receipt.event("TreasurySpent") == {"to": receiver, "amount": treasury - 1}


def test_disburse_reverts_when_the_treasury_has_less(world, treasury):
    with refused("InsufficientTreasury", available=treasury, required=treasury + 1):
        world.allocator.disburse(world.keeper, treasury + 1, sender=world.committee)


def test_disburse_reverts_when_the_receiver_refuses(world, treasury, refuser):
    with refused("TransferFailed", to=refuser, amount=1):
        world.allocator.disburse(refuser, 1, sender=world.committee)
    assert world.allocator.treasury() == treasury


@pytest.mark.parametrize("role", ["deployer", "certifier", "security", "requester", "stranger"])
def test_disburse_reverts_for_all_but_the_committee(world, role):
    caller = getattr(world, role)
    with refused("AccessManagedUnauthorized", caller=caller):
        world.allocator.disburse(caller, 0, sender=caller)
