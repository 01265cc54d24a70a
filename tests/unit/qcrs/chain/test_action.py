"""A refusal costs nothing."""

import asyncio

import pytest

from qcrs.chain.action import act
from qcrs.chain.codec import ContractRefused


class Refusing:
    """A gateway whose contract refuses when looked at, and takes what is sent."""

    def __init__(self, refusal):
        self.refusal, self.simulated, self.sent = refusal, [], []

    async def simulate(self, account, *call, value=0):
        self.simulated.append((call, value))
        if self.refusal is not None:
            raise self.refusal

    async def send(self, account, *call, value=0):
        self.sent.append((call, value))
        return "receipt"


def test_what_is_refused_is_not_sent():
    gateway = Refusing(ContractRefused("AnswerStanding", {}))
    with pytest.raises(ContractRefused, match="AnswerStanding"):
        asyncio.run(act(gateway, None, "Challenges", "enforce", 1))
    assert gateway.sent == []


def test_what_is_taken_is_sent_with_its_coin():
    gateway = Refusing(None)
    assert asyncio.run(act(gateway, None, "Disputes", "lapse", 1, value=3)) == "receipt"
    assert gateway.simulated == gateway.sent == [(("Disputes", "lapse", 1), 3)]
