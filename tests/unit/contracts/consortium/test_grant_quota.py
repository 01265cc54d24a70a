import pytest

from qcrs.model.decision import Decision
from qcrs.rules.digest import abi_digest
from tests.evm import refused


def test_grant_quota_is_in_the_audit_trail(world):
    receipt = world.consortium.grantQuota(world.requesters, 7, 5, sender=world.committee)
    assert receipt.event("QuotaGranted") == {"organisation": world.requesters, "elevated": 7, "critical": 5}
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (Decision.QuotaGranted, world.requesters)
    assert entry["digest"] == abi_digest(["uint24", "uint56", "uint56"], [world.requesters, 7, 5])
    assert world.consortium.quotaOf(world.requesters)[:2] == (7, 5)


def test_grant_quota_replaces_the_last(world):
    for amount in (7, 5):
        world.consortium.grantQuota(world.requesters, amount, amount, sender=world.committee)
    assert world.consortium.quotaOf(world.requesters)[:2] == (5, 5)


def test_grant_quota_reverts_when_expelled(world):
    world.consortium.expel(world.requesters, sender=world.certifier)
    with refused("OrganisationNotAdmitted", organisation=world.requesters):
        world.consortium.grantQuota(world.requesters, 1, 1, sender=world.committee)


@pytest.mark.parametrize("role", ["deployer", "certifier", "security", "council", "requester", "stranger"])
def test_grant_quota_reverts_for_all_but_the_committee(world, role):
    caller = getattr(world, role)
    with refused("AccessManagedUnauthorized", caller=caller):
        world.consortium.grantQuota(world.requesters, 1, 1, sender=caller)
