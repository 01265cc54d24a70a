"""An in-process chain for tests: real EVM bytecode execution in about two milliseconds a test.

Why pyrevm: it runs revm, the EVM of Foundry and Reth, inside the test process. A test of three
transactions on a snapshot took 2 ms here, 48 ms on anvil, 93 ms on Ganache and 144 ms on py-evm;
nothing faster was honest. What it does not have is a node: no mempool, no JSON-RPC, no log filter.
Those are met by the tests that start Ganache.

Rules are Shanghai's, as on Ganache. Each transaction is its own block; the next one is a second
later. Gas is not reported: storage stays warm between transactions here, so the numbers would
flatter.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import pytest
from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env

from qcrs.chain.artifacts import Artifact, compile_sources, linked
from qcrs.chain.codec import ContractRefused, Event, Interface, code_of, decode_revert
from qcrs.model.motion import COMMITTEES

CHAIN_ID = 1337
GENESIS_AT = 1_800_000_000
BLOCK_GAS = 30_000_000

_REVERT = re.compile(r"^Revert \{.*output: 0x([0-9a-f]*) \}$")


@cache
def artifacts() -> Mapping[str, Artifact]:
    """Return what today's sources compile to, by name."""
    return compile_sources()


@cache
def interfaces() -> dict[str, Interface]:
    """Return the interface of every compiled contract that has code, by name."""
    known = {name: Interface(name, artifact.abi) for name, artifact in artifacts().items() if artifact.bytecode != "0x"}
    return {**known, **{name: Interface(name, known["Committee"].abi) for name in COMMITTEES}}


class Receipt:
    """What a transaction did.

    Attributes:
        result: What the function returned, decoded.
        events: What the suite's contracts emitted, decoded, in order.
    """

    def __init__(self, result: Any, events: Sequence[Event]) -> None:
        self.result, self.events = result, list(events)

    def named(self, name: str) -> list[Event]:
        """Return the events called *name*."""
        return [event for event in self.events if event.name == name]

    def event(self, name: str) -> dict[str, Any]:
        """Return the arguments of the one event called *name*."""
        (event,) = self.named(name)
        return event.arguments

    @property
    def names(self) -> list[str]:
        """Names of all events, in order."""
        return [event.name for event in self.events]


@dataclass(frozen=True)
class Contract:
    """A deployed contract: ``contract.submit(request, sender=alice)``.

    State-changing functions return a ``Receipt``, views what they return.
    """

    chain: "Chain"
    interface: Interface
    address: str

    def __getattr__(self, function: str) -> Any:
        entry = self.interface.functions.get(function)
        if entry is None:
            raise AttributeError(f"{self.interface.name} has no function {function}")
        if entry["stateMutability"] in ("view", "pure"):
            return partial(self.chain.read, self, function)
        return partial(self.chain.send, self, function)


class Chain:
    """One EVM, its clock, and the contracts on it.

    Attributes:
        log: Every event so far, in order.
    """

    def __init__(self) -> None:
        env = Env(cfg=CfgEnv(chain_id=CHAIN_ID))
        self._evm = EVM(env=env, gas_limit=BLOCK_GAS, spec_id="SHANGHAI")
        self._contracts: dict[str, Contract] = {}
        self._number, self._now = 0, GENESIS_AT
        self.log: list[Event] = []
        self._mine(self._now)

    @property
    def now(self) -> int:
        """Timestamp of the next transaction and of every read, unix seconds."""
        return self._now

    @property
    def number(self) -> int:
        """Number of the block that the next transaction will be in."""
        return self._number

    def warp(self, timestamp: int) -> None:
        """Let the next transaction happen at *timestamp*."""
        assert timestamp >= self._now, "time runs forward"
        self._mine(timestamp)

    def advance(self, seconds: int) -> None:
        """Let *seconds* pass."""
        self.warp(self._now + seconds)

    def fund(self, account: str, wei: int) -> None:
        """Give *account* a balance of *wei*."""
        self._evm.set_balance(account, wei)

    def balance(self, account: str) -> int:
        """Return the balance of *account* in wei."""
        return self._evm.get_balance(account)

    def nonce(self, account: str) -> int:
        """Return how many contracts *account* has created."""
        return self._evm.basic(account).nonce

    def storage(self, address: str, slot: int) -> int:
        """Return a storage word."""
        return self._evm.storage(address, slot)

    def put_storage(self, address: str, slot: int, word: int) -> None:
        """Overwrite a storage word, for states that no affordable number of calls reaches."""
        self._evm.insert_account_storage(address, slot, word)

    def put_code(self, address: str, code: bytes) -> None:
        """Make *address* a contract with the runtime *code*."""
        self._evm.insert_account_info(address, AccountInfo(nonce=1, code=code))

    def deploy(self, name: str, *arguments: Any, sender: str) -> Contract:
        """Create the contract called *name*."""
        interface = interfaces()[name]
        code = self.creation_code(name) + interface.encode_constructor(arguments)
        address = self._run(lambda: self._evm.deploy(sender, code, gas=BLOCK_GAS))
        self._mine(self._now + 1)
        contract = Contract(self, interface, address.lower())
        self._contracts[contract.address] = contract
        return contract

    def creation_code(self, name: str) -> bytes:
        """Return the code that creates the contract called *name*, with the libraries on this chain."""
        known = {contract.interface.name: contract.address for contract in self._contracts.values()}
        return linked(artifacts()[code_of(name)].bytecode, known)

    def send(
        self, contract: Contract, function: str, *arguments: Any, sender: str, value: int = 0, gas: int = BLOCK_GAS
    ) -> Receipt:
        """Execute a transaction of at most *gas* in its own block.

        Raises:
            ContractRefused: It reverted, and changed nothing.
        """
        data = contract.interface.encode_call(function, arguments)
        return_data, events = self.send_raw(contract.address, data, sender, value, gas)
        return Receipt(contract.interface.decode_result(function, return_data), events)

    def send_raw(
        self, to: str, data: bytes, sender: str, value: int = 0, gas: int = BLOCK_GAS
    ) -> tuple[bytes, list[Event]]:
        """Execute a transaction given as bytes; returns its output and events."""
        output = self._run(lambda: self._evm.message_call(sender, to, calldata=data, value=value, gas=gas))
        events = self._events()
        self.log += events
        self._mine(self._now + 1)
        return output, events

    def read(self, contract: Contract, function: str, *arguments: Any, sender: str = "0x" + "00" * 20) -> Any:
        """Return what a view returns now."""
        data = contract.interface.encode_call(function, arguments)
        output = self._run(lambda: self._evm.message_call(sender, contract.address, calldata=data, gas=BLOCK_GAS))
        return contract.interface.decode_result(function, output)

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo on leaving whatever happens inside, the clock included."""
        point, number, now, logged = self._evm.snapshot(), self._number, self._now, len(self.log)
        try:
            yield
        finally:
            self._evm.revert(point)
            del self.log[logged:]
            self._number = number - 1
            self._mine(now)

    def _mine(self, timestamp: int) -> None:
        self._number += 1
        self._now = timestamp
        self._evm.set_block_env(BlockEnv(number=self._number, timestamp=timestamp, gas_limit=BLOCK_GAS))

    def _run(self, execute: Any) -> Any:
        try:
            return execute()
        except RuntimeError as error:
            match = _REVERT.match(str(error))
            if match is None:
                raise  # not a revert: a fault of the test
            raise decode_revert(bytes.fromhex(match[1]), interfaces()) from None

    def _events(self) -> list[Event]:
        events = []
        for index, log in enumerate(self._evm.result.logs):
            topics, data = log.data
            contract = self._contracts[log.address.lower()]
            raw = {
                "topics": [_hex(topic) for topic in topics],
                "data": _hex(data),
                "blockNumber": hex(self._number),
                "logIndex": hex(index),
                "transactionHash": "0x" + self._number.to_bytes(32, "big").hex(),
            }
            event = contract.interface.decode_log(raw)
            assert event is not None, f"{contract.interface.name} emitted an event its ABI lacks"
            events.append(event)
        return events


@dataclass
class Refusal:
    """What ``refused`` caught: the error's arguments, once the block has ended."""

    arguments: dict[str, Any]


@contextmanager
def refused(error: str, **arguments: Any) -> Iterator[Refusal]:
    """Expect the custom error *error*, with exactly *arguments* where any are given."""
    refusal = Refusal({})
    with pytest.raises(ContractRefused) as caught:
        yield refusal
    assert caught.value.name == error, str(caught.value)
    if arguments:
        assert caught.value.arguments == arguments
    refusal.arguments = caught.value.arguments


def _hex(value: bytes | str) -> str:
    return value if isinstance(value, str) else "0x" + value.hex()
