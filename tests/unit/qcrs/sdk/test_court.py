"""A refusal costs nothing."""

import asyncio

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.sdk.court import send


class Refusing:
    """A gateway whose contract refuses when looked at, and takes what is sent."""

    def __init__(self, refusal):
        self.refusal, self.sent = refusal, []

    async def simulate(self, account, *call, value=0):
        if self.refusal is not None:
            raise self.refusal

    async def send(self, account, *call, value=0):
        self.sent.append((call, value))
        return "receipt"


def test_what_is_refused_is_not_sent():
    gateway = Refusing(ContractRefused("AnswerStanding", {}))
    with pytest.raises(ContractRefused, match="AnswerStanding"):
        asyncio.run(send(gateway, None, "Challenges", "enforce", 1))
    assert gateway.sent == []


def test_what_is_taken_is_sent_with_its_coin():
    gateway = Refusing(None)
    assert asyncio.run(send(gateway, None, "Disputes", "lapse", 1, value=3)) == "receipt"
    assert gateway.sent == [(("Disputes", "lapse", 1), 3)]
