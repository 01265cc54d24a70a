import pytest

from tests.reports import Office


@pytest.fixture
def office(world):
    return Office(world)
