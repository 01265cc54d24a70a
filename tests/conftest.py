"""Fixtures that every test may use.

Tests that run contracts in this process need pyrevm, which has no build for Python 3.13 yet: there they are left out,
and the header says so. The set-up therefore prefers 3.12 and 3.11.
"""

import importlib.util

import pytest

HAS_PYREVM = importlib.util.find_spec("pyrevm") is not None
if not HAS_PYREVM:
    collect_ignore = ["unit/contracts", "mirror", "stateful", "unit/qcrs/audit"]


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    return [] if HAS_PYREVM else ["pyrevm has no build for this Python: tests on an in-process EVM are LEFT OUT"]


@pytest.fixture(scope="session")
def _built_docket():
    from tests.governed import Docket

    return Docket()


@pytest.fixture
def docket(_built_docket):
    """A consortium under its bodies, as ``Docket`` builds it; afterwards all is undone."""
    with _built_docket.chain.undone():
        yield _built_docket


@pytest.fixture(scope="session")
def _built_world():
    from tests.scenario import World

    return World()


@pytest.fixture
def world(_built_world):
    """A consortium as ``World`` builds it; afterwards the books must balance, and all is undone."""
    with _built_world.undone():
        yield _built_world
        _built_world.require_balanced()
        _built_world.require_leases()


@pytest.fixture
def lab(_built_world):
    """A world with a link, and processors with coin in their purses; afterwards all coin must be accounted for."""
    from tests.entanglement import Lab

    with _built_world.undone():
        lab = Lab(_built_world)
        yield lab
        lab.require_balanced()
        _built_world.require_balanced()
