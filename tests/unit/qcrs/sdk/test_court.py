"""A refusal costs nothing, unless only the latest block's clock is behind."""

import asyncio

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.sdk.court import send

ENDS_AT = 1_000


class Refusing:
    """A gateway whose contract refuses when looked at, and takes what is sent."""

    def __init__(self, refusal, now):
        self.refusal, self.now, self.sent = refusal, now, []

    async def simulate(self, account, *call, value=0):
        if self.refusal is not None:
            raise self.refusal

    async def send(self, account, *call, value=0):
        self.sent.append((call, value))
        return "receipt"


def refusal(name):
    return ContractRefused(name, {"endsAt": ENDS_AT})


@pytest.mark.parametrize(
    ("refused", "now"),
    [
        (refusal("DeadlineOpen"), ENDS_AT),
        (refusal("RulingOpen"), ENDS_AT - 1),
        (refusal("AnswerStanding"), ENDS_AT + 1),
    ],
)
def test_what_is_refused_is_not_sent(refused, now):
    gateway = Refusing(refused, now)
    with pytest.raises(ContractRefused, match=refused.name):
        asyncio.run(send(gateway, None, "Challenges", "enforce", 1))
    assert gateway.sent == []


@pytest.mark.parametrize("refused", [None, refusal("DeadlineOpen"), refusal("RulingOpen")])
def test_what_is_due_by_now_is_sent(refused):
    gateway = Refusing(refused, ENDS_AT + 1)
    assert asyncio.run(send(gateway, None, "Disputes", "lapse", 1, value=3)) == "receipt"
    assert gateway.sent == [(("Disputes", "lapse", 1), 3)]
