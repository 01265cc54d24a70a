"""Fixtures that every test may use."""

import pytest

from tests.scenario import World


@pytest.fixture(scope="session")
def _built_world():
    return World()


@pytest.fixture
def world(_built_world):
    """A consortium as ``World`` builds it; afterwards the books must balance, and all is undone."""
    nodes, holders = list(_built_world.nodes), set(_built_world.holders)
    with _built_world.chain.undone():
        yield _built_world
        _built_world.require_balanced()
        _built_world.require_leases()
    _built_world.nodes, _built_world.holders = nodes, holders
