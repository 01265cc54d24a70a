import pytest

from qcrs.model.decision import Decision
from qcrs.rules.digest import abi_digest
from tests.evm import refused


def test_expel_ends_membership_and_keeps_the_record(world):
    receipt = world.consortium.expel(world.requesters, sender=world.certifier)
    assert world.consortium.organisationOf(world.requester) == 0
    record = world.consortium.organisations(world.requesters)
    assert (record["admitted"], record["name"]) == (False, "requester")
    assert receipt.event("OrganisationExpelled") == {"organisation": world.requesters}
    entry = receipt.event("EntryAppended")
    assert (entry["decision"], entry["subject"]) == (
        Decision.OrganisationExpelled,
        world.requesters,
    )
    assert entry["digest"] == abi_digest(["uint24"], [world.requesters])


def test_expel_reverts_when_already_expelled(world):
    world.consortium.expel(world.requesters, sender=world.certifier)
    with refused("OrganisationNotAdmitted", organisation=world.requesters):
        world.consortium.expel(world.requesters, sender=world.certifier)


@pytest.mark.parametrize("organisation", [0, 999])
def test_expel_reverts_when_never_admitted(world, organisation):
    with refused("OrganisationNotAdmitted", organisation=organisation):
        world.consortium.expel(organisation, sender=world.certifier)


@pytest.mark.parametrize("role", ["deployer", "committee", "security", "requester", "stranger"])
def test_expel_reverts_for_all_but_the_certification_authority(world, role):
    caller = getattr(world, role)
    with refused("AccessManagedUnauthorized", caller=caller):
        world.consortium.expel(world.requesters, sender=caller)


def test_running_computation_of_an_expelled_organisation_ends_in_order(world):
    job = world.submit().allocate()
    world.consortium.expel(world.requesters, sender=world.certifier)
    job.commit_all().disclose().reveal_all().settle()
    assert job.status.name == "Accepted"
    world.allocator.withdraw(world.available(world.requester), sender=world.requester)
