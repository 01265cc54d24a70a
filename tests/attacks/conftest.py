import pytest

from tests.deliveries import Desk
from tests.reports import Office


@pytest.fixture
def desk(world):
    return Desk(world)


@pytest.fixture
def office(world):
    return Office(world)
