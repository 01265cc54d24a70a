"""A refusal for being too early is believed only until the chain's clock is past what was waited for."""

import asyncio

import pytest

from qcrs.chain import timeliness
from qcrs.chain.codec import ContractRefused, load_interfaces
from qcrs.chain.gateway import Gateway
from qcrs.chain.timeliness import has_come_since

DUE_AT = 1_000
EARLY = [ContractRefused(name, {argument: DUE_AT}) for name, argument in timeliness._OPENS.items()]


class Refusing:
    """A sender whose node refuses."""

    def __init__(self, refusal):
        self.refusal = refusal

    async def simulate(self, *_):
        if self.refusal is not None:
            raise self.refusal


def simulate(refusal, now):
    gateway = Gateway.__new__(Gateway)
    gateway.interfaces, gateway.addresses = load_interfaces(), {"Channels": "0x" + "11" * 20}
    gateway._sender, gateway._head_timestamp, gateway._clock_offset = Refusing(refusal), now, -(10.0**12)
    asyncio.run(gateway.simulate(None, "Channels", "enforce", 1))


def test_each_error_has_the_moment_that_is_looked_at():
    declared = {error["name"]: error for interface in load_interfaces().values() for error in interface.errors.values()}
    for name, argument in timeliness._OPENS.items():
        assert argument in [parameter["name"] for parameter in declared[name]["inputs"]], name


@pytest.mark.parametrize("refusal", EARLY, ids=lambda refusal: refusal.name)
def test_what_is_due_by_now_is_simulated_as_if_a_block_had_been_made(refusal):
    simulate(refusal, DUE_AT + 1)
    with pytest.raises(ContractRefused, match=refusal.name):
        simulate(refusal, DUE_AT)


def test_other_refusals_stand_whatever_the_time():
    assert not has_come_since(ContractRefused("ChannelOverdue", {"dueAt": DUE_AT}), DUE_AT + 1)
    with pytest.raises(ContractRefused, match="ChannelExhausted"):
        simulate(ContractRefused("ChannelExhausted", {"left": 1}), DUE_AT + 1)


def test_what_is_never_due_stays_refused():
    """Zero stands for a step that has no deadline yet."""
    assert not has_come_since(ContractRefused("SessionNotDue", {"dueAt": 0}), DUE_AT)


def test_what_is_taken_passes():
    simulate(None, 0)
