"""What happened on a chain, how to tell it falsely, and a node that serves it."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from qcrs.chain.codec import Event
from qcrs.rules.digest import keccak
from qcrs.rules.replay import COIN_HOLDERS, Constants, Examination, LoggedEvent, Report
from qcrs.rules.replay.trail import COMPUTATION_DECISIONS
from qcrs.rules.replay.transcript import EMITTERS
from tests.evm import CHAIN_ID, Chain, Contract, interfaces
from tests.scenario import World, account


class RecordedChain(Chain):
    """A chain that remembers what a node would: block times, creations and what they emit.

    Attributes:
        timestamps: By block number. creations: Code and arguments of each contract, by block number.
    """

    def __init__(self) -> None:
        self.timestamps: dict[int, int] = {}
        self.creations: dict[int, bytes] = {}
        super().__init__()

    def _mine(self, timestamp: int) -> None:
        super()._mine(timestamp)
        self.timestamps[self.number] = timestamp

    def deploy(self, name: str, *arguments: Any, sender: str) -> Contract:
        created_in = self.number
        contract = super().deploy(name, *arguments, sender=sender)
        self.log += [replace(event, block=created_in) for event in self._events()]
        arguments_ = contract.interface.encode_constructor(arguments)
        self.creations[created_in] = self.creation_code(name) + arguments_
        return contract

    def call(self, to: str, data: bytes) -> bytes:
        """Return what a call returns, as bytes."""
        return self._run(lambda: self._evm.message_call(account("anyone"), to, calldata=data))


@dataclass
class History:
    """What happened, and how to tell it falsely.

    Attributes:
        events: In chain order, as they were.
    """

    world: World
    events: list[LoggedEvent]
    constants: Constants
    answers: dict[tuple, Any]

    @classmethod
    def of(cls, world: World) -> "History":
        """Return what the suite's contracts said on the recorded chain of *world*."""
        chain = world.chain
        assert isinstance(chain, RecordedChain)
        events = [
            LoggedEvent(e.name, e.contract, e.arguments, e.block, chain.timestamps[e.block])
            for e in chain.log
            if e.contract in world.contracts
        ]
        constants = Constants(
            chain_id=CHAIN_ID,
            contracts={name: contract.address for name, contract in world.contracts.items()},
            keeper_bounty=world.settings.keeper_bounty,
            heartbeat_seconds=world.settings.heartbeat_seconds,
            genesis_entropy=world.settings.genesis_entropy,
        )
        return cls(world, events, constants, {})

    def positions(self, name: str, **arguments: Any) -> list[int]:
        """Return where the events called *name* with *arguments* stand."""
        return [
            position
            for position, event in enumerate(self.events)
            if event.name == name and all(event[key] == value for key, value in arguments.items())
        ]

    def position(self, name: str, **arguments: Any) -> int:
        """Return where the first such event stands."""
        return self.positions(name, **arguments)[0]

    def event(self, name: str, **arguments: Any) -> LoggedEvent:
        """Return the first such event."""
        return self.events[self.position(name, **arguments)]

    def entry_after(self, position: int, computation: int | None = None) -> int | None:
        """Return the index of the next audit entry, or of the next about *computation*."""
        for event in self.events[position:]:
            if event.name == "EntryAppended" and (
                computation is None or (event["decision"] in COMPUTATION_DECISIONS and event["subject"] == computation)
            ):
                return event["index"]
        return None

    def without(self, *positions: int) -> list[LoggedEvent]:
        """Return the log without the events at *positions*."""
        return [event for i, event in enumerate(self.events) if i not in positions]

    def changed(self, position: int, **arguments: Any) -> list[LoggedEvent]:
        """Return the log with other *arguments* in one event."""
        events = list(self.events)
        changed = {**events[position].arguments, **arguments}
        events[position] = replace(events[position], arguments=changed)
        return events

    def swapped(self, a: int, b: int) -> list[LoggedEvent]:
        """Return the log with the contents of two events exchanged, block numbers staying."""
        events = list(self.events)
        events[a] = replace(self.events[b], block=self.events[a].block, timestamp=self.events[a].timestamp)
        events[b] = replace(self.events[a], block=self.events[b].block, timestamp=self.events[b].timestamp)
        return events

    def inserted(self, position: int, name: str, **arguments: Any) -> list[LoggedEvent]:
        """Return the log with another event before *position*, in the same block."""
        at = self.events[position]
        event = LoggedEvent(name, EMITTERS[name], arguments, at.block, at.timestamp)
        return [*self.events[:position], event, *self.events[position:]]

    def retimed(self, position: int, timestamp: int) -> list[LoggedEvent]:
        """Return the log with another time for the block of one event."""
        block = self.events[position].block
        return [replace(e, timestamp=timestamp) if e.block == block else e for e in self.events]

    def examine(self, events: list[LoggedEvent] | None = None, **answers: Any) -> Report:
        """Audit *events*, or the log as it was.

        Args:
            answers: What functions of the contracts shall answer instead of the truth.
        """
        examination = Examination(self.events if events is None else events, self.constants)
        examination.run()
        if examination.fault is None:
            for claim in examination.claims():
                truth = self.view(claim.contract, claim.function, *claim.arguments)
                examination.hold(claim, answers.get(claim.function, truth))
            coin = {contract: self.view("coin", contract) for contract in COIN_HOLDERS}
            examination.hold_coin(coin | answers.get("coin", {}))
        return examination.report()

    def view(self, contract: str, function: str, *arguments: Any) -> Any:
        """Return what a view of the untouched chain returns; the chain stands still."""
        key = (contract, function, *arguments)
        if key not in self.answers:
            self.answers[key] = (
                self.world.chain.balance(self.world.contracts[function].address)
                if contract == "coin"
                else getattr(self.world.contracts[contract], function)(*arguments)
            )
        return self.answers[key]


def block_hash(number: int) -> str:
    """Return the hash of a block."""
    return "0x" + keccak(b"block" + number.to_bytes(8, "big")).hex()


class Node:
    """A gateway to the chain of a history, with the events that it chooses to serve.

    Attributes:
        asked: JSON-RPC methods that were called.
    """

    def __init__(self, history: History, events: list[LoggedEvent] | None = None) -> None:
        chain = history.world.chain
        assert isinstance(chain, RecordedChain)
        self.asked: list[str] = []
        self.interfaces = interfaces()
        self.addresses = dict(history.constants.contracts)
        self.network = SimpleNamespace(chain_id=CHAIN_ID, deployed_at=1, genesis=block_hash(0))
        self._chain, self._served = chain, history.events if events is None else events

    async def block_number(self) -> int:
        return self._chain.number

    async def logs(self, first: int, last: int) -> list[Event]:
        return [
            Event(e.contract, e.name, dict(e.arguments), e.block, i, hex(e.block))
            for i, e in enumerate(self._served)
            if first <= e.block <= last
        ]

    async def request(self, method: str, *parameters: Any) -> Any:
        self.asked.append(method)
        return getattr(self, method)(*parameters)

    def eth_getBlockByNumber(self, number: str, _full: bool) -> dict[str, str]:
        at = int(number, 16)
        return {"timestamp": hex(self._chain.timestamps[at]), "number": number, "hash": block_hash(at)}

    def eth_getTransactionByHash(self, hash_: str) -> dict[str, Any]:
        return {"to": None, "input": "0x" + self._chain.creations[int(hash_, 16)].hex()}

    def eth_getBalance(self, address: str, _block: str) -> str:
        return hex(self._chain.balance(address))

    def eth_call(self, message: dict[str, str], _block: str) -> str:
        data = bytes.fromhex(message["data"][2:])
        return "0x" + self._chain.call(message["to"], data).hex()
