"""Which role may call what, and who may change that."""

import pytest

from qcrs.chain.deployment import PRIVILEGES
from qcrs.model.dispute import DisputeKind
from tests.doors import keyed
from tests.evm import interfaces, refused
from tests.scenario import account

ROLES = {
    "RESOURCE_ALLOCATION": 1,
    "PROCESSOR_CERTIFICATION": 2,
    "QUANTUM_SECURITY": 3,
    "DISPUTE_RESOLUTION": 4,
    "VERIFICATION_STANDARDS": 5,
}
ARGUMENTS = {
    "admit": ("Lab", account("new"), 1),
    "expel": (1,),
    "setWeight": (1, 1),
    "grantQuota": (1, 1, 1),
    "certify": (1, 1),
    "suspend": (1, bytes(32)),
    "disburse": (account("new"), 0),
    "rule": (1, False, bytes(32)),
    "requireHashKeys": (),
    "setMarket": (1, 2, 3, 4),
    "setStandards": (5, 6, 8, 7),
    "pause": (1, bytes(32)),
    "resume": (bytes(32),),
}
PRIVILEGED = [
    (role, contract, function)
    for role, targets in PRIVILEGES.items()
    for contract, functions in targets.items()
    for function in functions
]


@pytest.mark.parametrize(("name", "role"), ROLES.items())
def test_role_constants_are_those_of_the_deployment(world, name, role):
    assert getattr(world.authority, name)() == role


@pytest.mark.parametrize(("role", "contract", "function"), PRIVILEGED)
def test_privileged_function_belongs_to_its_role(world, role, contract, function):
    selector = interfaces()[contract].selector(function)
    assert world.authority.getTargetFunctionRole(world.contracts[contract].address, selector) == role


@pytest.mark.parametrize(("role", "contract", "function"), PRIVILEGED)
def test_privileged_function_obeys_the_holder_of_its_role_only(world, role, contract, function):
    target = world.contracts[contract]
    arguments = (tuple(target.terms().values()),) if function == "setTerms" else ARGUMENTS.get(function, ())
    holder = world.settings.roles[role]
    if contract == "Disputes":
        disputed(world)
    if function == "proposeRecovery":
        loser = keyed(world, "requester")
        arguments = (loser.account, loser.commitment(1), loser.possession(1))
    for other in {world.deployer, world.keeper, *world.settings.roles.values()} - {holder}:
        with refused("AccessManagedUnauthorized", caller=other):
            getattr(target, function)(*arguments, sender=other)
    getattr(target, function)(*arguments, sender=holder)


def disputed(world):
    """Open the dispute that a ruling is about."""
    world.submit().to_settled()
    world.disputes.open(1, 0, DisputeKind.WrongAnswer, bytes(32), sender=world.stranger, value=world.policy["slash"])


def test_no_other_function_has_a_role(world):
    """Whoever adds a role in the deployment must say so in its table of privileges."""
    for contract in (
        "Consortium", "HashKeys", "ProcessorRegistry", "ComputationAllocator", "Disputes", "Certifications"
    ):  # fmt: skip
        privileged = {f for targets in PRIVILEGES.values() for f in targets.get(contract, ())}
        interface = interfaces()[contract]
        with_role = {
            function
            for function in interface.functions
            if world.authority.getTargetFunctionRole(world.contracts[contract].address, interface.selector(function))
        }
        assert with_role == privileged


def test_grant_role_reverts_for_all_but_the_admin(world):
    for caller in (world.committee, world.certifier, world.security, world.stranger):
        with refused("AccessManagerUnauthorizedAccount", msgsender=caller, roleId=0):
            world.authority.grantRole(1, caller, 0, sender=caller)


def test_revoked_role_no_longer_obeyed(world):
    world.authority.revokeRole(1, world.committee, sender=world.deployer)
    with refused("AccessManagedUnauthorized", caller=world.committee):
        world.consortium.setWeight(1, 2, sender=world.committee)


@pytest.mark.parametrize(
    "contract", ["Consortium", "HashKeys", "ProcessorRegistry", "ComputationAllocator", "Disputes"]
)
def test_set_authority_reverts_for_all_but_the_authority(world, contract):
    for caller in (world.deployer, world.committee, world.stranger):
        with refused("AccessManagedUnauthorized", caller=caller):
            world.contracts[contract].setAuthority(caller, sender=caller)
