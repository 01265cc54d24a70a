"""A pool of five certifiers, and an applicant that has asked for a certificate."""

import pytest

from tests.certified import Trials


@pytest.fixture
def trials(world):
    """All five processors of the consortium as certifiers; afterwards the coin must match."""
    trials = Trials(world)
    trials.enlist(*world.nodes)
    yield trials
    trials.require_balanced()


@pytest.fixture
def applied(trials):
    """An applicant and the version that it claims."""
    return trials.applicant()


@pytest.fixture
def trial(trials, applied):
    """A certification that has been requested."""
    return trials.request(*applied)
