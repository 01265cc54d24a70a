"""The suite on Brownie's Ganache, put there by the script that people run."""

from types import SimpleNamespace

import pytest
from brownie import Wei

from qcrs.chain.deployment import (
    DISPUTE_RESOLUTION,
    PROCESSOR_CERTIFICATION,
    QUANTUM_SECURITY,
    RESOURCE_ALLOCATION,
    VERIFICATION_STANDARDS,
    SuiteSettings,
    addresses_of,
)
from scripts.deploy import deploy
from tests.scenario import NOISE_CLASS

ROLE_HOLDERS = {
    RESOURCE_ALLOCATION: 1,
    PROCESSOR_CERTIFICATION: 2,
    QUANTUM_SECURITY: 3,
    DISPUTE_RESOLUTION: 7,
    VERIFICATION_STANDARDS: 8,
}


@pytest.fixture(scope="module")
def settings(accounts):
    return SuiteSettings({role: accounts[n].address for role, n in ROLE_HOLDERS.items()})


@pytest.fixture(scope="module")
def predicted(accounts):
    """What the plan says of every address, before the first transaction."""
    return addresses_of(accounts[0].address, accounts[0].nonce)


@pytest.fixture(scope="module")
def suite(accounts, settings, predicted):
    """The contracts by name."""
    return SimpleNamespace(**deploy(accounts[0], settings))


@pytest.fixture(scope="module")
def people(accounts):
    """Who does what."""
    return SimpleNamespace(
        deployer=accounts[0],
        committee=accounts[1],
        certifier=accounts[2],
        security=accounts[3],
        requester=accounts[4],
        operator=accounts[5],
        stranger=accounts[6],
        council=accounts[7],
        board=accounts[8],
    )


@pytest.fixture
def member(suite, people):
    """An admitted organisation's number, whose account is the requester."""
    suite.Consortium.admit("Theory Institute", people.requester, 1, {"from": people.certifier})
    return suite.Consortium.organisationOf(people.requester)


@pytest.fixture
def books(suite, people):
    """Checks that all books and keepers' bounties are what the allocator holds, and bonds what their contract does."""

    def require_balanced():
        allocator = suite.ComputationAllocator
        owned = sum(Wei(sum(allocator.balanceOf(person))) for person in vars(people).values())
        bounties = allocator.KEEPER_BOUNTY() * allocator.queueOf(NOISE_CLASS)["waiting"]
        assert owned + allocator.treasury() + bounties == allocator.balance()
        bonds, count = suite.Bonds, suite.ProcessorRegistry.processorCount()
        assert sum(bonds.bondOf(processor) for processor in range(1, count + 1)) == bonds.balance()

    return require_balanced


@pytest.fixture(autouse=True)
def _undone(module_isolation, fn_isolation):
    """Every test finds the suite as deployed."""
