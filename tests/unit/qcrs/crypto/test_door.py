"""The door's order of things, against a gateway that is told what to answer."""

import asyncio
from types import SimpleNamespace

import pytest
from eth_account import Account

from qcrs.chain.codec import ContractRefused, Event, load_interfaces
from qcrs.chain.gateway import Receipt, TransactionLost
from qcrs.door import MOST_CALLS, Door
from qcrs.rules.hash_signature import leaf_in

ACCOUNT = Account.from_key(b"\1" * 32)


class ToldGateway:
    """Takes what is sent, and answers as HashKeys would.

    Attributes:
        sent: Function and leaf of each transaction. looks: How often the key's word was asked for.
        failing: Raised by the next transaction. held: Transactions wait until it is set. reason: Why targets refuse.
    """

    def __init__(self):
        self.network = SimpleNamespace(chain_id=1337)
        self.interfaces = load_interfaces()
        self.addresses = dict.fromkeys(self.interfaces, "0x" + "c0" * 20)
        self.word, self.sent, self.looks = bytes(32), [], 0
        self.failing, self.held, self.reason = None, None, None

    async def call(self, contract, function, *arguments):
        assert (contract, function) == ("HashKeys", "wordOf")
        self.looks += 1
        return self.word

    async def send(self, account, contract, function, *arguments):
        assert (account, contract) == (ACCOUNT, "HashKeys")
        self.sent.append((function, leaf_in(arguments[-1])))
        if self.held is not None:
            await self.held.wait()
        if self.failing is not None:
            failing, self.failing = self.failing, None
            raise failing
        if function == "install":
            self.word = arguments[0] + bytes(4) + (leaf_in(arguments[1]) + 1).to_bytes(4, "big")
            return Receipt("0x", 1, 1, [])
        count = 1 if function == "perform" else len(arguments[1])
        self.word = self.word[:28] + (leaf_in(arguments[-1]) + 1).to_bytes(4, "big")
        if self.reason is None:
            event = Event("HashKeys", "ActionPerformed", {"result": b""}, 1, 0, "0x")
        else:
            event = Event("HashKeys", "ActionFailed", {"reason": self.reason}, 1, 0, "0x")
        return Receipt("0x", 1, 1, [event] * count)


@pytest.fixture
def gateway():
    return ToldGateway()


@pytest.fixture
def door(gateway, key):
    ring = SimpleNamespace(key_of=lambda commitment: key, successor=lambda commitment: key)
    door = Door(gateway, ACCOUNT, ring)
    yield door
    door.close()


def beat(door):
    return door.send("ProcessorRegistry", "heartbeat", 1)


def test_first_key_is_installed_and_then_signs(gateway, door):
    asyncio.run(beat(door))
    assert gateway.sent == [("install", 0), ("perform", 1)]


def test_calls_that_wait_go_together(gateway, door):
    async def scenario():
        await door.open()
        gateway.held = asyncio.Event()
        sends = [asyncio.ensure_future(beat(door)) for _ in range(2 + MOST_CALLS + 3)]
        while len(gateway.sent) < 2:
            await asyncio.sleep(0.01)
        gateway.held.set()
        await asyncio.gather(*sends)

    asyncio.run(scenario())
    assert [function for function, _ in gateway.sent] == ["install", "perform", "performMany", "performMany"]
    assert [leaf for _, leaf in gateway.sent] == [0, 1, 2, 3]


def test_lost_transaction_is_told_and_the_chain_looked_at_before_the_next_signature(gateway, door):
    async def scenario():
        await door.open()
        gateway.failing = TransactionLost("no receipt")
        with pytest.raises(TransactionLost):
            await beat(door)
        looked = gateway.looks
        await beat(door)
        assert gateway.looks == looked + 1

    asyncio.run(scenario())
    assert [leaf for _, leaf in gateway.sent] == [0, 1, 2], "no leaf is used again"


def test_refusal_of_the_target_is_told_by_its_name(gateway, door):
    errors = gateway.interfaces["ProcessorRegistry"].errors
    (selector,) = (selector for selector, entry in errors.items() if entry["name"] == "CallerNotBonds")
    gateway.reason = selector + bytes(32)
    with pytest.raises(ContractRefused, match="CallerNotBonds"):
        asyncio.run(beat(door))


def test_call_given_up_while_it_waits_is_not_made(gateway, door):
    async def scenario():
        await door.open()
        gateway.held = asyncio.Event()
        first = asyncio.ensure_future(beat(door))
        while len(gateway.sent) < 2:
            await asyncio.sleep(0.01)
        second, third = asyncio.ensure_future(beat(door)), asyncio.ensure_future(beat(door))
        await asyncio.sleep(0)
        second.cancel()
        gateway.held.set()
        await asyncio.gather(first, third)

    asyncio.run(scenario())
    assert [function for function, _ in gateway.sent] == ["install", "perform", "perform"]


def test_attestation_takes_its_turn(gateway, door):
    async def scenario():
        await door.open()
        signature = await door.attest("0x" + "a5" * 20, bytes(32))
        assert leaf_in(signature) == 1
        await beat(door)

    asyncio.run(scenario())
    assert gateway.sent[-1] == ("perform", 2)
