"""The history that every audit test examines."""

import pytest
from eth_hash.auto import keccak

from tests.scenario import World
from tests.unit.qcrs.audit.history import History, RecordedChain
from tests.unit.qcrs.audit.stories import STORIES

# The stories need some draws to fall as they do under it: else lies about them would not show.
TELLING = keccak(b"10")[:24]


@pytest.fixture(scope="session")
def history() -> History:
    """Everything in ``STORIES``, in order, on one chain."""
    world = World(RecordedChain(), genesis_entropy=TELLING)
    world.enrol_until(9)
    for tell in STORIES:
        tell(world)
    return History.of(world)
