import pytest

from tests.deliveries import Desk


@pytest.fixture
def desk(world):
    return Desk(world)
