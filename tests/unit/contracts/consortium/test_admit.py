import pytest

from qcrs.model.decision import Decision
from qcrs.model.organisation import Screen
from qcrs.rules.digest import abi_digest
from tests.evm import refused
from tests.scenario import account


def test_admit_records_the_organisation_and_its_admin(world):
    admin = account("new admin")
    receipt = world.consortium.admit("Lab", admin, 3, sender=world.certifier)
    organisation = receipt.result
    assert organisation == world.consortium.organisationCount() == world.nodes[-1].organisation + 1
    assert world.consortium.organisations(organisation) == {
        "admin": admin,
        "weight": 3,
        "admitted": True,
        "shortestFirst": False,
        "screen": Screen.Everyone,
        "name": "Lab",
    }
    assert world.consortium.organisationOf(admin) == organisation
    assert receipt.names == ["OrganisationAdmitted", "AccountJoined", "EntryAppended"]
    assert receipt.event("OrganisationAdmitted") == {
        "organisation": organisation,
        "admin": admin,
        "name": "Lab",
        "weight": 3,
    }
    assert receipt.event("AccountJoined") == {"organisation": organisation, "account": admin}


def test_admit_is_in_the_audit_trail(world):
    admin = account("new admin")
    receipt = world.consortium.admit("Lab", admin, 3, sender=world.certifier)
    entry = receipt.event("EntryAppended")
    assert entry["decision"] == Decision.OrganisationAdmitted
    assert entry["subject"] == receipt.result
    assert entry["recorder"] == world.consortium.address
    assert entry["digest"] == abi_digest(["uint24", "address", "string", "uint32"], [receipt.result, admin, "Lab", 3])


@pytest.mark.parametrize("weight", [1, 65_536])
def test_admit_takes_the_bounds_of_weights(world, weight):
    organisation = world.consortium.admit("Lab", account("new admin"), weight, sender=world.certifier).result
    assert world.consortium.organisations(organisation)["weight"] == weight


@pytest.mark.parametrize("weight", [0, 65_537, 2**32 - 1])
def test_admit_reverts_when_the_weight_is_out_of_range(world, weight):
    with refused("WeightOutOfRange", weight=weight, maximum=65_536):
        world.consortium.admit("Lab", account("new admin"), weight, sender=world.certifier)


def test_admit_reverts_when_admin_belongs_to_another(world):
    with refused("AccountTaken", account=world.requester, organisation=world.requesters):
        world.consortium.admit("Lab", world.requester, 1, sender=world.certifier)


@pytest.mark.parametrize("role", ["deployer", "committee", "security", "requester", "stranger"])
def test_admit_reverts_for_all_but_the_certification_authority(world, role):
    caller = getattr(world, role)
    with refused("AccessManagedUnauthorized", caller=caller):
        world.consortium.admit("Lab", account("new admin"), 1, sender=caller)
