"""A node whose chain grows while it is watched, and which fails in every way that nodes do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from qcrs.chain.codec import Event
from qcrs.chain.rpc import ChainUnreachable
from qcrs.rules.digest import keccak
from qcrs.rules.replay import Constants
from tests.evm import CHAIN_ID
from tests.scenario import World
from tests.unit.qcrs.audit.history import History, Node, RecordedChain

Change = Callable[[Event], Event | None]


def world_of(processors: int = 5) -> World:
    """Return a consortium on a chain that remembers what a node would."""
    world = World(RecordedChain())
    world.enrol_until(processors)
    return world


def constants_of(world: World) -> Constants:
    """Return what was fixed when the suite of *world* was deployed."""
    settings = world.settings
    addresses = {name: contract.address for name, contract in world.contracts.items()}
    return Constants(CHAIN_ID, addresses, settings.keeper_bounty, settings.heartbeat_seconds, settings.genesis_entropy)


class LiveNode(Node):
    """Serves what is on the chain now, or changes of it.

    Attributes:
        change: Applied to each event served; None leaves it out. changes_left: For how many more reads of the log.
        fork: Another value gives all blocks other hashes. down: How often it does not answer.
        gone: Blocks that it says it does not have. connected: How often somebody connected.
        wrong: Raised on connecting, when set.
    """

    def __init__(self, world: World) -> None:
        super().__init__(History(world, [], constants_of(world), {}))
        self.change: Change | None = None
        self.changes_left = 0
        self.fork = b""
        self.down = 0
        self.gone: set[int] = set()
        self.connected = 0
        self.wrong: Exception | None = None
        self.hidden_blocks = 0
        self.overrides: dict[str, Any] = {}

    async def connect(self) -> "LiveNode":
        self.connected += 1
        self._require_up()
        if self.wrong is not None:
            raise self.wrong
        return self

    async def close(self) -> None:
        pass

    async def __aenter__(self) -> "LiveNode":
        return await self.connect()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def block_number(self) -> int:
        self._require_up()
        return self._chain.number - 1 - self.hidden_blocks

    async def logs(self, first: int, last: int) -> list[Event]:
        self._require_up()
        served = [event for event in self._chain.log if first <= event.block <= last]
        if self.change is not None and self.changes_left > 0:
            self.changes_left -= 1
            served = [changed for event in served if (changed := self.change(event)) is not None]
        return [replace(event, transaction=hex(event.block)) for event in served]

    async def request(self, method: str, *parameters: Any) -> Any:
        self._require_up()
        return await super().request(method, *parameters)

    def eth_getBlockByNumber(self, number: str, full: bool) -> dict[str, str] | None:
        at = int(number, 16)
        if at in self.gone or at >= self._chain.number:
            return None
        return {**super().eth_getBlockByNumber(number, full), "hash": "0x" + keccak(self.fork + number.encode()).hex()}

    def eth_getBalance(self, address: str, block: str) -> str:
        return self.overrides.get("coin") or super().eth_getBalance(address, block)

    def _require_up(self) -> None:
        if self.down:
            self.down -= 1
            raise ChainUnreachable(f"nobody answers, {self.down + 1} times more")
