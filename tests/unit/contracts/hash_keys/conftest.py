"""A door with a target behind it, and two people who know it; Alice has her key installed."""

from dataclasses import dataclass

import pytest

from tests.doors import Holder, open_door
from tests.evm import Chain, Contract
from tests.scenario import account


@dataclass
class Hall:
    """The door and who stands around it."""

    chain: Chain
    door: Contract
    target: Contract
    alice: Holder
    bob: Holder
    certifier: str
    stranger: str


@pytest.fixture(scope="session")
def _built_hall():
    chain, certifier = Chain(), account("certifier")
    door = open_door(chain, certifier)
    target = chain.deploy("DoorTarget", door.address, sender=certifier)
    return Hall(chain, door, target, Holder(door, "alice"), Holder(door, "bob"), certifier, account("stranger"))


@pytest.fixture
def hall(_built_hall):
    """A door, its state undone afterwards."""
    hall = _built_hall
    with hall.chain.undone():
        hall.alice = Holder(hall.door, "alice")
        hall.bob = Holder(hall.door, "bob")
        hall.alice.install()
        yield hall
