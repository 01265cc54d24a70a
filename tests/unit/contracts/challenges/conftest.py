import pytest

from tests.challenged import Accused


@pytest.fixture
def challenges(world):
    """The contract; afterwards it must hold exactly the bonds of open demands."""
    contract = world.contracts["Challenges"]
    yield contract
    open_ = [contract.challengeOf(id_) for id_ in range(1, contract.challengeCount() + 1)]
    held = sum(challenge["bond"] for challenge in open_ if challenge["status"] == 1)
    assert world.chain.balance(contract.address) == held


@pytest.fixture
def honest_job(world, challenges):
    """A settled computation with nothing wrong."""
    return Accused.submit(world).settled()
