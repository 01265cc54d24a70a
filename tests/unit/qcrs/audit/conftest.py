"""The history that every audit test examines."""

from collections.abc import Iterator

import pytest
from eth_hash.auto import keccak

from qcrs.chain.codec import Event
from qcrs.rules.replay import Constants, LoggedEvent
from tests import scenario
from tests.evm import CHAIN_ID
from tests.scenario import World
from tests.unit.qcrs.audit.history import History, RecordedChain
from tests.unit.qcrs.audit.stories import STORIES

# The stories need some draws to fall as they do under it: else lies about them would not show.
TELLING = keccak(b"10")[:24]


@pytest.fixture(scope="session")
def history() -> History:
    """Everything in ``STORIES``, in order, on one chain."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenario, "Chain", RecordedChain)
        world = World(genesis_entropy=TELLING)
    world.enrol_until(9)
    for tell in STORIES:
        tell(world)
    chain = world.chain
    assert isinstance(chain, RecordedChain)
    return History(
        world,
        list(_logged(chain.log, chain.timestamps)),
        Constants(
            chain_id=CHAIN_ID,
            contracts={name: contract.address for name, contract in world.contracts.items()},
            keeper_bounty=world.settings.keeper_bounty,
            heartbeat_seconds=world.settings.heartbeat_seconds,
            genesis_entropy=world.settings.genesis_entropy,
        ),
        {},
    )


def _logged(events: list[Event], timestamps: dict[int, int]) -> Iterator[LoggedEvent]:
    for e in events:
        yield LoggedEvent(e.name, e.contract, e.arguments, e.block, timestamps[e.block])
